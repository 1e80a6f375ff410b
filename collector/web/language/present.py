"""Values as people read them: units, rounding, separators, dates local to the school. No sentences (`words`)."""

from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from markupsafe import Markup, escape

from collector.domain.calendars import DEFAULT_OPENING, parse_opening
from collector.web.language.conventions import CONVENTIONS, NBSP, Conventions
from collector.web.language.i18n import language, say, say_many

UNKNOWN = "–"

_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000


def conventions() -> Conventions:
    """Return how the page's language writes numbers and dates."""
    return CONVENTIONS[language()]


def colon() -> str:
    """Return the sign between a thing and what is said of it."""
    return f"{conventions().before_high_signs}: "


def semicolon() -> str:
    """Return the sign between things that have commas of their own."""
    return f"{conventions().before_high_signs}; "


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number with the separators of the page's language; unknown is a dash."""
    if value is None:
        return UNKNOWN
    text = f"{abs(value):,.{decimals}f}"
    whole, _, rest = text.partition(".")
    sign = "\u2212" if value < 0 and text.strip("0.,") else ""
    ours = conventions()
    shown = whole.replace(",", ours.group)
    return f"{sign}{shown}{ours.decimal}{rest}" if rest else f"{sign}{shown}"


def plain(value: float) -> str:
    """Return a number as somebody wrote it: up to three decimals, without zeros at its end."""
    decimals = next((places for places in (0, 1, 2) if abs(value - round(value, places)) < 1e-9), 3)
    return number(value, decimals)


def signed(value: int) -> str:
    """Return a change with its sign; nothing changed is `=`."""
    return "=" if value == 0 else f"+{number(value)}" if value > 0 else number(value)


def mbps(bps: float | None) -> str:
    """Return a measured speed in Mbit/s: one decimal below 100, none above."""
    if bps is None:
        return UNKNOWN
    value = bps / 1e6
    return number(value, 1 if value < 99.95 else 0)


def target_mbps(bps: float | None) -> str:
    """Return a target or contract in Mbit/s: as `mbps`, but `20` and not `20.0`."""
    if bps is None:
        return UNKNOWN
    value = bps / 1e6
    return number(value, 0 if abs(value - round(value)) < 0.05 or value >= 99.95 else 1)


def with_unit(shown: str) -> str:
    """Return the figure with its unit, never broken apart."""
    return f"{shown}{NBSP}Mbit/s"


def percent(share: float | None, decimals: int = 0) -> str:
    """Return a share of 0 to 1 in percent, without the sign."""
    return UNKNOWN if share is None else number(share * 100, decimals)


def milliseconds(value: float | None) -> str:
    """Return whole milliseconds."""
    return number(value)


def megabytes(size_bytes: float | None) -> str:
    """Return bytes in megabytes of 10^6 with one decimal."""
    return UNKNOWN if size_bytes is None else number(size_bytes / 1e6, 1)


def zone(name: str | None, default: str) -> ZoneInfo:
    """Return the zone of a school, or of the deployment where it has none."""
    return ZoneInfo(name or default)


def zone_name(place: ZoneInfo, at_ms: int) -> str:
    """Return how far a zone is from UTC at a moment, as `UTC−4` or `UTC+5:30`."""
    offset = datetime.fromtimestamp(at_ms / 1000, place).utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02d}" if rest else "")


def local(at_ms: int, place: ZoneInfo) -> datetime:
    """Return the moment as the clock on the wall of the school shows it."""
    return datetime.fromtimestamp(at_ms / 1000, place)


def moment(at_ms: int | None, place: ZoneInfo, now_ms: int | None = None) -> Markup:
    """Return `Tue 24 Nov, 10:20`, with the year where it is not this one; the element carries UTC."""
    if at_ms is None:
        return Markup("–")
    when = local(at_ms, place)
    far = now_ms is not None and local(now_ms, place).year != when.year
    ours = conventions()
    return time_tag(at_ms, ours.write(when, ours.moment_year if far else ours.moment, language()))


def full_moment(at_ms: int, place: ZoneInfo, *, begins: bool = True) -> Markup:
    """Return `Tuesday 24 November 2026, 10:20`; within a sentence days have small letters in some languages."""
    ours = conventions()
    shown = ours.write(local(at_ms, place), ours.full, language())
    return time_tag(at_ms, shown[:1].upper() + shown[1:] if begins else shown)


def time_tag(at_ms: int, shown: str) -> Markup:
    """Return what is shown inside an element that carries the moment in UTC."""
    stamp = datetime.fromtimestamp(at_ms // 1000, UTC).replace(tzinfo=None).isoformat()
    return Markup(f'<time datetime="{stamp}Z">{escape(shown)}</time>')  # noqa: S704 -- the rest is ours


def day(iso: str | None) -> str:
    """Return `3 November`."""
    return _written(iso, conventions().day)


def day_short(iso: str | None) -> str:
    """Return `3 Nov`."""
    return _written(iso, conventions().day_short)


def weekday_day(iso: str | None) -> str:
    """Return `Tue 3 Nov`."""
    return _written(iso, conventions().weekday_day)


def month(iso: str) -> str:
    """Return `November 2026`, in small letters where the language writes months so."""
    return _written(iso, conventions().month)


def _written(iso: str | None, pattern: str) -> str:
    return UNKNOWN if iso is None else conventions().write(date.fromisoformat(iso), pattern, language())


def day_range(first: str, last: str) -> str:
    """Return `10 to 23 November`, or `27 October to 9 November`."""
    if first == last:
        return day(last)
    if first[:7] == last[:7]:
        return str(say("%(first_day)s to %(last_day)s", first_day=_written(first, "d"), last_day=day(last)))
    return str(say("%(first_day)s to %(last_day)s", first_day=day(first), last_day=day(last)))


def weekday(iso: str) -> str:
    """Return `Monday`."""
    return _written(iso, "EEEE")


def opening(text: str | None) -> str:
    """Return weekly opening hours as `Mon to Fri, 07:30 to 13:30`; of the default calendar where a school has none."""
    week = parse_opening(text or DEFAULT_OPENING)
    names = get_day_names("abbreviated", locale=language())
    parts = []
    for spans, group in groupby(range(7), key=lambda weekday: week[weekday]):
        days = list(group)
        if spans:
            shown = names[days[0]]
            if len(days) > 1:
                shown = str(say("%(first)s to %(last)s", first=shown, last=names[days[-1]]))
            hours = [
                say("%(first)s to %(last)s", first=clock(span.start_min), last=clock(span.end_min)) for span in spans
            ]
            parts.append(", ".join([shown, *map(str, hours)]))
    return semicolon().join(parts)


def clock(minutes: int) -> str:
    """Return minutes after midnight as `07:30`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def ago(at_ms: int, now_ms: int, place: ZoneInfo) -> Markup:
    """Return `2 minutes ago` below one hour, else the moment; never a time to come."""
    past_ms = now_ms - at_ms
    if past_ms < -_MINUTE_MS or past_ms >= _HOUR_MS:
        return moment(at_ms, place, now_ms)
    minutes = max(0, past_ms) // _MINUTE_MS
    if minutes == 0:
        return time_tag(at_ms, str(say("less than a minute ago")))
    return time_tag(at_ms, str(say_many("%(num)s minute ago", "%(num)s minutes ago", minutes)))


def span(length_ms: int) -> str:
    """Return a length of time in its two largest units, as `3 hours` or `17 years`."""
    length_ms = abs(length_ms)
    if length_ms >= 365 * _DAY_MS:
        return str(say_many("%(num)s year", "%(num)s years", round(length_ms / (365.25 * _DAY_MS))))
    if length_ms >= 2 * _DAY_MS:
        return str(say_many("%(num)s day", "%(num)s days", round(length_ms / _DAY_MS)))
    if length_ms >= 2 * _HOUR_MS:
        return str(say_many("%(num)s hour", "%(num)s hours", round(length_ms / _HOUR_MS)))
    return str(say_many("%(num)s minute", "%(num)s minutes", max(1, round(length_ms / _MINUTE_MS))))


def short_age(at_ms: int | None, now_ms: int) -> str:
    """Return how long ago in one column: `5 min`, `3 h`, `11 d`."""
    if at_ms is None:
        return str(say("never"))
    past_ms = max(0, now_ms - at_ms)
    if past_ms < _HOUR_MS:
        return f"{past_ms // _MINUTE_MS}{NBSP}min"
    return f"{past_ms // _HOUR_MS}{NBSP}h" if past_ms < _DAY_MS else f"{number(past_ms // _DAY_MS)}{NBSP}d"


def iso_day(text: str) -> str | None:
    """Return a date as `2026-11-24`, None where the text is none of the years that anybody measures in."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found.isoformat() if 1971 <= found.year <= 2199 else None


def days_between(first: str, last: str) -> int:
    """Return how many days lie between two dates."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def shift_day(iso: str, days: int) -> str:
    """Return the date so many days later."""
    return (date.fromisoformat(iso) + timedelta(days=days)).isoformat()


def is_weekday(iso: str) -> bool:
    """Return whether a date is a Monday to Friday."""
    return date.fromisoformat(iso).weekday() < 5
