"""SVG elements as escaped text: presentation by classes of the stylesheet, so that a policy may forbid styles."""

import re
from functools import cache
from typing import Final

from markupsafe import Markup, escape

_SPECIAL: Final = re.compile("[&<>\"']").search


def num(value: float) -> str:
    """Return a coordinate with at most one decimal: half a pixel is enough, and bytes count."""
    shown = f"{value:.1f}"
    return shown[:-2] if shown.endswith(".0") else shown


def short(path: str) -> str:
    """Return a path whose numbers all have one decimal as `num` would have written each: hundreds at once."""
    return path.replace(".0", "")


def tag(name: str, *children: str, **attributes: str | float) -> Markup:
    """Return one element.

    Args:
        name: Of the element.
        children: Markup is kept, text is escaped.
        attributes: `class_` stands for `class`, `_` for `-`; numbers are rounded.
    """
    # Joined as plain text, each part escaped: a page has thousands of elements, and `Markup.format` is slow.
    written = "".join(
        [
            f' {_written_name(key)}="{_safe(value) if isinstance(value, str) else num(value)}"'
            for key, value in attributes.items()
        ]
    )
    if not children:
        return Markup(f"<{name}{written}/>")  # noqa: S704 -- names are ours, values are escaped
    inside = "".join([escape(child) for child in children])
    return Markup(f"<{name}{written}>{inside}</{name}>")  # noqa: S704 -- names are ours, values are escaped


@cache
def _written_name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _safe(value: str) -> str:
    """Return the value of an attribute, escaped; nearly all are coordinates and classes, with nothing to escape."""
    return value if _SPECIAL(value) is None else str(escape(value))


def picture(width: float, height: float, label: str, class_: str, *children: str) -> Markup:
    """Return a whole picture with its finding as the accessible name; without one it is decoration."""
    box: dict[str, str | float] = {"class_": class_, "viewBox": f"0 0 {num(width)} {num(height)}"}
    box |= {"width": width, "height": height}
    if not label:
        return tag("svg", *children, **box, aria_hidden="true", focusable="false")
    return tag("svg", *children, **box, role="img", aria_label=label)


def dots(points: list[tuple[float, float]], class_: str) -> Markup:
    """Return many equal dots as one path of round-capped strokes without length: a tenth of the bytes of circles."""
    path = short("".join([f"M{x:.1f} {y:.1f}h0" for x, y in points]))
    return tag("path", d=path, class_=class_) if path else Markup("")


def circles(points: list[tuple[float, float]], class_: str, radius: float) -> Markup:
    """Return many equal circles."""
    begin = f'<circle class="{class_}" r="{num(radius)}"'
    return Markup(short("".join([f'{begin} cx="{x:.1f}" cy="{y:.1f}"/>' for x, y in points])))  # noqa: S704 -- ours


def line(points: list[tuple[float, float]], class_: str) -> Markup:
    """Return a line through the points."""
    path = short("L".join([f"{x:.1f} {y:.1f}" for x, y in points]))
    return tag("path", d=f"M{path}", class_=class_) if path else Markup("")
