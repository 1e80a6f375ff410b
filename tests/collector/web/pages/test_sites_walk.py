"""Five local servers, the agent's own parts, the wire, the evaluation and the page: each word arrives at its school."""

import re
import threading
from contextlib import ExitStack
from html import unescape
from itertools import chain, repeat
from pathlib import Path

import pytest

from agent.daemon import sites as watching
from agent.daemon.agenda import Agenda
from agent.daemon.sites import SiteWatch
from agent.diary import runs
from agent.diary.runs import Book, Look
from agent.uplink import sites
from agent.uplink.sites import Getter
from agent.uplink.transport import HttpTransport
from agent.wire import addresses, forms
from agent.wire.answers import ProbeSite
from agent.wire.records import Probe
from agent.wire.vocabulary import DiaryState
from collector.app import make_flask
from collector.evaluate.run import evaluate
from collector.store.open import Store
from tests.agent.uplink.test_sites import leads_to, library
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_settings import ALL, Agent, save
from tests.fakes import agent_world, certificates, pages_world
from tests.fakes.collector_world import FakeClock
from tests.fakes.scripted_server import ScriptedServer, portal
from tests.fakes.wire_device import a_deployment, a_token


class Looking:
    """Looks as the agent does; the slow site takes six seconds of its clock."""

    def look(self, getter: Getter, site: ProbeSite) -> Probe:
        clock = chain((0.0, 0.0), repeat(6.0 if site.name == "Slow" else 0.4))
        return sites.look(getter, site, now_s=lambda: next(clock))


@pytest.mark.sqlite
def test_the_five_words_by_school_and_provider(country: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted = certificates.write(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setattr(watching, "sites", Looking())
    monkeypatch.setattr(addresses, "is_elsewhere", lambda _url: True)  # the sites of this test are on this computer
    clock = FakeClock(pages_world.NOW_MS)
    parts = a_deployment(country, clock)
    app = make_flask(parts)
    admin = app.test_client()
    sign_in(admin, "ana")
    with ExitStack() as stack:
        secure = certificates.server_context(trusted)
        opened, slow = (stack.enter_context(ScriptedServer(library, secure)) for _ in range(2))
        filtered = stack.enter_context(ScriptedServer(leads_to("http://filter.invalid/")))
        of_another = certificates.write(tmp_path, from_year=2021, hosts=("portal.invalid",))
        login = stack.enter_context(ScriptedServer(portal, certificates.server_context(of_another)))
        with ScriptedServer(library) as vanished:
            gone = vanished.url
        named = {
            "Open": f"https://localhost:{opened.port}", "Slow": f"https://localhost:{slow.port}/",
            "Filtered": filtered.url, "Behind a login": f"https://localhost:{login.port}",
            "Nameless": "https://library.invalid", "Gone": gone,
        }  # fmt: skip
        save(admin, ALL, probes="\n".join(f"{name} {url}" for name, url in named.items()))
        agent = Agent(tmp_path / "agent", app, a_token(parts))
        agent.beat()
        clock.advance(900_000)
        told = SiteWatch(
            agent.ports, Agenda(agent.config, agent.ports, agent.spool), agent.spool, HttpTransport("none"),
            stop=threading.Event(), is_testing=lambda: False,
        ).look(DiaryState.OK)  # fmt: skip
    assert told is not None
    seen = Look(
        state=DiaryState.OK, wall_ms=agent.clock.now_ms(), mono_ms=agent.clock.mono_ms(), boot_id=agent_world.BOOT,
        probes=told,
    )  # fmt: skip
    _, (run,) = runs.close(runs.add(Book(), seen)[0])
    agent.spool.add_ready(runs.record(run, forms.uuid7(agent.clock.now_ms(), bytes(10))))
    agent.handover.post(heartbeat=True)
    agent.spool.close()
    evaluate(country, parts.config, parts.ports)
    words = {}
    for name in named:
        page = unescape(admin.get(f"/sites?site={name}").text)
        assert "00123" in page.split('id="schools"')[1]
        (words[name],) = re.findall(r'data-l="The site"><b>([^<]+)</b>', page)
        assert "1" in page.split('id="providers"')[1].split("</table>")[0]
    assert words == {
        "Open": "opens", "Slow": "slow", "Filtered": "blocked", "Behind a login": "blocked",
        "Nameless": "name not found", "Gone": "not reached",
    }  # fmt: skip
