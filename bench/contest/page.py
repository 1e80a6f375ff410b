"""docs/accuracy.md: every table of it, made of the rows that have been kept."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from bench.contest import bars, picture, summary
from bench.contest.format import NONE, count, integer, pct, signed, times
from bench.contest.rows import Book, Row
from bench.contest.tools import DIRECTIONS, OFFICE, Tool, all_tools
from bench.machine import table
from tests.netlab import profiles
from tests.netlab.links import Profile

JUDGED = [profile.name for profile in profiles.JUDGED]
UNSEEN = [profile.name for profile in profiles.UNSEEN]
STEADY = {profile.name for profile in profiles.ALL.values() if not profile.varies}
WORST = 12
WORDS = Path(__file__).with_name("method.md")
MEGA = 1e6


def text(book: Book) -> str:
    """Return the page."""
    judged = _of(book.rows, JUDGED)
    parts = [
        "# How accurate, for how many bytes",
        "",
        *_opening(book, judged),
        "![Median error against megabytes of a test, one point for each tool](images/accuracy.svg)",
        "",
        "## 1. What is compared",
        "",
        *_method(book),
        "## 2. All judged lines",
        "",
        _tools_table(judged, list(all_tools().values())),
        "",
        "The steady ones of them (all but " + " and ".join(sorted(set(JUDGED) - STEADY)) + "):",
        "",
        _tools_table([row for row in judged if row.profile in STEADY], list(all_tools().values())),
        "",
        *_legend(),
        "## 3. What we ask of ourselves",
        "",
        table(["what", "asked", "found", ""], [list(bar) for bar in bars.all_bars(book.rows)]),
        "",
        "## 4. Line by line",
        "",
        _lines_table(judged, JUDGED),
        "",
        "Signed medians of the errors, download / upload, and megabytes of the test:",
        "",
        _matrix(judged, JUDGED),
        "",
        *_caps(judged),
        *_unseen(book.rows),
        *_worst(book.rows),
        "## 8. Again",
        "",
        "`python -m bench accuracy` measures the judged lines three times (`ACCURACY_REPETITIONS`), which takes about "
        "an hour and a half, and writes this page and its picture. `python -m bench.accuracy --help` names the lines "
        "and tools that can be chosen (`--profiles unseen`). Each run is kept in a file of JSON lines and not made "
        "again; `--table FILE` makes the page of what is there.",
    ]
    return "\n".join(parts)


def drawing(book: Book) -> str:
    """Return the picture."""
    judged = _of(book.rows, JUDGED)
    points = []
    for tool in all_tools().values():
        mine = _of_tool(judged, tool.name)
        sizes = [abs(row.error) for row in mine if row.error is not None]
        megabytes = summary.middle(mine, lambda test: test.line_bytes / MEGA)
        if tool.name in ("ten", "caps") or not sizes or megabytes is None:
            continue
        p90 = summary.percentile(sizes, 0.9) or 0
        points.append(picture.Point(tool.name_in_picture, megabytes, 100 * median(sizes), 100 * p90, tool.is_ours))
    lines = f"{len({row.profile for row in judged})} emulated lines, up and down"
    subtitle = f"Dot: median error; bar: what nine of ten runs stay within. {lines}, logarithmic."
    return picture.drawing(points, _finding(points), subtitle)


def _finding(points: Sequence[picture.Point]) -> str:
    """Return what the picture shows, in figures: ours beside the one that most of the world uses."""
    shown = [next((each for each in points if each.label.startswith(name)), None) for name in ("Enlace", "ndt7")]
    words = [
        f"{each.label.partition(' ')[0]} is {each.error_pct:.1f} % off for {each.megabytes:.2g} MB"
        for each in shown
        if each is not None
    ]
    return ", ".join(words) or "Error and cost of a speed test"


def _of(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    return [row for row in rows if row.profile in names]


def _of_tool(rows: Iterable[Row], name: str) -> list[Row]:
    return [row for row in rows if row.tool == name]


def _opening(book: Book, judged: list[Row]) -> list[str]:
    ours = _of_tool(judged, "ours")
    down, up = (summary.errors(ours, direction) for direction in DIRECTIONS)
    cost = summary.middle(ours, lambda test: test.line_bytes / MEGA)
    machines = sorted({head["machine"].rpartition(";")[0] for head in book.heads})
    loads = [row.load for row in book.rows]
    began = sorted(head["began"] for head in book.heads)
    notes = list(dict.fromkeys(head["note"] for head in book.heads if head.get("note")))
    return [
        f"Over {len({row.profile for row in ours})} emulated lines a test reads the download within {pct(down.median)} "
        f"(median) and {pct(down.p90)} (nine of ten), the upload within {pct(up.median)} and {pct(up.p90)}, and sends "
        f"{times(cost)} MB for both directions together (median of the lines).",
        "",
        f"Begun {began[0]} on {'; '.join(machines)}. Load average of the machine meanwhile {min(loads):.1f} to "
        f"{max(loads):.1f}, median {median(loads):.1f} (the measuring itself makes about 1). All programs run "
        "at a raised priority; other work on the machine makes every tool worse all the same, ours included."
        + "".join(f" {note}" for note in notes),
        "",
    ]


def _method(book: Book) -> list[str]:
    missing = {label: why for head in book.heads for label, why in head.get("missing", {}).items()}
    return [WORDS.read_text().rstrip(), *[f"- Not measured: **{label}**, {why}." for label, why in missing.items()], ""]


def _tools_table(rows: list[Row], tools: Sequence[Tool]) -> str:
    head = [
        "tool", "download, median / p90", "upload, median / p90", "upload, most too high", "MB", "s", "CPU s",
        "memory MB", "runs", "without figure",
    ]  # fmt: skip
    cells = []
    for tool in tools:
        mine = _of_tool(rows, tool.name)
        if not mine:
            continue
        down, up = (summary.errors(mine, direction) for direction in DIRECTIONS)
        cells.append([
            f"**{tool.label}**" if tool.name == "ours" else tool.label,
            f"{pct(down.median)} / {pct(down.p90)}",
            f"{pct(up.median)} / {pct(up.p90)}",
            signed(up.highest),
            times(summary.middle(mine, lambda test: test.line_bytes / MEGA)),
            integer(summary.middle(mine, lambda test: test.seconds)),
            times(summary.middle(mine, lambda test: test.cpu_s)),
            integer(summary.middle(mine, lambda test: test.peak_mb)),
            str(max(down.runs, up.runs)),
            str(down.failed + up.failed),
        ])  # fmt: skip
    return table(head, cells)


def _legend() -> list[str]:
    return [
        "Errors are absolute, over all runs; p90 is the error that nine of ten runs do not exceed. MB, seconds, "
        "processor and memory: the median of the lines' medians, both directions together.",
        "",
    ]


def _lines_table(rows: list[Row], names: Sequence[str]) -> str:
    head = ["line", "Mbit/s, ms", "download, median / p90", "upload, median / p90", "upload, most too high", "MB", "s",
            "idle RTT", "10 s covered", "stopped"]  # fmt: skip
    cells = []
    for name in names:
        mine = _of_tool(_of(rows, [name]), "ours")
        if not mine:
            continue
        down, up = (summary.errors(mine, direction) for direction in DIRECTIONS)
        idle = [row.idle_error_ms for row in mine if row.idle_error_ms is not None]
        cells.append([
            name,
            _shape(profiles.ALL[name]),
            f"{pct(down.median)} / {pct(down.p90)}",
            f"{pct(up.median)} / {pct(up.p90)}",
            signed(up.highest),
            times(summary.middle(mine, lambda test: test.line_bytes / MEGA)),
            integer(summary.middle(mine, lambda test: test.seconds)),
            f"{median(idle):+.1f} ms" if idle else "–",
            count(*summary.covered(mine, _of_tool(_of(rows, [name]), "ten"))),
            _stops(mine),
        ])  # fmt: skip
    return table(head, cells)


def _shape(profile: Profile) -> str:
    return f"{profile.download.mbps:g}/{profile.upload.mbps:g}, {profile.idle_rtt_ms:g}"


def _stops(rows: Iterable[Row]) -> str:
    seen: dict[str, int] = {}
    for row in rows:
        word = str(row.figure.get("stop_reason") or "no figure")
        seen[word] = seen.get(word, 0) + 1
    return ", ".join(f"{word} {number}" for word, number in sorted(seen.items(), key=lambda pair: -pair[1]))


def _matrix(rows: list[Row], names: Sequence[str]) -> str:
    tools = [tool for tool in all_tools().values() if _of_tool(rows, tool.name) and tool.name != "caps"]
    cells = []
    for name in names:
        if here := _of(rows, [name]):
            cells.append([name, *[_matrix_cell(_of_tool(here, tool.name)) for tool in tools]])
    return table(["line", *[tool.label for tool in tools]], cells)


def _matrix_cell(rows: list[Row]) -> str:
    if not rows:
        return "–"
    found = []
    for direction in DIRECTIONS:
        known = [row.error for row in rows if row.direction == direction and row.error is not None]
        found.append(signed(median(known)) if known else "none")
    return f"{found[0]} / {found[1]}; {times(summary.middle(rows, lambda test: test.line_bytes / MEGA))}"


def _caps(rows: list[Row]) -> list[str]:
    mine = _of_tool(rows, "caps")
    if not mine:
        return []
    cells = []
    for name in [*JUDGED, "all"]:
        here = mine if name == "all" else _of(mine, [name])
        if not here:
            continue
        lower = [row for row in here if row.is_lower_bound]
        full = [row for row in here if not row.is_lower_bound]
        down, up = (summary.errors(full, direction) for direction in DIRECTIONS)
        caps = "" if name == "all" else " / ".join(f"{row.cap_bytes / MEGA:.0f}" for row in here[:2])
        cost = times(summary.middle(here, lambda test: test.line_bytes / MEGA))
        cells.append([
            name, caps, f"{pct(down.median)} / {pct(down.p90)}", f"{pct(up.median)} / {pct(up.p90)}",
            signed(up.highest), cost, f"{len(lower)} of {len(here)}",
        ])  # fmt: skip
    head = ["line", "caps, MB", "download, median / p90", "upload, median / p90", "upload, most too high", "MB",
            "said as *at least*"]  # fmt: skip
    return [
        "## 5. With the caps that a school has",
        "",
        'Figures that the record marks as a lower bound ("at least") are counted apart and not among the errors.',
        "",
        table(head, cells),
        "",
    ]


def _unseen(rows: list[Row]) -> list[str]:
    mine = _of(rows, UNSEEN)
    if not mine:
        return []
    return [
        "## 6. Lines that nothing was fitted to",
        "",
        _tools_table(mine, list(all_tools().values())),
        "",
        _lines_table(mine, UNSEEN),
        "",
        _matrix(mine, UNSEEN),
        "",
    ]


def _width(row: Row) -> str:
    width = row.figure.get("half_width_pct")
    return NONE if width is None else f"{width:.1f} %"


def _worst(rows: list[Row]) -> list[str]:
    """Show our worst runs: what is still wrong is to be seen, not looked for."""
    names = {tool.name for tool in all_tools().values() if tool.is_ours} - {"ten"}
    known: list[tuple[float, Row]] = [
        (row.error, row)
        for row in rows
        if row.tool in names and row.error is not None and not row.is_lower_bound and row.profile != OFFICE.name
    ]
    cells = [
        [
            f"{row.profile} {row.direction}", all_tools()[row.tool].label, str(row.seed), signed(error),
            str(row.figure.get("stop_reason", "")), _width(row),
            f"{row.figure.get('duration_s') or 0:.1f}", f"{row.load:.1f}", pct(row.machine_busy), ", ".join(row.tags),
        ]
        for error, row in sorted(known, key=lambda pair: -abs(pair[0]))[:WORST]
    ]  # fmt: skip
    head = ["line", "tool", "seed", "error", "stopped", "stated half width", "s", "load", "machine busy", "remarks"]
    return ["## 7. Our worst runs", "", table(head, cells), ""]
