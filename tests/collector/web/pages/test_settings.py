"""What devices keep to, decided on a page: shown with its origin, checked, logged, and heeded by an agent."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from agent.config import AgentConfig
from agent.daemon import allowance
from agent.daemon.handover import Handover
from agent.daemon.permission import Asker, Permission, Wish
from agent.ports import Ports
from agent.spool.store import Spool
from agent.uplink import enrol, settings
from agent.uplink.contact import Contact, Options
from agent.uplink.identity import IdentityStore
from agent.wire.vocabulary import Trigger
from collector.app import make_flask
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import audit
from collector.store.queries.audit import AuditEntry
from collector.store.tables.agent_settings import AGENT_SETTINGS
from collector.store.tables.registry import REGISTRY_CHANGES, SCHOOLS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.screens import make_app
from tests.fakes import agent_world, pages_world
from tests.fakes.collector_world import FakeClock
from tests.fakes.wire_device import a_deployment, a_token

ALL, ONE = "/admin/settings", "/schools/00123/settings"
FIELD = re.compile(
    r'<input id="[a-z_]+" name="([a-z_]+)" value="([^"]*)"|<input type="hidden" name="([a-z_]+)" value="([^"]*)"'
)


def form_of(client: FlaskClient, address: str) -> dict[str, str]:
    """Return what stands in the form of the settings."""
    found = FIELD.findall(client.get(address).text.split('id="change"')[1].split("</form>")[0])
    return {name or hidden: unescape(value or other) for name, value, hidden, other in found}


def save(client: FlaskClient, address: str, **changes: str) -> str:
    """Save changes and return the page that is shown then."""
    answer = client.post(address, data=form_of(client, address) | {"note": "Circular 7 <of> 2026", **changes})
    assert answer.status_code == 303, answer.text
    return unescape(client.get(answer.location).text)


def stored(store: Store) -> list[tuple[str, int, str]]:
    with store.reader() as snapshot:
        rows = snapshot.connection.execute(
            select(AGENT_SETTINGS).order_by(AGENT_SETTINGS.c.place, AGENT_SETTINGS.c.number)
        )
        return [(row.place, row.number, row.said) for row in rows]


def logged(store: Store, action: str) -> list[AuditEntry]:
    with store.reader() as snapshot:
        return [entry for entry in audit.list_entries(snapshot) if entry.action == action]


def row_of(page: str, setting: str) -> str:
    """Return value and origin of one setting of the table."""
    (found,) = re.findall(rf">{re.escape(setting)}</th>(.*?)</tr>", page, re.DOTALL)
    return re.sub(r"<[^>]+>", "|", found)


def test_each_value_stands_with_where_it_comes_from(country: Store) -> None:
    client = make_app(country, tests_per_window=3).test_client()
    sign_in(client, "ana")
    page = save(client, ALL, day_bytes="400")
    assert "Saved. It holds from now on." in page
    assert re.search(r"\b3\b.*configuration file", row_of(page, "Tests in each third of the school day"))
    assert re.search(r"\b400\b.*this page, for all schools", row_of(page, "Most data of a school in a day, MB"))
    assert re.search(r"4,000.*as shipped", row_of(page, "Most data of a school in a month, MB"))
    page = save(client, ONE, day_bytes="500,5")
    assert re.search(r"500\.5.*this school.*otherwise 400", row_of(page, "Most data of a school in a day, MB"))
    page = unescape(client.get("/schools/00200/settings").text)
    assert re.search(r"400.*settings of all schools", row_of(page, "Most data of a school in a day, MB"))
    assert "Mon to Fri, 07:00 to 17:00" in row_of(page, "School hours")
    assert row_of(page, "Next windows for tests").count("–") == 6
    assert re.search(r"Tue 24 Nov, 10:20\| – 13:40.*Wed 25 Nov, 07:00", row_of(page, "Next windows for tests"))
    assert '<a href="/schools/00123/settings">00123</a>' in client.get(ALL).text


def test_a_decision_is_in_the_log_with_what_was_before(admin: FlaskClient, country: Store) -> None:
    save(admin, ALL, tests_per_window="4", probes="School library  https://library.example\n")
    save(admin, ONE, day_bytes="0500", paused="yes")
    page = save(admin, ONE, day_bytes="0500,25", paused="")
    why = "Circular 7 <of> 2026"
    assert {(entry.actor, entry.subject, entry.detail) for entry in logged(country, "settings.set")} == {
        (
            "ana",
            "deployment",
            f"tests_per_window: - -> 4; probes: - -> [School library https://library.example]; {why}",
        ),
        ("ana", "00123", f"day_bytes: - -> 500000000; paused: - -> true; {why}"),
        ("ana", "00123", f"day_bytes: 500000000 -> 500250000; paused: true -> -; {why}"),
    }
    assert [row[:2] for row in stored(country)] == [("", 1), ("00123", 1), ("00123", 2)]
    history = page.split('id="every"')[1]
    assert history.count("<tr>") == 3 and "500 → <b>500.25</b>" in history
    assert "yes, nobody tests → <b>as elsewhere</b>" in history
    assert "Circular 7 &lt;of&gt; 2026" in admin.get(ONE).text


def test_what_holds_already_is_not_decided_again(admin: FlaskClient, country: Store) -> None:
    save(admin, ONE, day_bytes="500")
    assert "Nothing was changed" in save(admin, ONE)
    assert "Nothing was changed" in save(admin, ALL)
    assert len(stored(country)) == 1 == len(logged(country, "settings.set"))


@pytest.mark.parametrize(
    ("address", "change", "sentence"),
    [
        (ALL, {"tests_per_window": "0"}, "Write a whole number from 1 to 20."),
        (ALL, {"tests_per_window": "2.5"}, "Write a whole number from 1 to 20."),
        (ALL, {"lease_s": "10"}, "Write a whole number from 30 to 600."),
        (ALL, {"test_bytes": "0.1"}, "Write megabytes from 0.25 to 1,000,000."),
        (
            ONE,
            {"day_bytes": "much"},
            "Write megabytes from 2 to 1,000,000. To let nobody test, pause the tests instead.",
        ),
        (ONE, {"day_bytes": "5000"}, "A month of 4,000 MB holds less than one day of 5,000 MB: change one."),
        (ONE, {"month_bytes": "-1"}, "Write megabytes from 2"),
        (ALL, {"probes": "library.example"}, "Line 1: write a name first, of at most 64 letters,"),
        (ALL, {"probes": "A https://a.example\nB ftp://b"}, "Line 2: “ftp://b” is no address of a site."),
        (ALL, {"probes": "A http://user:secret@a.example"}, "Line 1: “http://user:secret@a.example” is no"),
        *[
            (ALL, {"probes": f"A {url}"}, f"Line 1: “{url}” is no address of a site.")
            for url in (
                "http://127.0.0.1/",
                "https://localhost",
                "http://[::1]/",
                "http://169.254.1.1/",
                "https://0x7f.1/",
            )
        ],
        (ALL, {"probes": "A https://a.example\nA https://b.example"}, "Line 2: “A” stands there twice."),
        (ALL, {"probes": "".join(f"S{n} https://s{n}.example\n" for n in range(21))}, "at most 20 are looked at."),
        (ALL, {"note": " "}, "Write why, or who says so"),
        (ONE, {"note": "x" * 201}, "at most 200 letters"),
    ],
)
def test_a_mistake_is_one_sentence_and_what_was_typed_is_kept(
    admin: FlaskClient, country: Store, address: str, change: dict[str, str], sentence: str
) -> None:
    form = form_of(admin, address) | {"note": "because", "test_bytes": "12,5"} | change
    answer = admin.post(address, data=form)
    assert answer.status_code == 422 and sentence in unescape(answer.text)
    assert answer.text.count('class="mistake"') == 1
    kept = unescape(answer.text)
    assert all(value.strip() in kept for name, value in form.items() if name != "csrf_token")
    assert stored(country) == [] == logged(country, "settings.set")
    admin.set_cookie("enlace_language", "es")
    assert sentence not in unescape(admin.post(address, data=form).text)


def test_nobody_overwrites_what_he_has_not_seen(admin: FlaskClient, country: Store) -> None:
    mine = form_of(admin, ONE) | {"note": "mine", "tests_per_window": "7"}
    save(admin, ONE, tests_per_window="3")
    refused = admin.post(ONE, data=mine)
    assert refused.status_code == 409 and "Somebody changed the settings meanwhile." in refused.text
    again = {name or hidden: value or other for name, value, hidden, other in FIELD.findall(refused.text)}
    assert again["tests_per_window"] == "7" and again["note"] == "mine" and len(stored(country)) == 1
    assert admin.post(ONE, data=mine | {"seen": again["seen"]}).status_code == 303
    assert len(stored(country)) == 2


def test_only_administrators_decide_and_only_for_what_they_see(app: Flask, country: Store) -> None:
    for name in ("vera", "otto", "cleo"):
        client = app.test_client()
        sign_in(client, name)
        page = client.get(ALL)
        assert page.status_code == 200 and 'name="seen"' not in page.text
        token = token_of(page.text)
        for address in (ALL, "/schools/00200/settings", "/schools/00200/settings/hours"):
            assert client.post(address, data={"csrf_token": token, "note": "x"}).status_code == 403, (name, address)
    assert stored(country) == []


def test_the_hours_of_a_school_are_a_row_of_the_registry(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(
            update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(name='Escuela "Ñandú"; Norte, 2')
        )
        unit.commit()
    token = token_of(admin.get(ONE).text)
    wrong = admin.post(f"{ONE}/hours", data={"csrf_token": token, "opening": "always <b>"})
    assert wrong.status_code == 422 and 'value="always &lt;b&gt;"' in wrong.text and 'class="mistake"' in wrong.text
    done = admin.post(f"{ONE}/hours", data={"csrf_token": token, "opening": "mon-fri 07:30-13:30"})
    assert done.status_code == 303
    page = unescape(admin.get(done.location).text)
    assert "The new school hours hold from today on." in page
    assert "Tue 24 Nov, 09:30| – 11:30" in row_of(page, "Next windows for tests")
    with country.reader() as snapshot:
        (changed,) = snapshot.connection.execute(select(REGISTRY_CHANGES))
    assert (changed.subject, changed.field, changed.after) == ("00123", "opening", '"mon-fri 07:30-13:30"')
    (entry,) = logged(country, "settings.hours")
    assert (entry.subject, entry.detail) == ("00123", "opening: - -> mon-fri 07:30-13:30")
    same = admin.post(f"{ONE}/hours", data={"csrf_token": token, "opening": " mon-fri 07:30-13:30"})
    assert "done=same" in same.location


@dataclass
class Answered:
    """An answer as the agent takes it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Wire:
    """Brings an agent's requests to the collector without a network."""

    client: FlaskClient

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, deadline_s: float) -> Answered:
        answer = self.client.post(urlsplit(url).path, data=body, headers=dict(headers))
        return Answered(answer.status_code, dict(answer.headers), answer.data)


class Agent:
    """A school computer with the agent's own parts."""

    def __init__(self, folder: Path, app: Flask, token: str) -> None:
        self.clock = agent_world.FakeClock(pages_world.NOW_MS)
        self.ports = Ports(clock=self.clock, randomness=agent_world.SeededRandomness(), host=agent_world.FakeHost())
        wire, kept = Wire(app.test_client()), IdentityStore(folder)
        facts = self.ports.host.machine_facts()
        candidate = enrol.begin(self.ports, facts, enrol.read_token(token), "http://collector.test", None)
        kept.save(enrol.enrol(wire, self.ports, candidate, agent_version="0").identity)
        self.spool = Spool.open(folder, clock=self.clock, randomness=self.ports.randomness, boot_id=agent_world.BOOT)
        options = Options(agent_version="0")
        self.contact = Contact(wire, self.ports, self.spool, kept, ledger=self.spool.ledger, options=options)
        self.handover = Handover(self.clock, self.spool, self.contact, threading.Event())
        self.config = AgentConfig()

    def beat(self) -> None:
        """Post what waits, as every quarter of an hour, and fetch settings that are said to be old."""
        self.clock.advance_s(900)
        self.handover.post(heartbeat=True)
        self.handover.renew_settings()


@pytest.mark.sqlite
def test_an_agent_of_the_school_goes_by_it_with_its_next_lease(country: Store, tmp_path: Path) -> None:
    parts: Parts = a_deployment(country, FakeClock(pages_world.NOW_MS))
    app = make_flask(parts)
    admin = app.test_client()
    sign_in(admin, "ana")
    agent = Agent(tmp_path, app, a_token(parts))
    agent.beat()
    told = settings.stored(agent.spool)
    assert told is not None and told.tests_per_window == 2 and not agent.handover.settings_are_old
    assert allowance.caps(agent.config, agent.spool).day_bytes == 300_000_000
    save(admin, ONE, tests_per_window="1", test_bytes="1.5", day_bytes="20", month_bytes="200")
    agent.clock.advance_s(1)
    leased = Asker(agent.config, agent.spool, agent.contact).ask(Trigger.MANUAL, Wish(), alone=False)
    assert isinstance(leased, Permission) and leased.lease_id is not None
    assert (leased.max_bytes_download, leased.max_bytes_upload) == (1_500_000, 1_500_000)
    agent.beat()
    now = settings.stored(agent.spool)
    assert now is not None and now.version != told.version and now.tests_per_window == 1
    caps = allowance.caps(agent.config, agent.spool)
    assert (caps.day_bytes, caps.month_bytes) == (20_000_000, 200_000_000)
    save(admin, ALL, probes="Library https://library.example\nExams https://exams.example:8443/start")
    agent.beat()
    newest = settings.stored(agent.spool)
    assert newest is not None and newest.version != now.version
    assert [(site.name, site.url) for site in newest.probes] == [
        ("Library", "https://library.example"),
        ("Exams", "https://exams.example:8443/start"),
    ]
    assert now.windows_utc == told.windows_utc
    agent.spool.close()


def test_a_form_full_of_anything_is_no_fault(admin: FlaskClient) -> None:
    chance = Random(5)
    values = (
        "",
        "1",
        "0,5",
        "9" * 300,
        "²",
        "1e9",
        "nan",
        "∞",
        "\x00",
        "<b>",
        "--",
        "1.2.3",
        "٣",
        "own",
        "yes",
        "\ud800",
    )
    for number in range(30):
        address = (ALL, ONE)[number % 2]
        form = form_of(admin, address)
        fields = [*form, "paused", "probes"]
        some = {name: chance.choice(values) for name in chance.sample(fields, 5) if name != "csrf_token"}
        clean = {name: value.encode("utf-8", "replace").decode() for name, value in {**form, **some}.items()}
        assert admin.post(address, data=clean).status_code in (303, 409, 422), some
        opening = {"csrf_token": form["csrf_token"], "opening": chance.choice(values).encode("utf-8", "replace")}
        assert admin.post(f"{ONE}/hours", data=opening).status_code in (303, 422), opening
    assert admin.get(ONE).status_code == 200
