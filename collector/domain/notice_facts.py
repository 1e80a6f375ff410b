"""What notices are made from: flags, outages and illnesses of Enlace as stored facts, and what a reader was told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from collector.domain.notice_rules import Mute, Wants
from collector.domain.outages import settled
from collector.domain.outages.withdrawn import Withdrawn

OURS: Final = frozenset({"collector"})
"""Labels of outages that are a failure of our own: schools are not blamed, and nobody is told about schools."""


@dataclass(frozen=True)
class FlagFact:
    """A flag as a digest tells it."""

    flag_id: str
    kind: str
    school: str  # its code
    area: str | None
    opened_on: str
    closed_on: str | None
    sentence_key: str  # which sentence says it: the kind, or a finer word
    numbers: Mapping[str, object] = field(default_factory=dict)
    name: str = ""  # of the school
    severity: str | None = None
    pupils: int | None = None
    closed_by: str | None = None  # recovered | person
    is_retracted: bool = False
    is_seen: bool = False  # somebody took it, marked it as seen or let it rest
    is_on_hold: bool = False  # an outage or a hazard goes on at the school: nothing is told of the flag
    held_until: str | None = None  # day on which such a one ended that may have kept the flag from being told

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.closed_on is None and not self.is_retracted

    @property
    def news_on(self) -> str:
        """The day from which on it can be told: that of its opening, or that on which it was held back no longer."""
        return max(self.opened_on, self.held_until or "")

    @property
    def subject(self) -> str:
        """What is remembered as told."""
        return f"flag:{self.flag_id}"


@dataclass(frozen=True)
class OutageFact:
    """A regional outage as the reader's part of the country sees it."""

    outage_id: str
    label: str  # provider | area | collector
    area: str | None
    provider: str | None
    schools: int  # of the group
    silent: int  # of those
    pupils: int | None
    opened_ms: int
    closed_ms: int | None
    pupil_hours: float | None
    learnt_late: bool = False  # known only from what arrived afterwards
    alarm_ms: int | None = None  # when it was opened; None: not of interest any more
    first_word_ms: int | None = None  # the earliest last word of those that fell silent together
    newest_word_ms: int | None = None  # and the newest one; None: not of interest any more
    withdrawn: Withdrawn | None = None  # what came in later shows that schools had no such outage

    @property
    def subject(self) -> str:
        """What is remembered as told."""
        return f"outage:{self.outage_id}"

    @property
    def withdrawal(self) -> str:
        """What is remembered as told when it was told that it was none."""
        return f"withdrawn:{self.outage_id}"

    def may_be_told(self, now_ms: int) -> bool:
        """Return whether the number of its schools has settled, so that the message says what the page will say."""
        if self.alarm_ms is None:
            return True
        return settled.is_settled(
            silent=self.silent,
            schools=self.schools,
            alarm_ms=self.alarm_ms,
            first_word_ms=self.first_word_ms,
            newest_word_ms=self.newest_word_ms,
            now_ms=now_ms,
        )


@dataclass(frozen=True)
class IllnessFact:
    """Something is wrong with Enlace itself."""

    word: str  # a domain.illness.Illness
    began_ms: int
    numbers: Mapping[str, object] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """What is remembered as told: each time anew."""
        return f"illness:{self.word}:{self.began_ms}"


@dataclass(frozen=True)
class Told:
    """What a reader was told of a subject, and whether also that it is over."""

    at_ms: int
    over_ms: int | None = None


@dataclass(frozen=True)
class Reader:
    """A person, or a program behind a webhook, as the decision sees them."""

    reader: str  # user:ID | webhook:ID
    wants: Wants
    zone: ZoneInfo  # of most of the schools that they see
    sees_illness: bool
    mutes: tuple[Mute, ...] = ()


@dataclass(frozen=True)
class Standing:
    """What was told to a reader so far."""

    told: Mapping[str, Told] = field(default_factory=dict)  # by subject
    last_turn: str | None = None  # local day of the newest digest that was decided, sent or not
    last_digest: str | None = None  # local day of the newest digest that was sent
    last_outage_ms: int | None = None  # when a message about outages was last decided
    last_illness_ms: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a decision wants written: a notice or none, and what is then known to be told."""

    topic: str  # a Topic
    occasion: str  # with reader and topic the identity of the notice
    payload: Mapping[str, object] | None  # None: nothing to send, only to remember
    told: tuple[str, ...] = ()  # subjects told for the first time
    over: tuple[str, ...] = ()  # subjects told to be over, or of which nothing need be told any more
    turn: str | None = None  # local day whose digest is thereby decided

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return self.payload is None and not self.told and not self.over and self.turn is None
