"""What a browser, a careless program or a hostile one sends in place of a form."""

import io
import random
from dataclasses import dataclass
from urllib.parse import quote_plus

from tests.fakes.html_forms import FREE, Field, Form

HOSTILE = (
    "", " ", "0", "-1", "1", "1e9", "9" * 40, "-0", "nan", "inf", "12,5", "12.500", "١٢", "½", "0x10", "1_000",
    "2026-12-24", "2026-02-30", "0001-01-01", "9999-12-31", "24/12/2026", "2026-11-25T00:00", "2027-06-01",
    "\0", "a\0b", "\r\nSet-Cookie: x=1", "a\rb", "\u2028", "\ufeff", "\u202eabc", "e\u0301", "😀", "ñandú", "\ud800",
    "'", '"', "' OR 1=1 --", ";", "%", "%s", "%(num)s", "%(x)d", "{}", "{{7*7}}", "${x}", "<b>",
    "<script>alert(1)</script>",
    "</textarea><h1>", "&amp;", "//evil.example", "/\\evil.example", "https://evil.example/", "javascript:x", "..",
    "/flags?state=all", "/schools\0", "00123", "00200", "nothing", "default", "None", "null", "true", "[]", '{"a":[1]}',
    "admin", "ana", "otto", "Norte", "country", "school:00123", "area:Norte", "un-umc-2030", "un-umc-2030:2022-04-19",
    "x" * 61, "x" * 201, "x" * 2001, "x" * 70_000, "ñ" * 3000, "a b " * 500,
)  # fmt: skip
GOOD_FILES = (
    b"code,name,timezone\n00123,Escuela Uno,America/Barbados\nS-9,School Nine,\n",
    b"code;name;latitude\nS-9;Nueve;13,1\nS-9;Otra;abc\n",
    b"calendar,date,kind,note\ndefault,2026-12-24,holiday,\n",
)
_PRESSED = 0.9  # a browser sends one button; a program may send none


@dataclass
class Sent:
    """One post, ready to go."""

    address: str
    pairs: list[tuple[str, str]]
    typed: frozenset[str] = frozenset()  # names of the fields into which a person writes
    way: str = "form"  # how it is written
    file_name: str = ""  # of the field that takes a file; empty: none
    file: bytes = b""
    is_as_shown: bool = True  # nothing was altered but what a person types

    def once(self, name: str) -> str | None:
        """Return what was sent under a name, if it was sent exactly once."""
        found = [value for key, value in self.pairs if key == name]
        return found[0] if len(found) == 1 else None


def fill(form: Form, chance: random.Random, token: str) -> Sent:
    """Return a form with hostile values at random places; sometimes as a person would leave it."""
    spoil = chance.choice((0.0, 0.15, 0.4, 0.9))
    sent = Sent(form.action, [], frozenset(one.name for one in form.fields if one.kind in FREE))
    buttons = [one for one in form.fields if one.kind == "button" and one.name]
    pressed = chance.choice(buttons) if buttons and chance.random() < _PRESSED else None
    for one in form.fields:
        if one.name == "csrf_token":
            sent.pairs.append((one.name, token))
        elif one.kind == "file":
            sent.file_name, sent.way = one.name, "multipart"
            sent.file = chance.choice((*GOOD_FILES, b"", b"\0\xff" * 50, b"PK\x03\x04broken", b"x," * 5000))
        elif one.kind != "button" or one is pressed:
            is_spoilt = chance.random() < spoil
            sent.is_as_shown &= not is_spoilt or one.kind in FREE
            sent.pairs += _spoilt(one, chance) if is_spoilt else _as_meant(one, chance)
    sent.is_as_shown &= pressed is not None or not buttons
    if sent.way == "form":
        sent.way = chance.choices(("form", "multipart", "raw", "json", "broken"), (80, 8, 6, 3, 3))[0]
    if chance.random() < 0.1:
        sent.is_as_shown = False
        sent.pairs.append((chance.choice(("action", "step", "back", "next", "flag", "x")), chance.choice(HOSTILE)))
    return sent


def _as_meant(one: Field, chance: random.Random) -> list[tuple[str, str]]:
    """Return what a person may send of one field."""
    if one.kind == "select" and one.options:
        return [(one.name, chance.choice(one.options))]
    if one.kind in ("checkbox", "radio"):
        return [(one.name, one.value)] if one.is_sent or chance.random() < 0.3 else []
    if one.kind in FREE and not one.value:
        return [(one.name, chance.choice(("seen", "2026-12-01", "5", "20")))]
    return [(one.name, one.value)]


def _spoilt(one: Field, chance: random.Random) -> list[tuple[str, str]]:
    """Return what stands in place of one field."""
    name, value = one.name, one.value
    match chance.randrange(8):
        case 0:
            return []
        case 1:
            return [(name, value), (name, chance.choice(HOSTILE))]
        case 2:
            return [(name, value)] * chance.choice((2, 40))
        case 3 if value:
            at = chance.randrange(len(value))
            return [(name, value[:at] + chance.choice(("\0", "x", "é", "", "-")) + value[at + 1 :])]
        case 4:
            return [(name + chance.choice(("[]", "\0", "x", " ")), value)]
        case _:
            return [(name, chance.choice(HOSTILE))]


def request_of(sent: Sent, chance: random.Random) -> dict[str, object]:
    """Return what the test client needs to send it."""
    if sent.way == "multipart":
        data: dict[str, object] = {}
        for name, value in sent.pairs:
            kept = data.setdefault(name, [])
            assert isinstance(kept, list)
            kept.append(value.encode("utf-8", "replace").decode())
        if sent.file_name:
            name = chance.choice(("a.csv", "a.xlsx", "../../etc/passwd", "", "ñ" * 200, "=1.csv"))
            data[sent.file_name] = (io.BytesIO(sent.file), name) if chance.random() < 0.9 else "no file"
        return {"data": data, "content_type": "multipart/form-data"}
    encoding = chance.choice(("latin-1", "utf-16-le", "cp1252")) if sent.way == "raw" else "utf-8"
    body = b"&".join(
        quote_plus(name.encode(encoding, "replace")).encode() + b"=" + quote_plus(_bytes(value, encoding)).encode()
        for name, value in sent.pairs
    )
    match sent.way:
        case "json":
            return {"data": b'{"action": "take"}', "content_type": "application/json"}
        case "broken":
            half = body[: chance.randrange(len(body) + 1)] + b"&%zz=%&=&\xff\xfe"
            media = chance.choice(
                ("application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "")
            )
            return {"data": half, "content_type": media}
        case _:
            return {"data": body, "content_type": "application/x-www-form-urlencoded"}


def _bytes(value: str, encoding: str) -> bytes:
    """Return a text in an encoding; half of a pair of surrogates as a careless program writes it."""
    return value.encode(encoding, "surrogatepass" if encoding == "utf-8" else "replace")
