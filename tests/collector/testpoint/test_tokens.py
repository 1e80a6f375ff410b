"""A token serves one test of one place, until its end; every other use is refused in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from agent.wire import infile
from agent.wire.receipts import Receipt
from collector.testpoint import keyfile, ledger
from collector.testpoint.admission import Admission
from collector.testpoint.ledger import Account, Direction
from collector.testpoint.refusal import RefusedError
from tests.collector.testpoint.conftest import Client, running
from tests.collector.testpoint.test_admission import FAR_MS, KEY, NOW_MS, OTHER_KEY, Times, door, token

DOWN, UP = Direction.DOWNLOAD, Direction.UPLOAD


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def guarded(times: Times) -> Admission:
    return door(times, open=False)


def refusal(admission: Admission, address: str, query: dict[str, str]) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        admission.admit(address, query, DOWN)
    return caught.value.status, caught.value.sentence


def test_each_refusal_has_its_line(guarded: Admission) -> None:
    assert refusal(guarded, "10.0.0.1", {"access_token": "x"}) == (403, "token malformed")
    assert refusal(guarded, "10.0.0.1", token(exp_ms=NOW_MS)) == (403, "token expired")
    assert refusal(guarded, "10.0.0.1", token(key=OTHER_KEY)) == (403, "token signature wrong")
    assert refusal(guarded, "10.0.0.1", token(jti="")) == (403, "token malformed")
    assert refusal(guarded, "10.0.0.1", {**token(), "test": "a b"})[0] == 400


def test_a_token_belongs_to_the_place_that_used_it_first(guarded: Admission) -> None:
    guarded.admit("203.0.113.7", token(), DOWN)
    guarded.admit("203.0.113.99", token(), DOWN)  # a provider's pool of addresses
    guarded.admit("2001:db8:1::7", token(), DOWN)  # the same client over its other protocol
    assert refusal(guarded, "203.0.114.7", token()) == (403, "token used from another address")
    assert refusal(guarded, "2001:db8:2::7", token()) == (403, "token used from another address")
    guarded.admit("::ffff:203.0.113.8", token(), UP)


def test_a_token_belongs_to_the_test_that_it_named(guarded: Admission) -> None:
    guarded.admit("10.0.0.1", {**token(), "test": "one"}, DOWN)
    guarded.admit("10.0.0.1", {**token(), "test": "one"}, UP)
    guarded.admit("10.0.0.1", token(), UP)
    assert refusal(guarded, "10.0.0.1", {**token(), "test": "two"}) == (403, "token used for another test")
    guarded.admit("10.0.0.1", token(jti="j2"), UP)  # named later, but once
    guarded.admit("10.0.0.1", {**token(jti="j2"), "test": "one"}, UP)
    assert refusal(guarded, "10.0.0.1", {**token(jti="j2"), "test": "two"})[0] == 403
    assert guarded.receipt("10.0.0.1", token(jti="j2"), lambda said: said.test) == "one"
    guarded.admit("10.0.0.1", token(jti="j3"), UP)
    assert guarded.receipt("10.0.0.1", token(jti="j3"), lambda said: said.test) == "j3"


def test_a_token_ends_with_its_test(times: Times, guarded: Admission) -> None:
    account = guarded.admit("10.0.0.1", token(), DOWN)
    times.advance(40)  # a long transfer is no pause
    guarded.admit("10.0.0.1", token(), UP).close()
    account.close()
    times.advance(29)
    guarded.admit("10.0.0.1", token(), UP).close()
    times.advance(31)
    assert refusal(guarded, "10.0.0.1", token()) == (403, "token used after its test ended")


def test_a_token_ends_with_its_receipt(guarded: Admission) -> None:
    account = guarded.admit("10.0.0.1", token(), DOWN)
    guarded.receipt("10.0.0.1", token(), lambda said: said.test)
    assert account.take(10) == 0
    assert refusal(guarded, "10.0.0.1", token()) == (403, "token used after its test ended")


def test_addresses_are_counted_whole_or_as_a_64(times: Times) -> None:
    admission = door(times, max_bytes_per_address=1000)
    admission.admit("2001:db8::1", {}, DOWN).take(1000)
    assert refusal(admission, "2001:db8::ffff:1", {}) == (429, "address bytes used up")
    assert admission.admit("2001:db8:0:1::1", {}, DOWN).left_bytes == 1000
    admission.admit("10.0.0.1", {}, UP).take(1000)
    assert refusal(admission, "::ffff:10.0.0.1", {})[0] == 429
    assert admission.admit("10.0.0.2", {}, DOWN).left_bytes == 1000


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["open", "take", "close"]), st.integers(0, 700))),
    cap_bytes=st.integers(1, 2_000),
)
def test_no_order_of_transfers_exceeds_a_cap(steps: list[tuple[int, str, int]], cap_bytes: int) -> None:
    times = Times()
    admission = door(times, open=False)
    query = token(max_bytes=cap_bytes)
    accounts: dict[int, Account] = {}
    granted = 0
    for place, step, size in steps:
        times.advance(0.1)
        if step == "open" and place not in accounts and granted < cap_bytes:
            accounts[place] = admission.admit("10.0.0.1", query, UP)
        elif step == "take" and place in accounts:
            granted += accounts[place].take(size)
        elif step == "close" and place in accounts:
            accounts.pop(place).close()
    assert granted <= cap_bytes
    if granted:
        said: list[Receipt] = []
        admission.receipt("10.0.0.1", query, lambda receipt: said.append(receipt) or "")
        assert said[0].upload_bytes == granted


def test_memory_is_bounded(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "ADDRESSES_LIMIT", 10)
    monkeypatch.setattr(ledger, "TESTS_LIMIT", 10)
    admission = door(times, max_tests=1_000)
    for number in range(100):
        admission.admit(f"10.0.{number}.1", {"test": "a"}, DOWN).close()
    guarded = door(times, open=False, max_tests=1_000)
    for number in range(10):
        guarded.admit("10.0.0.1", token(jti=f"j{number}"), DOWN).close()
    assert refusal(guarded, "10.0.0.1", token(jti="more"))[0] == 503  # a used token is never forgotten before its end
    times.advance(361)
    assert refusal(guarded, "10.0.0.1", token(jti="j1"))[1] == "token expired"
    guarded.admit("10.0.0.1", token(jti="more", exp_ms=times.utc_ms + 1000), DOWN)


def test_a_new_key_of_the_collector_is_read_when_it_signs(times: Times, tmp_path) -> None:
    path = tmp_path / "keys"
    keyfile.write_public_keys(path, [bytes(KEY.verify_key)])
    admission = door(times, open=False, public_keys=(), keys_file=path)
    admission.check_token("10.0.0.1", token())
    keyfile.write_public_keys(path, [bytes(OTHER_KEY.verify_key), bytes(KEY.verify_key)])
    admission.check_token("10.0.0.1", token(key=OTHER_KEY))
    admission.check_token("10.0.0.1", token())
    path.unlink()
    with pytest.raises(RefusedError, match="signature wrong"):
        admission.check_token("10.0.0.1", token(key=SigningKey(bytes([7] * 32))))
    admission.check_token("10.0.0.1", token())  # a file that is gone takes no key away


def test_forgers_do_not_keep_the_disk_busy(times: Times, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    keyfile.write_public_keys(path, [bytes(KEY.verify_key)])
    admission = door(times, open=False, public_keys=(), keys_file=path)
    reads = []
    read = infile.read_text
    monkeypatch.setattr(infile, "read_text", lambda where, *limits: reads.append(where) or read(where, *limits))
    for number in range(100):
        if number in (30, 60):  # written anew, with nothing new in it
            keyfile.write_public_keys(path, [bytes(KEY.verify_key), *[bytes(KEY.verify_key)] * number])
        with pytest.raises(RefusedError):
            admission.check_token("10.0.0.1", token(key=OTHER_KEY))
    assert len(reads) == 2


def test_over_the_network_the_reason_is_the_body() -> None:
    with running(open=False, public_keys=(bytes(KEY.verify_key),)) as (port, _):
        for query, line in (
            (token(exp_ms=NOW_MS), b"token expired\n"),
            (token(key=OTHER_KEY, exp_ms=FAR_MS), b"token signature wrong\n"),
        ):
            with Client(port) as client:
                head, body, _ = client.get(f"/garbage?access_token={query['access_token']}")
            assert (head.status, body) == (403, line)
