"""The HTTP server against slow and hostile senders, over a real socket of this computer."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.web.server import BODY_MAX_BYTES, HEAD_DEADLINE_S, HEAD_MAX_BYTES, make_server


def echo(environ: Any, start_response: Any) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{len(body)} {environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']}".encode()]


@pytest.fixture
def start() -> Iterator[Callable[..., Any]]:
    running: list[tuple[Any, threading.Thread]] = []

    def begin(**changes: Any) -> Any:
        server = make_server(echo, CollectorConfig(**changes), "127.0.0.1", 0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield begin
    for server, thread in running:
        server.task_dispatcher.shutdown()
        server._map.clear()
        server.pull_trigger()
        thread.join(10)
        server.close()


def exchange(server: Any, *pieces: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(server.effective_port)), 30) as connection:
        with suppress(OSError):  # a refusal may come, and the connection end, before everything is sent
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):  # what the server did not read is thrown away after its answer
            while got := connection.recv(65_536):
                answer += got
        return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_whole_request_is_answered(start: Callable[..., Any]) -> None:
    answer = exchange(start(), b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
    assert status(answer) == 200
    assert answer.endswith(b"5 127.0.0.1 http")


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("coding", [b"chunked", b"gzip, chunked", b"identity", b"xchunked"])
def test_a_body_of_untold_length_is_refused(start: Callable[..., Any], version: bytes, coding: bytes) -> None:
    head = b"POST / HTTP/" + version + b"\r\nHost: x\r\nTransfer-Encoding: " + coding + b"\r\n\r\n"
    assert status(exchange(start(), head, b"5\r\nhello\r\n0\r\n\r\n")) in (400, 501)


def test_two_lengths_are_refused(start: Callable[..., Any]) -> None:
    answer = exchange(start(), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")
    assert status(answer) == 400


def test_a_huge_body_is_refused_by_its_head(start: Callable[..., Any]) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_MAX_BYTES}\r\n\r\n".encode()
    assert status(exchange(start(), head)) == 413


def test_a_huge_head_is_refused(start: Callable[..., Any]) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nCookie: "
    assert status(exchange(start(), head + b"a" * (HEAD_MAX_BYTES - len(head)))) == 431


def test_a_forwarded_address_counts_only_behind_a_proxy(start: Callable[..., Any]) -> None:
    request = (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"X-Forwarded-For: 192.0.2.1, 198.51.100.7\r\nX-Forwarded-Proto: https\r\n\r\n"
    )
    assert exchange(start(), request).endswith(b"0 127.0.0.1 http")
    assert exchange(start(behind_proxy=True), request).endswith(b"0 198.51.100.7 https")


def test_who_drips_is_ended_however_steadily(start: Callable[..., Any]) -> None:
    server = start(body_deadline_s=60)
    slow_body = socket.create_connection(("127.0.0.1", int(server.effective_port)), 30)
    slow_head = socket.create_connection(("127.0.0.1", int(server.effective_port)), 30)
    slow_body.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nab")
    slow_head.sendall(b"POST / HTTP/1.1\r\nHost: x")
    channels = until(lambda: [one for one in server.active_channels.values() if one.request is not None], 2)
    body, head = sorted(channels, key=lambda channel: not channel.request.headers_finished)
    for channel in channels:
        channel.last_activity += 1000  # its newest byte has only just come
    began_s = body.request_began_s
    assert not body.is_overdue(began_s + 59, 60)
    assert body.is_overdue(began_s + 61, 60)
    assert head.is_overdue(head.request_began_s + HEAD_DEADLINE_S + 1, 60)
    server.maintenance(max(began_s, head.request_began_s) + 61)
    server.pull_trigger()
    for connection in (slow_body, slow_head):
        assert connection.recv(100) == b""
        connection.close()


def until(look: Callable[[], list[Any]], count: int) -> list[Any]:
    waiting = threading.Event()
    for _ in range(3000):
        if len(found := look()) == count:
            return found
        waiting.wait(0.01)
    raise AssertionError("the server did not take the connections")


def test_a_port_that_is_taken_is_said_in_words(start: Callable[..., Any]) -> None:
    taken = int(start().effective_port)
    with pytest.raises(CollectorError, match="cannot listen"):
        make_server(echo, CollectorConfig(), "127.0.0.1", taken)
