"""The tests behind the flag "Slow to respond", as numbers and a picture: those of its newest bad day."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from collector.store.queries.pages.conditions import ConditionDay
from collector.web.charts import small
from collector.web.language import present
from collector.web.language.i18n import say

_COUNTS: Final = ("n", "slow", "days")
_NUMBERS: Final = ("limit_ms", "share", "lower", "upper", "needed", "loaded_ms", "idle_ms")


@dataclass(frozen=True)
class Delay:
    """What a bad day rests on."""

    day: str  # last one of its window
    from_day: str
    n: int  # tests that tell the delay under load
    slow: int
    days: int
    limit_ms: float
    share: float  # that answers in time
    lower: float
    upper: float
    needed: float
    loaded_ms: float | None
    idle_ms: float | None

    @property
    def late(self) -> str:
        """The limit as the address of a list of tests has it."""
        return f"{self.limit_ms:g}"

    @property
    def attain(self) -> Markup:
        """The share with its interval, and what is needed."""
        shown = {"low": present.percent(self.lower), "high": present.percent(self.upper)}
        label = str(say("The true share lies between %(low)s and %(high)s %%, 9 times in 10.", **shown))
        bounds = (self.lower, self.upper)
        return small.attainment_bar(self.n - self.slow, self.n, bounds, self.needed, "BELOW", label)


def of_days(days: Sequence[ConditionDay]) -> Delay | None:
    """Return what the newest bad one of some days rests on, the newest day first; None where none tells it all."""
    bad = next((one for one in days if one.state == "bad"), None)
    if bad is None or not _is_whole(bad):
        return None
    found = {name: bad.numbers.get(name) for name in (*_COUNTS, *_NUMBERS)}
    return Delay(day=bad.day, from_day=bad.numbers["from_day"], **found)  # type: ignore[arg-type]  # looked at above


def _is_whole(one: ConditionDay) -> bool:
    """Return whether a day was written by a version that says what this one shows."""
    counts = all(isinstance(one.numbers.get(name), int) for name in _COUNTS)
    numbers = all(isinstance(one.numbers.get(name), int | float) for name in _NUMBERS[:-1])
    is_known = isinstance(one.numbers.get("idle_ms"), int | float | None)
    return counts and numbers and is_known and isinstance(one.numbers.get("from_day"), str)
