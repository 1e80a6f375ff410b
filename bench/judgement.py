"""A day of 12,000 schools: how long its evaluation takes, and how fast and lean the export of the rows is.

`python -m bench.judgement [schools]` from the root; the bars are 60 s and 100,000 rows a second.
"""

import sys
import tempfile
import time
import tracemalloc
from datetime import date, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import insert, select

from bench.machine import table
from collector.config import CollectorConfig
from collector.evaluate.inputs import Reference
from collector.evaluate.run import evaluate
from collector.publish import export
from collector.store.open import Store, create
from collector.store.tables.measurements import MEASUREMENTS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.registry_files import import_schools
from tests.fakes.school_days import HOURS, Town, at_ms, weekdays

SCHOOLS, BRIEF_SCHOOLS = 12_000, 1_000
PAST_DAYS = 12
TODAY = date(2026, 11, 24)


def main(schools: int = BRIEF_SCHOOLS) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = create(Path(directory))
        try:
            print(table(["what", "rows", "seconds", "per second"], _measure(store, schools)))
        finally:
            store.close()


def _measure(store: Store, schools: int) -> list[list[str]]:
    codes = [f"{number:06d}" for number in range(schools)]
    content = "code,name,timezone,students_total\n" + "".join(f"{code},School {code},UTC,300\n" for code in codes)
    lines = []
    began = time.perf_counter()
    with store.unit() as unit:
        import_schools(unit, content.encode(), now_ms=at_ms(TODAY - timedelta(days=60), "12:00"))
        unit.commit()
    lines.append(_line("registry, import", schools, began))
    *past, last = weekdays(TODAY, PAST_DAYS + 1)
    clock = FakeClock(at_ms(past[-1], "23:00"))
    rows = _fill(store, codes, past)
    began = time.perf_counter()
    evaluate(store, CollectorConfig(), fake_ports(clock), reference=Reference("ndt7", "tp1"))
    lines.append(_line(f"evaluation, {PAST_DAYS} days at once", rows, began))
    rows = _fill(store, codes, [last])
    clock.now = at_ms(last, "23:00")
    began = time.perf_counter()
    report = evaluate(store, CollectorConfig(), fake_ports(clock), reference=Reference("ndt7", "tp1"))
    lines.append(_line(f"evaluation, the newest day of {report.schools} schools", rows, began))
    return lines + [_export(store, form) for form in export.FORMATS]


def _fill(store: Store, codes: list[str], days: list[date]) -> int:
    random = Random(1)
    town = Town(store)
    rid = town.measure(codes[0], at_ms(days[0], HOURS[0]), 1_000_000)
    with store.reader() as snapshot:
        sample = dict(
            snapshot.connection.execute(select(MEASUREMENTS).where(MEASUREMENTS.c.rid == rid)).mappings().one()
        )
    rows = 0
    for code in codes:
        batch = []
        for day in days:
            for hour in HOURS:
                rows += 1
                at = at_ms(day, hour)
                figures = {"download_bps": round(20e6 * random.lognormvariate(0, 0.4)), "download_bins": "[]"}
                name = f"{day.isoformat()}-{hour}-{code}"
                times = {"started_ms": at, "started_raw_ms": at, "received_ms": at + 1000}
                batch.append(
                    {
                        **sample,
                        **figures,
                        **times,
                        "votes": None,
                        "exclusion": None,
                        "rid": name,
                        "device": f"d{code}",
                        "school": code,
                    }
                )
        with store.unit() as unit:
            unit.connection.execute(insert(MEASUREMENTS), batch)
            unit.commit()
    return rows


def _export(store: Store, form: str) -> list[str]:
    tracemalloc.start()
    with store.reader() as snapshot:
        rows = export.count_rows(snapshot, "measurements")
        for number, _piece in enumerate(export.iter_export(snapshot, "measurements", form)):
            if number == 20:
                break
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    began = time.perf_counter()
    with store.reader() as snapshot:
        for _piece in export.iter_export(snapshot, "measurements", form):
            pass
    return _line(f"export, {form}, {peak_mb:.1f} MB", rows, began)


def _line(what: str, rows: int, began: float) -> list[str]:
    seconds = time.perf_counter() - began
    return [what, f"{rows:,}", f"{seconds:.1f}", f"{rows / seconds:,.0f}"]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SCHOOLS)
