"""`enlace-collector verify`: what it says of a file, and how it ends."""

from pathlib import Path
from typing import Any

import pytest

from collector import operate
from collector.intake.keyring import read_ring
from collector.publish import packs
from collector.store.open import Store
from tests.collector.publish.test_packs import ROWS
from tests.collector.test_operator_commands import run as run  # a fixture
from tests.collector.test_operator_commands import store as store  # a fixture
from tests.fakes.collector_world import FakeClock, fake_ports

WORDS = {"school": "00123", "first_day": "2026-11-01", "last_day": "2026-11-24", "counted": 30, "needed": 30}


@pytest.fixture
def pack(store: Store, tmp_path: Path) -> Path:
    key = read_ring(store).current
    said = {**WORDS, "key_id": key.key_id, "rows_sha256": packs.rows_hash(ROWS), "rows": ROWS}
    document = f'{packs.MARK.decode()}{packs.SLOT.decode()}</code><pre id="data">{packs.data_text(said)}</pre>'
    made = tmp_path / "pack.html"
    made.write_bytes(packs.seal(document, key.signing_key))
    return made


def test_a_right_pack_ends_with_0_and_says_what_it_is(run: Any, pack: Path) -> None:
    done = run("verify", str(pack))
    assert (done.code, done.err) == (0, "")
    assert "is as the collector signed it" in done.out and "school 00123" in done.out and "30 of 30 tests" in done.out


def test_an_altered_one_ends_with_1(run: Any, pack: Path) -> None:
    pack.write_bytes(pack.read_bytes().replace(b"12800000", b"12800001"))
    done = run("verify", str(pack))
    assert (done.code, done.out) == (1, "") and "was altered after it was signed" in done.err


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\x00"])
def test_what_is_no_pack_ends_with_2(run: Any, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.html"
    other.write_bytes(content)
    done = run("verify", str(other))
    assert done.code == 2 and "is no evidence pack" in done.err


def test_what_cannot_be_read_ends_with_2(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Path) -> None:
    assert run("verify", str(tmp_path / "nothing.html")).code == 2
    assert run("verify", str(tmp_path)).code == 2
    monkeypatch.setattr(packs, "LARGEST_BYTES", 10)
    assert "is larger than any evidence pack" in run("verify", str(pack)).err


def test_a_key_that_is_not_known_ends_with_4(run: Any, pack: Path, tmp_path: Path) -> None:
    operate.init(tmp_path / "elsewhere", fake_ports(FakeClock(), seed=77))
    stranger = Store.open(tmp_path / "elsewhere")
    public_key = operate.list_keys(stranger)[0].public_key
    stranger.close()
    done = run("verify", str(pack), "--key", public_key)
    assert done.code == 4 and "none given with --key" in done.err


def test_a_pack_of_an_old_key_stays_right(run: Any, pack: Path) -> None:
    run("key", "rotate")
    assert run("verify", str(pack)).code == 0


def test_with_a_key_no_database_is_needed(run: Any, pack: Path, tmp_path: Path, store: Store) -> None:
    public_key = operate.list_keys(store)[0].public_key
    (tmp_path / "keys.txt").write_text(f"another\n{public_key}\n")
    nowhere = ("--data", str(tmp_path / "nowhere"))
    assert run("verify", str(pack), "--key", public_key, *nowhere).code == 0
    assert run("verify", str(pack), "--key", str(tmp_path / "keys.txt"), *nowhere).code == 0
    done = run("verify", str(pack), "--key", "neither", *nowhere)
    assert done.code == 2 and "is no public key and no file with one" in done.err
