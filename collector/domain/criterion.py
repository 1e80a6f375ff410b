"""The constants of the judgement as one value, so that a profile can differ in its share and tests in anything."""

from dataclasses import dataclass

Z_ONE_SIDED_95 = 1.645


@dataclass(frozen=True)
class Criterion:
    """How a window of observations becomes a verdict and a run of verdicts a flag (CONTRACTS 5)."""

    share: float = 0.5  # s: the part of the tests that must reach the target
    min_tests: int = 12
    min_days: int = 5
    window_days: int = 10  # school days with at least one voting test
    reach_days: int = 27  # calendar days that a window may look back
    z: float = Z_ONE_SIDED_95
    day_icc: float = 0.3  # correlation of the tests of one day
    recover_margin: float = 1.10  # a line must clear the target by this before a flag may close
    open_after: int = 2  # BELOW evaluations before a flag opens
    open_after_few: int = 4  # the same where the window is thin
    few_tests: int = 20  # a window with fewer is thin
    low_days: int = 3  # of the last `observed_days`, with a daily median under the target
    observed_days: int = 5
    close_after: int = 5  # good evaluations before a flag closes
    quiet_days: int = 10  # calendar days without a new watch after a person closed the flag
    stale_days: int = 5  # expected school days without a voting test


DEFAULT = Criterion()
