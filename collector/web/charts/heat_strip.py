"""Up or down: a row for each day, a cell for each half hour of the school day, each slot where it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from markupsafe import Markup

from collector.web.charts.svg import picture, short, tag

CELL_MIN: Final = 30
_ROW, _TOP, _GAP = 20.0, 24.0, 1.0
_UP, _DOWN = 5.0, 15.0  # heights: thin while up, all of the row while down


class Piece(NamedTuple):
    """A time of a day by the clock on the wall, in minutes after midnight, and how the line was."""

    from_min: int
    to_min: int
    kind: str  # up | down | unseen


@dataclass(frozen=True)
class StripRow:
    """One day."""

    name: str
    pieces: Sequence[Piece]
    share: str  # of what was seen
    is_low: bool  # below what is asked for: the share stands out


def heat_strip(rows: Sequence[StripRow], label: str, width: float, room: tuple[float, float]) -> Markup:
    """Return the picture.

    Args:
        rows: Oldest first.
        label: The finding.
        width: Of the picture, so that its texts are not scaled down on a phone.
        room: For the names at the left and the shares at the right.
    """
    pieces = [piece for row in rows for piece in row.pieces]
    if not pieces:
        return Markup("")
    first = min(piece.from_min for piece in pieces) // CELL_MIN * CELL_MIN
    last = -(-max(piece.to_min for piece in pieces) // CELL_MIN) * CELL_MIN
    left, wide = room[0], width - room[0] - room[1]
    scale = wide / (last - first)
    parts = _hours(first, last, left, scale)
    for at, row in enumerate(rows):
        top = _TOP + at * _ROW
        parts.append(tag("text", row.name, class_="c-text", x=0, y=top + 14))
        parts += [
            _cell(cut, left + (cut.from_min - first) * scale, (cut.to_min - cut.from_min) * scale, top)
            for piece in row.pieces
            for cut in _cut(piece)
        ]
        strong = "c-strong" if row.is_low else "c-text"
        parts.append(tag("text", row.share, class_=strong, x=width, y=top + 14, text_anchor="end"))
    return picture(width, _TOP + len(rows) * _ROW + 2, label, "heat-strip", *parts)


def _hours(first: int, last: int, left: float, scale: float) -> list[Markup]:
    step = 60 if 60 * scale >= 44 else 120 if 120 * scale >= 44 else 240
    begin = -(-first // 60) * 60
    return [
        tag("text", f"{minute // 60}:00", class_="c-text", x=left + (minute - first) * scale, y=14)
        for minute in range(begin, last, step)
        if (last - minute) * scale >= 32
    ]


def _cut(piece: Piece) -> list[Piece]:
    """Return a piece cut at the half hours, so that they can be counted."""
    found, at = [], piece.from_min
    while at < piece.to_min:
        end = min(piece.to_min, (at // CELL_MIN + 1) * CELL_MIN)
        found.append(Piece(at, end, piece.kind))
        at = end
    return found


def _cell(piece: Piece, x: float, width: float, top: float) -> Markup:
    # A gap only where a half hour ends: what lies within one is not torn apart.
    width = max(0.8, width - (_GAP if piece.to_min % CELL_MIN == 0 else 0))
    if piece.kind == "unseen":
        return _box("c-off", x, top + 2, width, _DOWN)
    tall, class_ = (_DOWN, "m-below") if piece.kind == "down" else (_UP, "m-meets")
    return _box(class_, x, top + 2 + (_DOWN - tall) / 2, width, tall)


def _box(class_: str, x: float, y: float, width: float, height: float) -> Markup:
    """Return a box, written at once: a strip has a hundred of them."""
    d = short(f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z")
    return Markup(f'<path class="{class_}" d="{d}"/>')  # noqa: S704 -- names and numbers are ours
