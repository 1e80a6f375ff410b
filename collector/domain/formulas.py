"""What a spreadsheet takes for the beginning of a formula: texts of people must not become one.

An apostrophe before it makes it a text. One that stands there already gets another, so that taking one off again gives
every text back as it was.
"""

import re
from typing import Final

SIGNS: Final = "=+-@＝＋－＠"
BLANKS: Final = "\t\r\n"  # some programs pass over them
_BEGINNING: Final = re.compile(f"'*[{re.escape(SIGNS)}{BLANKS}]")
_NUMBER: Final = re.compile(r"'*[+\-][\d.,]+")
_SUSPECT: Final = frozenset(f"'{SIGNS}{BLANKS}")


def escape(text: str, *, keeps_numbers: bool = False) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Args:
        text: Any.
        keeps_numbers: A plain number with its sign stays: in a file that has numbers as texts it is one.
    """
    if not text or text[0] not in _SUSPECT or not _BEGINNING.match(text):
        return text
    return text if keeps_numbers and _NUMBER.fullmatch(text) else f"'{text}"


def unescape(text: str) -> str:
    """Return a text without the apostrophe that `escape`, or a person who knows the trick, put before it."""
    return text[1:] if text.startswith("'") and _BEGINNING.match(text) else text
