"""The forms of a page as a browser would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

FREE = frozenset({"text", "search", "textarea", "number", "date", "email", "url", "tel"})
"""Kinds of fields into which a person writes."""


@dataclass
class Field:
    """One field that has a name."""

    name: str
    kind: str  # of the input; or textarea, select, button
    value: str = ""
    options: list[str] = field(default_factory=list)
    is_sent: bool = True  # without anybody doing anything; of buttons one is pressed
    longest: int = 100_000  # that a browser lets a person type
    action: str = ""  # of a button that sends its form elsewhere


@dataclass
class Form:
    """One form."""

    action: str
    is_posted: bool = True
    fields: list[Field] = field(default_factory=list)

    def value(self, name: str) -> str | None:
        """Return what stands in a field into which a person writes, or what is chosen in it."""
        for one in self.fields:
            if one.name == name and (one.kind in FREE or one.kind == "select" or (one.kind == "radio" and one.is_sent)):
                return one.value
        return None


class _Reader(HTMLParser):
    """Collects forms, and what a page says in its alerts."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.alerts: list[str] = []
        self.language = ""
        self.headings = 0
        self._form: Form | None = None
        self._text_of: Field | None = None  # a text area, or an option without a value
        self._select: Field | None = None
        self._alert_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._alert_depth:
            self._alert_depth += tag not in ("br", "img", "input", "use", "path", "hr", "meta", "link")
        elif given.get("role") == "alert":
            self._alert_depth = 1
            self.alerts.append("")
        if tag == "html":
            self.language = given.get("lang", "")
        elif tag == "h1":
            self.headings += 1
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "").lower() == "post")
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "input":
            self.handle_starttag(tag, attrs)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        assert self._form is not None
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "option" and self._select is not None:
            self._select.options.append(value)
            if "value" not in given:
                self._text_of = Field("", "option")
            if "selected" in given or len(self._select.options) == 1:
                self._select.value = value
            return
        if tag not in ("input", "textarea", "select", "button") or not (name or given.get("formaction")):
            return
        kind = given.get("type", "text") if tag == "input" else tag
        one = Field(name, kind, value, longest=int(given.get("maxlength") or 100_000))
        one.action = given.get("formaction", "")
        if kind in ("checkbox", "radio"):
            one.is_sent, one.value = "checked" in given, value or "on"
        self._form.fields.append(one)
        if tag == "textarea":
            self._text_of = one
        elif tag == "select":
            self._select = one

    def handle_endtag(self, tag: str) -> None:
        if self._alert_depth:
            self._alert_depth -= 1
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag in ("textarea", "option"):
            if self._text_of is not None and tag == "option" and self._select is not None:
                self._select.options[-1] = self._text_of.value
            self._text_of = None

    def handle_data(self, data: str) -> None:
        if self._alert_depth:
            self.alerts[-1] += data
        if self._text_of is not None:
            self._text_of.value += data


def sent_elsewhere(form: Form) -> list[Form]:
    """Return the forms that buttons with an address of their own make of one."""
    rest = [one for one in form.fields if one.kind != "button"]
    return [
        Form(one.action, form.is_posted, [*rest, *([one] if one.name else [])]) for one in form.fields if one.action
    ]


@dataclass(frozen=True)
class Read:
    """What was read of a page."""

    language: str
    headings: int
    alerts: tuple[str, ...]
    forms: tuple[Form, ...]


def read(page: str) -> Read:
    """Return the forms, alerts, language and number of main headings of a page."""
    reader = _Reader()
    reader.feed(page)
    said = tuple(" ".join(alert.split()) for alert in reader.alerts)
    return Read(reader.language, reader.headings, said, tuple(reader.forms))
