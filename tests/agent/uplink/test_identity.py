"""Two copies that repair each other; a copied disk image is noticed, a new network card is not."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import EnlaceError
from agent.ports import MachineFacts
from agent.uplink import identity
from agent.uplink.identity import COPIES, Identity, IdentityStore, Machine
from tests.fakes.agent_world import SeededRandomness

PIN = "ET3O22WL7YIATQBQ"
FACTS = MachineFacts("7d0f" * 8, "S3Z9NB0K", "lab-03", "Linux 6.1")


def an_identity(facts: MachineFacts = FACTS, **changes: object) -> Identity:
    made = identity.make(SeededRandomness(), facts, token="ENL1-X-Y", pin=PIN, collector_url="https://c.example")
    return msgspec.structs.replace(made, **changes)


def test_what_was_stored_comes_back(tmp_path: Path) -> None:
    store = IdentityStore(tmp_path)
    assert store.load() is None
    stored = store.save(an_identity(device="d-1", collector_keys=[]))
    assert IdentityStore(tmp_path).load() == stored


def test_only_the_owner_reads_the_key(tmp_path: Path) -> None:
    IdentityStore(tmp_path).save(an_identity())
    for name in COPIES:
        assert (tmp_path / "identity" / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("hurt", COPIES)
@pytest.mark.parametrize("how", ["gone", "empty", "bit", "cut", "older"])
def test_one_damaged_copy_is_repaired_from_the_other(tmp_path: Path, hurt: str, how: str) -> None:
    store = IdentityStore(tmp_path)
    first = store.save(an_identity())
    path = tmp_path / "identity" / hurt
    old = path.read_bytes()
    stored = store.save(msgspec.structs.replace(first, device="d-1"))
    whole = path.read_bytes()
    match how:
        case "gone":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "bit":
            path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "older":
            path.write_bytes(old)
    assert store.load() == stored
    assert path.read_bytes() == whole


def test_two_damaged_copies_are_a_sentence(tmp_path: Path) -> None:
    store = IdentityStore(tmp_path)
    store.save(an_identity())
    for name in COPIES:
        (tmp_path / "identity" / name).write_bytes(b"x")
    with pytest.raises(EnlaceError, match="damaged"):
        store.load()


@given(st.binary(max_size=300))
def test_any_bytes_in_a_copy_are_survived(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = IdentityStore(Path(folder))
        stored = store.save(an_identity())
        (Path(folder) / "identity" / COPIES[0]).write_bytes(content)
        assert store.load() == stored


def test_the_hash_is_the_contracts_hmac() -> None:
    import hashlib
    import hmac

    expected = hmac.new(PIN.encode(), b"machine\nserial7", hashlib.sha256).hexdigest()
    assert identity.machine_hash(PIN, MachineFacts("machine", "serial7", "h", "os"), "00" * 16).value == expected


@pytest.mark.parametrize("serial", ["", "  ", "None", "0000 0000", "To be filled by O.E.M.", "Default string", "1111"])
def test_a_dummy_serial_is_replaced_by_the_random_id(serial: str) -> None:
    facts = MachineFacts("machine", serial, "h", "os")
    one, other = (identity.machine_hash(PIN, facts, random_id) for random_id in ("aa" * 16, "bb" * 16))
    assert one.value != other.value
    assert not one.serial_known


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (FACTS, Machine.SAME),
        (MachineFacts(FACTS.machine_id, FACTS.disk_serial, "other-name", "Linux 7"), Machine.SAME),
        (MachineFacts("11" * 16, FACTS.disk_serial, "lab-03", "Linux 6.1"), Machine.CLONE),
        (MachineFacts(FACTS.machine_id, "WD-77", "lab-03", "Linux 6.1"), Machine.CLONE),
        (MachineFacts(FACTS.machine_id, "", "lab-03", "Linux 6.1"), Machine.SAME),
        (MachineFacts("", FACTS.disk_serial, "lab-03", "Linux 6.1"), Machine.SAME),
        (MachineFacts("", "", "", ""), Machine.SAME),
        (MachineFacts("11" * 16, "", "lab-03", "Linux 6.1"), Machine.CLONE),
    ],
)
def test_what_makes_a_clone(now: MachineFacts, found: Machine) -> None:
    assert identity.compare(an_identity(), now) is found


def test_a_serial_that_appears_later_makes_no_clone() -> None:
    made = an_identity(MachineFacts(FACTS.machine_id, "", "lab-03", "Linux 6.1"))
    assert identity.compare(made, FACTS) is Machine.SAME


def test_a_clone_gets_another_key_and_says_whom_it_replaces() -> None:
    copied = an_identity(device="d-1")
    new = identity.successor(SeededRandomness(7), MachineFacts("11" * 16, "X7", "h", "os"), copied)
    assert new.key != copied.key and new.device is None and new.replaces == "d-1"
    assert new.token == copied.token and new.machine_hash != copied.machine_hash


def test_no_secret_in_its_text() -> None:
    made = an_identity()
    assert made.key not in repr(made) and made.token not in repr(made)
