"""How many tests at once: a place for each, a time to come back for the rest, and who has waited comes first."""

import pytest

from agent.net import websocket
from collector.testpoint.admission import Admission
from collector.testpoint.capacity import Load, Waiting
from collector.testpoint.ledger import Direction
from collector.testpoint.refusal import RefusedError
from tests.collector.testpoint.conftest import PROTOCOL, Client, Socket, measurements, running
from tests.collector.testpoint.test_admission import Times, door, token

DOWN, UP = Direction.DOWNLOAD, Direction.UPLOAD


@pytest.fixture
def times() -> Times:
    return Times()


def wait_s(admission: Admission, address: str, query: dict[str, str]) -> int | None:
    with pytest.raises(RefusedError) as caught:
        admission.admit(address, query, DOWN)
    assert caught.value.status == 503
    assert caught.value.sentence.startswith("busy: ")
    return caught.value.retry_after_s


def test_the_connections_of_one_test_count_once(times: Times) -> None:
    admission = door(times, max_tests=2)
    for _ in range(4):
        admission.admit("10.0.0.1", {"test": "a"}, DOWN)
    for _ in range(6):
        admission.admit("10.0.0.2", {}, DOWN)  # a browser, which names none
    assert (admission.tests, admission.transfers) == (2, 10)
    assert wait_s(admission, "10.0.0.1", {"test": "b"}) == 30
    guarded = door(times, max_tests=1, open=False)
    for _ in range(4):
        guarded.admit("10.0.0.1", token(), UP)
    assert wait_s(guarded, "10.0.0.1", token(jti="j2")) == 30


def test_one_address_does_not_take_every_place(times: Times) -> None:
    admission = door(times, max_tests_per_address=2)
    for name in ("a", "b"):
        admission.admit("10.0.0.1", {"test": name}, DOWN)
    assert wait_s(admission, "10.0.0.1", {"test": "c"}) == 30
    admission.admit("10.0.0.1", {"test": "a"}, UP)
    admission.admit("10.0.0.2", {"test": "c"}, DOWN)
    guarded = door(times, open=False, max_tests_per_address=2)
    for name in ("j1", "j2", "j3"):
        guarded.admit("10.0.0.1", token(jti=name), DOWN)


def test_the_same_name_elsewhere_is_another_test(times: Times) -> None:
    admission = door(times, max_tests=1)
    admission.admit("10.0.0.1", {"test": "a"}, DOWN)
    wait_s(admission, "10.0.9.1", {"test": "a"})


def test_a_place_is_kept_between_download_and_upload_and_given_back(times: Times) -> None:
    admission = door(times, max_tests=1, place_hold_s=5)
    admission.admit("10.0.0.1", {"test": "a"}, DOWN).close()
    times.advance(4)
    wait_s(admission, "10.0.0.2", {"test": "b"})
    admission.admit("10.0.0.1", {"test": "a"}, UP).close()
    admission.receipt("10.0.0.1", {"test": "a"}, lambda said: said.test)
    assert admission.tests == 0
    admission.admit("10.0.0.2", {"test": "b"}, DOWN).close()
    times.advance(6)
    assert admission.tests == 0


def test_who_waited_gets_in_before_who_has_just_come(times: Times) -> None:
    admission = door(times, max_tests=1, retry_after_s=10)
    first = admission.admit("10.0.0.1", {"test": "a"}, DOWN)
    assert wait_s(admission, "10.0.0.2", {"test": "b"}) == 10
    assert wait_s(admission, "10.0.0.3", {"test": "c"}) == 20
    first.close()
    times.advance(10)
    wait_s(admission, "10.0.0.9", {"test": "z"})  # the place is free, but not for this one
    second = admission.admit("10.0.0.2", {"test": "b"}, DOWN)
    second.close()
    times.advance(10)
    admission.admit("10.0.0.3", {"test": "c"}, DOWN)


def test_a_place_that_nobody_came_back_for_is_anybodys(times: Times) -> None:
    admission = door(times, max_tests=1, retry_after_s=10)
    admission.admit("10.0.0.1", {}, DOWN).close()
    admission.admit("10.0.0.1", {}, DOWN)
    first = admission.admit("10.0.0.1", {}, DOWN)
    wait_s(admission, "10.0.0.2", {})
    first.test.accounts.clear()
    times.advance(16)
    admission.admit("10.0.0.9", {}, DOWN)


def test_a_full_line_takes_no_further_test(times: Times) -> None:
    admission = door(times, capacity_mbps=200, expected_mbps=50)
    accounts = [admission.admit(f"10.0.0.{number}", {}, DOWN) for number in range(4)]
    wait_s(admission, "10.0.0.9", {})  # none has shown its rate yet
    for _ in range(40):
        times.advance(0.1)
        accounts[0].charge(1_500_000)  # 120 Mbit/s
    admission.admit("10.0.0.9", {}, DOWN)
    for _ in range(40):
        times.advance(0.1)
        accounts[0].charge(2_000_000)
    wait_s(admission, "10.0.0.10", {})


def test_a_line_smaller_than_one_test_still_serves_one(times: Times) -> None:
    admission = door(times, capacity_mbps=10, expected_mbps=50)
    admission.admit("10.0.0.1", {}, DOWN)
    wait_s(admission, "10.0.0.2", {})


def test_the_load_is_that_of_the_last_second(times: Times) -> None:
    load = Load(lambda: times.s)
    for _ in range(20):
        load.add(1_000_000)
        times.advance(0.1)
    assert load.bps() == pytest.approx(80e6, rel=0.15)
    times.advance(2.1)
    assert load.bps() == 0


def test_the_list_of_waiting_is_bounded(times: Times) -> None:
    waiting = Waiting(lambda: times.s, 30)
    for number in range(5_000):
        waiting.told(str(number), 1_000)
    assert waiting.told("more", 1_000) == 60
    times.advance(10_000)
    assert waiting.told("more", 1_000) == 30


def test_two_agents_over_capacity_one_comes_back() -> None:
    with running(max_tests=1, retry_after_s=1, place_hold_s=0.0, ndt7_duration_s=20) as (port, _):
        with Socket(port, "/ndt/v7/download?test=one") as first, Socket(port, "/ndt/v7/download?test=one"):
            with Client(port) as second:
                head, body, _ = second.get("/garbage?bytes=10&test=two")
            assert (head.status, head.headers.get("retry-after")) == (503, "1")
            assert body.startswith(b"busy: ")
            with Client(port) as asking:
                assert asking.get("/enlace/v1/receipt?test=one")[0].status == 200
            assert measurements(first.messages())[-1]["Origin"] == "server"
        with Client(port) as second:
            assert second.get("/garbage?bytes=10&test=two")[0].status == 200


def test_a_websocket_is_refused_before_its_upgrade() -> None:
    with running(max_tests=1, ndt7_duration_s=20) as (port, _), Socket(port, "/ndt/v7/upload?test=one"):
        request, _ = websocket.client_handshake("a", "/ndt/v7/upload?test=two", nonce=bytes(16), protocol=PROTOCOL)
        with Client(port) as second:
            second.sock.sendall(request)
            head, body, _ = second.answer()
    assert (head.status, head.headers.get("retry-after")) == (503, "30")
    assert body == b"busy: as many tests as fit are under way\n"
