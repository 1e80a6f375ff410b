"""From facts in the database to messages at a mail server: outages, mutes, scopes, what arrives late."""

import json
from dataclasses import replace
from datetime import date

import pytest

from collector.domain.notice_facts import OutageFact
from collector.store.open import Store
from collector.store.queries import forgetting
from collector.store.queries.notices import outbox, preferences
from collector.store.queries.notices.preferences import StoredMute
from tests.collector.notify.scene import DAY_MS, MIN_MS, Scene, at
from tests.fakes import mail_servers
from tests.fakes.happenings import break_down, declare, redate
from tests.fakes.mail_servers import Mailbox

LUIS, MARIA = "luis@example.org", "maria@example.org"


def an_outage(name: str = "o1", area: str = "Norte", **more: object) -> OutageFact:
    plain = OutageFact(name, "provider", area, "Onda Sur", 20, 19, 4000, at("2026-11-24 08:40"), None, None)
    return replace(plain, **more)  # type: ignore[arg-type]


def step(scene: Scene, port: int, minutes: int) -> None:
    scene.clock.advance(minutes * MIN_MS)
    scene.decide()
    scene.send(port)


def test_an_outage_is_one_message_and_one_recovery_with_what_was_lost(store: Store) -> None:
    scene, mailbox = Scene(store).fill(), Mailbox()
    scene.clock.now = at("2026-11-24 08:50")
    scene.outages = [an_outage(), an_outage("o2", "Sur", silent=8, schools=9)]
    with mail_servers.serving(mailbox) as port:
        for _ in range(5):
            step(scene, port, 5)
        back_ms = scene.clock.now_ms()
        scene.outages = [replace(one, closed_ms=back_ms, pupil_hours=2917.4) for one in scene.outages]
        for _ in range(5):
            step(scene, port, 5)
    assert [message["Subject"] for message in mailbox.to(LUIS)] == [
        "Enlace: outage, 27 schools silent",
        "Enlace: 2 outages over",
    ]
    begun, over = (message.get_body(("plain",)).get_content() for message in mailbox.to(LUIS))
    assert "19 of 20 schools of Onda Sur in Norte went silent at 24 Nov, 08:40: it is the provider." in begun
    assert "after 35 minutes: 2,917 pupil-hours lost" in over
    assert [message["Subject"].split(" ", 1)[1] for message in mailbox.to(MARIA)] == [
        "coupure, 19 écoles muettes",
        "1 coupure terminée",
    ]


def test_our_own_failure_and_what_was_learnt_late_wake_nobody(store: Store) -> None:
    scene = Scene(store).fill()
    scene.clock.now = at("2026-11-24 08:55")
    scene.outages = [an_outage(label="collector"), an_outage("o2", learnt_late=True)]
    for _ in range(4):
        assert scene.decide() == 0
        scene.clock.advance(20 * MIN_MS)


def test_old_data_that_arrive_late_write_to_nobody(store: Store) -> None:
    """A flag that opened long ago, folded only now, is no news."""
    scene = Scene(store).fill()
    assert scene.decide() == 0
    scene.clock.advance(DAY_MS)
    scene.flag("S0", "2026-11-05", "late")
    assert scene.decide() == 0
    scene.clock.advance(DAY_MS)
    scene.flag("S0", "2026-11-25", "new")
    assert scene.decide() == 3
    told = json.loads(scene.notices()["user:id-luis"].payload)
    assert [line["flag_id"] for line in told["new"]] == ["new"] and [line["flag_id"] for line in told["open"]] == [
        "late"
    ]


def test_no_digest_at_the_weekend_and_on_monday_what_friday_brought(store: Store) -> None:
    scene = Scene(store).fill()
    scene.clock.now = at("2026-11-20 06:30")
    assert scene.decide() == 0
    scene.flag("S0", "2026-11-20")
    for day in (21, 22):
        scene.clock.now = at(f"2026-11-{day} 07:00")
        assert scene.decide() == 0
    scene.clock.now = at("2026-11-23 06:29")
    assert scene.decide() == 0
    scene.clock.now = at("2026-11-23 06:30")
    assert scene.decide() == 3


def test_a_clock_that_was_ahead_for_a_moment_takes_no_digest_of_the_days_between(store: Store) -> None:
    scene = Scene(store).fill()
    assert scene.decide() == 0
    scene.clock.now = at("2026-12-16 07:00")
    assert scene.decide() == 0
    scene.clock.now = at("2026-11-25 06:30")
    scene.flag("S0", "2026-11-24", "north")
    assert scene.decide() == 3
    assert scene.decide() == 0
    scene.clock.now = at("2026-12-16 06:30")
    scene.flag("S0", "2026-12-15", "later")
    assert scene.decide() == 0, "that day's turn was taken: its news come on the next"
    scene.clock.now = at("2026-12-17 06:30")
    assert scene.decide() == 3


def test_a_mute_of_everybody_holds_and_ends(store: Store) -> None:
    scene = Scene(store).fill()
    end_ms = at("2026-11-25 00:00")
    with store.unit() as unit:
        preferences.add_mute(unit, StoredMute("m", "", "area", "Norte", end_ms, "2026-11-24", "works", 0, "ana"))
        unit.commit()
    scene.flag("S0", "2026-11-23", "north")
    scene.flag("S1", "2026-11-23", "south")
    assert scene.decide() == 2, "she who sees Norte alone is told nothing"
    scene.clock.advance(DAY_MS)
    assert scene.decide() == 3, "the day after it is news for all of them"
    assert [line["flag_id"] for line in json.loads(scene.notices()["user:id-luis"].payload)["new"]] == ["north"]


def test_a_program_that_dies_between_the_decision_and_the_commit_leaves_nothing(store: Store) -> None:
    scene = Scene(store).fill()
    scene.flag("S0", "2026-11-23")
    with store.unit() as unit:
        outbox.remember(unit, "user:id-luis", ["flag:x"], [], None, 1)  # and no commit
    assert scene.decide() == 3
    with store.reader() as snapshot:
        assert list(outbox.standing(snapshot, "user:id-luis", scene.clock.now_ms()).told) == ["flag:S0-2026-11-23"]


def test_what_was_dealt_with_long_ago_is_forgotten_and_stays_told(store: Store) -> None:
    scene, mailbox = Scene(store).fill(), Mailbox()
    scene.flag("S0", "2026-11-23")
    scene.decide()
    with mail_servers.serving(mailbox) as port:
        scene.send(port)
    with store.unit() as unit:
        forgetting.forget(unit, scene.clock.now_ms() + forgetting.KEPT_MS - DAY_MS)
        assert len(outbox.newest(unit, 10)) == 3
        forgetting.forget(unit, scene.clock.now_ms() + forgetting.KEPT_MS + DAY_MS)
        assert outbox.newest(unit, 10) == [] and outbox.attempts(unit, scene.notices()) == {}
        unit.commit()
    with store.reader() as snapshot:
        assert outbox.standing(snapshot, "user:id-luis", scene.clock.now_ms()).told


@pytest.mark.parametrize("what", ["outage", "hazard"])
def test_flags_on_hold_are_told_when_it_is_over_and_they_are_still_open(store: Store, what: str) -> None:
    scene = Scene(store).fill()
    for school in ("S0", "S1"):
        scene.flag(school, "2026-11-23")
    if what == "outage":
        break_down(store, ["S0"], date(2026, 11, 24), 1, "open")
    else:
        declare(store, "S0", date(2026, 11, 23))
    scene.decide()
    assert told_as(scene, "new") == ["S1"]

    scene.flag("S0", "2026-11-25", "late")  # it opens while on hold: the same
    scene.clock.advance(2 * DAY_MS)
    scene.decide()
    assert told_as(scene, "new") == ["S1"]  # the same digest: there was no other
    if what == "outage":
        break_down(store, ["S0"], date(2026, 11, 24), 3)
    else:
        redate(store, date(2026, 11, 23), date(2026, 11, 26))
    scene.recover("late", "2026-11-26")
    scene.clock.advance(DAY_MS)
    scene.decide()
    assert told_as(scene, "new") == ["S0"] and told_as(scene, "open") == ["S1"]
    assert told_as(scene, "recovered") == []  # nobody had been told of it


def told_as(scene: Scene, name: str) -> list[str]:
    """Return the schools that the newest digest of an operator names so."""
    return [one["school"] for one in json.loads(scene.notices()["user:id-luis"].payload)[name]]
