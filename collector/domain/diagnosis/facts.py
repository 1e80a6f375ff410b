"""What hints look at and what they are: stored tests, the school they are of, and a cause with the rows behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import sqrt
from statistics import median
from typing import Final

from collector.domain.criterion import DEFAULT
from collector.domain.inference import effective_size
from collector.domain.observations import ceiling_bps
from collector.domain.words import Exclusion, Technology

ETHERNET: Final = "ethernet"
WIFI: Final = "wifi"
_VPN: Final = "vpn"

Key = tuple[str, str]
"""Device and rid: which measurement."""

# Reasons that are looked for before the clock and the calendar are: of such a test they say nothing.
_HOURS_UNKNOWN: Final = frozenset({Exclusion.FAILED, Exclusion.MANUAL, Exclusion.SUPPRESSED})
_NO_CLASS: Final = frozenset({Exclusion.OUT_OF_HOURS, Exclusion.CLOSED_DAY})


class Cause(StrEnum):
    """What a hint says; in the order in which people read them."""

    WIFI_SLOWER = "wifi_slower"  # the same line by cable is faster
    WIFI_WEAK = "wifi_weak"  # weak signal, low rate, or a slow way to the router
    PORT = "port"  # tests fill the port of the computer
    FULL_IN_CLASS = "full_in_class"  # enough outside class hours, too little in class
    FULL_WHEN_BUSY = "full_when_busy"  # enough when a test begins on a quiet line, too little on a busy one
    PROVIDER = "provider"  # by cable and at every hour less than what is paid for
    FARTHER_SERVER = "farther_server"  # another server answers much sooner
    SERVER_FAR = "server_far"  # long round trips that neither the school's network nor the technology explains
    DELAY = "delay"  # the speed is enough, what is late under load is not


@dataclass(frozen=True)
class Limits:
    """What a hint needs before it says anything."""

    min_tests: int = 8  # in each group that is compared
    min_days: int = 3  # that these lie on
    z: float = 2.33  # of the ranks of two groups: chance alone orders them so once in a hundred
    part: float = 0.5  # of a group that must show the sign
    slower: float = 0.7  # Wi-Fi is slower: its typical test is at most this part of the typical one by cable
    weak_signal_dbm: float = -70.0
    router_ms: float = 20.0  # the way to the school's own router is slow from here on
    router_loss_pct: float = 10.0
    port_filled: float = 0.8  # of what a port can show
    faster: float = 1.5  # a line is full: its typical test is this many times as fast when nobody uses it
    quiet_factor: float = 1.3  # a line is quiet before a test: round trips up to this many times the shortest ones
    quiet_ms: float = 10.0  # or only this much longer
    busy_factor: float = 2.0  # a line is busy before a test: round trips this many times the shortest ones
    busy_ms: float = 30.0  # and this much longer
    contract_kept: float = 0.8  # of what is paid for
    contract_room: float = 1.1  # a port shows whether a contract is kept if it is this much faster
    contract_tests: int = 12  # before a provider is named
    contract_days: int = 5
    hour_tests: int = 4  # in each time of the day that must be slow too
    far_ms: float = 100.0  # shortest round trip: light in glass goes 10 000 km and back
    farther_factor: float = 2.0  # against another server
    farther_ms: float = 50.0
    late_ms: float = 100.0  # that a loaded line adds
    late_factor: float = 3.0  # of the idle round trip


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Fact:
    """One stored test with what its computer knew of itself and of the way; None means unknown."""

    device: str
    rid: str
    day: date  # local to the school
    hour: int  # local
    votes: bool = False
    exclusion: str | None = None
    download_bps: int | None = None
    download_lower_bound: bool = False
    download_steady_s: float | None = None
    download_stop_reason: str | None = None
    upload_bps: int | None = None
    upload_lower_bound: bool = False
    engine: str | None = None
    server_id: str | None = None
    network: str | None = None  # beginning of the address that it was sent from
    idle_rtt_ms: float | None = None
    idle_rtt_min_ms: float | None = None
    idle_loss_pct: float | None = None
    idle_n: int | None = None
    idle_method: str | None = None
    gateway_rtt_ms: float | None = None
    gateway_loss_pct: float | None = None
    loaded_download_rtt_ms: float | None = None
    loaded_download_p95_ms: float | None = None
    loaded_upload_rtt_ms: float | None = None
    loaded_upload_p95_ms: float | None = None
    loaded_method: str | None = None
    is_fully_loaded: bool = False  # long enough, by a sender that fills the line: its latency under load was graded
    medium: str | None = None
    link_bps: int | None = None
    signal_dbm: float | None = None
    is_client_limited: bool = False  # the computer could not keep up
    is_router_slower: bool = False  # the way to the school's router grew longer while the test loaded it

    @property
    def key(self) -> Key:
        """Which measurement it is."""
        return self.device, self.rid

    @property
    def is_in_class(self) -> bool | None:
        """Whether it began in class hours; None where nobody has looked."""
        if self.votes:
            return True
        if self.exclusion is None or self.exclusion in _HOURS_UNKNOWN:
            return None
        return self.exclusion not in _NO_CLASS

    @property
    def ceiling_bps(self) -> float | None:
        """The most that its computer's link can show."""
        return ceiling_bps(self.medium, self.link_bps)

    @property
    def is_vpn(self) -> bool:
        """Whether it measured a tunnel."""
        return self.medium == _VPN


@dataclass(frozen=True)
class Site:
    """The school that the tests are of; None means unknown."""

    target_bps: int | None = None
    contract_bps: int | None = None
    technology: Technology | None = None


@dataclass(frozen=True)
class Part:
    """Tests that are looked at together, with the typical value of what is looked at (bit/s or ms)."""

    name: str
    facts: tuple[Fact, ...]
    typical: float

    @property
    def keys(self) -> tuple[Key, ...]:
        """Which measurements they are."""
        return tuple(fact.key for fact in self.facts)


@dataclass(frozen=True)
class Hint:
    """A likely cause, and the tests that say so."""

    cause: Cause
    parts: tuple[Part, ...]

    def part(self, name: str) -> Part:
        """Return one group of its tests.

        Raises:
            KeyError: If it has no such group.
        """
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    @property
    def keys(self) -> frozenset[Key]:
        """Every measurement that it rests on."""
        return frozenset(key for part in self.parts for key in part.keys)


def speeds(name: str, facts: Iterable[Fact]) -> Part | None:
    """Return a group with its typical download; None where no test has one."""
    found = tuple(fact for fact in facts if fact.download_bps is not None)
    values = [fact.download_bps for fact in found if fact.download_bps is not None]
    return Part(name, found, median(values)) if values else None


def is_surely_slower(slow: Part, fast: Part, limits: Limits = LIMITS) -> bool:
    """Return whether chance alone would hardly have made one group so much slower than the other.

    Mann and Whitney's test by ranks, one-sided: the share of pairs in which the slow one is slower, against a half,
    with as many tests as those of the same days are worth.
    """
    below = [fact.download_bps or 0 for fact in slow.facts]
    above = [fact.download_bps or 0 for fact in fast.facts]
    wins = sum(1.0 if low < high else 0.5 if low == high else 0.0 for low in below for high in above)
    one, other = (_worth(part.facts) for part in (slow, fast))
    return wins / (len(below) * len(above)) - 0.5 >= limits.z * sqrt((one + other + 1) / (12 * one * other))


def _worth(facts: Sequence[Fact]) -> float:
    return effective_size(len(facts), len({fact.day for fact in facts}), DEFAULT.day_icc)


def is_enough(facts: Sequence[Fact], tests: int, days: int) -> bool:
    """Return whether so many tests lie on so many days."""
    return len(facts) >= tests and len({fact.day for fact in facts}) >= days


def voting(facts: Iterable[Fact]) -> list[Fact]:
    """Return the tests that count and have a download."""
    return [fact for fact in facts if fact.votes and fact.download_bps is not None]


def series_of(facts: Iterable[Fact]) -> tuple[str | None, str | None]:
    """Return engine and server of most of the tests that count: what differs is not compared with it."""
    counts: dict[tuple[str | None, str | None], int] = {}
    for fact in voting(facts):
        series = (fact.engine, fact.server_id)
        counts[series] = counts.get(series, 0) + 1
    return max(counts, key=lambda series: (counts[series], str(series)), default=(None, None))
