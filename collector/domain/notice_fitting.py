"""Whether a notice that was written may still go out: by what its reader may see and wants at the moment of sending.

Pure. Between the decision and the sending lie a minute or days (a mail server that is away): meanwhile a person can
have got another area or role, a school can have moved, and what it tells can have been muted.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from collector.domain.notice_delivery import Outcome
from collector.domain.notice_facts import Reader
from collector.domain.notice_rules import Topic, is_muted, is_quiet


def misfit(
    topic: str, told: Mapping[str, Any], reader: Reader, now_ms: int, *, is_same_scope: bool, unseen: Collection[str]
) -> Outcome | None:
    """Return why a notice is not to go out now; None: it is.

    A test goes out in any case: its reader has just asked for it, and it tells nothing.

    Args:
        topic: A `Topic`.
        told: Its payload.
        reader: Its reader, as they are now.
        now_ms: The moment.
        is_same_scope: Whether it was written for what they see now.
        unseen: Codes of schools that it names and that they do not see now.
    """
    if topic == Topic.TEST:
        return None
    if not _may_know(topic, reader) or unseen or (topic != Topic.ILLNESS and not is_same_scope):
        return Outcome.NOT_THEIRS
    if not _wants(topic, reader) or (topic != Topic.ILLNESS and _is_any_muted(told, reader, now_ms)):
        return Outcome.UNWANTED
    return Outcome.QUIET if is_quiet(reader.wants.quiet, now_ms, reader.zone) else None


def schools_of(told: Mapping[str, Any]) -> set[str]:
    """Return the codes of the schools that a payload names."""
    return {line["school"] for line in _lines(told) if line.get("school")}


def _may_know(topic: str, reader: Reader) -> bool:
    return topic != Topic.ILLNESS or reader.sees_illness


def _wants(topic: str, reader: Reader) -> bool:
    wants = reader.wants
    return {Topic.DIGEST: wants.digest, Topic.OUTAGE: wants.outage, Topic.ILLNESS: wants.illness}.get(
        Topic(topic), True
    )


def _is_any_muted(told: Mapping[str, Any], reader: Reader, now_ms: int) -> bool:
    return any(
        is_muted(reader.mutes, now_ms, school=line.get("school", ""), area=line.get("area"), kind=line.get("kind", ""))
        for line in _lines(told)
    )


def _lines(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the flags and outages of a payload, under whichever heading."""
    for part in told.values():
        if isinstance(part, list):
            yield from (line for line in part if isinstance(line, dict))
