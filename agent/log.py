"""The agent's log; a full disk costs log lines, never the agent."""

import logging
from pathlib import Path

from agent.wire.logfiles import LogFiles

FILE = "agent.log"
FILE_BYTES = 1_000_000
FILES = 5

_FOREIGN = ("apscheduler", "urllib3", "requests", "charset_normalizer")


def start(directory: Path, level: str) -> None:
    """Write events of this level and above to `agent.log` in the data directory, at most 5 files of 1 MB.

    Args:
        directory: The data directory.
        level: debug, info, warning or error.
    """
    logging.raiseExceptions = False  # a line that cannot be written is no reason to stop
    root = logging.getLogger()
    stop()
    try:
        keeper: logging.Handler = LogFiles(directory / FILE, file_bytes=FILE_BYTES, files=FILES, delay=True)
    except OSError:
        keeper = logging.NullHandler()
    keeper.set_name("enlace")
    root.addHandler(keeper)
    root.setLevel(level.upper())
    for name in _FOREIGN:
        logging.getLogger(name).setLevel(logging.ERROR)


def silence() -> None:
    """Keep events off the terminal: commands speak in sentences."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    for name in _FOREIGN:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def stop() -> None:
    """Close the log."""
    root = logging.getLogger()
    for one in [one for one in root.handlers if one.get_name() == "enlace"]:
        root.removeHandler(one)
        one.close()
