"""What the collector makes of receipts: right ones, forged, old and borrowed ones; a word beside the row, no more."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nacl.signing import SigningKey

from agent.wire import forms, receipts
from agent.wire.receipts import Receipt
from collector.intake.parts import Parts
from collector.intake.receipts import ReceiptBook
from collector.testpoint import keyfile
from tests.collector.intake.rows import measurement_rows
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_diary_run, a_measurement, a_rid
from tests.fakes.wire_device import WireDevice, statuses

KEY, OTHER_KEY = SigningKey(bytes(range(64, 96))), SigningKey(bytes(range(32)))
HOUR_MS = 3_600_000


@pytest.fixture
def parts(parts: Parts) -> Parts:
    return replace(parts, receipts=ReceiptBook(given=(bytes(KEY.verify_key),)))


def a_receipt(parts: Parts, number: int = 1, *, key: SigningKey = KEY, **changes: Any) -> str:
    said = Receipt(
        v=1, test=a_rid(number), lease_id=None, server="tp1", address="203.0.113.0/24", download_bytes=12_200_000,
        download_ms=4_000, upload_bytes=2_600_000, upload_ms=4_000, issued_ms=parts.ports.clock.now_ms(),
    )  # fmt: skip
    return receipts.make(key, msgspec.structs.replace(said, **changes))


def record(device: WireDevice, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A measurement of this boot that began ten seconds ago."""
    mono_ms = device.mono_ms - 10_000
    return a_measurement(number, boot_id=device.boot_id, started_mono_ms=mono_ms, **changes)


def verdicts(parts: Parts) -> dict[str, str]:
    return {row["rid"]: row["receipt_verdict"] for row in measurement_rows(parts.store)}


def judged(parts: Parts, device: WireDevice, text: str | None, **changes: Any) -> str:
    assert statuses(device.post([record(device, receipt=text, **changes)])) == ["accepted"]
    (found,) = verdicts(parts).values()
    return found


def test_a_receipt_that_fits_is_valid(parts: Parts, device: WireDevice) -> None:
    assert judged(parts, device, a_receipt(parts)) == "valid"


def test_a_lease_in_both_is_valid(parts: Parts, device: WireDevice) -> None:
    assert judged(parts, device, a_receipt(parts, lease_id="l1"), lease_id="l1") == "valid"


def test_without_a_receipt_the_word_is_none_and_a_diary_has_no_word(parts: Parts, device: WireDevice) -> None:
    assert statuses(device.post([record(device), a_diary_run(2)])) == ["accepted", "accepted"]
    assert verdicts(parts) == {a_rid(1): "none"}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"key": OTHER_KEY}, "forged"),
        ({"v": 2}, "forged"),
        ({"test": a_rid(2)}, "other_test"),
        ({"lease_id": "of another"}, "other_lease"),
        ({"issued_ms": 0}, "too_old"),
        ({"download_bytes": 10_000_000}, "too_few_bytes"),
        ({"upload_bytes": 0}, "too_few_bytes"),
    ],
)
def test_what_does_not_fit_has_its_own_word(
    parts: Parts, device: WireDevice, changes: dict[str, Any], word: str
) -> None:
    assert judged(parts, device, a_receipt(parts, **changes)) == word


@pytest.mark.parametrize("text", ["", "a.b", "x" * 1000, "é.b"])
def test_what_is_no_receipt_is_forged_and_the_record_stays(parts: Parts, device: WireDevice, text: str) -> None:
    assert judged(parts, device, text) == "forged"


def test_an_hour_is_the_limit_and_it_is_held_against_the_corrected_start(parts: Parts, device: WireDevice) -> None:
    now_ms = parts.ports.clock.now_ms()
    old = a_receipt(parts, 1, issued_ms=now_ms - HOUR_MS - 60_000)
    young = a_receipt(parts, 2, issued_ms=now_ms - HOUR_MS + 60_000)
    wrong_clock = {"started_at": "2031-01-01T00:00:00.000Z"}
    device.post([record(device, 1, receipt=old), record(device, 2, receipt=young, **wrong_clock)])
    assert verdicts(parts) == {a_rid(1): "too_old", a_rid(2): "valid"}


def test_where_the_start_is_only_bounded_the_test_point_s_clock_is_believed_within(
    parts: Parts, device: WireDevice, clock: FakeClock
) -> None:
    issued_ms = clock.now_ms()
    clock.advance(48 * HOUR_MS)
    item = a_measurement(1, boot_id="cd" * 16, receipt=a_receipt(parts, issued_ms=issued_ms))
    device.post([item])
    (row,) = measurement_rows(parts.store)
    assert (row["time_quality"], row["receipt_verdict"]) == ("bounded", "valid")


def test_a_replayed_receipt_is_told_from_the_one_it_was_made_for(parts: Parts, device: WireDevice) -> None:
    text = a_receipt(parts)
    device.post([record(device, 1, receipt=text), record(device, 2, receipt=text)])
    device.post([record(device, 3, receipt=text)])
    assert verdicts(parts) == {a_rid(1): "valid", a_rid(2): "other_test", a_rid(3): "other_test"}


def test_without_any_known_key_nothing_is_called_forged(parts: Parts, device: WireDevice) -> None:
    device.parts = replace(parts, receipts=ReceiptBook())
    assert judged(parts, device, a_receipt(parts)) == "unchecked"


def test_the_test_point_s_key_is_found_when_it_appears_and_when_it_changes(tmp_path: Path, parts: Parts) -> None:
    path = tmp_path / "testpoint" / "receipt.pub"
    book = ReceiptBook(path, (bytes(SigningKey(bytes(32)).verify_key),))
    text = a_receipt(parts)
    assert book.read(text) is receipts.Verdict.FORGED
    keyfile.write_public_keys(path, [bytes(KEY.verify_key)])
    assert isinstance(book.read(text), Receipt)
    path.unlink()
    assert book.read("a.b") is receipts.Verdict.FORGED
    assert isinstance(book.read(text), Receipt)  # an unreadable file takes no key away
    keyfile.write_public_keys(path, [bytes(OTHER_KEY.verify_key)])
    assert isinstance(book.read(a_receipt(parts, key=OTHER_KEY)), Receipt)
    assert isinstance(book.read(a_receipt(parts, key=SigningKey(bytes(32)))), Receipt)  # of a test point elsewhere


def test_a_known_key_never_touches_the_file_again(tmp_path: Path, parts: Parts) -> None:
    path = tmp_path / "receipt.pub"
    path.write_text(forms.b64url(bytes(KEY.verify_key)) + "\n")
    book, text = ReceiptBook(path), a_receipt(parts)
    assert isinstance(book.read(text), Receipt)
    keyfile.write_public_keys(path, [bytes(OTHER_KEY.verify_key)])
    assert isinstance(book.read(text), Receipt)


class FileReadByAnother(ReceiptBook):
    """Between the first try and the look into the file another thread has read the new keys."""

    def _has_news(self, tried: list[bytes]) -> bool:
        super()._has_news(tried)
        return super()._has_news(tried)


def test_keys_that_another_thread_has_just_read_are_tried_too(tmp_path: Path, parts: Parts) -> None:
    path = tmp_path / "receipt.pub"
    keyfile.write_public_keys(path, [bytes(KEY.verify_key)])
    book = FileReadByAnother(path, (bytes(OTHER_KEY.verify_key),))
    assert isinstance(book.read(a_receipt(parts)), Receipt)
