"""The name of the program, its version, and its voice on stderr."""

import sys
from importlib.metadata import PackageNotFoundError, version

PROGRAM = "enlace-agent"


def agent_version() -> str:
    """Return the version of the installed program."""
    try:
        return version("enlace-connectivity")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0+unknown"


def complain(sentence: str) -> None:
    """Say something on stderr, whatever its state."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return
