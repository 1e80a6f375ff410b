"""What both a school's page and its flag's page show: the chart of its tests, and what they answer to six questions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from collector.domain.cures import CONTRACT_KEPT
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages.school import DayRow, Speed, TestFilter
from collector.store.queries.pages.schools import SchoolRow
from collector.store.unit import Snapshot
from collector.web.charts import history
from collector.web.charts.history import ChartDay, Dot, History
from collector.web.desk import desk
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.views.figures import median

_CHART_WEEKS = 12
_CHART_TESTS = 3000
_DAY_MS = 86_400_000
_WIRED_PART, _WIFI_PART, _ROOM = 0.94, 0.5, 1.2  # what of a link's rate a test can show, and how much above the target
_LIKE = 0.85  # medians of two groups are alike from here on


@dataclass(frozen=True)
class ChartSpan:
    """A flag as the chart marks it."""

    opened_on: str
    closed_on: str | None


@dataclass(frozen=True)
class Charts:
    """The same chart for the room of a wide card, a narrow card and a phone; drawn where a page shows it."""

    shown: History

    @property
    def wide(self) -> Markup:
        """For a wide card."""
        return history.draw(self.shown, history.WIDE)

    @property
    def middle(self) -> Markup:
        """For a narrow card."""
        return history.draw(self.shown, history.MIDDLE)

    @property
    def narrow(self) -> Markup:
        """For a phone."""
        return history.draw(self.shown, history.NARROW)

    @property
    def is_empty(self) -> bool:
        """Whether there is no test to show."""
        return not self.shown.dots


def midnight_ms(day: str, zone: ZoneInfo) -> int:
    """Return the first moment of a local day."""
    return round(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp() * 1000)


def day_after(day: str) -> str:
    """Return the next day."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def local_day(at_ms: int, zone: ZoneInfo) -> str:
    """Return the local date of a moment."""
    return present.local(at_ms, zone).date().isoformat()


@dataclass(frozen=True)
class Recent:
    """The last weeks of a school."""

    days: list[DayRow]  # judged ones, oldest first
    off: dict[str, str]  # holidays and closures
    tests: list[Speed]  # newest first


def recent(snapshot: Snapshot, row: SchoolRow, zone: ZoneInfo) -> Recent:
    """Return the days and tests of the last weeks, nothing of times to come."""
    now_ms = desk().now_ms
    today = date.fromisoformat(local_day(now_ms, zone))
    from_day = (today - timedelta(days=7 * _CHART_WEEKS)).isoformat()
    wanted = TestFilter(from_ms=midnight_ms(from_day, zone), to_ms=now_ms + _DAY_MS)
    days = [day for day in pages_school.days(snapshot, row.code, from_day) if day.day <= today.isoformat()]
    return Recent(
        days=days,
        off=pages_school.days_off(snapshot, row.code, row.area, from_day),
        tests=pages_school.speeds(snapshot, row.code, wanted, _CHART_TESTS),
    )


def charts(row: SchoolRow, found: Recent, span: ChartSpan | None, zone: ZoneInfo) -> Charts:
    """Return the pictures of a school's history."""
    dots = [_dot(test, test.download_bps, zone) for test in found.tests if test.download_bps is not None]
    shown = History(
        days=_chart_days(found, dots, local_day(desk().now_ms, zone)),
        dots=dots,
        target_bps=row.target_bps,
        contract_bps=round(row.contract_download_mbps * 1e6) if row.contract_download_mbps else None,
        opened_on=span.opened_on if span else None,
        closed_on=span.closed_on if span else None,
        label=_label(row),
    )
    return Charts(shown)


def _dot(test: Speed, bps: int, zone: ZoneInfo) -> Dot:
    when = present.local(test.started_ms, zone)
    of_day = (when.hour * 60 + when.minute) / 1440
    return Dot(when.date().isoformat(), of_day, bps, bool(test.votes))


def _chart_days(found: Recent, dots: Sequence[Dot], today: str) -> list[ChartDay]:
    """Return the days, those with tests that nobody has judged yet, those off, and today: silence has to be seen."""
    known = {day.day: ChartDay(day.day, day.is_open, day.suppressed, day.median_download_bps) for day in found.days}
    for dot in dots:
        known.setdefault(dot.day, ChartDay(dot.day, True, None, None))
    if known:
        first = min(known)
        for day, kind in found.off.items():
            if first <= day <= today:
                known.setdefault(day, ChartDay(day, False, kind, None))
        known.setdefault(today, ChartDay(today, present.is_weekday(today), None, None))
    return [known[day] for day in sorted(known)]


def _label(row: SchoolRow) -> str:
    if row.median_bps is None or not row.target_bps:
        return str(say("Download speed of every test, in Mbit/s"))
    return str(
        say(
            "Download speed of every test: typical %(speed)s, target %(target)s Mbit/s",
            speed=present.mbps(row.median_bps),
            target=present.target_mbps(row.target_bps),
        )
    )


@dataclass(frozen=True)
class Answer:
    """One question that the tests of a window answer."""

    asked: Markup
    answer: Markup
    so: Markup


def answers(row: SchoolRow, tests: Sequence[Speed], zone: ZoneInfo) -> list[Answer]:
    """Return what the tests of the window say about whose fault it is; what they cannot say is left out."""
    found = [test for test in tests if test.download_bps is not None]
    voting = [test for test in found if test.votes]
    asked: list[Callable[[], Answer | None]] = [
        lambda: _off_hours(voting, [test for test in found if test.exclusion == "out_of_hours"], row),
        lambda: _by_cable(voting),
        lambda: _every_device(voting),
        lambda: _all_day(voting, zone),
        lambda: _contract(row),
        lambda: _can_show(voting, row),
    ]
    return [answer for answer in (ask() for ask in asked) if answer is not None]


def window_tests(row: SchoolRow, tests: Sequence[Speed], zone: ZoneInfo) -> list[Speed]:
    """Return the tests of the judged window."""
    if row.window_from is None or row.day is None:
        return []
    first_ms, end_ms = midnight_ms(row.window_from, zone), midnight_ms(day_after(row.day), zone)
    return [test for test in tests if first_ms <= test.started_ms < end_ms]


def _typical(tests: Sequence[Speed]) -> float | None:
    return median([test.download_bps for test in tests if test.download_bps is not None])


def _off_hours(voting: Sequence[Speed], off: Sequence[Speed], row: SchoolRow) -> Answer | None:
    inside, outside = _typical(voting), _typical(off)
    if inside is None or outside is None or len(off) < 3:
        return None
    values = {"off": present.mbps(outside), "inside": present.mbps(inside)}
    asked = say("Slow at night and at weekends too?")
    if row.target_bps and outside >= row.target_bps > inside:
        answer = say("No: %(off)s off hours, %(inside)s in school hours", **values)
        return Answer(asked, answer, say("The line is full in class"))
    return Answer(asked, say("Yes: %(off)s off hours, %(inside)s in school hours", **values), say("Not a full line"))


def _by_cable(voting: Sequence[Speed]) -> Answer | None:
    cable = _typical([test for test in voting if test.medium == "ethernet"])
    wifi = _typical([test for test in voting if test.medium == "wifi"])
    asked = say("Slow by cable too?")
    if cable is None:
        return None if wifi is None else Answer(asked, say("Not known: every test was by Wi-Fi"), say("Test by cable"))
    if wifi is None:
        answer = say("Yes: every test was by cable, typical %(cable)s", cable=present.mbps(cable))
        return Answer(asked, answer, say("Not the school’s Wi-Fi"))
    values = {"cable": present.mbps(cable), "wifi": present.mbps(wifi)}
    if wifi < _LIKE * cable:
        return Answer(asked, say("Less: %(cable)s by cable, %(wifi)s by Wi-Fi", **values), say("Look at the Wi-Fi"))
    return Answer(asked, say("Yes: %(cable)s by cable, %(wifi)s by Wi-Fi", **values), say("Not the school’s Wi-Fi"))


def _every_device(voting: Sequence[Speed]) -> Answer | None:
    by_device: dict[str, list[Speed]] = {}
    for test in voting:
        by_device.setdefault(test.device, []).append(test)
    medians = [
        speed for speed in (_typical(tests) for tests in by_device.values() if len(tests) > 2) if speed is not None
    ]
    asked = say("Slow on every PC?")
    if not medians:
        return None
    if len(medians) == 1:
        return Answer(asked, say("Not known: one PC made the tests"), say("Install a second one"))
    values = {"low": present.mbps(min(medians)), "high": present.mbps(max(medians)), "count": len(medians)}
    if min(medians) < _LIKE * max(medians):
        return Answer(asked, say("No: from %(low)s to %(high)s", **values), say("Look at the slow PC"))
    return Answer(asked, say("Yes: %(low)s to %(high)s on %(count)s PCs", **values), say("Not one bad PC"))


def _all_day(voting: Sequence[Speed], zone: ZoneInfo) -> Answer | None:
    morning = _typical([test for test in voting if present.local(test.started_ms, zone).hour < 12])
    later = _typical([test for test in voting if present.local(test.started_ms, zone).hour >= 12])
    if morning is None or later is None:
        return None
    values = {"morning": present.mbps(morning), "later": present.mbps(later)}
    asked = say("Slow at every hour?")
    if min(morning, later) < _LIKE * max(morning, later):
        return Answer(
            asked, say("No: %(morning)s before noon, %(later)s after", **values), say("Look at the busy hours")
        )
    return Answer(asked, say("Yes: %(morning)s before noon, %(later)s after", **values), say("Not one busy hour"))


def _contract(row: SchoolRow) -> Answer | None:
    asked = say("Below what was paid for?")
    if not row.contract_download_mbps or row.median_bps is None:
        return Answer(asked, say("Not known: the contract is not in the registry"), say("Ask for the contract"))
    part = row.median_bps / (row.contract_download_mbps * 1e6)
    values = {
        "pct": present.percent(part),
        "contract": present.with_unit(present.target_mbps(row.contract_download_mbps * 1e6)),
    }
    if part < CONTRACT_KEPT:
        return Answer(asked, say("Yes: %(pct)s %% of %(contract)s", **values), say("The provider under-delivers"))
    return Answer(asked, say("No: %(pct)s %% of %(contract)s", **values), say("The provider delivers"))


def _can_show(voting: Sequence[Speed], row: SchoolRow) -> Answer | None:
    shown = [
        test.link_bps * (_WIFI_PART if test.medium == "wifi" else _WIRED_PART)
        for test in voting
        if test.link_bps is not None
    ]
    ceiling = median(shown)
    if ceiling is None or not row.target_bps:
        return None
    values = {"link": present.with_unit(present.target_mbps(ceiling)), "target": present.target_mbps(row.target_bps)}
    asked = say("Can the PC show %(target)s?", **values)
    if ceiling < _ROOM * row.target_bps:
        return Answer(asked, say("No: its link shows at most %(link)s", **values), say("Use a faster port or cable"))
    return Answer(asked, say("Yes: its link shows up to %(link)s", **values), say("The verdict is sound"))
