"""What the agent costs a school computer between tests: memory, CPU, start-up, size of the download.

The daemon runs for a minute against nothing (no collector, no test due); its memory and CPU are read from /proc.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.machine import table

ROOT = Path(__file__).resolve().parent.parent
IDLE_S = 60


def status_kb(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(command: list[str], data: Path) -> tuple[float, float]:
    """Return resident MB and CPU percent of an idle daemon."""
    config = data / "config.toml"
    config.write_text("[agent]\nfirst_test_within_s = 86400\n")
    words = [*command, "run", "--data", str(data), "--config", str(config)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(10)
        before = cpu_s(process.pid)
        time.sleep(IDLE_S)
        return status_kb(process.pid, "VmRSS") / 1000, (cpu_s(process.pid) - before) / IDLE_S * 100
    finally:
        process.terminate()
        process.wait(10)


def start_s(command: list[str], times: int = 7) -> list[float]:
    """Return the wall time of `--version`, each in a new process."""
    found = []
    for _ in range(times):
        before = time.perf_counter()
        subprocess.run([*command, "--version"], check=True, capture_output=True)
        found.append(time.perf_counter() - before)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(
            [sys.executable, str(ROOT / "packaging" / "build.py"), "--dist", work], check=True, capture_output=True
        )
        built = [str(Path(work) / "enlace-agent" / "enlace-agent")]
        packed_mb = next(Path(work).glob("*.tar.xz")).stat().st_size / 1e6
        data = Path(work) / "data"
        data.mkdir()
        resident_mb, busy_pct = idle(built, data)
        starts = start_s(built)
        shutil.rmtree(data)
    rows = [
        ["resident while idle", f"{resident_mb:.1f} MB", "60 MB"],
        [f"CPU over {IDLE_S} s idle", f"{busy_pct:.2f} %", "0.1 % over an hour"],
        [
            "`--version`, median of 7",
            f"{statistics.median(starts):.2f} s ({min(starts):.2f} to {max(starts):.2f})",
            "1 s",
        ],
        ["download (.tar.xz)", f"{packed_mb:.1f} MB", "25 MB"],
    ]
    print(table(["built agent", "measured", "bar"], rows))


if __name__ == "__main__":
    main()
