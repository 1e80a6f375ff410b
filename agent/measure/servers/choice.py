"""Which of several servers is measured against: the nearest that answers, by the time a connection takes.

Servers that are about as near as the nearest keep the order in which they were named: a school's series must not jump
between two equal servers from test to test. Costs a few empty connections and at most four and a half
seconds: RESOLVE_S, and ANSWER_S for the first round and for each of ROUNDS.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.errors import EnlaceError
from agent.measure.beside.aside import Aside
from agent.measure.faults import WorldError
from agent.measure.latency.probes import TcpConnect
from agent.measure.servers.addresses import parse_target
from agent.measure.sockets import dial
from agent.measure.sockets.dial import Address
from agent.net.loop import Loop
from agent.wire.answers import ServerEntry

Place = tuple[str, int]

LOOKED_AT = 60  # places, in the order named
FINALISTS = 4  # places that are timed more than once
ROUNDS = 2  # more, of finalists
RESOLVE_S = 1.5
ANSWER_S = 1.0
AS_NEAR_SHARE, AS_NEAR_S = 0.2, 0.005  # further than the nearest, and still as near


def place_of(entry: ServerEntry) -> Place:
    """Return the computer and port of an entry; entries of one place live and die together."""
    try:
        target = parse_target(entry.url)
    except EnlaceError:
        return entry.url, 0
    return target.host, target.port


def nearest_first(
    entries: Sequence[ServerEntry],
    loop: Loop,
    is_cancelled: Callable[[], bool] = lambda: False,
    aside: Aside | None = None,
) -> list[ServerEntry]:
    """Return the entries by the nearness of their places, those of one place in the order given.

    Places that do not answer are left out, unless none does: then it is for the test to say why. Behind a web proxy
    the order stays, because it is the proxy that answers. What the looking costs goes to `aside`.
    """
    places = list(dict.fromkeys(place_of(entry) for entry in entries))
    if len(places) < 2:
        return list(entries)
    addresses = _resolve_all({place_of(entry): entry for entry in reversed(entries)}, places[:LOOKED_AT])
    if any(address.proxy for address in addresses.values()):
        return _grouped(entries, places)
    contest = _Contest(loop, is_cancelled, aside or Aside())
    contest.time(addresses, 1)
    finalists = sorted(contest.rtt_s, key=lambda place: contest.rtt_s[place])[:FINALISTS]
    contest.time({place: addresses[place] for place in finalists}, ROUNDS)
    return _grouped(entries, ranked(places, contest.rtt_s)) if contest.rtt_s else _grouped(entries, places)


def ranked(places: Sequence[Place], rtt_s: dict[Place, float]) -> list[Place]:
    """Return the places that answered: first those about as near as the nearest, as named, then by nearness."""
    answered = [place for place in places if place in rtt_s]
    best_s = min(rtt_s[place] for place in answered)
    near_s = best_s + max(AS_NEAR_S, AS_NEAR_SHARE * best_s)
    near = [place for place in answered if rtt_s[place] <= near_s]
    return near + sorted((place for place in answered if rtt_s[place] > near_s), key=lambda place: rtt_s[place])


def _grouped(entries: Sequence[ServerEntry], places: Sequence[Place]) -> list[ServerEntry]:
    return [entry for place in places for entry in entries if place_of(entry) == place]


def _resolve_all(entries: dict[Place, ServerEntry], places: Sequence[Place]) -> dict[Place, Address]:
    found: dict[Place, Address] = {}

    def run(place: Place) -> None:
        try:
            found[place] = dial.resolve(parse_target(entries[place].url), RESOLVE_S)[0]
        except (WorldError, EnlaceError, IndexError):
            return  # whoever cannot be found is not near

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(RESOLVE_S)
    return {place: found[place] for place in places if place in found}


@dataclass
class _Contest:
    """Times connections to several places at once."""

    loop: Loop
    is_cancelled: Callable[[], bool]
    aside: Aside
    rtt_s: dict[Place, float] = field(default_factory=dict)  # the smallest

    def time(self, addresses: dict[Place, Address], rounds: int) -> None:
        """Time so many connections to each, one round after the other."""
        probers = {place: TcpConnect(self.loop, address) for place, address in addresses.items()}
        try:
            for number in range(1, rounds + 1):
                for prober in probers.values():
                    prober.send()
                self._wait(list(probers.values()), number)
        finally:
            for prober in probers.values():
                self.aside.probed(len(prober.rounds()), prober.wire_bytes)
                prober.close()
        for place, prober in probers.items():
            answers = [each.rtt_s for each in prober.rounds() if each.rtt_s is not None]
            if answers:
                self.rtt_s[place] = min([*answers, self.rtt_s.get(place, answers[0])])

    def _wait(self, probers: list[TcpConnect], number: int) -> None:
        until_s = self.loop.now() + ANSWER_S
        while self.loop.now() < until_s and any(prober.is_waiting for prober in probers):
            if self.is_cancelled():
                raise WorldError.cancelled()
            self.loop.turn(0.02)
