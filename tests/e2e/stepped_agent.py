"""`enlace-agent` on clocks that are ahead: days and months pass between two starts, and nobody waits for them.

The first word of the command line is by how many seconds.
"""

import sys

from agent import app
from agent.commands import cli
from agent.ports import Ports
from agent.real.clock import RealClock
from agent.real.host import make_host
from agent.real.randomness import SystemRandomness


class AheadClock:
    """The real clocks, both as if so much time had passed."""

    def __init__(self, ahead_s: int) -> None:
        self._ahead_ms, self._real = 1000 * ahead_s, RealClock()

    def now_ms(self) -> int:
        return self._real.now_ms() + self._ahead_ms

    def mono_ms(self) -> int:
        return self._real.mono_ms() + self._ahead_ms

    def sleep(self, seconds: float) -> None:
        self._real.sleep(seconds)


def ports_ahead(ahead_s: int) -> Ports:
    """Return the real world, later."""
    clock = AheadClock(ahead_s)
    return Ports(clock=clock, randomness=SystemRandomness(), host=make_host(clock))


if __name__ == "__main__":
    ports = ports_ahead(int(sys.argv.pop(1)))
    app.make_ports = lambda: ports
    sys.exit(cli.main())
