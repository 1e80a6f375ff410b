"""How much of their monthly allowance the tests of the schools have used: one figure, and a line for each school.

Counted are the schools that have a PC which may test, and those that have tested this month. Each may use what the
settings give it, or all schools. The month is the calendar month where the deployment is; its days are those of each
school, as the evaluation has counted them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from collector.intake import rules
from collector.store.queries import agent_settings
from collector.store.queries.agent_settings import EVERYWHERE
from collector.store.queries.pages import data_used
from collector.store.queries.pages.data_used import NOTHING, Month
from collector.store.unit import Snapshot
from collector.web.desk import Desk
from collector.web.language import present
from collector.web.language.conventions import NBSP
from collector.web.language.i18n import say
from collector.web.views import line_up, remembered


@dataclass(frozen=True)
class Line:
    """One school's month."""

    code: str
    month: Month
    allowance_bytes: int

    @property
    def share(self) -> float | None:
        """How much of the allowance is used; None: nobody knows, or there is no allowance."""
        return self.month.used_bytes / self.allowance_bytes if self.month.is_known and self.allowance_bytes else None


@dataclass(frozen=True)
class Total:
    """All schools that the reader sees."""

    schools: int
    month: Month
    allowance_bytes: int
    is_judged: bool  # False: no evaluation has ever counted anything

    @property
    def is_known(self) -> bool:
        """Whether what is used is known, at least in part."""
        return self.is_judged and self.month.is_known

    @property
    def share(self) -> float | None:
        """How much of all allowances is used; None: nobody knows, or there is no allowance."""
        return self.month.used_bytes / self.allowance_bytes if self.is_known and self.allowance_bytes else None

    @property
    def shown(self) -> str:
        """The share, or a dash."""
        return line_up.percent(self.share)

    @property
    def sentence(self) -> Markup:
        """What the share is of; where nobody knows it, why."""
        values = {"used": amount(self.month.used_bytes), "all": amount(self.allowance_bytes)}
        if not self.schools:
            return say("no school has a PC that may test")
        if not self.is_known:
            return say("not counted yet: the next evaluations do it")
        if not self.allowance_bytes:
            return say("%(used)s; the settings allow none", **values)
        if self.month.uncounted_days:
            return say("at least %(used)s of %(all)s that the schools may use this month", **values)
        return say("%(used)s of %(all)s that the schools may use this month", **values)


def amount(size_bytes: int) -> Markup:
    """Return bytes with their unit: megabytes below one gigabyte, of 10^6 and 10^9."""
    giga = size_bytes / 1e9
    if giga < 1:
        shown = say("%(size)s MB", size=present.number(size_bytes / 1e6, 1))
    else:
        shown = say("%(size)s GB", size=present.number(giga, 1 if giga < 100 else 0))
    return shown.replace(" ", NBSP)


def first_day(parts: Desk) -> str:
    """Return the day on which the month began where the deployment is."""
    return present.local(parts.now_ms, parts.zone).date().replace(day=1).isoformat()


def lines(snapshot: Snapshot, parts: Desk, limit: int | None = None) -> list[Line]:
    """Return the schools that count, the greatest share of its allowance first; at most so many, None for all."""
    tested = _tested(snapshot, parts).by_school
    usual_bytes, own = _allowances(snapshot, parts)
    # By plain tuples: of a country there are thousands, and a page shows fifty.
    ranked = []
    for code in (*tested, *data_used.untested(snapshot, first_day(parts))):
        used_bytes, allowance_bytes = tested.get(code, NOTHING).used_bytes, own.get(code, usual_bytes)
        share = used_bytes / allowance_bytes if allowance_bytes else -1.0  # without an allowance at the end
        ranked.append((-share, -used_bytes, code))
    ranked.sort()
    return [Line(code, tested.get(code, NOTHING), own.get(code, usual_bytes)) for _, _, code in ranked[:limit]]


def total(snapshot: Snapshot, parts: Desk, *, is_judged: bool) -> Total:
    """Return the figure of all schools together.

    Args:
        snapshot: What is shown.
        parts: The moment, the zone and the configuration.
        is_judged: An evaluation has counted the days that there are.
    """
    tested = _tested(snapshot, parts)
    usual_bytes, own = _allowances(snapshot, parts)
    others = data_used.untested_among(
        snapshot, first_day(parts), [code for code in own if code not in tested.by_school]
    )
    schools = len(tested.by_school) + data_used.count_untested(snapshot, first_day(parts))
    of_these = [code for code in own if code in tested.by_school or code in others]
    allowance_bytes = usual_bytes * schools + sum(own[code] - usual_bytes for code in of_these)
    return Total(schools, tested.total, allowance_bytes, is_judged)


@dataclass(frozen=True)
class _Tested:
    """The schools that have tested in a month."""

    by_school: Mapping[str, Month]
    total: Month


def _tested(snapshot: Snapshot, parts: Desk) -> _Tested:
    first = first_day(parts)

    def read() -> _Tested:
        found = data_used.months(snapshot, first)
        return _Tested(found, Month(*map(sum, zip(NOTHING, *found.values(), strict=True))))

    return remembered.of_votes("data_used", snapshot, parts.measure, read, first)


def _allowances(snapshot: Snapshot, parts: Desk) -> tuple[int, dict[str, int]]:
    """Return what a school may use in a month, and what those may that have an allowance of their own, in bytes."""
    said = {place: rules.wishes(one).month_bytes for place, one in agent_settings.all_in_force(snapshot).items()}
    everywhere = said.pop(EVERYWHERE, None)
    usual_bytes = parts.config.month_bytes if everywhere is None else everywhere
    return usual_bytes, {place: wish for place, wish in said.items() if wish is not None}
