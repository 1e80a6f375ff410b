"""What the collector takes in: measurements a second in batches of 100, every request signed, every answer committed.

Once inside one process, through the whole web application but without a network, by one thread: the collector's own
cost. Once by HTTP with `serve --only web`, a process of its own that shares the cores with the senders. Requests were
made before; each is answered 200 with every item accepted, else the benchmark fails.
"""

import http.client
import io
import os
import queue
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from agent.wire import forms
from bench.machine import table
from collector import operate
from collector.app import create_app
from collector.config import CollectorConfig, TestpointConfig
from collector.intake.admission import Incoming
from collector.intake.keyring import KeySource
from collector.intake.parts import Parts
from collector.real.world import real_ports
from collector.store.open import Store, create
from tests.fakes.records import NOON_MS, a_measurement
from tests.fakes.registry_files import import_schools
from tests.fakes.wire_device import SCHOOLS, WireDevice, a_token

PATH = "/ingest/v1/batch"
DEVICES = 8
ROUNDS = 5
BATCHES = 24  # of a round
SINGLES = 160
SENDERS = 4


def deployment(data: Path) -> tuple[Store, list[WireDevice]]:
    """Return a store on SQLite as it ships, and enrolled devices."""
    store, ports = create(data), real_ports()
    operate.init(data, ports)
    with store.unit() as unit:
        import_schools(unit, SCHOOLS, now_ms=ports.clock.now_ms())
        unit.commit()
    parts = Parts(store, CollectorConfig(), TestpointConfig(), ports, KeySource(store, ports.clock))
    devices = [WireDevice(parts, a_token(parts), seed=seed) for seed in range(1, DEVICES + 1)]
    for device in devices:
        device.enrol()
    return store, devices


class Requests:
    """Signed requests with measurements that nobody has sent before."""

    def __init__(self, devices: list[WireDevice]) -> None:
        self._devices, self._made = devices, 0

    def make(self, count: int, items: int) -> list[Incoming]:
        """Return so many requests of so many measurements each, of the devices in turn."""
        made = []
        for number in range(count):
            device = self._devices[number % len(self._devices)]
            rows = []
            for _ in range(items):
                self._made += 1
                started = forms.format_time(NOON_MS - self._made % 10**7 * 1000)
                rows.append(a_measurement(self._made, boot_id=device.boot_id, started_at=started))
            made.append(device.batch_of(rows))
        return made


def check(status: int, body: bytes, items: int) -> None:
    """Fail where a measurement was not accepted."""
    told = msgspec.json.decode(body)
    if status != 200 or [item["status"] for item in told["items"]] != ["accepted"] * items:
        raise SystemExit(f"not accepted: {status} {body[:300]!r}")


def in_process(store: Store, requests: list[Incoming], items: int) -> tuple[float, float]:
    """Return measurements a second by one thread through the web application: of the clock, and of the processor.

    The second says what the collector costs whatever else runs on the machine; it leaves out waiting for the disk.
    """
    application = create_app(store, CollectorConfig(), real_ports())
    took_s = cpu_s = 0.0
    for incoming in requests:
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": PATH, "SCRIPT_NAME": "", "QUERY_STRING": "",
            "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": incoming.media, "CONTENT_LENGTH": str(len(incoming.body)), "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(incoming.body), "wsgi.errors": sys.stderr, "wsgi.version": (1, 0),
            "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in incoming.headers.items()},
        }  # fmt: skip
        told: list[int] = []
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        pieces = application(environ, lambda status, _headers, _told=told: _told.append(int(status[:3])))
        body = b"".join(pieces)
        took_s += time.perf_counter() - began_s
        cpu_s += time.process_time() - began_cpu_s
        pieces.close()  # type: ignore[attr-defined]  # of werkzeug: gives the place back
        check(told[0], body, items)
    return len(requests) * items / took_s, len(requests) * items / cpu_s


def by_http(url: str, requests: list[Incoming], items: int) -> float:
    """Return measurements a second by several senders with a connection each."""
    waiting: queue.SimpleQueue[Incoming] = queue.SimpleQueue()
    for incoming in requests:
        waiting.put(incoming)
    answers: list[tuple[int, bytes]] = []

    def send() -> None:
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=60)
        while True:
            try:
                incoming = waiting.get_nowait()
            except queue.Empty:
                break
            connection.request("POST", PATH, incoming.body, {**incoming.headers, "Content-Type": incoming.media})
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        connection.close()

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    began_s = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    took_s = time.perf_counter() - began_s
    for status, body in answers:
        check(status, body, items)
    return len(answers) * items / took_s


def row(name: str, items: int, found: list[float]) -> list[str]:
    middle = statistics.median(found)
    return [name, str(items), f"{middle:,.0f}", f"{min(found):,.0f} to {max(found):,.0f}"]


def main() -> None:
    rounds = int(os.environ.get("BENCH_INGEST_ROUNDS", ROUNDS))
    sizes = ((100, BATCHES), (1, SINGLES))
    rows = []
    with tempfile.TemporaryDirectory() as work:
        store, devices = deployment(Path(work))
        made = Requests(devices)
        for items, count in sizes:
            in_process(store, made.make(DEVICES, items), items)  # warms up
            found = [in_process(store, made.make(count, items), items) for _ in range(rounds)]
            rows.append(row("one process, one thread", items, [clock for clock, _ in found]))
            rows.append(row("the same, by the processor's time", items, [cpu for _, cpu in found]))
        words = ["serve", "--only", "web", "--port", "0", "--data", work]
        program = "from collector.cli import main; main()"
        server = subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            said = re.search(r"http://\S+", server.stdout.readline())
            assert said is not None
            for items, count in sizes:
                by_http(said[0], made.make(DEVICES, items), items)
                found = [by_http(said[0], made.make(count, items), items) for _ in range(rounds)]
                rows.append(row(f"HTTP, {SENDERS} senders", items, found))
        finally:
            server.terminate()
            server.wait(10)
        store.close()
    print(table(["way, on SQLite", "items of a batch", "measurements a second, median", "lowest to highest"], rows))


if __name__ == "__main__":
    main()
