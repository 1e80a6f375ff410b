"""What an export costs: rows a second and memory beyond that of a small one, each in a process of its own.

`BENCH_EXPORT_ROWS` says how many rows, `BENCH_EXPORT_FORMATS` which formats, with commas. Measurements have no places,
so GeoJSON is not among them.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.machine import table
from collector.store.open import create
from tests.fakes.export_rows import fill

ROWS = 1_000_000
SMALL = 1_000
FORMATS = "csv,jsonl,parquet,xlsx"
CHILD = """
import resource, sys, time
from pathlib import Path
from collector.publish import export
from collector.store.open import Store
store, lines, size_bytes, began = Store.open(Path(sys.argv[1])), 0, 0, time.perf_counter()
with store.reader() as snapshot, open(sys.argv[3], "wb") as file:
    for piece in export.iter_export(snapshot, "measurements", sys.argv[2]):
        lines += piece.count(b"\\n")
        size_bytes += file.write(piece)
print(lines, size_bytes, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass(frozen=True)
class Cost:
    """What one export took."""

    lines: int  # bytes that end a line, which only texts have for each row
    size_bytes: int
    seconds: float
    peak_mb: float


def export_cost(data: Path, form: str, into: Path = Path(os.devnull)) -> Cost:
    """Export all measurements of a data directory in a process of its own, resident memory included."""
    words = [sys.executable, "-c", CHILD, str(data), form, str(into)]
    lines, size_bytes, seconds, peak_kb = subprocess.run(
        words, capture_output=True, text=True, check=True
    ).stdout.split()
    return Cost(int(lines), int(size_bytes), float(seconds), int(peak_kb) / 1000)


def main() -> None:
    rows = int(os.environ.get("BENCH_EXPORT_ROWS", ROWS))
    with tempfile.TemporaryDirectory() as work:
        small, large = Path(work) / "small", Path(work) / "large"
        for data, count in ((small, SMALL), (large, rows)):
            store = create(data)
            fill(store, count)
            store.close()
        found = []
        for form in os.environ.get("BENCH_EXPORT_FORMATS", FORMATS).split(","):
            least, most = export_cost(small, form), export_cost(large, form)
            more_mb = most.peak_mb - least.peak_mb
            found.append([form, f"{most.size_bytes / 1e6:,.1f}", f"{rows / most.seconds:,.0f}", f"{more_mb:+.1f} MB"])
    print(table(["format", "MB", "rows a second", f"memory beyond {SMALL:,} rows"], found))


if __name__ == "__main__":
    main()
