"""What is to be measured, as whoever wants a test writes it down."""

from dataclasses import dataclass

from agent.measure.servers import choice, directory
from agent.wire.answers import ServerEntry
from agent.wire.limits import LEAST_CAP_BYTES
from agent.wire.records import Budget
from agent.wire.vocabulary import EngineName, Tier, Trigger


@dataclass(frozen=True)
class Plan:
    """What is to be measured, and what it may cost."""

    rid: str
    tier: Tier
    trigger: Trigger
    engine: EngineName | None  # None = auto
    servers: tuple[ServerEntry, ...]
    max_bytes_download: int  # 0 = no cap
    max_bytes_upload: int
    lease_id: str | None
    access_token: str | None
    prior_download_bps: float | None
    prior_upload_bps: float | None
    budget: Budget | None
    tags: tuple[str, ...] = ()
    download_wanders: bool = False  # the history says that the rate changes: it does not foretell this test
    upload_wanders: bool = False
    is_metered: bool = False  # the configuration says that the line is paid by volume

    @property
    def is_too_small(self) -> bool:
        """Whether a cap leaves no room for a figure: then nothing is sent. 0 is no cap."""
        return any(0 < cap < LEAST_CAP_BYTES for cap in (self.max_bytes_download, self.max_bytes_upload))

    def token_for(self, entry: ServerEntry) -> str | None:
        """Return the permission to show to a server: only to those that were named with it.

        A list names strangers, or whatever its publisher likes: to them it is nothing, and they could use it up.
        """
        named = {choice.place_of(each) for each in self.servers if not directory.is_directory(each)}
        return self.access_token if choice.place_of(entry) in named else None
