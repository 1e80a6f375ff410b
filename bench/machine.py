"""The machine that a table was made on; every table names it."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def describe() -> str:
    """Return one line: processor, cores, memory, system, Python, date."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else 0
    system = f"{platform.system()} {platform.release()}; Python {platform.python_version()}"
    return f"{processor}, {os.cpu_count()} cores, {memory_gb:.0f} GB; {system}; {datetime.now(UTC).date()}"


def processor_ticks() -> tuple[int, int]:
    """Return the ticks of all processors since the start of the system that were not idle, and all of them."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0, 0
    ticks = [int(word) for word in stat.read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
