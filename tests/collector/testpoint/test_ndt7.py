"""ndt7 in both directions, as the protocol has it and with what our own agent may ask for."""

import sys
from pathlib import Path

import pytest

from agent.net import websocket
from agent.net.websocket import Opcode
from tests.collector.testpoint.conftest import Client, Socket, measurements, running

SHORT = {"ndt7_duration_s": 0.5, "measure_interval_s": 0.02}


def test_a_download_measures_and_ends_with_close():
    with running(**SHORT) as (port, _), Socket(port, "/ndt/v7/download?client_name=x") as client:
        messages = list(client.messages())
        client.put(Opcode.CLOSE, b"\x03\xe8")
    assert messages[-1].opcode is Opcode.CLOSE
    assert messages[-1].close_code == 1000
    seen = measurements(messages)
    first, last = seen[0], seen[-1]
    assert {item["Origin"] for item in seen} == {"server"}
    assert {item["Test"] for item in seen} == {"download"}
    assert first["ConnectionInfo"]["Server"] == f"127.0.0.1:{port}"
    assert first["ConnectionInfo"]["Client"].startswith("127.0.0.1:")
    assert last["AppInfo"]["NumBytes"] == client.receiver.binary_bytes > 0
    assert last["AppInfo"]["ElapsedTime"] >= 500_000
    elapsed = [item["AppInfo"]["ElapsedTime"] for item in seen]
    assert elapsed == sorted(elapsed)


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is read on Linux only")
def test_the_kernels_account_comes_along():
    with running(**SHORT) as (port, _), Socket(port, "/ndt/v7/download?bytes=100000") as client:
        last = measurements(client.messages())[-1]
    assert last["TCPInfo"]["BytesSent"] > 0
    assert {"BytesAcked", "BytesReceived", "DeliveryRate", "ElapsedTime", "MinRTT", "RTT"} <= set(last["TCPInfo"])


def kernel_has(name):
    path = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
    return path.exists() and name in path.read_text().split()


@pytest.mark.parametrize(("query", "name"), [("", "bbr"), ("&cc=bbr", "bbr"), ("&cc=cubic", "cubic")])
def test_the_measurements_say_which_congestion_control_is_in_force(point, query, name):
    if not kernel_has(name):
        pytest.skip(f"this kernel gives no {name}")
    with Socket(point, f"/ndt/v7/download?bytes=100000{query}") as client:
        assert client.upgraded.headers.get("enlace-congestion-control") == name
        seen = measurements(client.messages())
    assert {seen[0]["ConnectionInfo"]["CongestionControl"], seen[-1]["ConnectionInfo"]["CongestionControl"]} == {name}
    assert all(("BBRInfo" in item) == (name == "bbr") for item in seen)


def test_an_interval_may_be_asked_for():
    target = "/ndt/v7/upload?interval_ms=10"
    with running(ndt7_duration_s=20, measure_interval_s=3600) as (port, _), Socket(port, target) as client:
        for _ in range(5):
            assert client.until(Opcode.TEXT)


def test_an_upload_is_counted_by_the_receiver():
    with running(**SHORT) as (port, _), Socket(port, "/ndt/v7/upload") as client:
        for _ in range(20):
            client.put(Opcode.BINARY, bytes(8192))
        client.put(Opcode.CLOSE, b"\x03\xe8")
        messages = list(client.messages())
    assert messages[-1].opcode is Opcode.CLOSE
    last = measurements(messages)[-1]
    assert last["Test"] == "upload"
    assert last["AppInfo"]["NumBytes"] == 20 * 8192


def test_an_upload_that_never_ends_is_closed_by_the_server():
    with running(ndt7_duration_s=0.1, ndt7_cap_s=0.3) as (port, _), Socket(port, "/ndt/v7/upload") as client:
        client.put(Opcode.BINARY, bytes(1000))
        assert list(client.messages())[-1].close_code == 1000
        assert client.is_closed()


def test_sixteen_mebibytes_in_one_message_are_counted(point):
    with Socket(point, "/ndt/v7/upload") as client:
        client.sock.sendall(websocket.frame_header(Opcode.BINARY, 1 << 24, mask=b"abcd"))
        for _ in range(16):
            client.sock.sendall(bytes(1 << 20))
        client.put(Opcode.CLOSE, b"")
        assert measurements(client.messages())[-1]["AppInfo"]["NumBytes"] == 1 << 24


@pytest.mark.parametrize("size", [1, 100_000, 3_000_001])
def test_our_own_agent_may_cap_a_download_to_the_byte(point, size):
    with Socket(point, f"/ndt/v7/download?bytes={size}&cc=cubic") as client:
        messages = list(client.messages())
    assert client.receiver.binary_bytes == size
    assert messages[-1].close_code == 1000


def test_a_ping_is_answered_in_both_directions():
    with running(ndt7_duration_s=20) as (port, _):
        for direction in ("download", "upload"):
            with Socket(port, f"/ndt/v7/{direction}") as client:
                client.put(Opcode.PING, b"12345678")
                assert client.until(Opcode.PONG).payload == b"12345678"


def test_an_end_without_close_hurts_nobody(point):
    for direction in ("download", "upload"):
        with Socket(point, f"/ndt/v7/{direction}"):
            pass
    with Client(point) as client:
        assert client.get("/healthz")[0].status == 200


def test_a_client_that_sends_binary_during_a_download_is_sent_away(point):
    with Socket(point, "/ndt/v7/download") as client:
        client.put(Opcode.BINARY, bytes(10))
        assert client.is_closed()


def test_unmasked_frames_are_refused_with_the_right_code():
    with running(ndt7_duration_s=20) as (port, _), Socket(port, "/ndt/v7/upload") as client:
        client.sock.sendall(websocket.frame(Opcode.BINARY, b"x"))
        assert client.until(Opcode.CLOSE).close_code == 1002


@pytest.mark.parametrize(
    ("query", "protocol", "status"),
    [
        ("", "other", 400),
        ("", "net.measurementlab.ndt.v7, other", 400),
        ("?early_exit=10", "net.measurementlab.ndt.v7", 400),
        ("?cc=vegas", "net.measurementlab.ndt.v7", 400),
        ("?interval_ms=9", "net.measurementlab.ndt.v7", 400),
        ("?interval_ms=1001", "net.measurementlab.ndt.v7", 400),
        ("?interval_ms=", "net.measurementlab.ndt.v7", 400),
        ("?interval_ms=1e2", "net.measurementlab.ndt.v7", 400),
    ],
)
def test_a_wrong_request_is_refused_in_a_sentence(point, query, protocol, status):
    request, _ = websocket.client_handshake("a", "/ndt/v7/download" + query, nonce=bytes(16), protocol=protocol)
    with Client(point) as client:
        client.sock.sendall(request)
        head, body, _ = client.answer()
    assert head.status == status
    assert body.count(b"\n") == 1


def test_a_plain_request_is_told_to_upgrade(point):
    with Client(point) as client:
        head, _, _ = client.get("/ndt/v7/download")
    assert head.status == 426
    assert head.headers.get("upgrade") == "websocket"
