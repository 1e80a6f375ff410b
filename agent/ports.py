"""The outside world as protocols: clock, randomness, host. Only `agent.real` has the real ones."""

from dataclasses import dataclass
from typing import Protocol

from agent.wire.records import Surroundings


@dataclass(frozen=True)
class MachineFacts:
    """What tells one computer from another, and what it runs; never sent in clear except `os`."""

    machine_id: str  # /etc/machine-id or MachineGuid, "" where there is none
    disk_serial: str  # of the system disk, "" where there is none; may be a dummy
    hostname: str
    os: str  # name and version of the operating system


@dataclass(frozen=True)
class WayOut:
    """How a computer leaves its own network, as it knows without sending anything; None = nobody knows."""

    has_link: bool | None = None  # a cable with a live end, or a radio that is associated
    has_route: bool | None = None  # a default route
    gateway: str | None = None  # its address; a line such as a modem's has none


@dataclass(frozen=True)
class Octets:
    """What a network card has moved so far, bytes."""

    received: int
    sent: int


class Clock(Protocol):
    """Wall and monotonic time, and waiting."""

    def now_ms(self) -> int:
        """Return Unix milliseconds UTC; may jump at any moment, in both directions, by years."""

    def mono_ms(self) -> int:
        """Return whole milliseconds since some moment of this boot; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Randomness(Protocol):
    """Where identities and moments come from."""

    def token_bytes(self, count: int) -> bytes:
        """Return that many random bytes, fit for keys."""

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""


class Host(Protocol):
    """Facts about this computer."""

    def boot_id(self) -> str:
        """Return 32 hexadecimal digits that change with every start of the computer."""

    def machine_facts(self) -> MachineFacts:
        """Return what tells this computer from another."""

    def surroundings(self) -> Surroundings:
        """Return how the computer is connected and how busy it is; unknown members are None."""

    def utc_offset_min(self) -> int:
        """Return the local offset from UTC now, minutes east."""

    def way_out(self) -> WayOut:
        """Return how the computer leaves its own network; quick, and sends nothing."""

    def octets(self) -> Octets | None:
        """Return the bytes that the way out has carried so far; None = unknown."""


@dataclass(frozen=True)
class Ports:
    """The outside world in one hand, injected by the composition root."""

    clock: Clock
    randomness: Randomness
    host: Host
