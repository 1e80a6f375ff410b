"""When learning sites are looked at, by whom, and what becomes of it in the diary."""

import threading
from pathlib import Path

import msgspec
import pytest

from agent.config import AgentConfig
from agent.daemon import sites
from agent.daemon.agenda import Agenda
from agent.daemon.sites import LOOKED, SiteWatch
from agent.uplink.decide import Silence
from agent.uplink.transport import Answer
from agent.wire.vocabulary import DiaryState as D
from agent.wire.vocabulary import ProbeState as P
from tests.fakes.agent_lab import Lab
from tests.fakes.agent_world import NOON_MS, FakeState, fake_ports

HOUR_MS = 3_600_000
SITES = [{"name": "Library", "url": "https://library.example"}, {"name": "Plain", "url": "http://plain.example"}]


class Web:
    """Pages by address; what has none does not answer."""

    def __init__(self, **pages: Answer | Silence) -> None:
        self.pages, self.asked = pages, list[str]()

    def look(self, method: str, url: str, headers: object, *, deadline_s: float, most_bytes: int) -> Answer | Silence:
        self.asked.append(url)
        return self.pages.get(url.split("//")[1].split(".")[0], Silence.REFUSED)


OPEN = Answer(200, {}, b"page")


def settings_with(probes: list[dict[str, str]]) -> str:
    windows = [[NOON_MS - HOUR_MS, NOON_MS + 4 * HOUR_MS]]
    told = {
        "version": "1", "windows_utc": windows, "tests_per_window": 2, "servers": [], "probes": probes, "paused": False,
        "next_collector_key": None, "server_time_ms": NOON_MS, "status": 200,
        "budget": {"test_bytes": 1, "day_bytes": 1, "month_bytes": 1},
    }  # fmt: skip
    return msgspec.json.encode(told).decode()


def a_watch(web: Web, probes: list[dict[str, str]] = SITES, *, is_testing: bool = False) -> tuple[SiteWatch, FakeState]:
    ports, state = fake_ports(), FakeState()
    state.set_state("settings", settings_with(probes))
    agenda = Agenda(AgentConfig(), ports, state)
    watch = SiteWatch(ports, agenda, state, web, stop=threading.Event(), is_testing=lambda: is_testing)
    return watch, state


def words(watch: SiteWatch, diary: D = D.OK) -> dict[str, P] | None:
    found = watch.look(diary)
    return None if found is None else {one.name: one.state for one in found}


def test_nothing_is_contacted_that_no_operator_entered() -> None:
    web = Web()
    watch, state = a_watch(web, [])
    assert watch.look(D.OK) is None and web.asked == [] and state.get_state(LOOKED) is None


def test_each_site_has_its_word_and_the_hour_passes_before_the_next_look() -> None:
    web = Web(library=OPEN)
    watch, _ = a_watch(web)
    assert words(watch) == {"Library": P.OPEN, "Plain": P.UNREACHABLE}
    assert watch.look(D.OK) is None and len(web.asked) == 2


def test_a_line_that_is_down_says_nothing_of_sites() -> None:
    web = Web()
    watch, _ = a_watch(web)
    for diary in (D.NO_INTERNET, D.NO_GATEWAY, D.LINK_DOWN):
        assert watch.look(diary) is None
    assert web.asked == []
    assert words(watch, D.COLLECTOR_DOWN) == {"Library": P.UNREACHABLE, "Plain": P.UNREACHABLE}


def test_behind_a_login_page_only_tls_proves_a_site() -> None:
    watch, _ = a_watch(Web(library=OPEN, plain=OPEN))
    assert words(watch, D.PORTAL) == {"Library": P.OPEN, "Plain": P.BLOCKED}


def test_a_name_server_that_hangs_is_its_own_fault() -> None:
    watch, _ = a_watch(Web(library=Silence.TOO_SLOW))
    assert words(watch, D.DNS_FAIL) == {"Library": P.DNS_FAIL, "Plain": P.DNS_FAIL}


def test_what_a_test_on_the_line_spoils_is_not_said() -> None:
    watch, _ = a_watch(Web(library=OPEN), is_testing=True)
    assert words(watch) == {"Library": P.OPEN}


def test_names_twice_and_names_too_long_do_not_spoil_the_record() -> None:
    watch, _ = a_watch(Web(), [*SITES, {"name": "Plain", "url": "http://x.example"}, {"name": "n" * 65, "url": "x"}])
    assert set(words(watch) or {}) == {"Library", "Plain"}


def test_a_site_that_hangs_keeps_nobody_waiting_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "ALL_WITHIN_S", 0.3)
    release = threading.Event()

    class Hanging(Web):
        def look(
            self, method: str, url: str, headers: object, *, deadline_s: float, most_bytes: int
        ) -> Answer | Silence:
            if "plain" in url:
                release.wait(20)
            return super().look(method, url, headers, deadline_s=deadline_s, most_bytes=most_bytes)

    watch, _ = a_watch(Hanging(library=OPEN))
    assert words(watch) == {"Library": P.OPEN}
    release.set()


def test_the_words_reach_the_collector_once_an_hour(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.collector.windows = [[NOON_MS - HOUR_MS, NOON_MS + 4 * HOUR_MS]]
    lab.collector.probes = SITES
    lab.daemon.watch_sites(Web(library=OPEN), lab.stop)
    lab.drive(2 * 3_600 + 900)
    runs = [item for item in lab.collector.stored.values() if item["kind"] == "diary" and item.get("probes")]
    assert 2 <= len(runs) <= 3
    for run in runs:
        assert {(one["name"], one["state"]) for one in run["probes"]} == {("Library", "open"), ("Plain", "unreachable")}
    lab.spool.close()
