"""The drill: an outage of a provider, and an hour without the collector, from signed posts to a mail server."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import insert

from collector import jobs
from collector.config import CollectorConfig, TestpointConfig
from collector.notify.settings import NotifyConfig
from collector.store.open import Store
from collector.store.queries import facts, users
from collector.store.queries.judging import suppressions
from collector.store.queries.pages import flags as pages_flags
from collector.store.queries.pages import outages as pages_outages
from collector.store.queries.pages.flags import FlagFilter
from collector.store.queries.pages.schools import Measure
from collector.store.queries.users import User
from collector.store.tables.judgement import FLAGS
from tests.fakes import mail_servers
from tests.fakes.collector_world import FakeClock
from tests.fakes.mail_servers import Mailbox
from tests.fakes.outage_island import MINUTE_MS, ZONE, Island, at, everybody, nobody
from tests.fakes.wire_device import a_deployment

ADMIN, LUIS, ELSEWHERE = (f"{name}@example.org" for name in ("ana", "luis", "maria"))
NOBODY = "http://127.0.0.1:1"


@dataclass
class Drill:
    """The island with its jobs of notices, as they run in the deployment."""

    island: Island
    data: Path
    port: int
    mailbox: Mailbox = field(default_factory=Mailbox)

    def __post_init__(self) -> None:
        config = CollectorConfig(default_timezone=ZONE, public_url="https://enlace.example", data=str(self.data))
        notify = NotifyConfig(
            smtp_host="127.0.0.1",
            smtp_port=self.port,
            smtp_security="none",
            from_address="Enlace <enlace@example.org>",
        )
        point = TestpointConfig(public_url=NOBODY)
        self.jobs = jobs.notice_jobs(self.island.store, config, point, self.island.ports, notify)

    def pass_until(self, until_ms: int, reaches: object = everybody, *, every_min: int = 1) -> None:
        """Let time pass: posts, the watch, then what is told."""
        while self.island.clock.now_ms() < until_ms:
            soon = self.island.clock.now_ms() + every_min * MINUTE_MS
            self.island.pass_until(min(soon, until_ms), reaches, every_min=every_min)  # type: ignore[arg-type]
            self.tell()

    def tell(self) -> None:
        with self.island.store.unit() as unit:
            facts.set_fact(unit, facts.LAST_EVALUATION_MS, str(self.island.clock.now_ms()))
            unit.commit()
        for _name, _seconds, job in self.jobs:
            job()


def subjects(mailbox: Mailbox, address: str) -> list[str]:
    return [str(message["Subject"]) for message in mailbox.to(address)]


def words(mailbox: Mailbox, address: str, number: int) -> str:
    return str(mailbox.to(address)[number].get_body(("plain",)).get_content())  # type: ignore[union-attr]


def an_island(store: Store, *, signs: bool) -> Island:
    """Return forty schools with people who are told, and a flag of one school of Onda Sur."""
    clock = FakeClock(at("08:00"))
    island = Island(store, clock, a_deployment(store, clock, default_timezone=ZONE) if signs else None)
    island.settle()
    flag = {
        "flag_id": "f0", "school": "S000", "kind": "below_target", "profile": "p", "metric": "download_bps",
        "below_since": "2026-11-23", "opened_on": "2026-11-23", "state": "open", "state_count": 1,
        "severity": "serious", "is_stale": False, "last_day": "2026-11-23",
    }  # fmt: skip
    with store.unit() as unit:
        for name, role, areas in (("ana", "admin", ()), ("luis", "operator", ()), ("maria", "operator", ("Norte",))):
            users.create_user(unit, User(f"id-{name}", name, role, "x", "en", 0, None, areas, f"{name}@example.org"))
        unit.connection.execute(insert(FLAGS).values(flag))
        unit.commit()
    island.pass_until(at("08:39"), every_min=10)
    return island


def test_a_provider_that_fails_is_one_message_and_one_recovery(store: Store, tmp_path: Path) -> None:
    island, mailbox = an_island(store, signs=True), Mailbox()
    with mail_servers.serving(mailbox) as port:
        drill = Drill(island, tmp_path, port)
        drill.tell()
        assert subjects(mailbox, LUIS) == ["Enlace: 1 new flag"]
        drill.pass_until(at("08:55"), island.is_not_cut)
        assert len(subjects(mailbox, LUIS)) == 2, "within a quarter of an hour"
        with store.reader() as snapshot:
            (row,) = pages_outages.list_live(snapshot)
            assert suppressions.on_hold(snapshot) == set(island.cut)
            held = FlagFilter(at("08:55"), outage=row.outage_id)
            assert pages_flags.count_flags(snapshot, Measure("un-umc-2030", "download"), held) == 1
        assert (row.label, row.online) == ("provider", 20) and row.silent in (19, 20)
        drill.pass_until(at("10:20"), island.is_not_cut, every_min=5)
        assert len(subjects(mailbox, LUIS)) == 2, "one outage, one message"
        drill.pass_until(at("11:10"), every_min=5)
    begun, over = subjects(mailbox, LUIS)[1:]
    assert begun.startswith("Enlace: outage, ") and over == "Enlace: 1 outage over"
    told = words(mailbox, LUIS, 1).replace("\xa0", " ")
    assert re.search(
        r"\b(19|20) of 20 schools of Onda Sur went silent at 24 Nov, 08:(3[5-9]|4[0-5]): it is the provider\.", told
    ), "the message says what the page says"
    assert re.fullmatch(r"Enlace: outage, (19|20) schools silent", begun)
    assert "20 of 20 schools of Onda Sur are back since" in words(mailbox, LUIS, 2)
    with store.reader() as snapshot:
        found = pages_outages.find(snapshot, row.outage_id)
        assert suppressions.on_hold(snapshot) == set(), "its flags go on"
    assert found is not None and found.pupil_hours == pytest.approx(20 * 100 * 1.75, rel=0.1)
    assert f"{found.pupil_hours:,.0f} pupil-hours lost" in words(mailbox, LUIS, 2)
    assert found.to_ms is not None and found.to_ms == pytest.approx(at("10:25"), abs=10 * MINUTE_MS)
    assert f"after {(found.to_ms - found.from_ms) // MINUTE_MS} minutes" in words(mailbox, LUIS, 2).replace("\xa0", " ")
    assert mailbox.to(ELSEWHERE) == [], "no school of hers is in it"


def test_an_outage_that_was_told_and_was_none_is_taken_back_with_its_reason(store: Store, tmp_path: Path) -> None:
    """The lines were switched off for the night of a feast: what the computers say when they are back is sent too."""
    island, mailbox = an_island(store, signs=False), Mailbox()
    with mail_servers.serving(mailbox) as port:
        drill = Drill(island, tmp_path, port)
        drill.pass_until(at("09:20"), island.is_not_cut, every_min=2)
        for code in island.cut:
            island.add_diary(code, at("08:35"), at("09:20"), "off")
        drill.pass_until(at("10:20"), every_min=5)
    first, begun, none = subjects(mailbox, LUIS)
    assert first == "Enlace: 1 new flag" and begun.startswith("Enlace: outage, ")
    assert none == "Enlace: 1 outage was none"
    assert re.search(
        r"The outage of schools of Onda Sur at 24 Nov, 08:\d\d was none: their diaries, which came later, say that the "
        r"computers were switched off\.",
        words(mailbox, LUIS, 2).replace("\xa0", " ").replace("\n", " "),
    )


def test_an_hour_without_the_collector_is_said_of_us_and_nobody_is_woken_about_schools(
    store: Store, tmp_path: Path
) -> None:
    island, mailbox = an_island(store, signs=False), Mailbox()
    with mail_servers.serving(mailbox) as port:
        drill = Drill(island, tmp_path, port)
        drill.tell()
        island.pass_until(at("09:40"), nobody, is_watched=False)  # the jobs were stopped as well
        drill.pass_until(at("10:40"), every_min=2)
    (row,) = island.rows()
    assert (row["label"], row["state"], row["pupil_hours"]) == ("collector", "closed", None)
    with store.reader() as snapshot:
        known = suppressions.ended_holds(snapshot, at("08:00"))
    assert known == {}, "no flag was kept from being told by what we did"
    for address in (ADMIN, LUIS):  # who may see the whole country
        assert subjects(mailbox, address)[1:] == ["Enlace: Enlace itself needs help", "Enlace: Enlace is well again"]
    assert mailbox.to(ELSEWHERE) == []
    told = words(mailbox, ADMIN, 1)
    assert "it is the server or its line, not the schools" in told
    assert "Onda Sur" not in told and "S0" not in told


def test_a_test_point_and_collector_that_nobody_reaches_blame_no_school(store: Store, tmp_path: Path) -> None:
    """The jobs run all the while: our line is gone, or the server before us."""
    island, mailbox = an_island(store, signs=False), Mailbox()
    with mail_servers.serving(mailbox) as port:
        drill = Drill(island, tmp_path, port)
        drill.pass_until(at("09:00"), nobody)
        with store.reader() as snapshot:
            assert [row.label for row in pages_outages.list_live(snapshot)] == ["collector"]
            assert suppressions.holds(snapshot) == {} and suppressions.on_hold(snapshot) == set()
            assert suppressions.open_outages(snapshot).keys() == set(island.provider), "why their PCs are silent"
        assert subjects(mailbox, ADMIN)[1:] == ["Enlace: Enlace itself needs help"]
        drill.pass_until(at("10:10"), nobody, every_min=5)
    assert len(subjects(mailbox, ADMIN)) == 2, "said once, and not again as a silence"
    assert subjects(mailbox, LUIS) == subjects(mailbox, ADMIN) and mailbox.to(ELSEWHERE) == []
