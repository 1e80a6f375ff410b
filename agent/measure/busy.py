"""What becomes of a test whose server has no time now: how long is worth waiting, and how the time travels on.

A person's test waits as long as a person does. The daemon's test ends, and its record says when the server wants to be
asked again (a tag), so that whoever plans the next test can come back then.
"""

from collections.abc import Callable
from math import ceil

from agent.measure.faults import WorldError
from agent.net.loop import Loop
from agent.wire.records import Measurement
from agent.wire.vocabulary import FailureCode, Trigger

LONGEST_S = 30.0  # that a manual test waits, all waits together
LEAST_S = 1.0  # "in zero seconds" is no answer
UNTOLD_S = 60.0  # where the server does not say when
MOST_S = 3_600.0
_TAG = "retry_after_s="


class Patience:
    """How long this test still waits."""

    def __init__(self, trigger: Trigger) -> None:
        self.left_s = LONGEST_S if trigger is Trigger.MANUAL else 0.0
        self.come_back_s: float | None = None  # the soonest that a busy server has named

    def note(self, fault: WorldError) -> None:
        """Note when a busy server wants to be asked again."""
        if fault.code is FailureCode.SERVER_BUSY:
            asked_s = _asked_s(fault)
            self.come_back_s = asked_s if self.come_back_s is None else min(asked_s, self.come_back_s)

    def wait_s(self, fault: WorldError) -> float | None:
        """Return how long to wait before asking the same server again, None = go on to the next."""
        wait_s = max(LEAST_S, _asked_s(fault))
        if fault.code is not FailureCode.SERVER_BUSY or wait_s > self.left_s:
            return None
        self.left_s -= wait_s
        return wait_s


def _asked_s(fault: WorldError) -> float:
    return UNTOLD_S if fault.retry_after_s is None else fault.retry_after_s


def wait(seconds: float, loop: Loop, is_cancelled: Callable[[], bool], say: Callable[[str], None]) -> None:
    """Wait, and say for how long still.

    Raises:
        WorldError: cancelled.
    """
    until_s = loop.now() + seconds
    while (left_s := until_s - loop.now()) > 0:
        say(f"the test point is busy: waiting {ceil(left_s)} s")
        loop.turn(min(0.1, left_s))
        if is_cancelled():
            raise WorldError.cancelled()


def tag(seconds: float) -> str:
    """Return the tag that says when the server wants to be asked again."""
    return f"{_TAG}{min(seconds, MOST_S):.0f}"


def come_back_s(record: Measurement) -> float | None:
    """Return after how many seconds a test that failed because its server was busy should be tried again, else None."""
    if record.failure is None or record.failure.code is not FailureCode.SERVER_BUSY:
        return None
    for each in record.tags or ():
        name, _, seconds = each.partition("=")
        if f"{name}=" == _TAG and seconds.isdecimal():
            return min(float(seconds), MOST_S)
    return UNTOLD_S
