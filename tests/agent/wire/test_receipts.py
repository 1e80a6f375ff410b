"""Receipts: one form, one signature, one record; whatever else comes is refused."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from agent.wire import codec, forms, receipts, signing
from agent.wire.receipts import Claimed, Receipt, Verdict
from tests.fakes.records import NOON_MS, a_measurement, a_rid

GOLDEN = Path(__file__).parents[2] / "golden" / "wire" / "v1" / "receipt.json"
KEY, OTHER_KEY = SigningKey(bytes(range(64, 96))), SigningKey(bytes(range(32)))
KEYS = [bytes(KEY.verify_key)]


def a_receipt(**changes: Any) -> Receipt:
    receipt = Receipt(
        v=1, test=a_rid(1), lease_id="5f3c9d8e-0000-4000-8000-000000000001", server="tp1", address="203.0.113.0/24",
        download_bytes=12_000_000, download_ms=4_100, upload_bytes=3_000_000, upload_ms=4_050,
        issued_ms=NOON_MS + 12_000,
    )  # fmt: skip
    return msgspec.structs.replace(receipt, **changes)


def claimed(**changes: Any) -> Claimed:
    same = Claimed(
        rid=a_rid(1), lease_id="5f3c9d8e-0000-4000-8000-000000000001", started_ms=NOON_MS,
        received_ms=NOON_MS + 86_400_000, download_bytes=11_900_000, upload_bytes=2_990_000,
    )  # fmt: skip
    return msgspec.structs.replace(same, **changes)


def judge(text: str, **changes: Any) -> Verdict:
    try:
        return receipts.compare(receipts.read(text, KEYS), claimed(**changes))
    except ValueError:
        return Verdict.FORGED


def test_the_golden_receipt() -> None:
    vector = json.loads(GOLDEN.read_text())
    assert bytes(SigningKey(bytes.fromhex(vector["seed"])).verify_key).hex() == vector["public_key"]
    key = SigningKey(bytes.fromhex(vector["seed"]))
    assert receipts.make(key, Receipt(**vector["members"])) == vector["receipt"]
    assert (
        msgspec.to_builtins(receipts.read(vector["receipt"], [bytes.fromhex(vector["public_key"])]))
        == vector["members"]
    )
    assert signing.receipt_text(vector["receipt"].partition(".")[0]).decode() == vector["signed_text"]


def test_a_whole_receipt_is_valid_and_fits_into_a_record() -> None:
    text = receipts.make(KEY, a_receipt())
    assert receipts.read(text, KEYS) == a_receipt()
    assert judge(text) is Verdict.VALID
    assert codec.decode_item(json.dumps(a_measurement(receipt=text)).encode()).record is not None


def test_the_longest_receipt_fits_into_a_record() -> None:
    longest = a_receipt(
        test="t" * 64, lease_id="l" * 64, server="s" * 64, address="2001:db8:abcd::/48", download_bytes=10**12,
        download_ms=600_000, upload_bytes=10**12, upload_ms=600_000,
    )  # fmt: skip
    assert codec.decode_item(json.dumps(a_measurement(receipt=receipts.make(KEY, longest))).encode())


@given(position=st.integers(0, 10_000), bit=st.integers(0, 6))
def test_no_bit_may_turn(position: int, bit: int) -> None:
    text = bytearray(receipts.make(KEY, a_receipt()).encode())
    text[position % len(text)] ^= 1 << bit
    assert judge(text.decode("ascii")) is Verdict.FORGED


@given(text=st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    assert judge(text) is Verdict.FORGED


def _signed(raw: bytes) -> str:
    first = forms.b64url(raw)
    return f"{first}.{signing.sign(KEY, signing.receipt_text(first))}"


def _raw(**changes: Any) -> bytes:
    return json.dumps({**msgspec.to_builtins(a_receipt()), **changes}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "raw",
    [
        _raw() + b" ",
        _raw().replace(b",", b", "),
        _raw(more=1),
        _raw(v=2),
        _raw(download_bytes="1"),
        _raw()[:-1] + b',"v":1}',
        b"[]",
        b"",
        b"\xff",
    ],
)
def test_a_trusted_key_under_another_form_is_not_enough(raw: bytes) -> None:
    assert judge(_signed(raw)) is Verdict.FORGED
    assert judge(_signed(_raw())) is Verdict.VALID


def test_forged() -> None:
    text = receipts.make(OTHER_KEY, a_receipt())
    assert judge(text) is Verdict.FORGED
    first, _, signature = receipts.make(KEY, a_receipt()).partition(".")
    assert judge(f"{first}=.{signature}") is Verdict.FORGED
    assert judge(f"{first}.{signing.sign(KEY, signing.access_text(first))}") is Verdict.FORGED


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"rid": a_rid(2)}, Verdict.OTHER_TEST),
        ({"lease_id": "another"}, Verdict.OTHER_LEASE),
        ({"lease_id": None}, Verdict.OTHER_LEASE),
        ({"started_ms": NOON_MS - 2 * 3_600_000}, Verdict.TOO_OLD),
        ({"started_ms": NOON_MS + 2 * 3_600_000}, Verdict.TOO_OLD),
        ({"received_ms": NOON_MS - 600_000}, Verdict.TOO_OLD),
        ({"download_bytes": 13_000_000}, Verdict.TOO_FEW_BYTES),
        ({"upload_bytes": 4_000_000}, Verdict.TOO_FEW_BYTES),
        ({"download_bytes": 0, "upload_bytes": 0}, Verdict.VALID),
    ],
)
def test_a_receipt_fits_its_own_record_only(changes: dict[str, Any], verdict: Verdict) -> None:
    assert judge(receipts.make(KEY, a_receipt()), **changes) is verdict


def test_an_open_test_point_knows_no_lease() -> None:
    text = receipts.make(KEY, a_receipt(lease_id=None))
    assert judge(text, lease_id=None) is judge(text) is Verdict.VALID
