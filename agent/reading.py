"""A time together with the monotonic clock that carries it on: this computer's wall clock may be years off."""

import msgspec

LAST_ANSWER = "last_answer"  # state key: the reading that the last signed answer of the collector gave


class Reading(msgspec.Struct, frozen=True):
    """What a clock said, and what the monotonic clock of that boot said in the same moment."""

    server_time_ms: int
    mono_ms: int
    boot_id: str

    def at(self, mono_ms: int, boot_id: str) -> int | None:
        """Return what that clock says now, Unix milliseconds.

        Args:
            mono_ms: The monotonic clock now.
            boot_id: Of the computer now.

        Returns:
            None where nothing carries it on: the computer has been started since, whatever its boot is called.
        """
        if boot_id != self.boot_id or mono_ms < self.mono_ms:
            return None
        return self.server_time_ms + mono_ms - self.mono_ms


def read(text: str | None) -> Reading | None:
    """Return what a state value says about a clock; None if it says nothing readable."""
    try:
        return msgspec.json.decode(text or "null", type=Reading | None)
    except msgspec.MsgspecError:
        return None


def write(reading: Reading) -> str:
    """Return the state value of a reading."""
    return msgspec.json.encode(reading).decode()
