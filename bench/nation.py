"""A country: 12,000 schools and millions of measurements, 20 people who read and 50 batches a second beside them.

NATION_MEASUREMENTS says how many (2,000,000; 20,000,000 takes hours), NATION_SCHOOLS how many schools, NATION_ENGINES
which databases (`sqlite,postgresql`), NATION_SECONDS how long people read, NATION_PLACE a directory in which the
countries are kept and found again. Times are of the server process, from the request to the last byte of its answer.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import func, select

from bench.machine import processor_ticks, table
from bench.nationwide import load
from bench.nationwide.country import CONFIG, Made, build
from bench.nationwide.load import Noted, Reader, Senders
from collector import operate
from collector.config import TestpointConfig
from collector.intake.keyring import KeySource
from collector.intake.parts import Parts
from collector.real.world import real_ports
from collector.store.open import Store
from collector.store.tables.judgement import FLAGS, NEWEST_EVALUATIONS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from tests.fakes import pages_world, postgres
from tests.fakes.wire_device import WireDevice, a_token

MEASUREMENTS_MADE, SCHOOLS_MADE = 2_000_000, 12_000
READERS, PAUSE_S, SECONDS = 20, 5.0, 60
BATCHES_S, SENDING_DEVICES = 50, 40
ALONE = 7  # times that each page is read by one person alone
BAR_MS, BAR_QUERIES, BAR_DAY_S, BAR_MAP_BYTES = 200, 25, 60, 500_000
# As an operator would set it up on such a machine; with all that survives a power cut.
SERVER = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on", "wal_level": "replica",
    "shared_buffers": "1GB", "effective_cache_size": "4GB", "max_wal_size": "4GB", "work_mem": "32MB",
    "random_page_cost": "1.1",
}  # fmt: skip


def pages(store: Store) -> dict[str, str]:
    """Return what people read: one page of each kind, and the lists that they filter."""
    with store.reader() as snapshot:
        below = NEWEST_EVALUATIONS.c.verdict == "BELOW"
        code = snapshot.connection.scalar(select(NEWEST_EVALUATIONS.c.school).where(below).limit(1))
        flag = snapshot.connection.scalar(select(FLAGS.c.flag_id).where(FLAGS.c.state == "open").limit(1))
        area = snapshot.connection.scalar(select(SCHOOLS.c.area).where(SCHOOLS.c.code == code))
    addresses = [
        *("/", "/schools", "/schools?verdict=BELOW", "/schools?sort=heard", "/schools?q=rural", "/map"),
        *("/map?layer=areas", f"/schools/{code}", "/flags", "/flags?as=table", f"/flags/{flag}", "/providers"),
        *("/progress", "/progress?by=week", "/quality", "/quality/aside?reason=busy_line", "/devices", "/exports"),
        *("/targets", "/admin/registry", "/how-we-judge"),
    ]
    named = {one: one for one in addresses if not one.endswith("None")}
    named |= {"/schools of an area": f"/schools?{urlencode({'area': area})}", "map data": "/map/data"}
    return {name.replace(str(code), "CODE").replace(str(flag), "ID"): address for name, address in named.items()}


@contextmanager
def place_of(engine: str, work: Path) -> Iterator[str]:
    """Yield where the database of an engine is."""
    if engine == "sqlite":
        yield str(work / "sqlite")
        return
    with postgres.running(SERVER, kept=work / "postgresql" if "NATION_PLACE" in os.environ else None) as server:
        yield server.url("nation") if server.has("nation") else server.create("nation")


def country(place: str) -> tuple[Store, Made | None]:
    """Return the country at a place; it is made where there is none."""
    where = place if "://" in place else Path(place)
    operate.init(where, real_ports())
    store = Store.open(where)
    with store.reader() as snapshot:
        if snapshot.connection.scalar(select(func.count()).select_from(SCHOOLS)):
            return store, None
    pages_world.add_people(store)
    wanted = int(os.environ.get("NATION_MEASUREMENTS", MEASUREMENTS_MADE))
    return store, build(store, int(os.environ.get("NATION_SCHOOLS", SCHOOLS_MADE)), wanted)


@contextmanager
def serving(place: str) -> Iterator[str]:
    """Yield the address of a server of its own process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.nationwide.served", place], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)


def sending(store: Store) -> list[WireDevice]:
    """Return computers that are enrolled in some of the schools."""
    parts = Parts(store, CONFIG, TestpointConfig(), real_ports(), KeySource(store, real_ports().clock))
    with store.reader() as snapshot:
        some = select(SCHOOLS.c.code).order_by(SCHOOLS.c.code).limit(SENDING_DEVICES)
        codes = snapshot.connection.scalars(some).all()
    devices = [WireDevice(parts, a_token(parts, code), seed=int.from_bytes(os.urandom(6), "big")) for code in codes]
    for device in devices:
        device.enrol()
    return devices


def percentile(values: list[float], part: float) -> float:
    """Return a percentile, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def lines(alone: list[Noted], loaded: list[Noted], names: list[str]) -> list[list[str]]:
    """Return a line of the table for each page."""
    found = []
    for name in names:
        some = [[one for one in noted if one.name == name] for noted in (alone, loaded)]
        both = [*some[0], *some[1]]
        assert all(one.status == 200 for one in both), (name, {one.status for one in both})
        cells = [name, str(max(one.queries for one in both)), f"{some[0][0].took_ms:.0f}"]
        for times in ([one.took_ms for one in noted] for noted in some):
            cells += [f"{statistics.median(times):.0f}", f"{percentile(times, 0.95):.0f}"] if times else ["", ""]
        found.append([*cells, str(len(some[1]))])
    return found


def measure(engine: str, work: Path) -> None:
    """Make, read and print one engine's country."""
    with place_of(engine, work) as place:
        store, made = country(place)
        addresses = pages(store)
        devices = sending(store)
        with store.reader() as snapshot:
            rows = snapshot.connection.scalar(select(func.count()).select_from(MEASUREMENTS)) or 0
            schools = snapshot.connection.scalar(select(func.count()).select_from(SCHOOLS)) or 0
        store.close()
        print(f"\n### {engine}: {schools:,} schools, {rows:,} measurements\n", flush=True)
        if made is not None:
            print(_making(made), flush=True)
        lasts_s = float(os.environ.get("NATION_SECONDS", SECONDS))
        with serving(place) as url:
            readers = [Reader(url, "ana", pages_world.PASSWORDS["ana"]) for _ in range(READERS)]
            load.noted(url)
            for _ in range(ALONE):
                for name, address in addresses.items():
                    body = readers[0].get(address, name)
                    map_bytes = len(body) if name == "map data" else 0
            alone = load.noted(url)
            senders = Senders(url, devices, BATCHES_S, lasts_s)
            busy, total = processor_ticks()
            senders.start()
            load.read_for(readers, addresses, time.monotonic() + lasts_s, PAUSE_S)
            senders.join()
            busy, total = (now - then for now, then in zip(processor_ticks(), (busy, total), strict=True))
            loaded = load.noted(url)
    head = ["page", "queries", "first, ms", "alone p50", "p95", "with load p50", "p95", "reads"]
    print(table(head, lines(alone, loaded, list(addresses))))
    _print_sums(alone, loaded, list(addresses), senders, map_bytes, busy / max(1, total))


def _making(made: Made) -> str:
    return (
        f"{made.rows:,} measurements of {made.days} school days: {made.rows / made.insert_s:,.0f} inserted a second. "
        f"Evaluation of all but the last day {made.history_s:.0f} s; of the last one, with {made.day_rows:,} "
        f"measurements, {made.day_s:.0f} s (bar {BAR_DAY_S} s).\n"
    )


def _print_sums(
    alone: list[Noted], loaded: list[Noted], names: list[str], senders: Senders, map_bytes: int, busy: float
) -> None:
    read = [one for one in loaded if one.name in names]
    times = [one.took_ms for one in read]
    batches = [one.took_ms for one in loaded if one.name == "batch"]
    own = {name: [one.took_ms for one in read if one.name == name] or [0.0] for name in names}
    late = [name for name in names if percentile(own[name], 0.95) > BAR_MS]
    queries = max(one.queries for one in [*alone, *read] if one.name in names)
    print(
        f"\nWith load: {len(read)} pages by {READERS} people, p50 {statistics.median(times):.0f} ms, "
        f"p95 {percentile(times, 0.95):.0f} ms (bar {BAR_MS}). {len(batches)} batches, {senders.statuses.count(200)} "
        f"answered 200, p95 {percentile(batches, 0.95):.0f} ms. Processors {100 * busy:.0f} % busy.\n"
        f"Most queries of a page: {queries} (bar {BAR_QUERIES}). Map data: {map_bytes:,} bytes "
        f"(bar {BAR_MAP_BYTES:,}).\nPages whose own p95 with load is over the bar: {', '.join(late) or 'none'}.",
        flush=True,
    )


def main() -> None:
    engines = os.environ.get("NATION_ENGINES", "sqlite,postgresql").split(",")
    with tempfile.TemporaryDirectory() as own:
        work = Path(os.environ.get("NATION_PLACE", own))
        for engine in engines:
            measure(engine, work)


if __name__ == "__main__":
    main()
