"""Names as people look for them and as they expect them sorted, the same on every database.

SQLite folds only ASCII and PostgreSQL sorts by the locale it was made with, so both are worked out here and stored.
"""

import re
import unicodedata

_TILDE = "\u0303"
# Letters that Unicode does not take apart, written as people without them on the keyboard type them.
_SPELT = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
# Signs of numbering ("N.º 2", "N° 2"), which Unicode takes apart into letters in part.
_NUMBERING = str.maketrans("ºª°", "   ")
_TOKEN = re.compile(r"\d+|[^\W\d_]|[\W_]+")

_END, _GAP, _NUMBER, _OTHER = "00", "10", "20", "90"
_LETTERS = {letter: str(30 + at) for at, letter in enumerate("abcdefghijklmnñopqrstuvwxyz")}


def fold(text: str) -> str:
    """Return the text for searching: without accents and capitals, blanks made single ("ÑANDÚ" -> "nandu")."""
    return " ".join(_bare(text, keep_tilde=False).split())


def order_key(name: str, code: str) -> str:
    """Return a text of digits that sorts names as Spanish does, the same under every collation.

    Accents and case do not matter, ñ follows n, numbers sort by their value, other signs only divide words; of two
    equal names the code decides. No two codes have the same key.

    Args:
        name: The name as it is shown.
        code: The school's code, ASCII.
    """
    primary = "".join(_weight(token) for token in _TOKEN.findall(_bare(name, keep_tilde=True).strip()))
    return primary + _END + "".join(f"{ord(char):03d}" for char in code)


def _bare(text: str, *, keep_tilde: bool) -> str:
    letters: list[str] = []
    for char in unicodedata.normalize("NFKD", text.translate(_NUMBERING)).casefold().translate(_SPELT):
        if char == _TILDE and keep_tilde and letters and letters[-1] == "n":
            letters[-1] = "ñ"
        elif not unicodedata.combining(char):
            letters.append(char)
    return "".join(letters)


def _weight(token: str) -> str:
    if token in _LETTERS:
        return _LETTERS[token]
    if token[0].isdecimal():
        digits = str(int(token))
        return f"{_NUMBER}{len(digits):03d}{digits}"
    if token[0].isalnum():
        return f"{_OTHER}{ord(token):07d}"
    return _GAP
