"""What can become of one try to send a notice, and what follows from it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from collector.domain.notice_rules import next_try_ms


class State(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # nobody tries any more, and the pages say so
    DROPPED = "dropped"  # a person has seen that it failed
    TAKEN_BACK = "taken_back"  # when it was to go out it was its reader's no more; what still is, is written anew


class Outcome(StrEnum):
    """What became of one try; the word in the log."""

    SENT = "sent"
    DEFERRED = "deferred"  # the server says: later (greylisting, a full mailbox)
    REFUSED = "refused"  # the server does not take this recipient
    CONTENT_REFUSED = "content_refused"  # or not this message, or not from this sender
    SILENT = "silent"  # it did not answer in time
    AWAY = "away"  # no connection, or its name is not known
    CUT = "cut"  # it broke the connection off
    TLS = "tls"  # its certificate or its TLS is not to be trusted, or it has none
    LOGIN = "login"  # it does not take our name and password
    BUSY = "busy"  # it takes nobody now
    NOT_ALLOWED = "not_allowed"  # an address that a webhook may not go to
    REDIRECT = "redirect"  # it wants us to go elsewhere, which we do not
    ANSWER = "answer"  # another answer than "taken"
    NO_ADDRESS = "no_address"  # the person has none any more
    GONE = "gone"  # the person may sign in no more, or the webhook was ended
    NOT_THEIRS = "not_theirs"  # their area or role is another now, or a school of it has left their area
    UNWANTED = "unwanted"  # they want no more of these, or what it tells is muted
    QUIET = "quiet"  # their quiet hours have begun: it goes out when these end
    UNSAID = "unsaid"  # the message could not be made: a fault of ours


FINAL: Final = frozenset({Outcome.REFUSED, Outcome.CONTENT_REFUSED})
"""After which trying again is of no use before a person has changed something."""

RECALLING: Final = frozenset({Outcome.NO_ADDRESS, Outcome.GONE, Outcome.NOT_THEIRS, Outcome.UNWANTED})
"""After which a notice is not its reader's any more. That is no fault, so no alarm: somebody decided it."""

UNTRIED: Final = RECALLING | {Outcome.QUIET}
"""With which nobody was asked to take it."""

OF_SERVER: Final = frozenset({Outcome.SILENT, Outcome.AWAY, Outcome.TLS, Outcome.LOGIN, Outcome.BUSY})
"""Which are of the server more than of this notice."""


@dataclass(frozen=True)
class Result:
    """What became of one try."""

    outcome: Outcome
    address: str  # where it went
    detail: str = ""  # what the other side said, shortened
    until_ms: int | None = None  # of quiet hours: not before then


@dataclass(frozen=True)
class After:
    """Where a notice stands after a try."""

    state: State
    tries: int
    next_ms: int
    done_ms: int | None


def after(result: Result, tries: int, now_ms: int) -> After:
    """Return where a notice stands after a try.

    Args:
        result: Of the try.
        tries: That had failed before.
        now_ms: When it ended.
    """
    if result.outcome is Outcome.SENT:
        return After(State.SENT, tries, now_ms, now_ms)
    if result.outcome in RECALLING:
        return After(State.TAKEN_BACK, tries, now_ms, now_ms)
    if result.outcome is Outcome.QUIET and result.until_ms is not None:
        return After(State.WAITING, tries, result.until_ms, None)
    failed = tries + 1
    again_ms = None if result.outcome in FINAL else next_try_ms(failed, now_ms)
    if again_ms is None:
        return After(State.FAILED, failed, now_ms, now_ms)
    return After(State.WAITING, failed, again_ms, None)
