"""A country: 12,000 schools and millions of measurements, 20 people who read and 50 batches a second beside them.

NATION_MEASUREMENTS says how many (2,000,000; 20,000,000 takes hours), NATION_SCHOOLS how many schools, NATION_ENGINES
which databases (`sqlite,postgresql`), NATION_SECONDS how long people read, NATION_PLACE a directory in which the
countries are kept and found again, or go on growing when more measurements are asked for, NATION_WRITERS how many
processes write (PostgreSQL gains by several), NATION_PAUSE a file that lets the making wait as long as it exists,
NATION_ONLY_MAKE=1 that nothing is measured, NATION_REPORT a file that the tables are written to, NATION_NOTE a
sentence about how it was run that is put into it. Times are of the server process, from the request to the last byte
of its answer.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import func, select

from bench.machine import describe, processor_ticks
from bench.nationwide import happenings, load, report
from bench.nationwide.country import CONFIG, Made, build, forget_senders, judge_last_day
from bench.nationwide.load import Reader, Senders
from bench.nationwide.report import Found
from collector import operate
from collector.config import TestpointConfig
from collector.domain.words import SPEED
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
BATCHES_S, SENDING_DEVICES = 50, 400
ALONE = 7  # times that each page is read by one person alone
# As an operator would set it up on such a machine; with all that survives a power cut.
SERVER = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on", "wal_level": "replica",
    "shared_buffers": "1GB", "effective_cache_size": "4GB", "max_wal_size": "4GB", "work_mem": "32MB",
    "random_page_cost": "1.1",
}  # fmt: skip


def pages(store: Store) -> dict[str, str]:
    """Return what people read: one page of each kind, and the lists that they filter.

    The school that they look at is the last one: it has a school's tests, and none of those that are sent meanwhile.
    """
    with store.reader() as snapshot:
        newest, is_below = NEWEST_EVALUATIONS.c, NEWEST_EVALUATIONS.c.verdict == "BELOW"
        code = snapshot.connection.scalar(select(newest.school).where(is_below).order_by(newest.school.desc()).limit(1))
        slow = (FLAGS.c.state == "open") & (FLAGS.c.kind == SPEED)
        flag = snapshot.connection.scalar(select(FLAGS.c.flag_id).where(slow).order_by(FLAGS.c.school.desc()).limit(1))
        area, provider = snapshot.connection.execute(
            select(SCHOOLS.c.area, SCHOOLS.c.provider).where(SCHOOLS.c.code == code)
        ).one()
        month = str(snapshot.connection.scalar(select(func.max(NEWEST_EVALUATIONS.c.day))))[:7]
    outage, hazard = happenings.newest_outage(store), happenings.HURRICANE
    school = f"/schools/{code}"
    addresses = [
        *("/", "/schools", "/schools?verdict=BELOW", "/schools?sort=heard", "/schools?sort=availability"),
        *("/schools?q=rural", "/map", "/map?layer=areas", school, f"{school}/tests", f"{school}/availability"),
        *(f"{school}/evidence", "/flags", "/flags?as=table", "/flags?kind=not_reporting", f"/flags/{flag}"),
        *("/outages", f"/outages/{outage}", "/hazards", f"/hazards/{hazard}", f"/hazards/{hazard}/calls"),
        *(f"/hazards/{hazard}/report", "/hazards/new", "/providers", "/networks", "/progress", "/progress?by=week"),
        *("/reports", f"/reports/{month}"),
        *("/quality", "/quality/aside?reason=busy_line", "/quality/clock", "/devices", "/devices?standing=silent"),
        *("/sites", "/exports", "/targets", "/uses", "/notices", "/admin/notices", "/admin/settings"),
        *("/admin/tokens", "/admin/registry", "/how-we-judge", "/columns"),
    ]
    named = {one: one for one in addresses if not one.endswith("None")}
    named |= {
        "/schools of an area": f"/schools?{urlencode({'area': area})}",
        "/networks of a provider": f"/networks?{urlencode({'provider': provider})}",
        "map data": "/map/data",
    }
    words = {f"reports/{month}": "reports/MONTH", str(code): "CODE", str(flag): "ID", str(outage): "ID", hazard: "ID"}
    return {_worded(name, words): address for name, address in named.items()}


def _worded(name: str, words: dict[str, str]) -> str:
    for given, word in words.items():
        name = name.replace(given, word)
    return name


@contextmanager
def place_of(engine: str, work: Path) -> Iterator[str]:
    """Yield where the database of an engine is."""
    if engine == "sqlite":
        yield str(work / "sqlite")
        return
    with postgres.running(SERVER, kept=work / "postgresql" if "NATION_PLACE" in os.environ else None) as server:
        yield server.url("nation") if server.has("nation") else server.create("nation")


def country(place: str, note: Path) -> tuple[Store, Made | None]:
    """Return the country at a place, and what making it took; it is made where there is none, or not enough of it."""
    where = place if "://" in place else Path(place)
    operate.init(where, real_ports())
    store = Store.open(where)
    with store.reader() as snapshot:
        schools = snapshot.connection.scalar(select(func.count()).select_from(SCHOOLS)) or 0
    made = Made(**json.loads(note.read_text())) if note.exists() else None
    is_whole = made is None or made.until == made.last
    if schools and is_whole and "NATION_MEASUREMENTS" not in os.environ:
        return store, made
    if not schools:
        pages_world.add_people(store)
    wanted = int(os.environ.get("NATION_MEASUREMENTS", MEASUREMENTS_MADE))
    count = schools or int(os.environ.get("NATION_SCHOOLS", SCHOOLS_MADE))
    made = made if schools else None
    return store, build(store, count, wanted, made, lambda now: _keep(note, now))


def _keep(note: Path, made: Made) -> None:
    note.write_text(json.dumps(asdict(made)))


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
    """Return computers that are enrolled in some of the schools, all over the country: one in each."""
    parts = Parts(store, CONFIG, TestpointConfig(), real_ports(), KeySource(store, real_ports().clock))
    with store.reader() as snapshot:
        every = snapshot.connection.scalars(select(SCHOOLS.c.code).order_by(SCHOOLS.c.code)).all()
    codes = every[:: max(1, len(every) // SENDING_DEVICES)][:SENDING_DEVICES]
    devices = [WireDevice(parts, a_token(parts, code), seed=int.from_bytes(os.urandom(6), "big")) for code in codes]
    for device in devices:
        device.enrol()
    return devices


def measure(engine: str, work: Path) -> str:
    """Make and read one engine's country, and return what was found."""
    with place_of(engine, work) as place:
        store, made = country(place, work / f"{engine}.json")
        if "NATION_ONLY_MAKE" in os.environ:
            store.close()
            return f"{engine}: {made}"
        forget_senders(store)
        addresses = pages(store)
        devices = sending(store)
        judged = judge_last_day(store)
        with store.reader() as snapshot:
            rows = snapshot.connection.scalar(select(func.count()).select_from(MEASUREMENTS)) or 0
            schools = snapshot.connection.scalar(select(func.count()).select_from(SCHOOLS)) or 0
        store.close()
        lasts_s = float(os.environ.get("NATION_SECONDS", SECONDS))
        with serving(place) as url:
            readers = [Reader(url, "ana", pages_world.PASSWORDS["ana"]) for _ in range(READERS)]
            load.noted(url)
            for _ in range(ALONE):
                bodies = {name: readers[0].get(address, name) for name, address in addresses.items()}
            alone = load.noted(url)
            senders = Senders(url, devices, BATCHES_S, lasts_s)
            (busy, total), load_before = processor_ticks(), os.getloadavg()[0]
            senders.start()
            began_s = time.monotonic()
            load.read_for(readers, addresses, began_s + lasts_s, PAUSE_S)
            senders.join()
            lasted_s = time.monotonic() - began_s
            busy, total = (now - then for now, then in zip(processor_ticks(), (busy, total), strict=True))
            loaded = load.noted(url)
    return report.section(
        Found(
            engine, schools, rows, made, judged, list(addresses), alone, loaded,
            people=READERS, batches_s=BATCHES_S, lasted_s=lasted_s, accepted=senders.statuses.count(200),
            map_bytes=len(bodies["map data"]), busy=busy / max(1, total), loads=(load_before, os.getloadavg()[0]),
        )
    )  # fmt: skip


def main() -> None:
    engines = os.environ.get("NATION_ENGINES", "sqlite,postgresql").split(",")
    sections = []
    with tempfile.TemporaryDirectory() as own:
        work = Path(os.environ.get("NATION_PLACE", own))
        for engine in engines:
            sections.append(measure(engine, work))
            print(sections[-1], flush=True)
    if "NATION_REPORT" in os.environ:
        page = report.page(describe(), sections, os.environ.get("NATION_NOTE", ""))
        Path(os.environ["NATION_REPORT"]).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
