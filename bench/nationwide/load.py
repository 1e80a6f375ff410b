"""People who read pages and computers that send batches, against a server of their own process."""

import http.client
import json
import random
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from agent.wire import forms
from bench.nationwide import served
from collector.intake.admission import Incoming
from tests.fakes.records import a_diary_run, a_measurement
from tests.fakes.wire_device import WireDevice

BATCH_PATH = "/ingest/v1/batch"
TIMEOUT_S = 120


@dataclass(frozen=True)
class Noted:
    """One request as the server saw it."""

    name: str
    status: int
    took_ms: float
    cpu_ms: float  # of the processor: the same on a busy machine
    queries: int
    sent_bytes: int


class Reader:
    """A person with a browser: one connection, one cookie."""

    def __init__(self, url: str, name: str, password: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S)
        self._cookies: dict[str, str] = {}
        token = re.search(
            r'name="csrf_token" value="([^"]+)"', self.get("/login", "login", {"Accept-Encoding": "identity"}).decode()
        )
        assert token is not None
        form = urlencode({"name": name, "password": password, "csrf_token": token[1]})
        self._ask("POST", "/login", "login", form, {"Content-Type": "application/x-www-form-urlencoded"})

    def get(self, address: str, name: str, more: dict[str, str] | None = None) -> bytes:
        """Return the body of a page, packed as a browser gets it."""
        return self._ask("GET", address, name, None, more or {})

    def _ask(self, method: str, address: str, name: str, body: str | None, more: dict[str, str]) -> bytes:
        cookie = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
        headers = {
            "Cookie": cookie,
            "Accept-Encoding": "gzip",
            "Bench-Name": name,
            **more,
        }
        try:
            answer = self._sent(method, address, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError):  # the server ends connections that are silent
            self._connection.close()
            answer = self._sent(method, address, body, headers)
        for line in answer.headers.get_all("Set-Cookie") or ():
            key, _, value = line.partition(";")[0].partition("=")
            self._cookies[key] = value
        return answer.read()

    def _sent(self, method: str, address: str, body: str | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._connection.request(method, address, body, headers)
        return self._connection.getresponse()


def noted(url: str) -> list[Noted]:
    """Return what the server noted since the last time."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S)
    connection.request("GET", served.TIMES)
    found = json.loads(connection.getresponse().read())
    connection.close()
    return [Noted(*row) for row in found]


def read_for(readers: Sequence[Reader], pages: dict[str, str], until_s: float, pause_s: float) -> None:
    """Let every reader open pages at random with pauses between them, until a moment of the monotonic clock."""

    def read(reader: Reader, chance: random.Random) -> None:
        while time.monotonic() < until_s:
            pause = chance.expovariate(1 / pause_s)
            if time.monotonic() + pause >= until_s:
                break  # and not everybody at once at the end
            time.sleep(pause)
            name = chance.choice(list(pages))
            reader.get(pages[name], name)

    with ThreadPoolExecutor(len(readers)) as people:
        for one in [people.submit(read, reader, random.Random(seed)) for seed, reader in enumerate(readers)]:
            one.result()  # raises what went wrong


class Senders:
    """Computers that send batches at a rate; all were signed beforehand."""

    def __init__(self, url: str, devices: Sequence[WireDevice], batches_s: float, lasts_s: float) -> None:
        self._url, self._batches_s = url, batches_s
        self.waiting = [self._batch(devices[at % len(devices)], at) for at in range(round(batches_s * lasts_s))]
        self.statuses: list[int] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @staticmethod
    def _batch(device: WireDevice, number: int) -> Incoming:
        """Return what a computer sends after a test: the measurement and the diary since the last one."""
        now_ms = time.time_ns() // 1_000_000
        started = forms.format_time(now_ms - 60_000)
        items = [
            a_measurement(number, rid=forms.uuid7(now_ms, number.to_bytes(10, "big")), started_at=started),
            a_diary_run(number, rid=forms.uuid7(now_ms, (10**9 + number).to_bytes(10, "big"))),
        ]
        for item in items:
            item["boot_id"] = device.boot_id
        return device.batch_of(items)

    def start(self, connections: int = 4) -> None:
        """Begin to send."""
        began_s = time.monotonic()

        def send() -> None:
            parts = urlsplit(self._url)
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S)
            while True:
                with self._lock:
                    at = len(self.statuses)
                    if at >= len(self.waiting):
                        break
                    self.statuses.append(0)
                time.sleep(max(0.0, began_s + at / self._batches_s - time.monotonic()))
                incoming = self.waiting[at]
                headers = {**incoming.headers, "Content-Type": incoming.media, "Bench-Name": "batch"}
                connection.request("POST", BATCH_PATH, incoming.body, headers)
                answer = connection.getresponse()
                answer.read()
                self.statuses[at] = answer.status
            connection.close()

        self._threads = [threading.Thread(target=send) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until everything is answered."""
        for thread in self._threads:
            thread.join()
