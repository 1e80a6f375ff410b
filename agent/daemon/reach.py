"""The diary's word for what can be reached: a look around and the collector's last answer in one word; pure."""

from dataclasses import dataclass

from agent.measure.light import Sight
from agent.ports import WayOut
from agent.uplink.contact import Contact
from agent.uplink.decide import Kind, Silence
from agent.wire.vocabulary import DiaryState, FailureCode

# The collector's computer was there, whatever it said: the way to it is fine.
_REACHED = {
    Silence.REFUSED,
    Silence.TOO_SLOW,
    Silence.CUT,
    Silence.PROTOCOL,
    Silence.TOO_LONG,
    Silence.TLS_CLOCK,
}
_ANSWERED = {Kind.GOOD, Kind.OVERLOAD, Kind.REFUSED, Kind.UNKNOWN, Kind.ENVELOPE}
_FALSE_FACES = {FailureCode.PORTAL, FailureCode.TLS_UNTRUSTED}  # somebody answers in the test point's name


@dataclass(frozen=True)
class Word:
    """What the contact with the collector says."""

    kind: str = ""  # a Kind, "" = no contact yet
    silence: Silence | None = None
    is_enrolled: bool = False
    is_fresh: bool = True  # asked just now; else it is what the last try said, up to an hour ago


def word_of(contact: Contact, *, is_fresh: bool) -> Word:
    """Return what a contact says."""
    return Word(contact.kind, contact.last_silence, contact.is_enrolled, is_fresh)


def judge(sight: Sight, word: Word, way: WayOut) -> DiaryState:
    """Return in one word what can be reached.

    Args:
        sight: What a look around saw.
        word: The collector's.
        way: The computer's way out.
    """
    has_word = word.is_enrolled and bool(word.kind)
    is_looked_at = sight.server is not None or sight.fault is not None
    if word.kind in _ANSWERED and (word.is_fresh or not is_looked_at):
        return DiaryState.OK
    if sight.fault in _FALSE_FACES:
        return DiaryState.PORTAL
    if word.kind == Kind.PORTAL and word.silence is not Silence.PROXY_LOGIN and (word.is_fresh or not sight.is_open):
        return DiaryState.PORTAL
    if sight.is_open:
        return _of_open_line(sight, word)
    if has_word and word.is_fresh and (word.silence is None or word.silence in _REACHED):
        return DiaryState.COLLECTOR_DOWN
    return _of_closed_line(sight, word, way)


def _of_open_line(sight: Sight, word: Word) -> DiaryState:
    """Return what is wrong where the test point was reached."""
    no_name = word.silence is Silence.DNS and word.is_fresh
    if sight.fault is FailureCode.DNS or (no_name and sight.dns_ms is None):
        return DiaryState.DNS_FAIL  # the test point has an address without a name, or a remembered one
    is_down = word.is_enrolled and word.kind in (Kind.COLLECTOR_DOWN, Kind.PORTAL)
    return (
        DiaryState.COLLECTOR_DOWN if is_down and (word.is_fresh or word.kind == Kind.COLLECTOR_DOWN) else DiaryState.OK
    )


def _of_closed_line(sight: Sight, word: Word, way: WayOut) -> DiaryState:
    """Return where the way ends, from the computer outwards."""
    if way.has_link is False:
        return DiaryState.LINK_DOWN
    if way.has_route is False or sight.gateway_is_absent:
        return DiaryState.NO_GATEWAY
    # Without a line no name server answers either; only where no known address could be tried is the name to blame.
    has_no_name = sight.fault is FailureCode.DNS or (word.silence is Silence.DNS and word.is_fresh)
    if has_no_name and not sight.by_memory and sight.dns_ms is None and not _tried_an_address(sight):
        return DiaryState.DNS_FAIL
    return DiaryState.NO_INTERNET


def _tried_an_address(sight: Sight) -> bool:
    return sight.fault not in (None, FailureCode.DNS)
