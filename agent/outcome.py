"""What becomes of one stored record after a post: `uplink` reads it from the answer, the spool does it."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["acked", "dead", "deferred", "retry"]


@dataclass(frozen=True)
class Outcome:
    """What becomes of one row that was sent."""

    seq: int  # its number in the spool
    action: Action
    reason: str | None = None  # in a word
