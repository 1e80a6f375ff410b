"""The eight signed headers of a device's request, and their exact forms (CONTRACTS 2)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.wire import forms, limits

DEVICE = "Enlace-Device"
KEY = "Enlace-Key"
BATCH = "Enlace-Batch"
RATCHET = "Enlace-Ratchet"
SENT = "Enlace-Sent"
LEDGER = "Enlace-Ledger"
MACHINE = "Enlace-Machine"
PIN = "Enlace-Pin"
SIGNATURE = "Enlace-Signature"
OLD_SIGNATURE = "Enlace-Old-Signature"

SIGNED = (DEVICE, KEY, BATCH, RATCHET, SENT, LEDGER, MACHINE, PIN)  # in the order in which they are signed

BATCH_MEDIA = "application/vnd.enlace.batch+gzip"
JSON_MEDIA = "application/json"
PROBLEM_MEDIA = "application/problem+json"

NO_RATCHET = "-"

_SENT = re.compile(r"(\d{1,16}) (\d{1,16}) ([0-9a-f]{32})", re.ASCII)
_LEDGER = re.compile(
    r"([0-9a-f]{32}) created=(\d{1,15}) acked=(\d{1,15}) ready=(\d{1,15}) dead=(\d{1,15}) dropped=(\d{1,15})",
    re.ASCII,
)
_RATCHET = re.compile(r"-|0|[1-9]\d{0,14}", re.ASCII)


def is_ratchet(text: str) -> bool:
    """Return whether the text can be presented as a ratchet."""
    return _RATCHET.fullmatch(text) is not None


class EnvelopeError(Exception):
    """The request as a whole cannot be read."""


@dataclass(frozen=True)
class Sent:
    """The device's clocks at the moment of sending."""

    utc_ms: int
    mono_ms: int
    boot_id: str

    def __str__(self) -> str:
        return f"{self.utc_ms} {self.mono_ms} {self.boot_id}"


@dataclass(frozen=True)
class Ledger:
    """What a spool has made and where it is; the law: created = acked + ready + dead + dropped."""

    lineage: str  # random id made with the spool file, hex32
    created: int = 0
    acked: int = 0
    ready: int = 0
    dead: int = 0
    dropped: int = 0

    def __str__(self) -> str:
        return (
            f"{self.lineage} created={self.created} acked={self.acked} ready={self.ready}"
            f" dead={self.dead} dropped={self.dropped}"
        )

    def is_balanced(self) -> bool:
        """Return whether every record ever made is accounted for."""
        return self.created == self.acked + self.ready + self.dead + self.dropped


@dataclass(frozen=True)
class SignedHeaders:
    """The eight values, parsed; `values` are the texts as received, which is what was signed."""

    device: str
    key_id: str
    batch: str
    ratchet: str
    sent: Sent
    ledger: Ledger
    machine: str
    pin: str

    def values(self) -> list[str]:
        """Return the eight texts in the order in which they are signed."""
        return [
            self.device, self.key_id, self.batch, self.ratchet,
            str(self.sent), str(self.ledger), self.machine, self.pin,
        ]  # fmt: skip

    def as_mapping(self) -> dict[str, str]:
        """Return the headers to send, without the signature."""
        return dict(zip(SIGNED, self.values(), strict=True))


def parse(given: Mapping[str, str]) -> SignedHeaders:
    """Return the signed headers of a request.

    Args:
        given: Header values by the names of `SIGNED`; WSGI joins doubled headers with a comma, which no form allows.

    Raises:
        EnvelopeError: If one is missing or has another form; nothing of a hostile value is repeated in the sentence.
    """
    texts = {name: given.get(name, "") for name in SIGNED}
    for name, is_right in _FORMS.items():
        if not is_right(texts[name]):
            raise EnvelopeError(f"header {name} is missing or malformed")
    return SignedHeaders(
        device=texts[DEVICE],
        key_id=texts[KEY],
        batch=texts[BATCH],
        ratchet=texts[RATCHET],
        sent=parse_sent(texts[SENT]),
        ledger=parse_ledger(texts[LEDGER]),
        machine=texts[MACHINE],
        pin=texts[PIN],
    )


def parse_sent(text: str) -> Sent:
    """Return the clocks in an Enlace-Sent header.

    Raises:
        EnvelopeError: If the form is another or a number lies beyond 2^53 - 1.
    """
    match = _SENT.fullmatch(text)
    if match is None:
        raise EnvelopeError(f"header {SENT} is malformed")
    sent = Sent(int(match[1]), int(match[2]), match[3])
    if max(sent.utc_ms, sent.mono_ms) > limits.SAFE_INTEGER or str(sent) != text:
        raise EnvelopeError(f"header {SENT} is malformed")
    return sent


def parse_ledger(text: str) -> Ledger:
    """Return the counters in an Enlace-Ledger header.

    Raises:
        EnvelopeError: If the form is another.
    """
    match = _LEDGER.fullmatch(text)
    if match is None:
        raise EnvelopeError(f"header {LEDGER} is malformed")
    ledger = Ledger(match[1], *map(int, match.groups()[1:]))
    if str(ledger) != text:
        raise EnvelopeError(f"header {LEDGER} is malformed")
    return ledger


_FORMS: dict[str, Callable[[str], bool]] = {
    DEVICE: forms.is_device,
    KEY: lambda text: forms.is_hex(text, 16),
    BATCH: forms.is_uuid,
    RATCHET: is_ratchet,
    SENT: lambda text: _SENT.fullmatch(text) is not None,
    LEDGER: lambda text: _LEDGER.fullmatch(text) is not None,
    MACHINE: lambda text: forms.is_hex(text, 64),
    PIN: lambda text: forms.is_hex(text, 16),
}
