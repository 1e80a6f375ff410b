"""Enlace looks at itself: what it finds is one fact, one line, one message, and one when it is well again."""

import json
from dataclasses import dataclass

import pytest
from sqlalchemy import insert, update

from collector.notify import watch
from collector.store.open import Store
from collector.store.queries import facts
from collector.store.queries.health import read_health
from collector.store.tables.devices import DEVICE_KEYS, DEVICES
from tests.collector.notify.scene import MIN_MS, Scene, at
from tests.fakes import mail_servers
from tests.fakes.mail_servers import Mailbox

GB = 1_000_000_000


@dataclass
class FakeHost:
    free_bytes: int = 50 * GB
    answer: bool | None = True
    backup_ms: int | None = None

    def disk(self) -> tuple[int, int]:
        return self.free_bytes, 100 * GB

    def modified_ms(self, _path: str) -> int | None:
        return self.backup_ms

    def answers(self) -> bool | None:
        return self.answer


def look(scene: Scene, host: FakeHost, minutes: int = 0) -> list[str]:
    """Look every few minutes for so long, and return what is wrong at the end."""
    while minutes > 0:
        step = min(minutes, 9)
        minutes -= step
        scene.clock.advance(step * MIN_MS)
        evaluated(scene)
        watch.watch(scene.store, scene.config, scene.notify, scene.ports, host)
    return [one.word for one in watch.watch(scene.store, scene.config, scene.notify, scene.ports, host).ill]


def evaluated(scene: Scene) -> None:
    with scene.store.unit() as unit:
        facts.set_fact(unit, facts.LAST_EVALUATION_MS, str(scene.clock.now_ms()))
        unit.commit()


def devices(
    scene: Scene, count: int, heard_ms: int, offset_ms: int = 0, state: str = "active", name: str = "d"
) -> None:
    rows = [
        {
            "device": f"{name}{number}", "school": "S0", "state": state, "machine_hash": "x", "enrolled_ms": 0,
            "last_contact_ms": heard_ms, "clock_offset_ms": offset_ms,
        }
        for number in range(count)
    ]  # fmt: skip
    with scene.store.unit() as unit:
        unit.connection.execute(insert(DEVICES), rows)
        unit.commit()


def test_one_message_at_once_and_one_when_it_is_well_again(store: Store) -> None:
    scene, host, mailbox = Scene(store).fill(), FakeHost(), Mailbox()
    assert look(scene, host) == []
    host.free_bytes = 100
    with mail_servers.serving(mailbox) as port:
        for _ in range(3):
            scene.clock.advance(7 * MIN_MS)
            look(scene, host)
            scene.decide()
            scene.send(port)
        host.free_bytes = 90 * GB
        for _ in range(3):
            scene.clock.advance(7 * MIN_MS)
            look(scene, host)
            scene.decide()
            scene.send(port)
    assert [message["Subject"] for message in mailbox.to("luis@example.org")] == [
        "Enlace: Enlace itself needs help",
        "Enlace: Enlace is well again",
    ]
    assert mailbox.to("maria@example.org") == [], "who sees one district does not run the server"
    assert "0 MB left" in mailbox.to("luis@example.org")[0].get_body(("plain",)).get_content()


def test_silence_in_school_hours_is_said_and_not_after_we_were_away(store: Store) -> None:
    scene, host = Scene(store).fill(), FakeHost()
    scene.clock.now = at("2026-11-24 08:00")
    devices(scene, 30, scene.clock.now_ms())
    look(scene, host)
    assert look(scene, host, 59) == []
    assert look(scene, host, 1) == ["ingest_silent"]
    scene.clock.advance(60 * MIN_MS)  # the collector was stopped for an hour
    evaluated(scene)
    assert look(scene, host) == [], "what came meanwhile nobody could hear"
    with store.unit() as unit:
        unit.connection.execute(update(DEVICES).values(last_contact_ms=scene.clock.now_ms()))
        unit.commit()
    assert look(scene, host, 30) == []


def test_a_clock_that_most_pcs_contradict_and_a_test_point_that_is_away(store: Store) -> None:
    scene, host = Scene(store).fill(), FakeHost()
    devices(scene, 20, scene.clock.now_ms(), offset_ms=400_000)
    assert look(scene, host) == ["clock_wrong"]
    host.answer = False
    assert look(scene, host, 12) == ["clock_wrong", "testpoint_away"]
    host.answer = True
    assert look(scene, host, 1) == ["clock_wrong"]


def test_the_age_of_a_backup_is_watched_where_one_is_named(store: Store) -> None:
    from msgspec.structs import replace

    scene, host = Scene(store).fill(), FakeHost()
    assert look(scene, host) == []
    scene.notify = replace(scene.notify, backup_path="/backups")
    assert look(scene, host) == ["backup_old"]
    host.backup_ms = scene.clock.now_ms() - 47 * 60 * MIN_MS
    assert look(scene, host) == []


def test_pages_say_what_is_wrong_and_that_nobody_looks(store: Store) -> None:
    scene, host = Scene(store).fill(), FakeHost(free_bytes=100)
    look(scene, host)
    with store.reader() as snapshot:
        looked = watch.read_looked(snapshot)
    now_ms = scene.clock.now_ms()
    assert [one.word for one in watch.illnesses(looked, now_ms)] == ["disk_low"]
    assert [one.word for one in watch.illnesses(looked, now_ms + 15 * MIN_MS)] == ["jobs_silent"]
    with store.reader() as snapshot:
        assert json.loads(facts.find_fact(snapshot, "vital_signs") or "")["ill"][0]["word"] == "disk_low"


@pytest.mark.parametrize("state", ["pending", "revoked"])
def test_clocks_of_pcs_that_nobody_let_in_say_nothing_of_ours(store: Store, state: str) -> None:
    scene, host = Scene(store).fill(), FakeHost()
    devices(scene, 30, scene.clock.now_ms(), offset_ms=400_000, state=state, name="strange")
    assert look(scene, host) == []
    devices(scene, 12, scene.clock.now_ms(), offset_ms=1_000)
    assert look(scene, host) == [], "those that were let in agree with us"


def test_a_pc_with_a_new_key_that_waits_says_nothing_of_us(store: Store) -> None:
    """Whoever has a token can make one for a PC that is there: its clock and its contact may be another machine's."""
    scene, host = Scene(store).fill(), FakeHost()
    devices(scene, 20, scene.clock.now_ms(), offset_ms=400_000)
    assert look(scene, host) == ["clock_wrong"]
    keys = [
        {"device": f"d{number}", "key_id": "k", "public_key": f"p{number}", "state": "pending", "added_ms": 0}
        for number in range(20)
    ]
    with store.unit() as unit:
        unit.connection.execute(insert(DEVICE_KEYS), keys)
        unit.commit()
    assert look(scene, host) == []


@pytest.mark.parametrize("state", ["pending", "revoked"])
def test_what_strangers_send_is_no_sign_that_the_schools_reach_us(store: Store, state: str) -> None:
    scene, host = Scene(store).fill(), FakeHost()
    scene.clock.now = at("2026-11-24 08:00")
    devices(scene, 30, scene.clock.now_ms())
    look(scene, host)
    devices(scene, 30, scene.clock.now_ms() + 59 * MIN_MS, state=state, name="strange")
    assert look(scene, host, 60) == ["ingest_silent"]
    with store.reader() as snapshot:
        assert read_health(snapshot).last_contact_ms == at("2026-11-24 08:00")


def test_jobs_that_never_ran_are_said_after_a_time_of_grace(store: Store) -> None:
    now_ms = at("2026-11-24 08:00")

    def said(after_min: int) -> list[str]:
        with store.reader() as snapshot:
            looked = watch.read_looked(snapshot)
        return [one.word for one in watch.illnesses(looked, now_ms + after_min * MIN_MS)]

    assert said(10**6) == [], "nothing has begun"
    watch.note_start(store, now_ms)
    assert said(0) == said(14) == [] and said(15) == ["jobs_silent"]
    watch.note_start(store, now_ms + 20 * MIN_MS)  # the web server alone is started again and again
    assert said(21) == ["jobs_silent"]
    scene = Scene(store).fill()
    scene.clock.now = now_ms + 22 * MIN_MS
    look(scene, FakeHost())
    assert said(23) == [] and said(37) == ["jobs_silent"]
