"""A request of a device as it came in, before anybody has looked whether it is well-formed."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.wire import headers


@dataclass(frozen=True)
class Incoming:
    """One request as it came in."""

    headers: Mapping[str, str]  # by the names of `agent.wire.headers`; doubled ones joined with a comma
    media: str  # Content-Type without parameters, lower case
    encoding: str  # Content-Encoding, "" where there is none
    body: bytes
    is_cut: bool  # the body is larger than its cap and was not read to its end
    client_address: str | None

    @property
    def device(self) -> str:
        """The device as the request names it, well-formed or not."""
        return self.headers.get(headers.DEVICE, "")

    @property
    def batch(self) -> str:
        """The request's own id, well-formed or not."""
        return self.headers.get(headers.BATCH, "")

    @property
    def pin(self) -> str:
        """The collector key that the device pinned, well-formed or not."""
        return self.headers.get(headers.PIN, "")
