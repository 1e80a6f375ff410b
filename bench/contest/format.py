"""Numbers as the page writes them; unknown is a dash."""

NONE = "–"


def pct(value: float | None) -> str:
    """Return a share as per cent with one decimal."""
    return NONE if value is None else f"{100 * value:.1f} %"


def signed(value: float | None) -> str:
    """Return a signed share as per cent."""
    return NONE if value is None else f"{100 * value:+.1f} %".replace("-", "−")


def times(value: float | None) -> str:
    """Return a number with about two digits that count."""
    if value is None:
        return NONE
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def integer(value: float | None) -> str:
    """Return a whole number."""
    return NONE if value is None else f"{value:.0f}"


def count(hits: int, of: int) -> str:
    """Return so many of so many."""
    return f"{hits} of {of}" if of else NONE
