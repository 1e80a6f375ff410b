"""How the tests of a school spread: its counting tests of the judged days in steps of speed, each with its rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from collector.domain.targets import BPS_PER_MBPS
from collector.store.queries.pages.school import Speed
from collector.store.queries.pages.schools import SchoolRow
from collector.web.charts import spread as chart
from collector.web.charts.spread import Step
from collector.web.http.addresses import url_for
from collector.web.language import present
from collector.web.language.i18n import say, say_many

_STEPS_MAX: Final = 16
_NICE: Final = (1.0, 2.0, 2.5, 5.0)


@dataclass(frozen=True)
class StepLine:
    """One step in words."""

    name: Markup  # from and to
    tests: int
    below: int  # of those, how many are under the target
    address: str


@dataclass(frozen=True)
class Spread:
    """What the card shows."""

    tests: int
    width: str  # of a step, Mbit/s
    lines: list[StepLine]
    wide: Markup
    narrow: Markup


def spread(row: SchoolRow, window: Sequence[Speed]) -> Spread | None:
    """Return the card; None where no test counts.

    Args:
        row: The school with its newest evaluation.
        window: The tests of the judged days.
    """
    speeds = sorted(test.download_bps for test in window if test.votes and test.download_bps is not None)
    if not speeds:
        return None
    width_bps = step_bps(max(speeds[-1], row.target_bps or 0))
    steps = steps_of(speeds, width_bps, row.target_bps)
    contract = round(row.contract_download_mbps * BPS_PER_MBPS) if row.contract_download_mbps else None
    label = str(_label(len(speeds), sum(step.below for step in steps), row))
    pictures = [chart.draw(steps, row.target_bps, contract, label, width) for width in (chart.WIDE, chart.NARROW)]
    lines = [_line(row, step) for step in steps if step.tests]
    return Spread(len(speeds), present.plain(width_bps / BPS_PER_MBPS), lines, *pictures)


def step_bps(most_bps: int) -> int:
    """Return the width of a step: a round figure of which few enough reach up to a speed."""
    least = max(most_bps, 1) / (_STEPS_MAX - 1)
    scale = 10.0 ** math.floor(math.log10(least))
    return max(1, round(next(nice * scale for nice in (*_NICE, 10.0) if nice * scale >= least)))


def steps_of(speeds: Sequence[int], width_bps: int, target_bps: int | None) -> list[Step]:
    """Return the steps from 0 up to the last that a speed or the target lies in, empty ones too.

    Args:
        speeds: Downloads, bit/s, ascending.
        width_bps: Of a step.
        target_bps: Tests under it are counted apart; None: there is no target.
    """
    last = max(speeds[-1], target_bps or 0) // width_bps
    tests, below = [0] * (last + 1), [0] * (last + 1)
    for bps in speeds:
        tests[bps // width_bps] += 1
        below[bps // width_bps] += target_bps is not None and bps < target_bps
    return [
        Step(at * width_bps, (at + 1) * width_bps, some, under)
        for at, (some, under) in enumerate(zip(tests, below, strict=True))
    ]


def _line(row: SchoolRow, step: Step) -> StepLine:
    least, under = step.least_bps / BPS_PER_MBPS, step.under_bps / BPS_PER_MBPS
    name = say("%(first)s to %(last)s", first=present.plain(least), last=present.plain(under))
    address = url_for(
        "school_tests.show",
        code=row.code,
        counts="yes",
        least=f"{least:.6g}",
        under=f"{under:.6g}",
        **{"from": row.window_from, "to": row.day},
    )
    return StepLine(name, step.tests, step.below, address)


def _label(tests: int, below: int, row: SchoolRow) -> Markup:
    if not row.target_bps:
        return say_many("How the download of %(num)s test spreads", "How the downloads of %(num)s tests spread", tests)
    return say_many(
        "%(below)s of %(num)s test is under the target of %(target)s Mbit/s",
        "%(below)s of %(num)s tests are under the target of %(target)s Mbit/s",
        tests,
        below=below,
        target=present.target_mbps(row.target_bps),
    )
