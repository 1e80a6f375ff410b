"""ndt7 against clients of every kind, over bare sockets: nothing stays behind, and the next client is served.

After each of them the test point must be as it was: no transfer, no test, no descriptor, no connection.
"""

import gc
import json
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agent.net import websocket
from agent.net.websocket import Opcode
from collector.testpoint.connection import Connection
from tests.collector.testpoint.conftest import PATIENCE_S, Client, Socket, measurements, running

QUICK = {"place_hold_s": 0.0, "head_timeout_s": 0.2, "stall_timeout_s": 0.3, "ndt7_duration_s": 0.3, "ndt7_cap_s": 0.6}


@pytest.fixture(scope="module")
def quick() -> Iterator[int]:
    with running(**QUICK) as (port, _):
        yield port


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0


def settles(port: int, before: int) -> None:
    """Wait until the test point is as it was; the asking connection is the one that may be there."""
    while True:
        with Client(port) as client:
            said = json.loads(client.get("/healthz")[1])
            if (said["transfers"], said["tests"]) == (0, 0) and descriptors() <= before + 2:
                return


def cut(client: Client) -> None:
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()


def bare(port: int, direction: str, receive_bytes: int | None = None) -> socket.socket:
    """A WebSocket whose answer nobody reads."""
    sock = socket.socket()
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.settimeout(PATIENCE_S)
    sock.connect(("127.0.0.1", port))
    sock.sendall(upgrade(direction))
    return sock


def upgrade(direction: str) -> bytes:
    return websocket.client_handshake(
        "a", f"/ndt/v7/{direction}", nonce=bytes(16), protocol="net.measurementlab.ndt.v7"
    )[0]


def read_to_end(sock: socket.socket) -> bytes:
    """Return what still comes; a peer that does not end the connection is a TimeoutError."""
    came = bytearray()
    with suppress(ConnectionError):
        while data := sock.recv(1 << 16):
            came += data
    return bytes(came)


def masked(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    return websocket.frame_header(opcode, len(payload), mask=b"abcd", fin=fin) + websocket.apply_mask(payload, b"abcd")


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_an_abrupt_end_leaves_nothing(quick: int, direction: str) -> None:
    before = descriptors()
    for end in (cut, lambda client: client.sock.close(), lambda client: client.sock.shutdown(socket.SHUT_WR)):
        client = Socket(quick, f"/ndt/v7/{direction}")
        client.more()
        end(client)
        client.sock.close()
    settles(quick, before)


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_a_client_that_vanishes_is_given_up(quick: int, direction: str) -> None:
    before = descriptors()
    sock = bare(quick, direction, 4096)  # as if the power had gone: nothing comes any more, nothing is taken
    settles(quick, before + 1)
    sock.close()


def test_a_client_that_never_reads_but_always_speaks_is_given_up(quick: int) -> None:
    before = descriptors()
    with bare(quick, "download", 4096) as sock:
        pongs = masked(Opcode.PONG, b"")
        try:
            while True:
                sock.sendall(pongs)
                with Client(quick) as client:
                    if json.loads(client.get("/healthz")[1])["transfers"] == 0:
                        break
        except ConnectionError:
            pass
    settles(quick, before)


def test_a_download_by_http_that_nobody_reads_is_given_up() -> None:
    with running(place_hold_s=0.0, stall_timeout_s=0.3) as (port, _):
        before = descriptors()
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", port))
        sock.sendall(b"GET /garbage?ckSize=100 HTTP/1.1\r\nHost: a\r\n\r\n")
        settles(port, before + 1)
        sock.close()


def test_an_upgrade_that_dribbles_is_cut_off(quick: int) -> None:
    before = descriptors()
    with socket.create_connection(("127.0.0.1", quick), timeout=PATIENCE_S) as sock:
        try:
            for byte in upgrade("download")[:-1]:
                sock.sendall(bytes([byte]))
                with Client(quick) as client:  # takes a moment, and shows that the others are served
                    assert client.get("/healthz")[0].status == 200
        except ConnectionError:
            pass
        assert b" 101 " not in read_to_end(sock)
    settles(quick, before)


def test_frames_may_be_split_at_every_byte() -> None:
    stream = (
        masked(Opcode.BINARY, bytes(300), fin=False)
        + masked(Opcode.PING, b"now")
        + masked(Opcode.CONTINUATION, bytes(70_000), fin=False)
        + masked(Opcode.PONG, b"")
        + masked(Opcode.CONTINUATION, b"")
        + masked(Opcode.TEXT, b'{"a":', fin=False)
        + masked(Opcode.PING, b"")
        + masked(Opcode.CONTINUATION, b"1}")
        + masked(Opcode.CLOSE, b"\x03\xe8")
    )
    places = [*range(1, 330), *range(len(stream) - 60, len(stream))]
    with running(ndt7_duration_s=20, place_hold_s=0.0) as (port, _):
        for place in places:
            with Socket(port, "/ndt/v7/upload") as client:
                client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.sock.sendall(stream[:place])
                client.sock.sendall(stream[place:])
                messages = list(client.messages())
            assert measurements(messages)[-1]["AppInfo"]["NumBytes"] == 70_300
            assert [message.payload for message in messages if message.opcode is Opcode.PONG] == [b"now", b""]
            assert messages[-1].close_code == 1000


def test_one_byte_at_a_time_is_the_same() -> None:
    stream = masked(Opcode.BINARY, bytes(200), fin=False) + masked(Opcode.CONTINUATION, bytes(100))
    with running(ndt7_duration_s=20) as (port, _), Socket(port, "/ndt/v7/upload") as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in stream + masked(Opcode.CLOSE, b""):
            client.sock.sendall(bytes([byte]))
        assert measurements(client.messages())[-1]["AppInfo"]["NumBytes"] == 300


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (websocket.frame(Opcode.BINARY, b"x"), 1002),  # unmasked
        (websocket.frame(Opcode.PING, b"x"), 1002),
        (masked(Opcode.CONTINUATION, b"x"), 1002),  # of nothing
        (masked(Opcode.BINARY, b"x", fin=False) + masked(Opcode.BINARY, b"x"), 1002),
        (b"\x89\xfe\x00\x7eabcd" + bytes(126), 1002),  # a ping of 126 bytes
        (b"\x09\x80abcd", 1002),  # a fragmented ping
        (b"\xc2\x80abcd", 1002),  # a reserved bit
        (b"\x83\x80abcd", 1002),  # an unknown opcode
        (b"\x82\xfe\x00\x05abcd", 1002),  # a length not in its shortest form
        (b"\x82\xff" + b"\xff" * 8 + b"abcd", 1002),  # 2^64 - 1 bytes
        (b"\x82\xff" + struct.pack("!Q", (1 << 24) + 1) + b"abcd", 1009),
        (masked(Opcode.TEXT, b"\xff"), 1007),
        (websocket.frame_header(Opcode.TEXT, 70_000, mask=b"abcd"), 1009),
        (masked(Opcode.PING, b"") * 5_000, 1008),  # a flood
        (masked(Opcode.TEXT, b"{}") * 5_000, 1008),
    ],
)
@pytest.mark.parametrize("direction", ["download", "upload"])
def test_a_breach_of_the_protocol_gets_its_code(frames: bytes, code: int, direction: str) -> None:
    with running(ndt7_duration_s=20, place_hold_s=0.0) as (port, _):
        before = descriptors()
        with Socket(port, f"/ndt/v7/{direction}") as client:
            client.sock.sendall(frames)
            if direction == "upload":  # during a download it stands behind a binary message that was cut short
                assert client.until(Opcode.CLOSE).close_code == code
                assert read_to_end(client.sock) == b""
            else:
                read_to_end(client.sock)
        settles(port, before)


def test_a_message_of_the_largest_size_in_small_fragments_holds_no_memory(point: int) -> None:
    fragment = websocket.frame_header(Opcode.CONTINUATION, 1024, mask=b"abcd", fin=False) + bytes(1024)
    with Socket(point, "/ndt/v7/upload") as client:
        client.sock.sendall(masked(Opcode.BINARY, b"", fin=False))
        for _ in range(16):
            client.sock.sendall(fragment * 1023)
        client.sock.sendall(masked(Opcode.CONTINUATION, b"") + masked(Opcode.CLOSE, b""))
        assert measurements(client.messages())[-1]["AppInfo"]["NumBytes"] == 16 * 1023 * 1024


def test_no_close_in_answer_is_waited_for_a_moment_only(quick: int) -> None:
    before = descriptors()
    with Socket(quick, "/ndt/v7/upload") as client:
        assert client.until(Opcode.CLOSE).close_code == 1000
        settles(quick, before + 1)


def test_a_hundred_of_all_kinds_at_once(quick: int) -> None:
    before = descriptors()
    kinds: list[Callable[[socket.socket], object]] = [
        lambda sock: sock.sendall(b"\x82\x80abcd" * 1000),
        lambda sock: sock.sendall(masked(Opcode.PING, b"") * 300),
        lambda sock: sock.shutdown(socket.SHUT_WR),
        lambda sock: sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
    ]
    socks = [bare(quick, "download" if number % 2 else "upload") for number in range(60)]
    for number, sock in enumerate(socks):
        with suppress(ConnectionError):
            kinds[number % len(kinds)](sock)
    for sock in socks:
        sock.close()
    settles(quick, before)
    del sock
    while True:  # the last of them may still linger
        gc.collect()
        if sum(isinstance(thing, Connection) for thing in gc.get_objects()) <= 1:
            break
        with Client(quick) as client:
            client.get("/healthz")
