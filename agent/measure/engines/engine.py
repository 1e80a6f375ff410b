"""What an engine is: a protocol client whose transfers yield cumulative bytes as the receiver counts them."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agent.measure.beside.aside import Aside
from agent.measure.beside.keepup import KeepUp
from agent.measure.estimate.estimator import Sample
from agent.measure.sockets.dial import Address
from agent.measure.wirecost import payload_within
from agent.net.loop import Loop
from agent.wire.vocabulary import EngineName, Method, StopReason

CONNECTIONS = 4


@dataclass(frozen=True)
class Scripts:
    """Names of a LibreSpeed server's scripts, relative to its address; server lists may name others."""

    download: str = "garbage.php"
    upload: str = "empty.php"
    ping: str = "empty.php"


@dataclass(frozen=True)
class Job:
    """One direction of one test."""

    address: Address
    loop: Loop
    random_bytes: Callable[[int], bytes]
    access_token: str | None = None
    test: str | None = None  # the record's rid, by which our own test point counts; None = not to be said
    max_bytes: int = 0  # on the wire, that this direction may cost; 0 = no cap
    max_s: float = 10.0
    stall_s: float = 3.0
    answer_s: float = 8.0  # for the first byte of test data
    drain_s: float = 2.5
    rtt_s: float | None = None  # idle
    queue_s: Callable[[], float] = field(default=lambda: 0.0)  # by how much probes are now slower than when idle
    is_cancelled: Callable[[], bool] = field(default=lambda: False)
    connections: int = CONNECTIONS
    send_buffer_bytes: int | None = None  # None leaves it to the kernel
    congestion_control: str | None = None  # asked of a server that lets choose; None = the server's own
    scripts: Scripts | None = None  # of a LibreSpeed server that a list describes; None = the usual ones
    back_bps: float | None = None  # what the other direction carries: a narrow one has no room for many reports
    aside: Aside = field(default_factory=Aside)  # takes what questions beside the transfers cost
    resources: Mapping[str, str] = field(default_factory=dict)  # path and query by direction, from a Locate service

    @property
    def named_by(self) -> dict[str, str]:
        """The fields of every query that say whose test it is: foreign servers pass over them.

        A server of a Locate service is told nothing but what that service has given.
        """
        named = {"test": self.test, "access_token": self.access_token}
        return {} if self.resources else {name: text for name, text in named.items() if text}

    @property
    def payload_cap(self) -> int:
        """Bytes of test data that the cap leaves room for, 0 = no cap."""
        return payload_within(self.max_bytes) if self.max_bytes else 0


class Transfer(Protocol):
    """One direction under way."""

    method: Method  # who counts the bytes
    streams: int
    ended: StopReason | None  # why it ended by itself, None while it runs or when the caller ended it
    congestion_control: str | None  # of the sender, where it is known
    moved_bytes: int  # everything sent or read, whether it arrived in time or not
    is_bounded_by_peer: bool  # the other end has shown that it is our own test point
    carried_bytes: int  # by the line, as well as can be known; complete when the samples have ended
    remarks: list[str]  # what the record should say beside the figure
    keep_up: KeepUp

    def run_out(self) -> bool:
        """Send nothing more, and go on until what is under way has arrived; return whether that can be heard of."""

    def samples(self) -> Generator[Sample, None, None]:
        """Open the connections and yield what is known, many times a second; closing it closes them.

        Raises:
            WorldError: If the world did not let it happen.
        """


class Engine(Protocol):
    """A protocol client that moves bytes."""

    name: EngineName
    version: str
    protocol: str

    def prepare(self, job: Job) -> Job:
        """Make sure that the server speaks the protocol, where that can be asked for next to nothing.

        Returns:
            The job, with what was learnt of the server.

        Raises:
            WorldError: If it does not.
        """

    def download(self, job: Job) -> Transfer:
        """Return a download; nothing is sent before its samples are asked for."""

    def upload(self, job: Job) -> Transfer:
        """Return an upload; nothing is sent before its samples are asked for."""
