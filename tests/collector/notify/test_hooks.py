"""Webhooks: signed, repeated under the same key, never into this network, never elsewhere, never for ever."""

import hmac
import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from collector.domain.notice_delivery import Outcome
from collector.domain.public_address import is_public
from collector.notify import hook_body, sending
from collector.real import hooks
from collector.real.hooks import HttpPoster
from collector.store.open import Store
from collector.store.queries.notices import outbox, webhooks
from collector.store.queries.notices.webhooks import Webhook
from tests.collector.notify.scene import MIN_MS, Scene
from tests.fakes import certificates, mail_servers

SECRET = "s3cret"


@dataclass
class Receiver:
    """Answers every call with the next answer, and remembers it."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    on_call: Callable[[], object] = field(default=lambda: None)  # before it answers


@contextmanager
def receiving(receiver: Receiver) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # its sender died in the middle: no call
            receiver.calls.append((dict(self.headers), body))
            receiver.on_call()
            status, headers, answer = receiver.answers.pop(0) if receiver.answers else (200, {}, b"")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_given: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?of=enlace"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_scene(store: Store, url: str) -> Scene:
    scene = Scene(store).fill(())
    with store.unit() as unit:
        webhooks.add(unit, Webhook("h1", "service desk", url, SECRET, ("digest", "outage"), 0, "ana"))
        unit.commit()
    scene.flag("S0", "2026-11-23", "f0")
    assert scene.decide() == 1
    return scene


def post(scene: Scene, **more: Any) -> None:
    poster = HttpPoster(30, **{"may_be_private": True, **more})
    sending.send_hooks(scene.store, scene.config, scene.ports, poster)


def test_a_call_is_signed_and_repeated_under_the_same_key(store: Store) -> None:
    receiver = Receiver([(503, {}, b"come\x1b[31m back"), (200, {}, b"")])
    with receiving(receiver) as url:
        scene = a_scene(store, url)
        post(scene)
        post(scene)
        scene.clock.advance(MIN_MS)
        post(scene)
        post(scene)
    first, second = receiver.calls
    assert first[1] == second[1]
    assert first[0]["Idempotency-Key"] == second[0]["Idempotency-Key"] == scene.notices()["webhook:h1"].notice_id
    for headers, body in receiver.calls:
        signed = headers["Enlace-Timestamp"].encode() + b"." + body
        assert headers["Enlace-Signature"] == f"v1={hmac.digest(SECRET.encode(), signed, 'sha256').hex()}"
    assert int(second[0]["Enlace-Timestamp"]) - int(first[0]["Enlace-Timestamp"]) == 60
    told = json.loads(first[1])
    assert told["topic"] == "digest" and told["told"]["new"][0]["flag_id"] == "f0"
    assert scene.words() == {"webhook:h1": ["answer", "sent"]}
    assert scene.attempts()["webhook:h1"][0].detail == "503 come [31m back"


def test_what_is_not_chosen_is_not_told(store: Store) -> None:
    receiver = Receiver()
    with receiving(receiver) as url:
        scene = Scene(store).fill(())
        with store.unit() as unit:
            webhooks.add(unit, Webhook("h1", "x", url, SECRET, ("outage",), 0, "ana"))
            unit.commit()
        scene.flag("S0", "2026-11-23")
        assert scene.decide() == 0
        with store.unit() as unit:
            assert webhooks.end(unit, "h1", 1, "ana") and not webhooks.end(unit, "h1", 2, "ana")
            unit.commit()
        post(scene)
    assert receiver.calls == []


def test_a_redirect_is_not_followed_and_a_long_answer_not_read(store: Store) -> None:
    receiver = Receiver([(302, {"Location": "http://127.0.0.1:1/"}, b""), (200, {}, b"x" * 5_000_000)])
    with receiving(receiver) as url:
        scene = a_scene(store, url)
        post(scene)
        scene.clock.advance(MIN_MS)
        post(scene)
    assert scene.words() == {"webhook:h1": ["redirect", "sent"]} and len(receiver.calls) == 2


def test_a_receiver_that_drips_is_let_go() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(10_000)
        while True:
            connection.sendall(b"H")
            threading.Event().wait(0.02)

    with mail_servers.raw(drip) as port:
        result = HttpPoster(0.1, may_be_private=True).post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert result.outcome in (Outcome.CUT, Outcome.SILENT)


def test_a_receiver_that_drips_over_tls_is_let_go(tmp_path: Path) -> None:
    """TLS takes the socket away from whoever made it; what cuts the connection must not lose it."""
    trusted = certificates.write(tmp_path)

    def drip(plain: socket.socket) -> None:
        with certificates.server_context(trusted).wrap_socket(plain, server_side=True) as connection:
            connection.recv(10_000)
            while True:
                connection.sendall(b"H")
                threading.Event().wait(0.02)

    with mail_servers.raw(drip) as port:
        poster = HttpPoster(0.4, may_be_private=True, ca_file=str(trusted))
        result = poster.post(f"https://localhost:{port}/", b"{}", {})
    assert result.outcome is Outcome.SILENT


def test_a_certificate_that_is_not_trusted_is_said(tmp_path: Path) -> None:
    good = certificates.write(tmp_path)

    def serve(connection: socket.socket) -> None:
        certificates.server_context(good).wrap_socket(connection, server_side=True)

    with mail_servers.raw(serve) as port:
        result = HttpPoster(30, may_be_private=True).post(f"https://127.0.0.1:{port}/", b"{}", {})
    assert result.outcome is Outcome.TLS


INSIDE = [
    "127.0.0.1",
    "127.1.2.3",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    ".".join("0000"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_known_in_every_dress(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_addresses_of_the_internet_are_let_through(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_webhook_goes_into_this_network(host: str) -> None:
    receiver = Receiver()
    with receiving(receiver) as url:
        port = url.split(":")[2].split("/")[0]
        result = HttpPoster(30, may_be_private=False).post(f"http://{host}:{port}/", b"{}", {})
    assert result.outcome is Outcome.NOT_ALLOWED and receiver.calls == []


def test_a_name_that_turns_inward_between_two_questions_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: the name is asked once, and the connection goes to the address that was looked at."""
    asked: list[str] = []
    went: list[tuple[str, int]] = []

    def answer(host: str, port: int, **_more: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def go(address: tuple[str, int], _timeout: float) -> socket.socket:
        went.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(hooks.socket, "getaddrinfo", answer)
    monkeypatch.setattr(hooks.socket, "create_connection", go)
    result = HttpPoster(30, may_be_private=False).post("http://rebind.example/", b"{}", {})
    assert result.outcome is Outcome.AWAY and went == [("93.184.216.34", 80)] and len(asked) == 1


def test_the_signature_is_over_time_and_body() -> None:
    assert hook_body.signature("a", "1", b"2") != hook_body.signature("a", "12", b"")
    assert hook_body.signature("a", "1", b"2") != hook_body.signature("b", "1", b"2")


def test_an_outage_is_told_in_one_call(store: Store) -> None:
    from tests.collector.domain.test_notices import an_outage

    receiver = Receiver()
    with receiving(receiver) as url:
        scene = a_scene(store, url)
        scene.outages = [an_outage(f"o{number}", opened="2026-11-24 06:20") for number in range(12)]
        assert scene.decide() == 1 and scene.decide() == 0
        post(scene)
    topics = [json.loads(body)["topic"] for _, body in receiver.calls]
    assert sorted(topics) == ["digest", "outage"]
    with store.reader() as snapshot:
        assert outbox.queue(snapshot).waiting == 0
