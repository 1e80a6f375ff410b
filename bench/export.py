"""What an export costs: rows a second and memory beyond that of a small one, each in a process of its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.machine import table
from collector.store.open import create
from tests.fakes.export_rows import fill

ROWS = 1_000_000
SMALL = 1_000
CHILD = """
import resource, sys, time
from pathlib import Path
from collector.publish import export
from collector.store.open import Store
store, lines, began = Store.open(Path(sys.argv[1])), 0, time.perf_counter()
with store.reader() as snapshot:
    for piece in export.iter_export(snapshot, "measurements", sys.argv[2]):
        lines += piece.count(b"\\n")
print(lines, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def export_peak(data: Path, form: str) -> tuple[int, float, float]:
    """Return lines, seconds and peak resident MB of one export in a process of its own."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(data), form], capture_output=True, text=True, check=True)
    lines, seconds, peak_kb = done.stdout.split()
    return int(lines), float(seconds), int(peak_kb) / 1000


def main() -> None:
    rows = int(os.environ.get("BENCH_EXPORT_ROWS", ROWS))
    with tempfile.TemporaryDirectory() as work:
        small, large = Path(work) / "small", Path(work) / "large"
        for data, count in ((small, SMALL), (large, rows)):
            store = create(data)
            fill(store, count)
            store.close()
        found = []
        for form in ("csv", "jsonl"):
            _, _, least_mb = export_peak(small, form)
            lines, seconds, peak_mb = export_peak(large, form)
            found.append([form, f"{lines:,}", f"{rows / seconds:,.0f}", f"{peak_mb - least_mb:+.1f} MB"])
    print(table(["format", "lines", "rows a second", f"memory beyond {SMALL:,} rows"], found))


if __name__ == "__main__":
    main()
