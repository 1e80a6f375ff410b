"""What an answer means: one pure, total table. Its default row is *keep everything*.

Without a right signature for this very request nothing is decided (CONTRACTS 2): a school's captive portal answers
"200 OK" to anything.
"""

from dataclasses import dataclass
from enum import StrEnum

from agent.wire.vocabulary import RefusalCode


class Silence(StrEnum):
    """Why there is no answer at all; or no signature could be looked for."""

    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_CLOCK = "tls_clock"
    PROXY_LOGIN = "proxy_login"
    PROXY = "proxy"
    TOO_SLOW = "too_slow"  # connected, but no whole answer within the deadline
    NO_TLS = "no_tls"  # connected, but what answers, or does not, speaks no TLS
    CUT = "cut"  # connected, then closed or reset
    PROTOCOL = "protocol"  # not HTTP
    TOO_LONG = "too_long"  # more than 256 kB of answer


class Kind(StrEnum):
    """The state of the contact with the collector, as `status` shows it."""

    GOOD = "good"
    COLLECTOR_DOWN = "collector_down"
    PORTAL = "portal"
    OVERLOAD = "overload"
    REFUSED = "refused"  # this key or device is not wanted
    UNKNOWN = "unknown"  # the collector does not know this device
    ENVELOPE = "envelope"  # it cannot read the batch


class Effect(StrEnum):
    """What to do with the batch and with the next contact."""

    APPLY = "apply"  # go by the signed answer of each item
    KEEP = "keep"  # change nothing, back off
    SHRINK = "shrink"  # signed: this batch cannot be taken; smaller, and a single item becomes dead
    ENROL = "enrol"  # enrol again, at most once an hour
    REST = "rest"  # wait 1 h doubling to 24 h, keep measuring


class Pressure(StrEnum):
    """Whether a smaller batch could help."""

    NONE = "none"
    REPEATED = "repeated"  # halve after two in a row
    AT_ONCE = "at_once"  # halve now


@dataclass(frozen=True)
class Decision:
    """What an outcome means."""

    kind: Kind
    effect: Effect
    pressure: Pressure = Pressure.NONE


KEEP = Decision(Kind.COLLECTOR_DOWN, Effect.KEEP)
_PORTAL = Decision(Kind.PORTAL, Effect.KEEP)
_DOWN = Decision(Kind.COLLECTOR_DOWN, Effect.KEEP, Pressure.REPEATED)
_REST = Decision(Kind.REFUSED, Effect.REST)
_ENROL = Decision(Kind.UNKNOWN, Effect.ENROL)

_SILENT: dict[Silence, Decision] = {
    # A batch that was under way may have been too big for the line or for a box in between.
    Silence.TOO_SLOW: _DOWN,
    Silence.CUT: _DOWN,
    Silence.PROTOCOL: _PORTAL,
    Silence.TOO_LONG: _PORTAL,
    Silence.TLS_UNTRUSTED: Decision(Kind.PORTAL, Effect.KEEP),
    Silence.PROXY_LOGIN: Decision(Kind.PORTAL, Effect.KEEP),
}

_UNSIGNED_DOWN = frozenset({408, 429})
_FOREIGN = frozenset({400, 404, 405, 410, 415, 422, 426, 501})  # what a server says that knows no such address
_UNSIGNED_UNREADABLE = frozenset({400, 422})  # a box in between that dislikes one record must not stop the others

_SIGNED: dict[str, Decision] = {
    RefusalCode.UNKNOWN_DEVICE: _ENROL,
    RefusalCode.OTHER_MACHINE: _ENROL,
    RefusalCode.BAD_SIGNATURE: _REST,
    RefusalCode.KEY_REVOKED: _REST,
    RefusalCode.DEVICE_BLOCKED: _REST,
    RefusalCode.ENVELOPE: Decision(Kind.ENVELOPE, Effect.SHRINK, Pressure.AT_ONCE),
    RefusalCode.TOO_LARGE: Decision(Kind.ENVELOPE, Effect.SHRINK, Pressure.AT_ONCE),
    RefusalCode.OVERLOAD: Decision(Kind.OVERLOAD, Effect.KEEP),
    RefusalCode.MAINTENANCE: Decision(Kind.OVERLOAD, Effect.KEEP),
    RefusalCode.STORAGE: Decision(Kind.OVERLOAD, Effect.KEEP),
}


def decide(silence: Silence | None, status: int | None, *, signed: bool, code: str | None) -> Decision:
    """Return what an outcome means.

    Args:
        silence: Why there is no answer; None = there is one.
        status: Of the answer: if signed the one in the signed body, else the one of HTTP.
        signed: Whether the collector's signature fits this device, this batch and this body.
        code: The refusal's code in a signed body; None where there is none.
    """
    if silence is not None:
        return _SILENT.get(silence, KEEP)
    if status is None:
        return KEEP
    if not signed:
        return _unsigned(status)
    if status == 200 and code is None:
        return Decision(Kind.GOOD, Effect.APPLY)
    return _SIGNED.get(code or "", KEEP)


def _unsigned(status: int) -> Decision:
    if status == 413:
        return Decision(Kind.COLLECTOR_DOWN, Effect.KEEP, Pressure.AT_ONCE)
    if 500 <= status <= 599 or status in _UNSIGNED_DOWN:
        return _DOWN if status != 429 else KEEP
    return Decision(Kind.PORTAL, Effect.KEEP, Pressure.REPEATED) if status in _UNSIGNED_UNREADABLE else _PORTAL


_WORDS: dict[Silence, str] = {
    Silence.DNS: "the name server does not know the collector's address, or does not answer",
    Silence.REFUSED: "nothing answers at the collector's address",
    Silence.UNREACHABLE: "there is no way to the collector's address",
    Silence.CONNECT_TIMEOUT: "the collector's address does not answer",
    Silence.TLS_UNTRUSTED: "the collector's certificate is not trusted: a filter may be reading along",
    Silence.TLS_CLOCK: "the collector's certificate is not valid at this computer's date: the clock may be wrong",
    Silence.PROXY_LOGIN: "the proxy asks for a login (407)",
    Silence.PROXY: "the proxy does not answer",
    Silence.TOO_SLOW: "the collector answers too slowly",
    Silence.NO_TLS: "what answers at the collector's address does not speak TLS: is it an http:// address",
    Silence.CUT: "the connection was closed before the answer",
    Silence.PROTOCOL: "what answers at the collector's address does not speak HTTP: is it an https:// address",
    Silence.TOO_LONG: "what answers at the collector's address is no collector: its answer does not end",
}


UNFIT = "the collector's answer does not fit what was asked"


def words(silence: Silence | None, status: int | None, *, signed: bool, code: str | None) -> str:
    """Return in one clause why things wait; "" when all is well. Never contains anything that was received."""
    if silence is not None:
        return _WORDS[silence]
    if status is None:
        return UNFIT
    kind = decide(silence, status, signed=signed, code=code).kind
    if not signed:
        return _unsigned_words(kind, status)
    return _SIGNED_WORDS.get(kind, f"the collector answered {status}").format(code=code)


def _unsigned_words(kind: Kind, status: int) -> str:
    if status == 407:
        return _WORDS[Silence.PROXY_LOGIN]
    if kind is Kind.PORTAL:
        other = "the address may be wrong, or " if status in _FOREIGN else ""
        page = "a login page (captive portal) may be in the way"
        return f"something else than the collector answers ({status}): {other}{page}"
    if status == 429:
        return "too many requests come from here, says the collector or what is before it (429)"
    if status == 413:
        return "something before the collector does not let a request of this size pass (413)"
    return f"the collector is in trouble ({status})"


_SIGNED_WORDS = {
    Kind.GOOD: "",
    Kind.UNKNOWN: "the collector does not know this device",
    Kind.REFUSED: "the collector refuses this device ({code}): its operator has to look at it",
    Kind.OVERLOAD: "the collector asks to wait ({code})",
    Kind.ENVELOPE: "the collector cannot read the batch ({code})",
}
