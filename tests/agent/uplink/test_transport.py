"""Real sockets on loopback: deadlines, caps, proxies, no redirects."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent.errors import EnlaceError
from agent.uplink import proxies
from agent.uplink.decide import Silence, words
from agent.uplink.transport import Answer, HttpTransport, silence_of
from tests.fakes.collector import FakeCollector, HttpFront, unsigned


def read_request(connection: socket.socket) -> bytes:
    """Read all of it: a socket closed with unread bytes resets the connection and loses the answer."""
    got = connection.recv(65536)
    while got.startswith(b"POST") and not got.endswith(b"body"):
        got += connection.recv(65536) or b"body"
    return got


@contextmanager
def serving(answer: bytes, *, drip_s: float = 0.0, hold: bool = False) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads one request and answers with these bytes, all at once, one by one, or never."""
    stop, requests = threading.Event(), list[bytes]()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    requests.append(read_request(connection))
                    for piece in [answer[n : n + 1] for n in range(len(answer))] if drip_s else [answer]:
                        connection.sendall(piece)
                        if stop.wait(drip_s):
                            break
                    if hold:
                        stop.wait(30)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def ask(url: str, *, proxy: str = "none", deadline_s: float = 20.0) -> Answer | Silence:
    return HttpTransport(proxy).post(url, {"X-Test": "1"}, b"body", deadline_s=deadline_s)


def test_an_answer_comes_back_whole() -> None:
    collector = FakeCollector()
    collector.always = unsigned(418, b"teapot", X_Kind="pot")
    with HttpFront(collector) as front:
        answer = ask(front.url + "/settings/v1")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (418, b"teapot", "pot")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with serving(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") as (url, _):
        answer = ask(url)
    assert isinstance(answer, Answer) and answer.status == 302


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 5000, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 900],
)
def test_a_dripping_server_is_cut_at_the_deadline(answer: bytes) -> None:
    with serving(answer, drip_s=0.02) as (url, _):
        assert ask(url, deadline_s=0.5) is Silence.TOO_SLOW
        deadline = time.monotonic() + 20
        while any(one.name == "exchange" for one in threading.enumerate()) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert not any(one.name == "exchange" for one in threading.enumerate())  # cut, not only abandoned


def test_a_mute_server_is_too_slow() -> None:
    with serving(b"", hold=True) as (url, _):
        assert ask(url, deadline_s=0.3) is Silence.TOO_SLOW


def test_an_endless_answer_is_not_read() -> None:
    with serving(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000) as (url, _):
        assert ask(url) is Silence.TOO_LONG


def test_a_closed_connection_is_cut() -> None:
    with serving(b"") as (url, _):
        assert ask(url) is Silence.CUT


def test_something_that_is_no_http() -> None:
    with serving(b"SSH-2.0-OpenSSH_9.2\r\n") as (url, _):
        assert ask(url) is Silence.PROTOCOL


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert ask(url) is Silence.REFUSED


def test_a_name_that_cannot_be() -> None:
    assert ask("http://no-such-name.invalid/") in (Silence.DNS, Silence.TOO_SLOW)


def test_http_where_tls_was_expected() -> None:
    with serving(b"HTTP/1.1 200 OK\r\n\r\n") as (url, _):
        assert ask(url.replace("http:", "https:")) is Silence.NO_TLS


def test_a_server_that_waits_where_tls_was_expected_is_not_called_slow() -> None:
    """A plain HTTP server takes the handshake for the beginning of a request and waits for the rest."""
    with serving(b"", hold=True) as (url, _):
        assert ask(url.replace("http:", "https:"), deadline_s=0.5) is Silence.NO_TLS


def test_tls_where_http_was_expected_asks_for_the_other_address() -> None:
    with serving(b"\x15\x03\x01\x00\x02\x02\x46\r\n") as (url, _):
        told = ask(url)
    assert told is Silence.PROTOCOL and "https://" in words(told, None, signed=False, code=None)


def test_an_answer_at_its_limit_is_whole_and_one_byte_more_is_none() -> None:
    for size, fits in ((256_000, True), (256_001, False)):
        with serving(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size) as (url, _):
            told = ask(url)
        assert (isinstance(told, Answer) and len(told.body) == size) if fits else told is Silence.TOO_LONG


@pytest.mark.parametrize("length", [b"900", b"-1", b"1e3", b"9" * 40])
def test_a_length_that_lies_gives_no_answer_that_could_be_believed(length: bytes) -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n{}") as (url, _):
        told = ask(url, deadline_s=5)
    assert isinstance(told, Silence) or (isinstance(told, Answer) and told.body == b"{}")
    if length == b"900":
        assert told is Silence.CUT


@pytest.mark.parametrize("drip_s", [0.0, 0.02])
def test_pieces_without_end_are_cut(drip_s: float) -> None:
    pieces = b"400\r\n" + b"x" * 1024 + b"\r\n"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces * 300
    with serving(answer, drip_s=drip_s) as (url, _):
        told = ask(url, deadline_s=0.5 if drip_s else 20)
    assert told is (Silence.TOO_SLOW if drip_s else Silence.TOO_LONG)


def test_a_proxy_that_wants_a_login_shows_no_password() -> None:
    with serving(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as (url, requests):
        proxy = url.replace("http://", "http://aluno:S3nh%40x@")
        plain = ask("http://collector.invalid/", proxy=proxy)
        tunnel = ask("https://collector.invalid/", proxy=proxy)
        assert isinstance(plain, Answer) and plain.status == 407
        assert tunnel is Silence.PROXY_LOGIN
        assert proxies.shown("http://collector.invalid/", proxy) == url.removeprefix("http://")
        assert b"Basic" in requests[0]


def test_a_proxy_from_the_environment_is_used_and_none_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, requests):
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        answer = ask("http://collector.invalid/x", proxy="")
        assert isinstance(answer, Answer) and answer.status == 204
        assert requests[0].startswith(b"POST http://collector.invalid/x ")
        assert ask("http://collector.invalid/x", proxy="none") in (Silence.DNS, Silence.TOO_SLOW)


@pytest.mark.parametrize(
    "value",
    ["http://aluno:S3nh@x@127.0.0.1:99999", "http://h:99999", "http://", "http://[::1", "socks5://h:1", "htp://h"],
)
def test_a_proxy_that_is_no_address_names_the_variable_not_the_value(value: str) -> None:
    for name in ("HTTPS_PROXY", "all_proxy"):
        with pytest.raises(EnlaceError) as caught:
            proxies.check("", {name: value})
        assert name in caught.value.sentence and "S3nh" not in caught.value.sentence
        assert caught.value.exit_code == 2
    proxies.check("none", {"HTTPS_PROXY": value})
    proxies.check("http://h:1", {"HTTPS_PROXY": value})


def test_a_proxy_for_the_rest_is_not_ours_where_there_is_one_for_the_web() -> None:
    proxies.check("", {"all_proxy": "socks://127.0.0.1:9050", "http_proxy": "proxy.example:8080"})


def test_no_netrc_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="ascii") as file:  # noqa: PTH123 -- a path in a variable of the environment
        file.write("machine 127.0.0.1 login aluno password S3nh\n")
    monkeypatch.setenv("NETRC", netrc)
    with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, requests):
        ask(url)
    assert b"Authorization" not in requests[0]


def test_any_fault_has_a_word() -> None:
    assert silence_of(ValueError("x")) is Silence.PROTOCOL
    assert silence_of(OSError("x")) is Silence.CUT
    assert silence_of(TimeoutError()) is Silence.TOO_SLOW
