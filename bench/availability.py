"""A day of the diaries of 12,000 schools with three PCs each: what it costs to say whether their lines were up.

`python -m bench.availability [schools]` from the root. Each PC posts a run every quarter of an hour of ten hours.
"""

import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert

from bench.machine import table
from collector.config import CollectorConfig
from collector.evaluate import work
from collector.evaluate.availability import AvailabilityReport, work_out
from collector.evaluate.inputs import Deployment, Reference
from collector.profiles import catalogue as profiles
from collector.store.open import Store, create
from collector.store.queries import availability_marks
from collector.store.tables.measurements import DIARY
from tests.fakes.registry_files import import_schools
from tests.fakes.school_days import at_ms, weekdays

SCHOOLS, BRIEF_SCHOOLS = 12_000, 1_000
PCS, POSTS, QUARTER_MS = 3, 40, 900_000
TODAY = date(2026, 11, 24)
_HEADINGS = ["what", "schools", "new runs", "seconds", "of the processor", "ms a school"]
PAST = weekdays(TODAY, 11)[:-1]


def main(schools: int = BRIEF_SCHOOLS) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = create(Path(directory))
        try:
            print(
                table(
                    ["what", "schools", "new runs", "seconds", "of the processor", "ms a school"],
                    _measure(store, schools),
                )
            )
        finally:
            store.close()


def _measure(store: Store, schools: int) -> list[list[str]]:
    codes = [f"{number:06d}" for number in range(schools)]
    content = "code,name,timezone,students_total\n" + "".join(f"{code},School {code},UTC,300\n" for code in codes)
    with store.unit() as unit:
        import_schools(unit, content.encode(), now_ms=at_ms(PAST[0], "01:00"))
        unit.commit()
    with store.reader() as snapshot:
        deployment = work.deployment_of(snapshot, CollectorConfig(), profiles.load(), Reference())
    random, lines = Random(1), []
    for number, day in enumerate(PAST):  # ten days of history, with longer runs: what is stored is what weighs
        _post(store, codes, at_ms(day, "07:00"), range(0, POSTS, 10), number, random, quarters=10)
        _turn(store, deployment, at_ms(day, "17:01"))
    for hour, quarters in (("07:46", range(3)), ("16:46", range(3, POSTS - 1)), ("17:01", range(POSTS - 1, POSTS))):
        runs = _post(store, codes, at_ms(TODAY, "07:00"), quarters, 100, random)
        began = (time.perf_counter(), time.process_time())
        report = _turn(store, deployment, at_ms(TODAY, hour))
        lines.append(_line(f"a turn at {hour}, every PC has news", report, runs, began))
    for what, moment in (("a turn without news", "17:16"), ("the first turn of the next day", "23:59")):
        began = (time.perf_counter(), time.process_time())
        now_ms = at_ms(TODAY, moment) + (3_600_000 if moment == "23:59" else 0)
        lines.append(_line(what, _turn(store, deployment, now_ms), 0, began))
    return lines


def _turn(store: Store, deployment: Deployment, now_ms: int) -> AvailabilityReport:
    return work_out(store, deployment, now_ms)


def _post(
    store: Store, codes: list[str], begin_ms: int, posts: range, part: int, random: Random, *, quarters: int = 1
) -> int:
    """Store runs of every PC and their marks; return how many."""
    rows: list[dict[str, Any]] = []
    for code in codes:
        for number in range(PCS):
            for post in posts:
                from_ms = begin_ms + post * QUARTER_MS + 1000 * number
                to_ms = from_ms + quarters * QUARTER_MS
                state = "no_internet" if random.random() < 0.01 else "ok"
                rows.append(
                    {
                        "device": f"{code}-{number}", "rid": f"{part}-{post}-{from_ms}", "school": code,
                        "from_ms": from_ms, "to_ms": to_ms, "time_quality": "exact", "received_ms": to_ms,
                        "boot_id": "ab", "from_mono_ms": 0, "slots": 3 * quarters, "slot_s": 300, "state": state,
                        "content_hash": "",
                    }
                )  # fmt: skip
    for start in range(0, len(rows), 50_000):
        some = rows[start : start + 50_000]
        with store.unit() as unit:
            unit.connection.execute(insert(DIARY), some)
            availability_marks.mark_runs(unit, some)
            unit.commit()
    return len(rows)


def _line(what: str, report: AvailabilityReport, runs: int, began: tuple[float, float]) -> list[str]:
    seconds, busy = time.perf_counter() - began[0], time.process_time() - began[1]
    each = f"{1000 * busy / report.schools:.2f}" if report.schools else "-"
    return [what, f"{report.schools:,}", f"{runs:,}", f"{seconds:.1f}", f"{busy:.1f}", each]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SCHOOLS)
