"""Reading the small files of /proc and /sys: what is missing, forbidden or odd is simply not known."""

from pathlib import Path

_MOST_BYTES = 1_000_000


def text(path: Path) -> str:
    """Return the content without blanks around it; "" if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace").replace("\0", "").strip()
    except (OSError, ValueError):
        return ""


def lines(path: Path) -> list[str]:
    """Return the lines of a file; none if it cannot be read."""
    return text(path).splitlines()


def number(path: Path) -> int | None:
    """Return the whole number in a file; None if there is none."""
    told = text(path)
    return int(told) if told.lstrip("-").isdecimal() and told.isascii() else None
