"""How much of their monthly allowance the tests of the schools have used: one figure, and a line for each school.

Counted are the schools that have a PC which may test, and those that have tested this month. Each may use what the
settings give it, or all schools. The month is the calendar month where the deployment is; its days are those of each
school, as the evaluation has counted them.
"""

from collections.abc import Mapping, Sequence
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
        """How much of the allowance is used; None: there is none, and so no share of it."""
        return self.month.used_bytes / self.allowance_bytes if self.allowance_bytes else None


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
        return self.is_judged and (self.month.used_bytes > 0 or not self.month.uncounted_days)

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


def lines(snapshot: Snapshot, parts: Desk) -> list[Line]:
    """Return every school that counts, the greatest share of its allowance first; without an allowance at the end."""
    tested = _tested(snapshot, parts)
    usual_bytes, own = _allowances(snapshot, parts)
    found = [
        Line(code, tested.get(code, NOTHING), own.get(code, usual_bytes))
        for code in tested.keys() | data_used.active(snapshot)
    ]
    return sorted(found, key=lambda line: (line.share is None, -(line.share or 0), -line.month.used_bytes, line.code))


def total(snapshot: Snapshot, parts: Desk, *, is_judged: bool) -> Total:
    """Return the figure of all schools together.

    Args:
        snapshot: What is shown.
        parts: The moment, the zone and the configuration.
        is_judged: An evaluation has counted the days that there are.
    """
    tested = _tested(snapshot, parts)
    usual_bytes, own = _allowances(snapshot, parts)
    codes = tested.keys() | data_used.active(snapshot)
    allowance_bytes = usual_bytes * len(codes) + sum(own[code] - usual_bytes for code in own.keys() & codes)
    return Total(len(codes), _sum(list(tested.values())), allowance_bytes, is_judged)


def _sum(months: Sequence[Month]) -> Month:
    return Month(*(sum(one[at] for one in months) for at in range(len(Month._fields))))


def _tested(snapshot: Snapshot, parts: Desk) -> Mapping[str, Month]:
    first = first_day(parts)
    return remembered.of_votes(
        "data_used", snapshot, parts.measure, lambda: data_used.months(snapshot, first), first
    )


def _allowances(snapshot: Snapshot, parts: Desk) -> tuple[int, dict[str, int]]:
    """Return what a school may use in a month, and what those may that have an allowance of their own, in bytes."""
    said = {place: rules.wishes(one).month_bytes for place, one in agent_settings.all_in_force(snapshot).items()}
    everywhere = said.pop(EVERYWHERE, None)
    usual_bytes = parts.config.month_bytes if everywhere is None else everywhere
    return usual_bytes, {place: wish for place, wish in said.items() if wish is not None}
