"""The columns of the schools file: what may stand in each, and the sentence for what may not."""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from collector.domain import calendars
from collector.domain.said import Said, SaidError

CODE_CHARS = 64
NAME_CHARS = 200
TEXT_CHARS = 256
MAX_PEOPLE = 1_000_000
MAX_MBPS = 1_000_000.0
_NUMBER_CHARS = 24
_LATITUDE, _LONGITUDE = 90, 180

# What stands in addresses, commands and files unchanged; no leading dot or hyphen.
_CODE = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{CODE_CHARS - 1}}}", re.ASCII)
# Tables that went through a program have 120.0 for 120; three decimals could be thousands.
_WHOLE = re.compile(r"(\d+)(?:[.,]0{1,2})?", re.ASCII)
_DECIMAL = re.compile(r"([+-]?)(\d+)(?:([.,])(\d+))?", re.ASCII)
# One to three digits, a mark, three digits: a thousand to some, a fraction to others.
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)

# Control characters, halves of pairs, code points without a character.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Cn"})

Value = str | int | float | None


class CellError(SaidError):
    """A cell that cannot be taken; the message is the rest of a sentence that begins with row and column."""


@dataclass(frozen=True)
class Context:
    """What the cells of one file have in common."""

    delimiter: str


Parse = Callable[[str, Context], Value]


def parse_code(text: str, _context: Context | None = None) -> str:
    """Return a school's code, which stays the text that it is.

    Raises:
        CellError: If it is empty or could not stand in an address.
    """
    if not text:
        raise CellError("the code is missing.")
    if not _CODE.fullmatch(text):
        raise CellError(
            "%(cell)s cannot be a code: it has up to %(most)s letters A to Z, digits, hyphens, low lines "
            "and dots, and begins with a letter, a digit or a low line.",
            cell=shown(text),
            most=CODE_CHARS,
        )
    return text


def shown(text: str) -> str:
    """Return a cell as sentences quote it: not longer than a line holds, and without what steers a terminal."""
    text = "".join(char if char.isprintable() else "\ufffd" for char in text[:61])
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"


def _text(limit_chars: int) -> Parse:
    def parse(text: str, _context: Context) -> str | None:
        if len(text) > limit_chars:
            raise CellError(
                "the text has %(count)s characters; at most %(most)s are kept.", count=len(text), most=limit_chars
            )
        text = " ".join(text.split())
        if not text.isprintable() and any(unicodedata.category(char) in _UNPRINTABLE for char in text):
            raise CellError("the text contains a control character, or one that no script has.")
        return text or None

    return parse


def _name(text: str, context: Context) -> str:
    name = _text(NAME_CHARS)(text, context)
    if not name:
        raise CellError("the name is missing.")
    return str(name)


def _people(text: str, _context: Context) -> int | None:
    if not text:
        return None
    match = _WHOLE.fullmatch(text)
    if not match:
        raise CellError("%(cell)s is not a whole number; write it with digits only.", cell=shown(text))
    if len(text) > _NUMBER_CHARS or int(match[1]) > MAX_PEOPLE:
        raise CellError("%(cell)s is more than %(most)s.", cell=shown(text), most=MAX_PEOPLE)
    return int(match[1])


def _number(text: str) -> float:
    """Return a number with one decimal mark, point or comma; a second mark is never guessed about."""
    match = _DECIMAL.fullmatch(text.replace("\u2212", "-"))
    if not match or len(text) > _NUMBER_CHARS:
        raise CellError("%(cell)s is not a number; write it with one decimal mark, such as 12.5.", cell=shown(text))
    sign, whole, _mark, fraction = match.groups()
    return float(f"{sign}{whole}.{fraction or '0'}")


def _degrees(limit: float) -> Parse:
    def parse(text: str, _context: Context) -> float | None:
        if not text:
            return None
        value = _number(text)
        if not -limit <= value <= limit:
            if limit < abs(value) <= _LONGITUDE:
                raise CellError(
                    "%(cell)s lies outside -%(most)s to %(most)s degrees. Latitude and longitude may be exchanged.",
                    cell=shown(text),
                    most=limit,
                )
            raise CellError("%(cell)s lies outside -%(most)s to %(most)s degrees.", cell=shown(text), most=limit)
        return value

    return parse


def _mbps(text: str, context: Context) -> float | None:
    if not text:
        return None
    is_plain = context.delimiter == "," and "," not in text  # such files write 12.500 for twelve and a half
    if _THOUSANDS.fullmatch(text) and not is_plain:
        digits = text.replace(",", "").replace(".", "")
        raise CellError(
            "%(cell)s can be read in two ways; write %(whole)s or %(fraction)s.",
            cell=shown(text),
            whole=digits,
            fraction=text[:-1],
        )
    value = _number(text)
    if not 0 < value <= MAX_MBPS:
        raise CellError("%(cell)s lies outside 0 to %(most)s Mbit/s.", cell=shown(text), most=round(MAX_MBPS))
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(text: str, _context: Context) -> str | None:
    if not text:
        return None
    if text not in _zones():
        raise CellError("%(cell)s is not a known time zone; write an IANA name such as America/Lima.", cell=shown(text))
    return text


def _opening(text: str, context: Context) -> str | None:
    text = re.sub(r"\s*[\r\n]+\s*", "; ", text)
    text = str(_text(TEXT_CHARS)(text, context) or "")
    if not text:
        return None
    try:
        calendars.parse_opening(text)
    except calendars.OpeningError as error:
        raise CellError(error.said.message, **error.said.values) from error
    return text


_YES = frozenset({"yes", "y", "true", "t", "1", "x", "si", "s\u00ed", "s", "sim", "oui", "o"})
_NO = frozenset({"no", "n", "false", "f", "0", "n\u00e3o", "nao", "non"})


def _yes_or_no(text: str, _context: Context) -> bool | None:
    word = text.strip().casefold()
    if not word:
        return None
    if word not in _YES | _NO:
        raise CellError("%(cell)s is neither yes nor no.", cell=shown(text))
    return word in _YES


# Several numbers may stand in one cell: digits and what is written between them.
_PHONE = re.compile(r"[0-9+()/.,;:#*xX \-]{3,60}", re.ASCII)


def _phone(text: str, _context: Context) -> str | None:
    text = " ".join(text.split())
    if not text:
        return None
    if not _PHONE.fullmatch(text) or not any(sign.isdigit() for sign in text):
        raise CellError(
            "%(cell)s is not a telephone number: it has up to %(most)s digits, blanks and signs such as + and -.",
            cell=shown(text),
            most=60,
        )
    return text


COLUMNS: dict[str, Parse] = {
    "code": parse_code,
    "name": _name,
    "latitude": _degrees(_LATITUDE),
    "longitude": _degrees(_LONGITUDE),
    "area": _text(TEXT_CHARS),
    "timezone": _timezone,
    "opening": _opening,
    "education_level": _text(TEXT_CHARS),
    "students_total": _people,
    "students_peak_shift": _people,
    "staff": _people,
    "provider": _text(TEXT_CHARS),
    "technology": _text(TEXT_CHARS),
    "contract_download_mbps": _mbps,
    "contract_upload_mbps": _mbps,
    "shelter": _yes_or_no,
    "phone": _phone,
}
REQUIRED = ("code", "name")

EXTRA_COLUMNS = 100  # a whole table of Giga has about eighty
free_text = _text(TEXT_CHARS)


def parse_extra(text: str, context: Context) -> dict[str, str]:
    """Return the columns that an export of ours kept in one cell.

    Raises:
        CellError: If the cell is not a JSON object of texts.
    """
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or len(found) > EXTRA_COLUMNS:
        raise CellError("this is not a JSON object of texts; leave the cell as it was exported, or empty.")
    named = ((free_text(str(key), context), free_text(str(value), context)) for key, value in found.items())
    return {str(key): str(value or "") for key, value in named if key}


def check_together(values: dict[str, Value], given: dict[str, Value]) -> list[tuple[str, Said]]:
    """Return (column, sentence) for what is right alone but not together.

    Args:
        values: The school as it would be stored.
        given: The columns that the file has.
    """
    wrong: list[tuple[str, Said]] = []
    latitude, longitude = values.get("latitude"), values.get("longitude")
    if (latitude is None) != (longitude is None):
        missing = "latitude" if latitude is None else "longitude"
        wrong.append((missing, Said("latitude and longitude belong together; give both or neither.")))
    elif latitude == 0 and longitude == 0 and "latitude" in given:
        wrong.append(("latitude", Said("0, 0 is a place in the sea; leave both empty if the place is unknown.")))
    total, peak = values.get("students_total"), values.get("students_peak_shift")
    if isinstance(total, int) and isinstance(peak, int) and peak > total:
        said = Said("%(peak)s is more than the %(total)s of students_total.", peak=peak, total=total)
        wrong.append(("students_peak_shift", said))
    return wrong
