"""The collector's time, carried on by this computer's monotonic clock: its own wall clock may be years off."""

from typing import Protocol

from agent import reading
from agent.ports import Clock
from agent.reading import LAST_ANSWER, Reading


class ReadState(Protocol):
    """Small durable key-values, to look at."""

    def get_state(self, key: str) -> str | None:
        """Return the value, None where there is none."""


class State(ReadState, Protocol):
    """Small durable key-values."""

    def set_state(self, key: str, value: str) -> None:
        """Keep the value durably."""


def remember(state: State, server_time_ms: int, mono_ms: int, boot_id: str) -> None:
    """Keep the collector's time of a signed answer."""
    state.set_state(LAST_ANSWER, reading.write(Reading(server_time_ms, mono_ms, boot_id)))


def last_answer(state: ReadState) -> Reading | None:
    """Return when the collector last spoke, None = never or unreadable."""
    return reading.read(state.get_state(LAST_ANSWER))


def true_now_ms(state: ReadState, clock: Clock, boot_id: str) -> int | None:
    """Return Unix milliseconds by the collector's clock; None if it has not spoken since this computer started."""
    answer = last_answer(state)
    return answer.at(clock.mono_ms(), boot_id) if answer is not None else None
