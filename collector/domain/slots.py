"""What the computers of a school said, slot by slot: one letter for each five minutes, written as runs of equal ones.

`84-36o6i162o` is a day in which nobody was heard for seven hours, the line was up for three, without Internet for half
an hour and up again. A letter is part of what is stored and exported: none is ever given another meaning.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SLOT_MS: Final = 300_000
DAY_MS: Final = 86_400_000

_RUN: Final = re.compile(r"(\d+)(\D)")


class Slot(StrEnum):
    """Why a slot of a school counts as it does; ordered: of several computers the last one in this list is believed.

    Who reached the Internet proves that the line was up. Of those who did not, the one that got furthest knows most.
    """

    SILENT = "-"  # no computer says anything
    UNSURE = "?"  # something was said, but nobody knows when: the clock of the computer is not to be trusted
    OFF = "z"
    ASLEEP = "s"
    OWN_FAULT = "x"  # the computer itself: others of the school reached the Internet meanwhile
    PORTAL = "p"  # a page to sign in at, or a filter, answers in the collector's name: the line carries that much
    LINK_DOWN = "l"
    NO_GATEWAY = "g"
    NO_INTERNET = "i"
    DNS_FAIL = "d"
    COLLECTOR_DOWN = "c"  # the Internet is fine, our own server was not
    OK = "o"


_OF_LETTER: Final = {slot.value: slot for slot in Slot}


@dataclass(frozen=True)
class SlotRun:
    """Equal slots in a row."""

    slot: Slot
    first: int  # number of the first one
    count: int

    @property
    def end(self) -> int:
        """The number after the last one."""
        return self.first + self.count


def written(slots: Sequence[Slot]) -> str:
    """Return slots as text."""
    return "".join(f"{run.count}{run.slot.value}" for run in runs_of(slots))


def runs_of(slots: Sequence[Slot]) -> Iterator[SlotRun]:
    """Yield the runs of equal slots, in order."""
    first = 0
    for at in range(1, len(slots) + 1):
        if at == len(slots) or slots[at] is not slots[first]:
            yield SlotRun(slots[first], first, at - first)
            first = at


def read_runs(text: str) -> Iterator[SlotRun]:
    """Yield the runs that a text says.

    Raises:
        ValueError: If it holds a letter that is none of `Slot`.
    """
    first = 0
    for digits, letter in _RUN.findall(text):
        count = int(digits)
        yield SlotRun(_OF_LETTER.get(letter) or Slot(letter), first, count)
        first += count


def read(text: str) -> list[Slot]:
    """Return the slots that a text says, one by one."""
    return [run.slot for run in read_runs(text) for _ in range(run.count)]
