"""The ndt7 client against servers that do all that the protocol allows, and much that it does not."""

import socket
import struct
import threading

import pytest

from agent.measure import session
from agent.measure.engines.ndt7 import Ndt7
from agent.measure.engines.ndt7_talk import PROTOCOL
from agent.measure.faults import WorldError
from agent.net import websocket
from agent.net.websocket import MESSAGE_LIMIT_BYTES, CloseCode, Opcode
from agent.wire.vocabulary import EngineName, FailureCode, Phase, Status, StopReason
from tests.agent.measure.world import job_for, plan, ports
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer

LIMITS = {"max_s": 3.0, "answer_s": 0.4, "stall_s": 0.4, "drain_s": 0.3}
MIB = 1 << 20


def run(direction, script, **more):
    """Run one direction to its end; return the transfer and its last sum."""
    with ScriptedServer(script) as server, job_for(server.url, **{**LIMITS, **more}) as job:
        under_way = getattr(Ndt7(), direction)(job)
        totals = [sample.total_bytes for sample in under_way.samples()]
    return under_way, totals[-1]


def fault_of(direction, script, **more):
    with pytest.raises(WorldError) as caught:
        run(direction, script, **more)
    return caught.value


def upgrade(visit, protocol=PROTOCOL, *more):
    accept = websocket.check_upgrade(visit.head, PROTOCOL)
    visit.sock.sendall(websocket.server_handshake(accept, protocol, *more))


def sends(data, *, then=scripted.silent, piece=None, more=()):
    """A server that agrees, sends these bytes in pieces, and then does something else."""

    def script(visit):
        upgrade(visit, PROTOCOL, *more)
        visit.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        step = piece or max(1, len(data))
        for start in range(0, len(data), step):
            visit.sock.sendall(data[start : start + step])
        return then(visit)

    return script


def binary(size, *, fin=True, opcode=Opcode.BINARY):
    return websocket.frame_header(opcode, size, fin=fin) + bytes(size)


GOODBYE = websocket.close_frame(CloseCode.NORMAL)
SAID = b'{"AppInfo":{"NumBytes":7},"Unknown":{"Deep":[{}]},"TCPInfo":{"ElapsedTime":5}}'  # the line carries it too
TEXT = websocket.frame(Opcode.TEXT, SAID)
PING = websocket.frame(Opcode.PING, b"12345")


def test_frames_in_single_bytes_with_control_frames_inside_fragments():
    fragments = (
        binary(700, fin=False)
        + PING
        + binary(300, fin=False, opcode=Opcode.CONTINUATION)
        + PING
        + binary(70_000 % 900, opcode=Opcode.CONTINUATION)
    )
    stream = TEXT + fragments + TEXT + binary(5) + binary(0) + GOODBYE
    under_way, total = run("download", sends(stream, piece=1), connections=1)
    assert total == 700 + 300 + 70_000 % 900 + 5 + 2 * len(SAID)
    assert under_way.ended is StopReason.SERVER


SENDER = '{"TCPInfo":{"ElapsedTime":5},"BBRInfo":{"BW":1}%s}'
BY_BBR = websocket.frame(Opcode.TEXT, (SENDER % "").encode())
BY_NAME = websocket.frame(Opcode.TEXT, (SENDER % ',"ConnectionInfo":{"CongestionControl":"bbr2"}').encode())


@pytest.mark.parametrize(
    ("header", "measurement", "named", "is_ours"),
    [
        ("cubic", b"", "cubic", True),  # on a slow line no measurement comes in time
        ("unknown", b"", None, True),
        ("unknown", BY_NAME, "bbr2", True),
        (None, BY_NAME, "bbr2", True),  # an older test point of ours
        (None, BY_BBR, "bbr", False),
        (None, TEXT, None, False),
    ],
)
def test_the_senders_congestion_control_is_named_whenever_it_is_known(header, measurement, named, is_ours):
    more = [("Enlace-Congestion-Control", header)] if header else []
    stream = measurement + binary(500) + GOODBYE
    under_way, _ = run("download", sends(stream, more=more), connections=1)
    assert (under_way.congestion_control, under_way.is_bounded_by_peer) == (named, is_ours)


@pytest.mark.parametrize("piece", [2, 3, 7, 13, 126, 65_537])
def test_frames_in_pieces(piece):
    stream = b"".join(TEXT + binary(size) for size in (0, 1, 125, 126, 127, 3000)) + GOODBYE
    sizes = 0 + 1 + 125 + 126 + 127 + 3000 + 6 * len(SAID)
    assert run("download", sends(stream, piece=piece), connections=2)[1] == 2 * sizes


def test_the_largest_message_is_taken():
    stream = binary(MESSAGE_LIMIT_BYTES) + GOODBYE
    under_way, total = run("download", sends(stream), connections=1, stall_s=3.0)
    assert total == MESSAGE_LIMIT_BYTES
    assert under_way.ended is StopReason.SERVER


def test_a_larger_one_is_not():
    head = websocket.frame_header(Opcode.BINARY, MESSAGE_LIMIT_BYTES + 1)
    assert fault_of("download", sends(head + bytes(1000)), connections=1).code is FailureCode.PROTOCOL


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_a_wrong_subprotocol(direction):
    def script(visit):
        upgrade(visit, "net.measurementlab.throughput.v1")
        return scripted.silent(visit)

    fault = fault_of(direction, script)
    assert (fault.code, PROTOCOL in fault.detail) == (FailureCode.PROTOCOL, True)


@pytest.mark.parametrize("garbage", [b"\xff" * 400, b"<html>hello</html>" * 50, b"\x82\xfe" + bytes(900)])
@pytest.mark.parametrize("direction", ["download", "upload"])
def test_an_agreement_followed_by_garbage(direction, garbage):
    assert fault_of(direction, sends(garbage)).code is FailureCode.PROTOCOL


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_a_server_that_only_talks(direction):
    def talk(visit):
        for _ in range(200):  # of more it is said at once that it talks without end
            visit.sock.sendall(TEXT + PING)
            visit.sock.recv(1 << 16)
        while visit.sock.recv(1 << 16):
            continue

    # In an upload its seven bytes are all that it ever says to have received.
    if direction == "download":
        assert fault_of(direction, sends(b"", then=talk)).code is FailureCode.STALLED
    else:
        under_way, total = run(direction, sends(b"", then=talk))
        assert under_way.ended is StopReason.STALL
        assert total == 4 * 7


def test_a_server_that_pings_without_end_costs_neither_memory_nor_time():
    def ping(visit):
        while True:
            visit.sock.sendall(PING * 4000)

    with (
        ScriptedServer(sends(b"", then=ping)) as server,
        job_for(server.url, **{**LIMITS, "answer_s": 20.0, "max_s": 20.0}) as job,
    ):
        under_way = Ndt7().download(job)
        with pytest.raises(WorldError) as caught:
            list(under_way.samples())
    assert caught.value.code is FailureCode.PROTOCOL
    assert all(len(each.queue) <= 80 for each in under_way.connections)


def test_a_connection_of_which_nothing_is_said_does_not_hide_the_others():
    def script(visit):
        with guard:
            number[0] += 1
            is_mute = number[0] == 1
        if not is_mute:
            return scripted.foreign_ndt7(visit)
        upgrade(visit)
        while visit.sock.recv(1 << 16):
            pass
        return False

    guard, number = threading.Lock(), [0]
    under_way, total = run("upload", script, max_bytes=1_000_000)
    assert under_way.ended is StopReason.BUDGET
    assert 0 < total < 1_000_000


def test_the_stop_is_a_reset_and_ends_the_meter():
    seen = []

    def endless(visit):
        try:
            while True:
                visit.sock.sendall(binary(MIB))
        except OSError as error:
            seen.append(type(error))
            raise

    script = sends(b"", then=endless)
    with ScriptedServer(script) as server, job_for(server.url, **LIMITS) as job:
        under_way = Ndt7().download(job)
        samples = under_way.samples()
        next(samples)
        next(samples)
        samples.close()
    assert len(seen) == 4
    assert set(seen) <= {ConnectionResetError, BrokenPipeError}
    assert under_way.carried_bytes >= under_way.moved_bytes


def measured(script, **more):
    with ScriptedServer(script) as server:
        return session.run(plan(server.url, EngineName.NDT7, **more), ports())


def pours(direction, mib, end):
    """A server that carries one direction for some MiB and then ends it in its own way."""

    def script(visit):
        if not visit.head.path.endswith(direction):
            return scripted.foreign_ndt7(visit)
        upgrade(visit)
        for _ in range(mib):
            visit.sock.sendall(binary(MIB))
        return end(visit)

    return script


def hang_up(_visit):
    return False


def reset(visit):
    visit.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.sock.close()
    return False


@pytest.mark.parametrize("end", [hang_up, reset])
def test_an_abrupt_end_before_the_line_was_full_is_a_failure(end):
    record = measured(pours("download", 1, end))
    assert (record.status, record.failure.phase) == (Status.FAILED, Phase.DOWNLOAD)
    assert record.failure.code in (FailureCode.RESET, FailureCode.UNREACHABLE)
    assert record.download is None
