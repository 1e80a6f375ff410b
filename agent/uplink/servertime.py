"""The collector's time, carried on by this computer's monotonic clock: its own wall clock may be years off."""

from typing import Protocol

import msgspec

from agent.ports import Clock

LAST_ANSWER = "last_answer"  # key of the durable state


class ReadState(Protocol):
    """Small durable key-values, to look at."""

    def get_state(self, key: str) -> str | None:
        """Return the value, None where there is none."""


class State(ReadState, Protocol):
    """Small durable key-values."""

    def set_state(self, key: str, value: str) -> None:
        """Keep the value durably."""


class LastAnswer(msgspec.Struct, frozen=True):
    """When the collector last spoke, by its clock and by ours."""

    server_time_ms: int
    mono_ms: int
    boot_id: str


def remember(state: State, server_time_ms: int, mono_ms: int, boot_id: str) -> None:
    """Keep the collector's time of a signed answer."""
    answer = LastAnswer(server_time_ms, mono_ms, boot_id)
    state.set_state(LAST_ANSWER, msgspec.json.encode(answer).decode())


def last_answer(state: ReadState) -> LastAnswer | None:
    """Return when the collector last spoke, None = never or unreadable."""
    try:
        return msgspec.json.decode(state.get_state(LAST_ANSWER) or "null", type=LastAnswer | None)
    except msgspec.MsgspecError:
        return None


def true_now_ms(state: ReadState, clock: Clock, boot_id: str) -> int | None:
    """Return Unix milliseconds by the collector's clock; None if it has not spoken since this computer started."""
    answer = last_answer(state)
    if answer is None or answer.boot_id != boot_id:
        return None
    return answer.server_time_ms + clock.mono_ms() - answer.mono_ms
