"""The collector's logs, a file for each process; the console gets warnings as plain lines."""

import logging
import sys
from pathlib import Path

from agent.wire.logfiles import LogFiles

MAX_BYTES = 1_000_000
FILES = 5


def folder(data: Path) -> Path:
    """Return where a deployment's logs lie."""
    return data / "logs"


def set_up(data: Path, name: str) -> None:
    """Write the process's events to `<data>/logs/<name>.log`, and warnings to the console.

    Args:
        data: The deployment's data directory.
        name: Of the process.
    """
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    console = logging.StreamHandler(sys.stderr)
    console.setLevel(logging.WARNING)
    console.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root.addHandler(console)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a herd is answered, not complained about
    directory = folder(data)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = LogFiles(directory / f"{name}.log", file_bytes=MAX_BYTES, files=FILES)
    except OSError as error:
        logging.getLogger(__name__).warning("no log file in %s: %s", directory, error.strerror)
        return
    root.addHandler(file)
