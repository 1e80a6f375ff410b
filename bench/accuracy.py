"""How near to the truth, for how many bytes: ours beside other tools, on emulated lines, in one run.

`python -m bench accuracy` measures the judged lines and writes docs/accuracy.md; `python -m bench.accuracy --help` says
what else there is. Every run goes to a file of JSON lines first, and a run that is there already is not made again:
a long one can be stopped and gone on with, and `--table FILE` makes the page of what there is.

Needs root, /dev/net/tun and a C compiler; says what is missing otherwise.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.contest import page
from bench.contest.rows import Book, Row, joined
from bench.contest.tools import DIRECTIONS, OFFICE, Tool, all_tools
from bench.machine import describe, processor_ticks
from tests.netlab import profiles
from tests.netlab.build import why_not
from tests.netlab.links import Profile

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "accuracy.md"
PICTURE = ROOT / "docs" / "images" / "accuracy.svg"
BOOK = ROOT / "build" / "accuracy.jsonl"
REPETITIONS = 3
ONCE = {"iperf3-30"}  # what thirty seconds carry is a yardstick, not a contestant: the first repetition is enough
STEADY_ONLY = {"ten"}
NICE = -10  # other work on the machine is not what is measured
USUAL_S = {  # of one run, to say beforehand how long it will take; with starting and ending the line
    "ours": 12, "prior": 10, "caps": 10, "ten": 28, "ndt7": 26, "librespeed": 37, "speedtest-cli": 28,
    "iperf3-10": 25, "iperf3-30": 65,
}  # fmt: skip


def main(words: Sequence[str] = ()) -> None:
    """Measure what is not measured yet, then write the page."""
    given = _parser().parse_args(list(words))
    book = joined(given.table) if given.table else Book(given.book)
    if not given.table:
        if reason := why_not():
            print(f"not measured: {reason}")
            return
        measure(book, _plan(given, all_tools()), given.note)
    if not book.rows:
        print("nothing has been measured yet")
        return
    text = page.text(book)
    print(text)
    if not given.dry:
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_text(page.drawing(book))
        PAGE.write_text(text + "\n")


Run = tuple[Profile, int, Tool]


def measure(book: Book, plan: Sequence[Run], note: str = "") -> None:
    """Make the runs of a plan that are not in the book.

    Args:
        book: Where they are kept.
        plan: Which.
        note: What a reader should know of how they were made; stands on the page.
    """
    left = [run for run in plan if not book.has((run[0].name, run[1], run[2].name))]
    minutes = sum(USUAL_S[tool.name] for _profile, _seed, tool in left) / 60
    print(
        f"{len(left)} of {len(plan)} runs are to be made, about {minutes:.0f} minutes; kept in {book.path}", flush=True
    )
    if not left:
        return
    os.setpriority(os.PRIO_PROCESS, 0, NICE)  # whatever is started from here on has it too, all tools alike
    missing = {tool.label: tool.missing for _profile, _seed, tool in plan if tool.missing}
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    book.begin({"machine": describe(), "began": now, "load": os.getloadavg()[0], "missing": missing, "note": note})
    for profile, seed, tool in left:
        if not tool.missing:
            before = processor_ticks()
            rows = _run(profile, seed, tool)
            busy, total = (now - then for now, then in zip(processor_ticks(), before, strict=True))
            rows = [replace(row, machine_busy=round(busy / total, 3) if total else None) for row in rows]
            book.add(rows)
            print("\n".join(_line(row) for row in rows), flush=True)


def _run(profile: Profile, seed: int, tool: Tool) -> list[Row]:
    """Run a tool; what breaks it is a row without a figure."""
    try:
        return tool.run(profile, seed)
    except Exception as error:  # a foreign tool may fail in any way
        nothing = {"bps": None, "truth_bps": None, "bytes": 0, "line_bytes": 0, "seconds": 0.0, "cpu_s": 0.0}
        note = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        load = os.getloadavg()[0]
        return [
            Row(profile.name, seed, tool.name, each, **nothing, peak_mb=0.0, load=load, note=note)  # type: ignore[arg-type]
            for each in DIRECTIONS
        ]


def _line(row: Row) -> str:
    error = "       -" if row.error is None else f"{100 * row.error:+7.1f}%"
    figure = f"{(row.bps or 0) / 1e6:8.3f} of {(row.truth_bps or 0) / 1e6:8.3f} Mbit/s"
    stop = f"{row.figure.get('stop_reason', '')}{' at least' if row.is_lower_bound else ''}"
    return (
        f"{datetime.now(UTC):%H:%M:%S} {row.profile:12} {row.seed} {row.tool:14} {row.direction:8} {error} {figure}"
        f" {row.bytes / 1e6:8.2f} MB {row.seconds:5.1f} s {stop} {row.note[:80]}"
    )


def _plan(given: argparse.Namespace, tools: dict[str, Tool]) -> list[Run]:
    """Return the runs in their order: all tools on one line with one seed after each other, then the next line."""
    lines = [profiles.ALL[name] for name in given.profiles]
    chosen = [tools[name] for name in given.tools]
    runs = list(_runs(lines, chosen, given.repetitions))
    office = [(OFFICE, seed, tools[name]) for seed in range(1, given.repetitions + 1) for name in ("prior", "ten")]
    return runs + (office if {"prior", "ten"} <= set(given.tools) else [])


def _runs(lines: list[Profile], tools: list[Tool], repetitions: int) -> Iterator[Run]:
    for seed in range(1, repetitions + 1):
        for line in lines:
            for tool in tools:
                if (tool.name in ONCE and seed > 1) or (tool.name in STEADY_ONLY and line.varies):
                    continue
                yield line, seed, tool


def _parser() -> argparse.ArgumentParser:
    """Return what may be said; the environment says it where `python -m bench` takes no words."""
    env = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=(__doc__ or "").split("\n")[0])
    judged = [profile.name for profile in profiles.JUDGED]
    parser.add_argument("--repetitions", type=int, default=int(env("ACCURACY_REPETITIONS", str(REPETITIONS))))
    parser.add_argument(
        "--profiles", type=_names(list(profiles.ALL)), default=env("ACCURACY_PROFILES", ",".join(judged)),
        help="names with commas, or `judged`, `unseen`, `all`",
    )  # fmt: skip
    tools = list(all_tools())
    parser.add_argument("--tools", type=_names(tools), default=env("ACCURACY_TOOLS", "all"), help=", ".join(tools))
    parser.add_argument("--book", type=Path, default=Path(env("ACCURACY_BOOK", str(BOOK))), help="file of JSON lines")
    parser.add_argument("--table", type=Path, nargs="+", help="measure nothing, make the page of these files")
    parser.add_argument("--note", default="", help="a sentence of how this was measured, for the page")
    parser.add_argument("--dry", action="store_true", help="print the page, write nothing")
    return parser


def _names(known: list[str]) -> Callable[[str], list[str]]:
    groups = {
        "all": known,
        "judged": [profile.name for profile in profiles.JUDGED],
        "unseen": [profile.name for profile in profiles.UNSEEN],
    }

    def names(text: str) -> list[str]:
        wanted = [name for word in text.split(",") for name in groups.get(word, [word])]
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no {unknown[0]}; there are: {', '.join(known)}")
        return wanted

    return names


if __name__ == "__main__":
    began_s = time.monotonic()
    main(sys.argv[1:])
    print(f"{(time.monotonic() - began_s) / 60:.0f} minutes", file=sys.stderr)
