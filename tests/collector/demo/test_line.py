"""The shaped line with real sockets: nothing lost or altered, ends passed on, and the figures that it promises."""

import contextlib
import hashlib
import os
import socket
import struct
import threading
import time

import pytest

from collector.demo.line import LineSpec, ShapedLine, ShapedLineProcess, parse_line
from tests.collector.testpoint.conftest import PATIENCE_S, Client, running

FAST = {"down_bps": 400e6, "up_bps": 400e6, "rtt_ms": 2}


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("20/5/40", LineSpec(20e6, 5e6, 40.0)),
        (" 8/1/100 ", LineSpec(8e6, 1e6, 100.0)),
        ("0.5/0.128/600", LineSpec(500e3, 128e3, 600.0)),
        ("30/10/0", LineSpec(30e6, 10e6, 0.0)),
    ],
)
def test_a_line_is_read_from_its_text(text, spec):
    assert parse_line(text) == spec


@pytest.mark.parametrize(
    "text", ["", "8", "8/1", "8/1/100/2", "a/b/c", "-8/1/100", "0/1/10", "9999/1/1", "8/1/9999", "8,1,5"]
)
def test_a_wrong_text_is_answered_in_one_sentence(text):
    with pytest.raises(ValueError, match="LINE=") as caught:
        parse_line(text)
    assert "\n" not in str(caught.value)


@contextlib.contextmanager
def server_socket():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        yield server


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def read_all(sock):
    digest, size = hashlib.sha256(), 0
    while data := sock.recv(1 << 16):
        digest.update(data)
        size += len(data)
    return size, digest.hexdigest()


@contextlib.contextmanager
def relayed(**line):
    """A client and the server's side of its connection, with a line between them."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(server_socket())
        shaped = stack.enter_context(ShapedLine("127.0.0.1", server.getsockname()[1], **(FAST | line)))
        client = stack.enter_context(connect(shaped.port))
        far, _ = server.accept()
        far.settimeout(PATIENCE_S)
        with far:
            yield shaped, client, far


def test_bytes_cross_unaltered_in_both_directions_at_once():
    up, down = os.urandom(3_000_001), os.urandom(2_000_003)
    with relayed() as (line, client, far):
        results = {}

        def exchange(name, sock, data):
            sender = threading.Thread(target=lambda: (sock.sendall(data), sock.shutdown(socket.SHUT_WR)))
            sender.start()
            results[name] = read_all(sock)
            sender.join()

        threads = [
            threading.Thread(target=exchange, args=("client", client, up)),
            threading.Thread(target=exchange, args=("far", far, down)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counters = line.counters
    assert results["far"] == (len(up), hashlib.sha256(up).hexdigest())
    assert results["client"] == (len(down), hashlib.sha256(down).hexdigest())
    assert (counters.upload_bytes, counters.download_bytes) == (len(up), len(down))


def test_one_direction_may_end_before_the_other():
    with relayed() as (_, client, far):
        client.shutdown(socket.SHUT_WR)
        assert far.recv(10) == b""
        far.sendall(b"later")
        assert client.recv(10) == b"later"
        far.close()
        assert client.recv(10) == b""


def test_a_reset_is_passed_on():
    for breaker in ("client", "far"):
        with relayed() as (_, client, far):
            broken, other = (client, far) if breaker == "client" else (far, client)
            broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            broken.close()
            with pytest.raises(ConnectionResetError):
                other.recv(10)


def test_a_receiver_that_does_not_read_holds_its_sender_back():
    with relayed() as (line, client, far):
        client.settimeout(0.2)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200_000_000:
                sent += client.send(bytes(1 << 16))
        client.settimeout(PATIENCE_S)
        client.shutdown(socket.SHUT_WR)
        assert read_all(far)[0] == sent == line.counters.upload_bytes


def test_a_target_that_is_away_resets_the_client():
    with server_socket() as server:
        port = server.getsockname()[1]
    away = pytest.raises(ConnectionError)
    with ShapedLine("127.0.0.1", port, **FAST) as line, connect(line.port) as client, away:
        client.recv(10)


def test_what_a_leaving_client_had_asked_for_is_counted_honestly():
    """What is in the queue when the client breaks off still crosses the line; no more than that does."""
    with relayed(down_bps=8e6, rtt_ms=20) as (line, client, far):
        sender = threading.Thread(target=_send_until_broken, args=(far,))
        sender.start()
        received = 0
        while received < 100_000:
            received += len(client.recv(4096))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        sender.join()
        bandwidth_delay = 8e6 / 8 * 0.02
        queue = 8e6 / 8 * 0.06
        # Generous: the client's own receive buffer, and a busy machine.
        assert received <= line.counters.download_bytes <= received + bandwidth_delay + queue + 400_000


def _send_until_broken(sock):
    with contextlib.suppress(OSError):
        while True:
            sock.sendall(bytes(1 << 16))


def test_datagrams_cross_and_return_to_whom_they_belong():
    with running() as (port, _), ShapedLine("127.0.0.1", port, **FAST) as line:
        clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
        for index, client in enumerate(clients):
            client.settimeout(PATIENCE_S)
            client.sendto(b"client %d" % index, ("127.0.0.1", line.port))
        for index, client in enumerate(clients):
            assert client.recv(100) == b"client %d" % index
            client.close()
        assert line.counters.download_bytes == line.counters.upload_bytes == 24


def test_a_line_in_its_own_process_counts_and_ends():
    with running() as (port, _), ShapedLineProcess("127.0.0.1", port, **FAST) as line:
        with Client(line.port) as client:
            assert len(client.get("/garbage?bytes=200000")[1]) == 200_000
        counters = line.counters
        assert 200_000 < counters.download_bytes < 202_000
        assert 0 < counters.upload_bytes < 1_000
    with pytest.raises(OSError, match=r"refused|reset"):
        connect(line.port).recv(1)


def download_bps(line, streams, skip_s, seconds):
    """Goodput of greedy downloads as the receiver sees it, and as the line counts it."""
    stop, totals = threading.Event(), [0] * streams

    def read(index):
        with Client(line.port) as client:
            client.send("GET", "/garbage?ckSize=1024")
            while not stop.is_set():
                totals[index] += len(client.more())

    threads = [threading.Thread(target=read, args=(index,)) for index in range(streams)]
    for thread in threads:
        thread.start()
    time.sleep(skip_s)
    begin_s, begin, counted = time.perf_counter(), sum(totals), line.counters
    time.sleep(seconds)
    end_s, end, counted_end = time.perf_counter(), sum(totals), line.counters
    stop.set()
    for thread in threads:
        thread.join()
    by_line = (counted_end.download_bytes - counted.download_bytes) * 8 / (counted_end.at_s - counted.at_s)
    return (end - begin) * 8 / (end_s - begin_s), by_line


def upload_bps(line, streams, skip_s, seconds):
    """What greedy senders with 4 MB of send buffer get through, as the line counts it."""
    stop = threading.Event()

    def write():
        with Client(line.port) as client:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            client.send("POST", "/empty.php", ("Content-Length", "10000000000"))
            client.sock.settimeout(0.1)
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    client.sock.send(bytes(1 << 16))
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    threads = [threading.Thread(target=write) for _ in range(streams)]
    for thread in threads:
        thread.start()
    time.sleep(skip_s)
    begin = line.counters
    time.sleep(seconds)
    end = line.counters
    stop.set()
    for thread in threads:
        thread.join()
    return (end.upload_bytes - begin.upload_bytes) * 8 / (end.at_s - begin.at_s)


def round_trips_ms(line, count):
    values = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(("127.0.0.1", line.port))
        for _ in range(count):
            start_s = time.perf_counter()
            sock.send(bytes(32))
            sock.recv(100)
            values.append((time.perf_counter() - start_s) * 1000)
    return values


@pytest.mark.deep
@pytest.mark.parametrize("streams", [1, 4])
@pytest.mark.parametrize("text", ["8/1/100", "20/5/40", "30/10/20"])
def test_the_figures_are_accurate(text, streams):
    """Real seconds, because the line is what gives the seconds their meaning; on a quiet machine."""
    spec = parse_line(text)
    shape = {"down_bps": spec.down_bps, "up_bps": spec.up_bps, "rtt_ms": spec.rtt_ms}
    with running() as (port, _), ShapedLineProcess("127.0.0.1", port, **shape) as line:
        assert min(round_trips_ms(line, 30)) == pytest.approx(spec.rtt_ms, rel=0.05)  # the least: others run too
        received, counted = download_bps(line, streams, 1.0, 5.0)
        assert received == pytest.approx(spec.down_bps, rel=0.02)
        assert counted == pytest.approx(spec.down_bps, rel=0.02)
        assert upload_bps(line, streams, 1.0, 5.0) == pytest.approx(spec.up_bps, rel=0.02)
