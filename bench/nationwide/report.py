"""What was measured of a country, as text: the section of one database, and the page of all of them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.machine import table
from bench.nationwide.country import Judged, Made
from bench.nationwide.load import Noted

WANTED_SCHOOLS, WANTED_MEASUREMENTS = 12_000, 20_000_000
REFUSED = 503
BAR_MS, BAR_QUERIES, BAR_DAY_S, BAR_MAP_BYTES = 200, 25, 60, 500_000
HEAD = (
    *("page", "queries", "processor, ms", "first, ms", "alone p50, ms", "p95", "with load p50, ms", "p95"),
    "reads",
)


@dataclass(frozen=True)
class Found:
    """All that was measured with one database."""

    engine: str
    schools: int
    rows: int
    made: Made | None  # None: nobody noted what making it took
    judged: Judged
    names: Sequence[str]  # of the pages
    alone: Sequence[Noted]
    loaded: Sequence[Noted]
    people: int
    batches_s: float  # asked for
    lasted_s: float
    accepted: int
    map_bytes: int
    busy: float  # share of all processors, by everything on the machine
    loads: tuple[float, float]  # load average before reading with load, and after it


def percentile(values: Sequence[float], part: float) -> float:
    """Return a percentile, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _of(noted: Sequence[Noted]) -> Mapping[str, list[Noted]]:
    found: dict[str, list[Noted]] = {}
    for one in noted:
        found.setdefault(one.name, []).append(one)
    return found


def _two(times: Sequence[float]) -> list[str]:
    return [f"{statistics.median(times):.0f}", f"{percentile(times, 0.95):.0f}"] if times else ["", ""]


def _lines(found: Found) -> list[list[str]]:
    alone, loaded = _of(found.alone), _of(found.loaded)
    lines = []
    for name in found.names:
        first, *again = alone[name]
        with_load = loaded.get(name, [])
        both = [first, *again, *with_load]
        assert all(one.status in (200, REFUSED) for one in both), (name, {one.status for one in both})
        with_load = [one for one in with_load if one.status != REFUSED]
        busy_ms = statistics.median(one.cpu_ms for one in again or [first])
        cells = [name, str(max(one.queries for one in both)), f"{busy_ms:.0f}", f"{first.took_ms:.0f}"]
        for some in (again, with_load):
            cells += _two([one.took_ms for one in some])
        lines.append([*cells, str(len(with_load))])
    return lines


def _judgement(found: Found) -> str:
    """Return what comes of the bars, in words."""
    asked = [one for one in found.loaded if one.name in found.names]
    read = [one for one in asked if one.status != REFUSED]
    own = {name: [one.took_ms for one in some] for name, some in _of(read).items()}
    late = [name for name, times in own.items() if percentile(times, 0.95) > BAR_MS]
    never = [name for name in found.names if name not in own]
    batches = [one.took_ms for one in found.loaded if one.name == "batch"]
    queries = max(one.queries for one in [*found.alone, *read] if one.name in found.names)
    times = [one.took_ms for one in read]
    said = [
        f"- With load: {len(read):,} pages by {found.people} people, p50 {statistics.median(times):.0f} ms, p95 "
        f"{percentile(times, 0.95):.0f} ms (bar {BAR_MS}). Processors {100 * found.busy:.0f} % busy, load average "
        f"{found.loads[0]:.1f} before and {found.loads[1]:.1f} after. "
        f"Told to come back later as every place was taken "
        f"(503): {len(asked) - len(read):,}.",
        f"- {len(batches):,} batches, {len(batches) / found.lasted_s:.0f} a second of {found.batches_s:.0f} asked for; "
        f"{found.accepted:,} accepted, p95 {percentile(batches, 0.95):.0f} ms.",
        f"- Most queries of a page: {queries} (bar {BAR_QUERIES}). Map data: {found.map_bytes:,} bytes (bar "
        f"{BAR_MAP_BYTES:,}).",
        f"- Evaluation of the last day again, {found.judged.rows:,} measurements of {found.judged.schools:,} schools: "
        f"{found.judged.took_s:.0f} s, {found.judged.cpu_s:.0f} s of them the processor's in this process (bar "
        f"{BAR_DAY_S} s).",
        f"- Pages whose own p95 with load is over {BAR_MS} ms: {', '.join(late) or 'none'}."
        + (f" Never opened with load: {', '.join(never)}." if never else ""),
    ]
    if found.rows < WANTED_MEASUREMENTS or found.schools < WANTED_SCHOOLS:
        said.append(
            f"- Not shown: {WANTED_SCHOOLS:,} schools with {WANTED_MEASUREMENTS:,} measurements; this country has "
            f"{found.schools:,} with {found.rows:,}."
        )
    return "\n".join(said)


def _evaluated(made: Made) -> str:
    if made.evaluations == 1:
        return f"first evaluation of all of them {made.history_s:.0f} s"
    return f"evaluated as they came, in {made.evaluations} evaluations, {made.history_s:.0f} s altogether"


def section(found: Found) -> str:
    """Return everything about one database."""
    made = ""
    if found.made is not None:
        made = (
            f"Made through the insert of the intake: {found.made.rows / found.made.insert_s:,.0f} measurements of "
            f"{found.made.days} school days a second; {_evaluated(found.made)}.\n\n"
        )
    head = f"## {found.engine}: {found.schools:,} schools, {found.rows:,} measurements"
    return f"{head}\n\n{made}{table(list(HEAD), _lines(found))}\n\n{_judgement(found)}\n"


def page(machine: str, sections: Sequence[str], note: str = "") -> str:
    """Return the page of all databases."""
    intro = (
        "# A whole country on one server\n\n"
        "Written by `NATION_REPORT=docs/scale.md python -m bench nation`; nothing here is written by hand.\n\n"
        f"{machine}.\n\n"
        "Server, people, computers that send and database share this machine. Times are of the server, from the\n"
        "request to the last byte of its answer. *Processor* is what the page's own thread cost when one person read\n"
        "alone, the work of PostgreSQL not counted; it rises with other work on the machine too, but far less than\n"
        "the other times do.\n"
        "*First* is the first reading of a process that has just started; *alone* are those after it. *With load*\n"
        "people open pages at random, and batches with one measurement and one diary run each are written meanwhile.\n"
    )
    said = [f"How it was run: {note}\n"] if note else []
    return "\n".join([intro, *said, *sections])
