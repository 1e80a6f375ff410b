"""A collector at the agent's transport: signs rightly, wrongly, for another batch, like a portal, or not at all.

It checks what the real one checks first (form of the headers, signature of the device), so a test also sees when the
agent's requests are wrong. `HttpFront` puts any transport's answers behind a real socket.
"""

import gzip
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from nacl.signing import SigningKey

from agent.uplink.decide import Silence
from agent.wire import forms, headers, signing, tokens
from tests.fakes.agent_world import NOON_MS

KEY = SigningKey(bytes(range(32, 64)))
OTHER_KEY = SigningKey(bytes(range(64, 96)))
SECRET = bytes(range(16))
DEVICE = "11111111-1111-4111-8111-111111111111"
URL = "http://collector.test"


@dataclass(frozen=True)
class FakeAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    items: list[dict[str, Any]] = field(default_factory=list)


Twist = Callable[["FakeCollector", Asked, FakeAnswer], FakeAnswer | Silence]


def token_text(key: SigningKey = KEY) -> str:
    return str(tokens.make_enrol_token(SECRET, bytes(key.verify_key)))


class FakeCollector:
    """A transport whose other end is a collector; `twists` are used up one per request, then all is well again."""

    def __init__(self, key: SigningKey = KEY) -> None:
        self.key, self.public = key, bytes(key.verify_key)
        self.device_keys: dict[str, bytes] = {}
        self.stored: dict[str, dict[str, Any]] = {}  # by rid
        self.duplicates = 0
        self.asked: list[Asked] = []
        self.twists: list[Twist] = []
        self.always: Twist | None = None
        self.item_words: dict[str, tuple[str, str | None]] = {}  # rid -> status, code
        self.ratchet, self.store_epoch, self.settings_version = 0, "epoch-1", "1"
        self.max_items, self.next_after_s = 100, 0
        self.now_ms = NOON_MS
        self.servers: list[dict[str, Any]] = [{"id": "tp", "engine": "ndt7", "url": "ws://tp.test:1", "udp_port": None}]
        self.windows: list[list[int]] = []
        self.probes: list[dict[str, str]] = []
        self.campaign: list[list[int]] | None = None  # None: a collector that does not know of such
        self.paused = False
        self.lease_refusal: str | None = None
        self.leases = 0
        self.calibration_caps = (20_000_000, 10_000_000)
        self.lease_caps = (20_000_000, 10_000_000)
        self.enrol_refusal: str | None = None

    # --- transport -------------------------------------------------------------------------------------------

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, deadline_s: float) -> FakeAnswer | Silence:
        assert deadline_s > 0
        path = "/" + url.split("/", 3)[3]
        asked = Asked(path, dict(headers), body)
        if path.startswith("/ingest"):
            asked = Asked(path, dict(headers), body, json.loads(gzip.decompress(body))["items"])
        self.asked.append(asked)
        twist = self.twists.pop(0) if self.twists else self.always
        if twist is not None and getattr(twist, "before", False):
            return twist(self, asked, FakeAnswer(0, {}, b""))
        answer = self._answer(asked)
        return twist(self, asked, answer) if twist is not None else answer

    # --- what the collector does --------------------------------------------------------------------------------

    def _answer(self, asked: Asked) -> FakeAnswer:
        match asked.path:
            case "/enrol/v1/device":
                return self._enrol(asked)
            case "/ingest/v1/batch":
                return self._signed_request(asked, signing.Word.BATCH, self._batch)
            case "/lease/v1/test":
                return self._signed_request(asked, signing.Word.LEASE, self._lease)
            case "/settings/v1":
                return self._signed_request(asked, signing.Word.SETTINGS, self._settings)
        return FakeAnswer(404, {}, b"")

    def _signed_request(self, asked: Asked, word: signing.Word, then: Callable[[Asked], dict[str, Any]]) -> FakeAnswer:
        signed = headers.parse(asked.headers)
        key = self.device_keys.get(signed.device)
        if key is None:
            return self.refuse(asked, 401, "unknown_device")
        text = signing.request_text(word, signed.values(), asked.body)
        if not signing.is_signed(key, text, asked.headers[headers.SIGNATURE]):
            return self.refuse(asked, 401, "bad_signature")
        assert signed.ledger.is_balanced(), signed.ledger
        return self.sign(asked, 200, {"status": 200, **then(asked)})

    def _batch(self, asked: Asked) -> dict[str, Any]:
        told = []
        for item in asked.items:
            status, code = self.item_words.get(item["rid"], ("accepted", None))
            if status == "accepted" and item["rid"] in self.stored:
                status, self.duplicates = "duplicate", self.duplicates + 1
            if status == "accepted":
                self.stored[item["rid"]] = item
            told.append({"rid": item["rid"], "status": status} | ({"code": code} if code else {}))
        self.ratchet += 1
        return {
            "items": told, "ratchet": str(self.ratchet), "store_epoch": self.store_epoch,
            "server_time_ms": self.now_ms, "next_after_s": self.next_after_s, "max_items": self.max_items,
            "settings_version": self.settings_version,
        }  # fmt: skip

    def _lease(self, asked: Asked) -> dict[str, Any]:
        if self.lease_refusal:
            return {"granted": False, "reason": self.lease_refusal, "retry_after_s": 600, "server_time_ms": self.now_ms}
        self.leases += 1
        is_long = json.loads(asked.body).get("tier") == "calibration"
        down_bytes, up_bytes = self.calibration_caps if is_long else self.lease_caps
        return {
            "granted": True, "lease_id": f"lease-{self.leases}", "expires_in_s": 120,
            "expires_at_ms": self.now_ms + 120_000, "max_bytes_download": down_bytes, "max_bytes_upload": up_bytes,
            "servers": self.servers, "access_token": "a.b", "server_time_ms": self.now_ms,
        }  # fmt: skip

    def _settings(self, asked: Asked | None = None) -> dict[str, Any]:
        return {
            "version": self.settings_version, "windows_utc": self.windows, "tests_per_window": 2,
            "servers": self.servers, "probes": self.probes, "paused": self.paused, "next_collector_key": None,
            "budget": {"test_bytes": 100_000_000, "day_bytes": 300_000_000, "month_bytes": 4_000_000_000},
            "server_time_ms": self.now_ms,
        } | ({} if self.campaign is None else {"campaign_utc": self.campaign})  # fmt: skip

    def _enrol(self, asked: Asked) -> FakeAnswer:
        told = json.loads(asked.body)
        key = forms.unb64url(told["public_key"], 32)
        text = signing.enrol_text(asked.headers[headers.BATCH], asked.body)
        assert signing.is_signed(key, text, asked.headers[headers.SIGNATURE])
        mine = {"collector_key": forms.b64url(self.public)}
        if self.enrol_refusal:
            return self.sign(asked, 403, {**_problem(403, self.enrol_refusal), **mine}, device="-")
        device = DEVICE if not self.device_keys else forms.uuid4(bytes([len(self.device_keys)]) * 16)
        device = next((name for name, known in self.device_keys.items() if known == key), device)
        self.device_keys[device] = key
        body = {
            "status": 200, "device": device, "state": "pending" if told.get("replaces") else "active",
            "school": {"code": "00123", "name": "Escola São João"}, "ratchet": str(self.ratchet),
            "store_epoch": self.store_epoch, "server_time_ms": self.now_ms, **mine,
            "settings": {"status": 200, **self._settings()},
        }  # fmt: skip
        return self.sign(asked, 200, body, device=device)

    # --- answers ----------------------------------------------------------------------------------------------

    def sign(
        self, asked: Asked, status: int, body: dict[str, Any], *, device: str | None = None, batch: str | None = None,
        key: SigningKey | None = None,
    ) -> FakeAnswer:  # fmt: skip
        key = key or self.key
        raw = msgspec.json.encode(body)
        device = device or asked.headers.get(headers.DEVICE, "-")
        batch = batch or asked.headers.get(headers.BATCH, "-")
        text = signing.answer_text(device, batch, signing.key_id(bytes(key.verify_key)), raw)
        return FakeAnswer(status, {headers.SIGNATURE: signing.sign(key, text)}, raw)

    def refuse(self, asked: Asked, status: int, code: str, **more: Any) -> FakeAnswer:
        return self.sign(asked, status, {**_problem(status, code), **more})


def _problem(status: int, code: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": code, "status": status, "code": code, "detail": code}


# --- twists -------------------------------------------------------------------------------------------------------


def _before(twist: Twist) -> Twist:
    """Mark a twist that keeps the request from the collector altogether."""
    twist.before = True  # type: ignore[attr-defined]  # a mark on a function
    return twist


def silent(reason: Silence) -> Twist:
    return _before(lambda collector, asked, answer: reason)


def lost_answer(collector: FakeCollector, asked: Asked, answer: FakeAnswer) -> Silence:
    """The collector did its work, the line lost its word."""
    return Silence.TOO_SLOW


def unsigned(status: int, body: bytes = b"{}", **given: str) -> Twist:
    named = {name.replace("_", "-"): value for name, value in given.items()}
    return _before(lambda collector, asked, answer: FakeAnswer(status, named, body))


def wrong_signature(collector: FakeCollector, asked: Asked, answer: FakeAnswer) -> FakeAnswer:
    return collector.sign(asked, answer.status, json.loads(answer.body), key=OTHER_KEY)


def of_another_batch(collector: FakeCollector, asked: Asked, answer: FakeAnswer) -> FakeAnswer:
    return collector.sign(asked, answer.status, json.loads(answer.body), batch="33333333-3333-4333-8333-333333333333")


def altered(collector: FakeCollector, asked: Asked, answer: FakeAnswer) -> FakeAnswer:
    return FakeAnswer(answer.status, answer.headers, answer.body.replace(b'"accepted"', b'"rejected"') + b" ")


def refused(status: int, code: str, **more: Any) -> Twist:
    return _before(lambda collector, asked, answer: collector.refuse(asked, status, code, **more))


# --- behind a socket ----------------------------------------------------------------------------------------------


class HttpFront:
    """A fake collector on a free port of loopback."""

    def __init__(self, collector: FakeCollector) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                answer = collector.post(f"http://x{self.path}", dict(self.headers), body, deadline_s=1)
                if isinstance(answer, Silence):
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "HttpFront":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
