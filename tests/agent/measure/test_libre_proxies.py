"""LibreSpeed behind proxies and old servers: what still can be measured is, the rest is a failure in words."""

import gzip
import socket
import threading
from itertools import pairwise

import pytest

from agent.measure.engines.librespeed import COMPRESSIBLE, MIB, LibreSpeed
from agent.measure.engines.librespeed_upload import FIRST_BYTES
from agent.measure.faults import WorldError
from agent.net import http1
from agent.wire.vocabulary import FailureCode, Method, StopReason
from tests.agent.measure.world import job_for
from tests.fakes import scripted_server as scripted
from tests.fakes.random_bytes import RANDOM_MIB
from tests.fakes.scripted_server import ScriptedServer

LIMITS = {"max_s": 5.0, "answer_s": 2.0, "stall_s": 1.0, "drain_s": 0.5}


def run(direction, script, **more):
    """Run one direction to its end; return the transfer, its last sum and what the server saw."""
    with ScriptedServer(script) as server, job_for(server.url, **{**LIMITS, **more}) as job:
        under_way = getattr(LibreSpeed(), direction)(job)
        totals = [sample.total_bytes for sample in under_way.samples()]
    return under_way, totals[-1], server.seen


def fault_of(direction, script, **more):
    with pytest.raises(WorldError) as caught:
        run(direction, script, **more)
    return caught.value


def answer_post(visit, *headers):
    visit.read_body()
    visit.sock.sendall(http1.format_response(200, [("Content-Length", "0"), *headers]))


def only_posts(post):
    """A foreign server whose answers to uploads are the test's."""

    def script(visit):
        if visit.head.method != "POST":
            visit.answer(404)
            return True
        return post(visit)

    return script


def old_server(visit):
    """HTTP/1.0: no lengths, and the end of the connection is the end of the answer."""
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"
    if visit.head.method == "POST":
        visit.read_body()
        visit.sock.sendall(head)
    elif visit.head.path == "/garbage.php":
        visit.sock.sendall(head)
        for _ in range(int(visit.head.query["ckSize"])):
            visit.sock.sendall(RANDOM_MIB)
    else:
        visit.sock.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")
    return False


def test_an_old_server_is_measured_over_new_connections():
    under_way, total, _ = run("download", old_server, max_bytes=6 * MIB)
    assert under_way.ended is StopReason.BUDGET
    assert total > 5 * MIB
    under_way, total, seen = run("upload", old_server, max_bytes=600_000)
    assert (under_way.method, under_way.ended) == (Method.HTTP_2XX, StopReason.BUDGET)
    assert total == under_way.moved_bytes
    assert seen["POST /empty.php"] > under_way.streams


def test_a_server_that_announces_the_end_of_each_connection():
    def post(visit):
        answer_post(visit, ("Connection", "close"))
        return False

    under_way, total, _ = run("upload", only_posts(post), max_bytes=600_000)
    assert under_way.ended is StopReason.BUDGET
    assert total == under_way.moved_bytes


def test_connections_that_are_kept_and_then_closed_between_two_bodies():
    def post(visit):
        answer_post(visit)
        return False  # without a word

    under_way, total, _ = run("upload", only_posts(post), max_bytes=900_000)
    assert under_way.ended in (StopReason.BUDGET, StopReason.TIME)
    assert 0 < total < under_way.moved_bytes <= 900_000  # bodies that got lost are not counted


def test_all_connections_closed_at_once_after_their_last_answers_cut_nothing():
    refused, begun, closed = threading.Event(), threading.Event(), threading.Semaphore(0)

    def script(visit):
        if visit.head.method != "POST":
            visit.answer(404)
            refused.set()
            return True
        begun.set()
        answer_post(visit)
        visit.sock.shutdown(socket.SHUT_WR)
        closed.release()
        return False

    def busy():
        """A computer that looks at its sockets again when all three answers, and all three ends, are there."""
        if refused.is_set() and begun.wait(0.3):
            assert all(closed.acquire(timeout=10) for _ in range(3))
            refused.clear()
        return False

    under_way, total, seen = run("upload", script, max_bytes=43_000, connections=3, is_cancelled=busy)
    assert under_way.ended is StopReason.BUDGET
    assert total == under_way.moved_bytes > 2 * FIRST_BYTES
    assert seen["POST /empty.php"] == 3


def test_a_server_that_only_ever_closes_is_a_reset():
    assert fault_of("upload", only_posts(lambda _visit: False)).code is FailureCode.RESET


def test_downloads_go_on_when_a_kept_connection_is_closed():
    def script(visit):
        count = int(visit.head.query["ckSize"])
        fields = [("Content-Type", "application/octet-stream"), ("Content-Length", str(count * MIB))]
        visit.sock.sendall(http1.format_response(200, fields) + count * RANDOM_MIB)
        return False  # without a word

    under_way, total, seen = run("download", script, max_bytes=9 * MIB, connections=2)
    assert under_way.ended is StopReason.BUDGET
    assert total > 8 * MIB
    assert seen["GET /garbage.php"] == 3


def test_go_on_is_no_answer():
    def post(visit):
        visit.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")
        answer_post(visit)
        return True

    under_way, total, _ = run("upload", only_posts(post), max_bytes=300_000)
    assert under_way.ended is StopReason.BUDGET
    assert total == under_way.moved_bytes


def test_a_proxy_that_takes_only_small_bodies():
    limit = 40_000
    taken = []

    def post(visit):
        if int(visit.head.headers.get("content-length")) > limit:
            visit.answer(413, b"too large", "text/plain", ("Connection", "close"))
            return False
        taken.append(visit.read_body())
        visit.answer(200)
        return True

    under_way, total, _ = run("upload", only_posts(post), max_bytes=2_000_000)
    assert under_way.ended in (StopReason.BUDGET, StopReason.TIME)
    assert total <= sum(taken)  # refused bodies are no upload
    assert max(taken) <= limit


def test_a_proxy_that_takes_no_body_at_all():
    def post(visit):
        visit.answer(413, b"too large", "text/plain")
        return False

    fault = fault_of("upload", only_posts(post))
    assert fault.code is FailureCode.HTTP_STATUS
    assert "413: too large" in fault.detail


def test_an_answer_of_a_proxy_at_once_is_no_upload():
    def post(visit):
        visit.answer(200)  # the body is read by nobody, or later
        return scripted.silent(visit)

    fault = fault_of("upload", only_posts(post), send_buffer_bytes=4096, max_bytes=20 * MIB)
    assert fault.code in (FailureCode.PROTOCOL, FailureCode.RESET)


def test_answers_that_come_sooner_than_a_round_trip_are_not_the_server_s():
    def post(visit):
        answer_post(visit)
        return True

    fault = fault_of("upload", only_posts(post), rtt_s=0.6)
    assert fault.code is FailureCode.PROTOCOL
    assert "proxy" in fault.detail


@pytest.mark.parametrize("status", [302, 511])
def test_a_portal_in_the_middle_of_an_upload(status):
    def post(visit):
        visit.read_body()
        visit.answer(status)
        return False

    assert fault_of("upload", only_posts(post)).code is FailureCode.PORTAL


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, FailureCode.TOKEN_REFUSED), (403, FailureCode.TOKEN_REFUSED), (503, FailureCode.SERVER_BUSY)],
)
def test_a_refused_upload_has_its_word(status, code):
    def post(visit):
        visit.read_body()
        visit.answer(status, b"", "", ("Retry-After", "7"))
        return False

    fault = fault_of("upload", only_posts(post))
    assert fault.code is code
    assert fault.retry_after_s == (7 if code is FailureCode.SERVER_BUSY else None)


def garbage(*headers, block=RANDOM_MIB):
    def script(visit):
        count = int(visit.head.query["ckSize"])
        fields = [("Content-Type", "application/octet-stream"), ("Transfer-Encoding", "chunked"), *headers]
        visit.sock.sendall(http1.format_response(200, fields))
        for _ in range(count):
            visit.sock.sendall(http1.chunk(block))
        visit.sock.sendall(http1.LAST_CHUNK)
        return True

    return script


def test_random_data_need_no_remark():
    under_way, _, _ = run("download", garbage(), max_bytes=3_000_000)
    assert under_way.remarks == []


def test_data_that_a_modem_could_make_smaller_are_remarked_on():
    under_way, _, _ = run("download", garbage(block=bytes(MIB)), max_bytes=3_000_000)
    assert under_way.remarks == [COMPRESSIBLE]


def test_data_that_come_compressed_are_no_speed():
    script = garbage(("Content-Encoding", "gzip"), block=gzip.compress(bytes(MIB)))
    fault = fault_of("download", script)
    assert (fault.code, "compressed" in fault.detail) == (FailureCode.PROTOCOL, True)


def test_bodies_grow_until_they_take_their_time():
    sizes = {}  # by connection: of several, none waits for another

    def post(visit):
        sizes.setdefault(visit.sock, []).append(visit.read_body())
        visit.answer(200)
        return True

    run("upload", only_posts(post), max_bytes=4_000_000)
    assert {each[0] for each in sizes.values()} == {FIRST_BYTES}
    assert all(later <= 4 * sooner for each in sizes.values() for sooner, later in pairwise(each))
    assert max(max(each) for each in sizes.values()) > 8 * FIRST_BYTES
