"""What is to be told: a digest on school days, and at once only outages of many schools and Enlace's own illness.

A pure decision from stored facts against what was told: one flag, one notice, one recovery. Nothing here alarms a
second time, and what arrives late is never news: a flag that opened before the day before the last digest is listed
among those that are open, without a message of its own (CONTRACTS 5: replay of older days notifies nobody).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from collector.domain.notice_facts import OURS, FlagFact, IllnessFact, OutageFact, Plan, Reader, Standing, Told
from collector.domain.notice_rules import Topic, is_muted, is_quiet, minute_of_day

LINES: Final = 20  # of a digest; then a link
REMIND_DAYS: Final = 7  # what is still open and unseen is told again after so many days without a digest
LAST_MIN: Final = 18 * 60  # no digest goes out later in the day
BRAKE_MS: Final = 15 * 60_000  # between two messages at once about the same topic
STALE_MS: Final = 24 * 3_600_000  # an outage that began earlier is no news
_FIRST_TURN_DAYS: Final = 4  # what opened since then is news for who gets the first digest: over a weekend
_SEVERITIES: Final = {"severe": 0, "serious": 1, "mild": 2}


def is_digest_due(reader: Reader, now_ms: int, digest_min: int, last_turn: str | None, *, is_school_day: bool) -> bool:
    """Return whether the digest of the reader's local day is to be decided now.

    Args:
        reader: Whose.
        now_ms: The moment.
        digest_min: Minutes after local midnight from which it goes out.
        last_turn: The newest day that was decided.
        is_school_day: Whether there is school on that day.
    """
    minute = minute_of_day(now_ms, reader.zone)
    if not is_school_day or not digest_min <= minute < max(LAST_MIN, digest_min + 60):
        return False
    today = local_day(now_ms, reader)
    return (last_turn is None or last_turn < today) and not is_quiet(reader.wants.quiet, now_ms, reader.zone)


def local_day(now_ms: int, reader: Reader) -> str:
    """Return the reader's date."""
    return datetime.fromtimestamp(now_ms / 1000, reader.zone).date().isoformat()


def digest(
    reader: Reader, now_ms: int, flags: Iterable[FlagFact], outages: Iterable[OutageFact], before: Standing
) -> Plan:
    """Return the reader's digest of today: new, recovered, still open; what was seen or closed drops out.

    Args:
        reader: Whose.
        now_ms: The moment; its local day is the digest's.
        flags: Open ones of the reader's scope, and those that the reader was told of.
        outages: Of the reader's scope.
        before: What was told so far.
    """
    day = local_day(now_ms, reader)
    known = list(flags)
    new, still, recovered = _sorted_out(reader, now_ms, known, before, _news_since(day, before.last_turn))
    of_many = list(outages)
    missed, withdrawn = _missed(reader, now_ms, of_many, before), _withdrawn_since(reader, now_ms, of_many, before)
    over = tuple(sorted([*(one.subject for one in recovered), *_dropped(known, before)]))
    has_news = bool(new or recovered or missed or withdrawn)
    reminds = bool(still) and _is_time_to_remind(before, day)
    if not reader.wants.digest or not (has_news or reminds):
        return Plan(Topic.DIGEST, day, None, over=over if reader.wants.digest else (), turn=day)
    told = [one.subject for one in (*new, *still) if one.subject not in before.told]
    ended = [*(one.subject for one in missed), *(one.withdrawal for one in withdrawn)]
    payload = _digest_payload(day, new, recovered, still, missed, withdrawn)
    return Plan(Topic.DIGEST, day, payload, (*told, *ended), tuple(sorted((*over, *ended))), day)


def _news_since(day: str, last_turn: str | None) -> str:
    """Return the first opening day that is news: the day before the last digest, which was not over then."""
    if last_turn is None:
        return (date.fromisoformat(day) - timedelta(days=_FIRST_TURN_DAYS)).isoformat()
    return (date.fromisoformat(last_turn) - timedelta(days=1)).isoformat()


def _is_time_to_remind(before: Standing, day: str) -> bool:
    """Return whether what is known is told without news: to who is told for the first time, and after a week.

    Who was asked for before and never had news is not written to: a flag of late data would be the first message.
    """
    if before.last_turn is None or before.last_digest is None:
        return before.last_turn is None
    return (date.fromisoformat(day) - date.fromisoformat(before.last_digest)).days >= REMIND_DAYS


def _sorted_out(
    reader: Reader, now_ms: int, flags: Sequence[FlagFact], before: Standing, since: str
) -> tuple[list[FlagFact], list[FlagFact], list[FlagFact]]:
    """Return the flags that are new, still open, and recovered, each the most pressing first."""
    new, still, recovered = [], [], []
    for one in sorted(flags, key=_pressing):
        if one.is_on_hold or is_muted(reader.mutes, now_ms, school=one.school, area=one.area, kind=one.kind):
            continue
        told = before.told.get(one.subject)
        if one.is_open and not one.is_seen:
            if told is not None or one.news_on < since:
                still.append(one)
            else:
                new.append(one)
        elif not one.is_open and told is not None and told.over_ms is None and _ended_by_itself(one):
            recovered.append(one)
    return new, still, recovered


def _pressing(one: FlagFact) -> tuple[int, int, str]:
    return _SEVERITIES.get(one.severity or "", len(_SEVERITIES)), -(one.pupils or 0), one.flag_id


def _ended_by_itself(one: FlagFact) -> bool:
    """Return whether the flag's end is news; who closed it by hand knows."""
    return one.is_retracted or one.closed_by != "person"


def _dropped(flags: Sequence[FlagFact], before: Standing) -> list[str]:
    """Return told flags of which nothing is said any more: closed by a person, or not there any more."""
    there = {one.subject: one for one in flags}
    dropped = []
    for subject, told in before.told.items():
        if not subject.startswith("flag:") or told.over_ms is not None:
            continue
        one = there.get(subject)
        if one is None or (not one.is_open and not _ended_by_itself(one)):
            dropped.append(subject)
    return dropped


def _missed(reader: Reader, now_ms: int, outages: Iterable[OutageFact], before: Standing) -> list[OutageFact]:
    """Return outages that began and ended while the reader was not to be disturbed."""
    if not reader.wants.outage:
        return []
    return [
        one
        for one in _told_ones(reader, now_ms, outages)
        if one.closed_ms is not None and one.subject not in before.told and now_ms - one.closed_ms < STALE_MS
    ]


def _withdrawn_since(reader: Reader, now_ms: int, outages: Iterable[OutageFact], before: Standing) -> list[OutageFact]:
    """Return the outages that the reader was told of, and of their end too, and that turned out later to be none."""
    if not reader.wants.outage:
        return []
    unmuted = _unmuted(reader, now_ms, outages)
    found = (one for one in unmuted if one.withdrawn is not None and one.withdrawal not in before.told)
    known = [one for one in found if (told := before.told.get(one.subject)) is not None and told.over_ms is not None]
    return sorted(known, key=_largest)


def _largest(one: OutageFact) -> tuple[int, int, str]:
    return -one.silent, one.opened_ms, one.outage_id


def _told_ones(reader: Reader, now_ms: int, outages: Iterable[OutageFact]) -> list[OutageFact]:
    """Return the outages that may be told at all: of schools, in time, and not muted; the largest first."""
    unmuted = _unmuted(reader, now_ms, outages)
    found = (one for one in unmuted if one.label not in OURS and not one.learnt_late and one.silent > 0)
    return sorted(found, key=_largest)


def _unmuted(reader: Reader, now_ms: int, outages: Iterable[OutageFact]) -> list[OutageFact]:
    """Return the outages that no mute covers: of the others neither beginning nor end is told before the mute ends."""
    return [one for one in outages if not is_muted(reader.mutes, now_ms, area=one.area)]


def outage(reader: Reader, now_ms: int, outages: Iterable[OutageFact], before: Standing) -> Plan | None:
    """Return what is told at once about outages: those that began and those that are over, all in one message.

    A national outage that shows as many is one message: those that appear within a quarter of an hour wait for it. One
    that began is told when the number of its schools has settled. One that turned out to be none is said to be that.
    What ends while it is muted is told to be over when the mute ends, as a flag's recovery is.
    """
    if not reader.wants.outage or _is_held(reader, now_ms, before.last_outage_ms):
        return None
    known = list(outages)
    told = before.told
    new = [
        one
        for one in _told_ones(reader, now_ms, known)
        if one.closed_ms is None
        and one.subject not in told
        and now_ms - one.opened_ms < STALE_MS
        and one.may_be_told(now_ms)
    ]
    closed = (one for one in _unmuted(reader, now_ms, known) if one.closed_ms is not None)
    ended = sorted((one for one in closed if _is_open_in(told, one.subject)), key=_largest)
    if not new and not ended:
        return None
    over = [one for one in ended if one.withdrawn is None]
    withdrawn = [one for one in ended if one.withdrawn is not None]
    payload = {
        "new": [outage_line(one) for one in new[:LINES]],
        "over": [outage_line(one) for one in over[:LINES]],
        "withdrawn": [outage_line(one) for one in withdrawn[:LINES]],
        "counts": {"new": len(new), "over": len(over), "withdrawn": len(withdrawn)},
    }
    also = [one.withdrawal for one in withdrawn]
    subjects = [one.subject for one in new]
    return _at_once(Topic.OUTAGE, payload, [*subjects, *also], [*(one.subject for one in ended), *also])


def _is_open_in(told: Mapping[str, Told], subject: str) -> bool:
    """Return whether a reader was told of something, and not yet that it is over."""
    return subject in told and told[subject].over_ms is None


def illness(reader: Reader, now_ms: int, ill: Iterable[IllnessFact], before: Standing) -> Plan | None:
    """Return what is told at once about Enlace itself: what became wrong, and what is well again."""
    if not (reader.sees_illness and reader.wants.illness) or _is_held(reader, now_ms, before.last_illness_ms):
        return None
    known = {one.subject: one for one in sorted(ill, key=lambda one: (one.began_ms, one.word))}
    new = [one for subject, one in known.items() if subject not in before.told]
    well = sorted(
        subject
        for subject, told in before.told.items()
        if subject.startswith("illness:") and told.over_ms is None and subject not in known
    )
    if not new and not well:
        return None
    payload = {
        "new": [{"word": one.word, "began_ms": one.began_ms, "numbers": dict(one.numbers)} for one in new],
        "over": [_illness_of(subject, now_ms) for subject in well],
        "left": [one.word for one in known.values() if one not in new],
    }
    return _at_once(Topic.ILLNESS, payload, [one.subject for one in new], well)


def _illness_of(subject: str, now_ms: int) -> dict[str, object]:
    _, word, began = subject.split(":")
    return {"word": word, "began_ms": int(began), "ended_ms": now_ms}


def _is_held(reader: Reader, now_ms: int, last_ms: int | None) -> bool:
    """Return whether nothing is told at once now: in quiet hours, or so soon after the last message."""
    is_soon = last_ms is not None and 0 <= now_ms - last_ms < BRAKE_MS
    return is_soon or is_quiet(reader.wants.quiet, now_ms, reader.zone)


def _at_once(topic: Topic, payload: Mapping[str, object], told: Sequence[str], over: Sequence[str]) -> Plan:
    """Return the plan; its occasion is what it tells, so that the same news decided twice is one notice."""
    occasion = "\n".join([*(f"+{one}" for one in sorted(told)), *(f"-{one}" for one in sorted(over))])
    return Plan(topic, occasion, payload, tuple(told), tuple(over))


def _digest_payload(
    day: str,
    new: Sequence[FlagFact],
    recovered: Sequence[FlagFact],
    still: Sequence[FlagFact],
    missed: Sequence[OutageFact],
    withdrawn: Sequence[OutageFact],
) -> dict[str, object]:
    """Return counts of everything, and at most `LINES` lines: what is new goes before what is known."""
    left = LINES
    payload: dict[str, object] = {"day": day}
    for name, lines in (
        ("outages", [outage_line(one) for one in missed]),
        ("withdrawn", [outage_line(one) for one in withdrawn]),
        ("new", [flag_line(one) for one in new]),
        ("recovered", [flag_line(one) for one in recovered]),
        ("open", [flag_line(one) for one in still]),
    ):
        payload[name] = lines[: max(left, 0)]
        left -= len(lines)
    counts = {"new": len(new), "recovered": len(recovered), "open": len(still), "outages": len(missed)}
    return {**payload, "counts": {**counts, "withdrawn": len(withdrawn)}}


def flag_line(one: FlagFact) -> dict[str, object]:
    """Return a flag as a notice keeps it."""
    return {
        "flag_id": one.flag_id,
        "kind": one.kind,
        "school": one.school,
        "name": one.name,
        "area": one.area,
        "opened_on": one.opened_on,
        "closed_on": one.closed_on,
        "is_retracted": one.is_retracted,
        "severity": one.severity,
        "sentence_key": one.sentence_key,
        "numbers": dict(one.numbers),
    }


def outage_line(one: OutageFact) -> dict[str, object]:
    """Return an outage as a notice keeps it."""
    none = {} if one.withdrawn is None else {"withdrawn": {**one.withdrawn._asdict(), "why": one.withdrawn.why.value}}
    return {
        **none,
        "outage_id": one.outage_id,
        "label": one.label,
        "area": one.area,
        "provider": one.provider,
        "schools": one.schools,
        "silent": one.silent,
        "pupils": one.pupils,
        "opened_ms": one.opened_ms,
        "closed_ms": one.closed_ms,
        "pupil_hours": one.pupil_hours,
    }
