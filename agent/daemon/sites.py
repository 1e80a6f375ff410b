"""The operator's learning sites, looked at beside the light probe: a few at a time, once an hour in school hours."""

import logging
import threading
from collections.abc import Callable, Sequence

from agent.daemon.agenda import Agenda
from agent.ports import Ports
from agent.schedule.sites import is_due
from agent.uplink import settings, sites
from agent.uplink.servertime import State
from agent.uplink.sites import Getter
from agent.wire import limits
from agent.wire.answers import ProbeSite
from agent.wire.records import Probe
from agent.wire.vocabulary import DiaryState, ProbeState

LOG = logging.getLogger(__name__)

LOOKED = "sites_looked"  # key of the durable state: when, on the collector's clock as well as it was known
AT_ONCE = 3  # more would slow each other down on a narrow line
ALL_WITHIN_S = 90.0  # the heartbeat waits for it; sites that are not reached by then have no word this hour
_ROUND_S = 0.1

# Where the line itself is down, no site says anything. A name server that is broken, or a login page, does.
_LOOKED_IN = (DiaryState.OK, DiaryState.COLLECTOR_DOWN, DiaryState.DNS_FAIL, DiaryState.PORTAL)
# What another transfer on the line can make of an open site.
_HURT_BY_LOAD = (ProbeState.SLOW, ProbeState.UNREACHABLE)


class SiteWatch:
    """Knows which sites are to be looked at, and when they were."""

    def __init__(
        self,
        ports: Ports,
        agenda: Agenda,
        state: State,
        getter: Getter,
        *,
        stop: threading.Event,
        is_testing: Callable[[], bool],
    ) -> None:
        """Make it; nothing is contacted yet.

        Args:
            ports: Clock, chance.
            agenda: Knows the collector's time and the school's hours.
            state: Small durable values; the last settings among them.
            getter: Moves the bytes.
            stop: Set = end soon.
            is_testing: Whether a test loads the line now.
        """
        self._ports, self._agenda, self._state, self._getter = ports, agenda, state, getter
        self._stop, self._is_testing = stop, is_testing

    def look(self, diary: DiaryState) -> list[Probe] | None:
        """Return what each site does; None = there are none to look at now.

        Args:
            diary: What the light probe has just found.
        """
        told = settings.stored(self._state)
        wanted = _named_apart(told.probes) if told else []
        if not wanted or diary not in _LOOKED_IN:
            return None
        now_ms = self._agenda.true_now_ms()
        if not is_due(now_ms, self._agenda.windows_now(), self._last_ms()):
            return None
        self._state.set_state(LOOKED, str(now_ms))
        found = [_in_the_light_of(diary, one, site.url) for one, site in self._look_at(wanted)]
        if self._is_testing():
            found = [one for one in found if one.state not in _HURT_BY_LOAD]
        LOG.info("sites.looked", extra={"sites": len(wanted), "open": sum(one.state == "open" for one in found)})
        return found or None

    def _last_ms(self) -> int | None:
        kept = self._state.get_state(LOOKED) or ""
        return int(kept) if kept.isascii() and kept.isdigit() else None

    def _look_at(self, wanted: Sequence[ProbeSite]) -> list[tuple[Probe, ProbeSite]]:
        """Return what is known of the sites when all have answered, or the time is over."""
        waiting = sorted(wanted, key=lambda _: self._ports.randomness.uniform(0, 1))  # none is always the last
        found: dict[str, Probe] = {}
        lock = threading.Lock()

        def work() -> None:
            while not self._stop.is_set():
                with lock:
                    site = waiting.pop() if waiting else None
                if site is None:
                    return
                probe = sites.look(self._getter, site)
                with lock:
                    found[site.name] = probe

        threads = [threading.Thread(target=work, name="sites", daemon=True) for _ in range(min(AT_ONCE, len(wanted)))]
        for thread in threads:
            thread.start()
        for _ in range(round(ALL_WITHIN_S / _ROUND_S)):
            if self._stop.is_set() or not any(thread.is_alive() for thread in threads):
                break
            next(one for one in threads if one.is_alive()).join(_ROUND_S)
        with lock:
            waiting.clear()
            return [(found[site.name], site) for site in wanted if site.name in found]


def _named_apart(told: Sequence[ProbeSite]) -> list[ProbeSite]:
    """Return the sites that a record can hold: each with a name of its own."""
    apart = {site.name: site for site in told if 0 < len(site.name) <= limits.ID_CHARS}
    return list(apart.values())[: limits.PROBES]


def _in_the_light_of(diary: DiaryState, probe: Probe, url: str) -> Probe:
    """Return what a site does, given what the line does.

    Where a login page answers in everybody's name, a page that came without TLS is that one; where the name server is
    broken, a question that took too long hung there.
    """
    is_shown = probe.state in (ProbeState.OPEN, ProbeState.SLOW)
    if diary is DiaryState.PORTAL and is_shown and not url.startswith("https://"):
        return Probe(name=probe.name, state=ProbeState.BLOCKED, ms=probe.ms)
    if diary is DiaryState.DNS_FAIL and probe.state is ProbeState.UNREACHABLE:
        return Probe(name=probe.name, state=ProbeState.DNS_FAIL)
    return probe
