"""One day of one school from observations to a judgement: what the evaluation and the simulator both call."""

from collections.abc import Sequence
from datetime import date

from collector.domain.criterion import DEFAULT, Criterion
from collector.domain.observations import Observation
from collector.domain.verdict import Judgement, judge
from collector.domain.windows import window_of

METRIC = "download_bps"  # of a measurement: what is held against the target


def judge_day(
    observations: Sequence[Observation], day: date, target_bps: int, criterion: Criterion = DEFAULT
) -> Judgement:
    """Return the judgement of a school-local day.

    A day without a voting measurement of its own and a suppressed day are not evaluated: the
    caller does not ask for them.

    Args:
        observations: Voting measurements in any order; at least those of the 28 days that end with `day`.
        day: The school-local day.
        target_bps: The target in force on `day`, > 0; it holds for the whole window.
        criterion: The profile's share and the constants.
    """
    return judge(window_of(observations, day, criterion), day, target_bps, criterion)
