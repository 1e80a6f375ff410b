"""A process that uses a spool until it is killed; every line on its output is a promise that must hold afterwards."""

import random
import sys
import time
from pathlib import Path

from agent.outcome import Outcome
from agent.spool.store import Spool
from tests.agent.spool.records import STUB, measurement
from tests.fakes.agent_world import BOOT
from tests.fakes.records import a_rid


class RealClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Dice:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


def promise(*words: object) -> None:
    print(*words, flush=True)


def run(directory: Path, first: int, seed: int) -> None:
    dice = random.Random(seed)
    with Spool.open(directory, clock=RealClock(), randomness=Dice(seed), boot_id=BOOT) as spool:
        promise("recovered", spool.recover())
        for number in range(first, first + 100_000):
            match dice.randrange(4):
                case 0:
                    spool.mark_running(STUB, a_rid(number), 1_000)
                    promise("marked", a_rid(number))
                    if dice.random() < 0.7:
                        spool.add_ready(measurement(number), spent_bytes=900)
                        promise("added", a_rid(number))
                case 1 | 2:
                    spool.add_ready(measurement(number))
                    promise("added", a_rid(number))
                case 3:
                    rows = spool.next_batch(3, 10**6)
                    spool.apply([Outcome(row.seq, "acked") for row in rows])
                    for row in rows:
                        promise("acked", row.rid)


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
