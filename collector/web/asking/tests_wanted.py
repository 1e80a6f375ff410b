"""Which tests of a school an address asks for: filters, and what is wrong with them in words."""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from flask import request
from markupsafe import Markup

from collector.domain.diagnosis.facts import Cause, Key
from collector.store.queries.pages.school import TestFilter
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.views import evidence
from collector.web.views.why import Span
from collector.web.words import terms

COUNTS: Final = {"yes": True, "no": False}
_LONGEST: Final = 64
_MOST_PAGES: Final = 1_000_000


@dataclass(frozen=True)
class Wanted:
    """What the address asks for; an empty text means all."""

    first: str = ""
    last: str = ""
    device: str = ""
    engine: str = ""
    counts: str = ""  # yes | no
    reason: str = ""  # why it does not count
    hint: str = ""  # a cause: only the tests that support it
    part: str = ""  # of that hint
    use: str = ""  # a use and one of its limits: only the tests that it rests on
    page: int = 1
    mistakes: tuple[Markup, ...] = field(default=())

    @property
    def is_evidence(self) -> bool:
        """Whether the tests behind something that was said are asked for."""
        return bool(self.hint or self.use)

    @property
    def span(self) -> Span | None:
        """The days, where both ends are given."""
        return Span(self.first, self.last) if self.first and self.last else None

    def address(self) -> dict[str, str]:
        """Return what the address of the same tests as a file carries on."""
        values = {
            **{"from": self.first, "to": self.last, "device": self.device, "engine": self.engine},
            **{"counts": self.counts, "reason": self.reason, "hint": self.hint, "part": self.part, "use": self.use},
        }
        return {name: value for name, value in values.items() if value}

    def filter(self, zone: ZoneInfo, keys: frozenset[Key] | None) -> TestFilter:
        """Return it as the query takes it.

        Args:
            zone: Of the school.
            keys: Only these measurements; None: any.
        """
        return TestFilter(
            from_ms=evidence.midnight_ms(self.first, zone) if self.first else None,
            to_ms=evidence.midnight_ms(evidence.day_after(self.last), zone) if self.last else None,
            counts=COUNTS.get(self.counts),
            device=self.device,
            exclusion=self.reason,
            engine=self.engine,
            keys=keys,
        )


def read() -> Wanted:
    """Return what the address asks for; what cannot be is left out and said."""
    mistakes: list[Markup] = []
    first, last = (_day(name, mistakes) for name in ("from", "to"))
    if first and last and first > last:
        mistakes.append(say("The first day is after the last: no test can lie between them."))
    return Wanted(
        first=first,
        last=last,
        device=_text("device"),
        engine=_text("engine"),
        counts=_word("counts", COUNTS, mistakes),
        reason=_word("reason", terms.EXCLUSIONS, mistakes),
        hint=_word("hint", frozenset(Cause), mistakes),
        part=_text("part"),
        use=_text("use"),
        page=_page(),
        mistakes=tuple(mistakes),
    )


def _text(name: str) -> str:
    return "".join(sign for sign in request.args.get(name, "") if sign.isprintable()).strip()[:_LONGEST]


def _day(name: str, mistakes: list[Markup]) -> str:
    given = _text(name)
    found = present.iso_day(given) if given else ""
    if found is None:
        mistakes.append(say("“%(text)s” is no day, so it was left out: write it as 2026-11-24.", text=given))
    return found or ""


def _word(name: str, known: Container[str], mistakes: list[Markup]) -> str:
    given = _text(name)
    if not given or given in known:
        return given
    mistakes.append(say("“%(text)s” is no filter of this list, so it was left out.", text=given))
    return ""


def _page() -> int:
    given = _text("page")
    return max(1, min(int(given), _MOST_PAGES)) if given.isascii() and given.isdigit() else 1
