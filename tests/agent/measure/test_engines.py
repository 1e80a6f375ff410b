"""The engines against servers that are slow, greedy, lying or broken; limits are short, the servers scripted."""

import contextlib
import itertools
import socket
import time

import pytest

from agent.measure.engines.librespeed import LibreSpeed
from agent.measure.engines.ndt7 import Ndt7
from agent.measure.engines.ndt7_talk import PROTOCOL
from agent.measure.faults import WorldError
from agent.measure.sockets import dial
from agent.net import http1, websocket
from agent.net.websocket import Opcode
from agent.wire.vocabulary import FailureCode, Method, StopReason
from tests.agent.measure.world import job_for, wait_until
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import MIB, ScriptedServer

SHORT = {"max_s": 2.0, "answer_s": 0.3, "stall_s": 0.3, "drain_s": 0.2}


def transfer(engine, direction, script, **more):
    """Run one direction to its end; return the transfer and its samples."""
    with ScriptedServer(script) as server, job_for(server.url, **{**SHORT, **more}) as job:
        under_way = getattr(engine, direction)(job)
        samples = list(under_way.samples())
    times_s = [sample.at_s for sample in samples]
    totals = [sample.total_bytes for sample in samples]
    assert times_s == sorted(times_s)
    assert totals == sorted(totals)
    assert not any(connection.is_open for connection in under_way.connections)
    return under_way, samples


def upgrade(visit):
    accept = websocket.check_upgrade(visit.head, PROTOCOL)
    visit.sock.sendall(websocket.server_handshake(accept, PROTOCOL))


def fault_of(engine, direction, script, **more):
    with pytest.raises(WorldError) as caught:
        transfer(engine, direction, script, **more)
    return caught.value.code


def drip(visit):
    """One byte of the head now and then, for ever."""
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000:
        visit.sock.sendall(bytes([byte]))
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("engine", [Ndt7(), LibreSpeed()])
@pytest.mark.parametrize("direction", ["download", "upload"])
@pytest.mark.parametrize("script", [scripted.silent, drip])
def test_a_server_that_answers_too_slowly(engine, direction, script):
    assert fault_of(engine, direction, script) is FailureCode.STALLED


def test_silence_in_the_middle_of_a_download():
    def script(visit):
        upgrade(visit)
        visit.sock.sendall(websocket.frame_header(Opcode.BINARY, MIB) + bytes(100_000))
        return scripted.silent(visit)

    under_way, samples = transfer(Ndt7(), "download", script)
    assert under_way.ended is StopReason.STALL
    assert samples[-1].total_bytes == 4 * 100_000


def test_a_server_that_never_says_what_it_received():
    def script(visit):
        upgrade(visit)
        while visit.sock.recv(1 << 16):
            pass
        return False

    assert fault_of(Ndt7(), "upload", script) is FailureCode.STALLED


def test_a_server_that_says_too_much_is_not_believed():
    def script(visit):
        upgrade(visit)
        text = b'{"TCPInfo":{"BytesReceived":1000000000000,"ElapsedTime":100000}}'
        visit.sock.sendall(websocket.frame(Opcode.TEXT, text))
        while visit.sock.recv(1 << 16):
            pass
        return False

    under_way, samples = transfer(Ndt7(), "upload", script, max_bytes=400_000)
    assert samples[-1].total_bytes <= 450_000
    assert under_way.moved_bytes <= 400_000


def test_a_server_that_says_nothing_more_is_not_waited_for():
    """What it does say while it is heard out counts; then its silence ends the upload, and takes nothing from it."""

    def script(visit):
        upgrade(visit)
        for turn in range(1, 6):
            text = f'{{"TCPInfo":{{"BytesReceived":{1000 + 2000 * turn},"ElapsedTime":{20_000 * turn}}}}}'
            visit.sock.sendall(websocket.frame(Opcode.TEXT, text.encode()))
            visit.sock.recv(1 << 16)
        while visit.sock.recv(1 << 16):
            pass
        return False

    with ScriptedServer(script) as server, job_for(server.url, **SHORT, connections=1) as job:
        under_way = Ndt7().upload(job)
        samples = under_way.samples()
        seen = [next(samples)]
        assert under_way.run_out()
        seen.extend(samples)
    assert under_way.ended is StopReason.PRECISE
    assert 0 < seen[-1].total_bytes <= 11_000
    assert seen[-1].at_s < 0.5  # of the last that was said, not of the end of the waiting


def test_where_the_kernel_keeps_megabytes_nothing_is_waited_for(monkeypatch):
    monkeypatch.setattr("agent.net.tcpinfo.set_notsent_lowat", lambda _sock, _size: False)
    with ScriptedServer(scripted.foreign_ndt7) as server, job_for(server.url, **SHORT) as job:
        under_way = Ndt7().upload(job)
        samples = under_way.samples()
        next(samples)
        assert not under_way.run_out()
        samples.close()


def test_the_last_words_on_a_small_cap_all_count():
    """Four connections whose ends were reported for different moments: the earliest does not hide what came after."""
    visits = itertools.count(1)

    def script(visit):
        upgrade(visit)
        elapsed_us = 100_000 * next(visits)
        got = len(visit.rest)
        visit.sock.settimeout(0.15)
        with contextlib.suppress(TimeoutError):
            while data := visit.sock.recv(1 << 16):
                got += len(data)
        text = f'{{"AppInfo":{{"NumBytes":{got},"ElapsedTime":{elapsed_us}}}}}'
        visit.sock.sendall(websocket.frame(Opcode.TEXT, text.encode()))
        return scripted.silent(visit)

    under_way, samples = transfer(Ndt7(), "upload", script, max_bytes=300_000, answer_s=2.0)
    assert under_way.ended is StopReason.BUDGET
    assert samples[-1].total_bytes >= under_way.moved_bytes


@pytest.mark.parametrize("text", [b"not json", b'{"TCPInfo":7}', b"[]"])
def test_measurements_that_cannot_be_read(text):
    def script(visit):
        upgrade(visit)
        visit.sock.sendall(websocket.frame(Opcode.TEXT, text))
        return scripted.silent(visit)

    assert fault_of(Ndt7(), "upload", script) is FailureCode.PROTOCOL


@pytest.mark.parametrize(
    ("code", "word"), [(1013, FailureCode.SERVER_BUSY), (1002, FailureCode.PROTOCOL), (1008, FailureCode.PROTOCOL)]
)
def test_a_close_says_why(code, word):
    def script(visit):
        upgrade(visit)
        visit.sock.sendall(websocket.close_frame(websocket.CloseCode(code)))
        return scripted.silent(visit)

    assert fault_of(Ndt7(), "download", script) is word


def test_an_orderly_end_by_the_server():
    def script(visit):
        upgrade(visit)
        visit.sock.sendall(websocket.frame_header(Opcode.BINARY, 50_000) + bytes(50_000))
        visit.sock.sendall(websocket.close_frame(websocket.CloseCode.NORMAL))
        return scripted.silent(visit)

    under_way, samples = transfer(Ndt7(), "download", script)
    assert under_way.ended is StopReason.SERVER
    assert samples[-1].total_bytes == 200_000


def test_a_wrong_accept_is_no_websocket():
    def script(visit):
        visit.sock.sendall(websocket.server_handshake("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", PROTOCOL))
        return scripted.silent(visit)

    assert fault_of(Ndt7(), "download", script) is FailureCode.PROTOCOL


def test_some_connections_refused_do_not_end_the_test():
    def script(visit):
        if server_seen["n"] % 2:
            server_seen["n"] += 1
            visit.answer(503)
            return False
        server_seen["n"] += 1
        return scripted.foreign_ndt7(visit)

    server_seen = {"n": 0}
    under_way, samples = transfer(Ndt7(), "download", script, max_bytes=2_000_000)
    assert under_way.ended is StopReason.BUDGET
    assert samples[-1].total_bytes > 1_000_000


@pytest.mark.parametrize("engine", [Ndt7(), LibreSpeed()])
@pytest.mark.parametrize("max_bytes", [30_000, 1_000_000, 5_000_000])
def test_a_foreign_server_is_stopped_at_the_cap(engine, max_bytes):
    script = scripted.foreign_ndt7 if isinstance(engine, Ndt7) else scripted.foreign_librespeed()
    for direction in ("download", "upload"):
        under_way, _ = transfer(engine, direction, script, max_bytes=max_bytes, max_s=10.0, answer_s=5.0)
        assert under_way.ended is StopReason.BUDGET
        assert 0 < under_way.moved_bytes <= max_bytes


def test_uploads_count_at_the_answer_where_the_server_does_not_count():
    under_way, samples = transfer(
        LibreSpeed(), "upload", scripted.foreign_librespeed(), max_bytes=500_000, max_s=10.0, answer_s=5.0
    )
    assert under_way.method is Method.HTTP_2XX
    assert samples[-1].total_bytes == under_way.moved_bytes


def test_an_answer_before_the_data_is_a_proxy_and_not_an_upload():
    def script(visit):
        if visit.head.method == "POST":
            visit.answer(200)
            return scripted.silent(visit)
        visit.answer(404)
        return True

    # More than the kernel's buffers take, so that the answer comes while there is still something to send.
    engine = LibreSpeed()
    with ScriptedServer(script) as server, job_for(server.url, **SHORT, send_buffer_bytes=4096) as job:
        under_way = engine.upload(job)
        with pytest.raises(WorldError) as caught:
            list(under_way.samples())
    assert caught.value.code in (FailureCode.PROTOCOL, FailureCode.STALLED, FailureCode.RESET)


def test_an_account_that_breaks_off_is_not_made_up_for():
    def script(visit):
        if visit.head.method == "POST":
            visit.read_body()
            visit.answer(200)
            return True
        fields = [("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked")]
        visit.sock.sendall(http1.format_response(200, fields))
        visit.sock.sendall(http1.chunk(b'{"elapsed_us":0,"received_bytes":0}\n'))
        visit.sock.sendall(http1.chunk(b'{"elapsed_us":100000,"received_bytes":9000}\n'))
        return False

    assert fault_of(LibreSpeed(), "upload", script) is FailureCode.RESET


@pytest.mark.parametrize(("length", "word"), [(150, FailureCode.PORTAL), (MIB, FailureCode.RESET)])
def test_a_body_that_ends_with_its_connection_before_its_time(length, word):
    def script(visit):
        visit.sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n" + bytes(length))
        return False

    assert fault_of(LibreSpeed(), "download", script, max_bytes=10 * MIB, connections=1) is word


def test_prepare_finds_the_scripts_or_says_what_is_there():
    with ScriptedServer(scripted.foreign_librespeed("/backend")) as server, job_for(server.url, **SHORT) as job:
        assert LibreSpeed().prepare(job).address.target.path == "/backend"
    with ScriptedServer(scripted.portal) as server, job_for(server.url, **SHORT) as job:
        with pytest.raises(WorldError) as caught:
            LibreSpeed().prepare(job)
        assert caught.value.code is FailureCode.PORTAL
        assert "captive portal" in caught.value.detail


def test_closing_the_samples_closes_the_connections():
    with ScriptedServer(scripted.foreign_ndt7) as server, job_for(server.url) as job:
        under_way = Ndt7().download(job)
        samples = under_way.samples()
        next(samples)
        samples.close()
        assert not any(connection.is_open for connection in under_way.connections)
        before = under_way.moved_bytes
        wait_until(lambda: under_way.moved_bytes == before)


def test_a_proxy_is_asked_for_a_tunnel(monkeypatch):
    with ScriptedServer(scripted.foreign_ndt7) as far:

        def proxy(visit):
            assert visit.head.method == "CONNECT"
            out = socket.create_connection(("127.0.0.1", far.port))
            visit.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            visit.sock.sendall(b"tunnel")
            out.close()
            return False

        with ScriptedServer(proxy) as near:
            monkeypatch.setenv("http_proxy", near.url)
            monkeypatch.setenv("no_proxy", "")
            address = dial.resolve(dial.Target("test.invalid", 8080, False, ""))[0]
            assert (address.proxy.port, address.sockaddr[1]) == (near.port, near.port)
            sock = dial.connect(address, dial.Buffers())
            wait_until(lambda: _received(sock) == b"tunnel")
            sock.close()
            assert dial.proxy_of(dial.Target("127.0.0.1", 1, False, "")) is None


def _received(sock):
    try:
        return sock.recv(100, socket.MSG_PEEK)
    except BlockingIOError:
        return b""


def test_a_proxy_that_wants_a_password(monkeypatch):
    with ScriptedServer(scripted.status(407)) as near:
        monkeypatch.setenv("http_proxy", near.url)
        with pytest.raises(WorldError) as caught:
            dial.connect(dial.resolve(dial.Target("test.invalid", 8080, False, ""))[0], dial.Buffers())
    assert caught.value.code is FailureCode.PROXY_AUTH
