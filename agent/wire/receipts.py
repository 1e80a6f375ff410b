r"""What a test point confirms of a test, and how the collector holds a record against it.

`base64url(JSON) "." base64url(Ed25519 over "enlace/1 receipt\n" + first part)`. The JSON is canonical: members in the
order of `Receipt`, no blanks, none missing, none more; so one confirmation has exactly one text. `test` is the `rid`
that the agent named when it began (`?test=`): a receipt fits one record and no other.
"""

import base64
import binascii
from enum import StrEnum

import msgspec
from nacl.signing import SigningKey

from agent.wire import forms, limits, signing

BYTES_SLACK = 1.02  # one side counts framing, the other may not
BYTES_SLACK_FIXED = 65_536
AGE_LIMIT_MS = 3_600_000  # between the record's start and the receipt; the test point's clock counts
FUTURE_LIMIT_MS = 300_000


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What moved between a test point and one test, by the test point's own counters."""

    v: int
    test: str  # the record's rid
    lease_id: str | None  # None where the test point is open to everybody
    server: str  # the test point's id
    address: str  # the peer's /24 or /48
    download_bytes: int  # acknowledged by the peer, as far as the kernel says
    download_ms: int  # from the first connection's begin to the last one's end
    upload_bytes: int  # received
    upload_ms: int
    issued_ms: int  # Unix, the test point's clock


class Verdict(StrEnum):
    """What the collector thinks of a record's receipt."""

    NONE = "none"  # the record carries none
    VALID = "valid"
    UNCHECKED = "unchecked"  # no test point's key is known at all
    FORGED = "forged"  # malformed, or not signed by a test point that we know
    OTHER_TEST = "other_test"  # made for another record: replayed
    OTHER_LEASE = "other_lease"
    TOO_OLD = "too_old"  # or from the future
    TOO_FEW_BYTES = "too_few_bytes"  # the record claims more than the test point moved


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says of itself."""

    rid: str
    lease_id: str | None
    started_ms: int  # corrected, Unix
    received_ms: int  # when the collector got it, Unix
    download_bytes: int  # 0 = none
    upload_bytes: int


def make(key: SigningKey, receipt: Receipt) -> str:
    """Return the receipt's text, signed by the test point."""
    first = forms.b64url(msgspec.json.encode(receipt))
    return f"{first}.{signing.sign(key, signing.receipt_text(first))}"


def read(text: str, public_keys: list[bytes]) -> Receipt:
    """Return a receipt.

    Args:
        text: As the record carries it.
        public_keys: Raw keys of the test points that are trusted.

    Raises:
        ValueError: If it is malformed, not in its one canonical form, or signed by nobody that is trusted.
    """
    first, dot, signature = text.partition(".")
    if not dot or not text.isascii() or len(text) > limits.RECEIPT_CHARS:
        raise ValueError("malformed receipt")
    if not any(signing.is_signed(key, signing.receipt_text(first), signature) for key in public_keys):
        raise ValueError("receipt with a wrong signature")
    try:
        raw = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))
        receipt = msgspec.json.decode(raw, type=Receipt)
    except (msgspec.MsgspecError, binascii.Error, ValueError) as error:
        raise ValueError("malformed receipt") from error
    if receipt.v != 1 or msgspec.json.encode(receipt) != raw or forms.b64url(raw) != first:
        raise ValueError("receipt in another than its canonical form")
    return receipt


def compare(receipt: Receipt, claimed: Claimed) -> Verdict:
    """Return what a record's receipt is worth, its signature found to be right.

    Args:
        receipt: As `read` returns it.
        claimed: What the record says.
    """
    if receipt.test != claimed.rid:
        return Verdict.OTHER_TEST
    if receipt.lease_id != claimed.lease_id and receipt.lease_id is not None:
        return Verdict.OTHER_LEASE
    if (
        abs(receipt.issued_ms - claimed.started_ms) > AGE_LIMIT_MS
        or receipt.issued_ms > claimed.received_ms + FUTURE_LIMIT_MS
    ):
        return Verdict.TOO_OLD
    if _is_more(claimed.download_bytes, receipt.download_bytes) or _is_more(claimed.upload_bytes, receipt.upload_bytes):
        return Verdict.TOO_FEW_BYTES
    return Verdict.VALID


def _is_more(claimed_bytes: int, confirmed_bytes: int) -> bool:
    return claimed_bytes > confirmed_bytes * BYTES_SLACK + BYTES_SLACK_FIXED
