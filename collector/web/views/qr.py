"""QR codes as pictures inside a page: black on white in every theme, with the quiet edge that readers need."""

from typing import Final

import segno
from markupsafe import Markup

_QUIET: Final = 4  # modules around, by the standard
_DARK, _LIGHT = "#000", "#fff"


def picture(text: str) -> Markup:
    """Return an SVG element without a size of its own; its words stand beside it.

    Args:
        text: What a reader gets, at most some hundred characters.
    """
    # Level M outlives a fold or a stain over a seventh of the letter.
    code = segno.make_qr(text, error="m")
    shown = code.svg_inline(
        border=_QUIET, dark=_DARK, light=_LIGHT, omitsize=True, svgclass=None, lineclass=None, unit=None
    )
    return Markup(shown)  # noqa: S704 -- drawn from modules, no sign of the text is in it
