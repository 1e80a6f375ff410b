"""What waits for a mail server goes to its reader as they are when it goes out: area, role, wishes, address, mutes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest
from sqlalchemy import update

from collector.domain.notice_delivery import Outcome, Result
from collector.domain.notice_rules import Preference
from collector.notify import decide, sending
from collector.store.open import Store
from collector.store.queries import users
from collector.store.queries.notices import outbox, preferences, webhooks
from collector.store.queries.notices.preferences import StoredMute
from collector.store.queries.notices.webhooks import Webhook
from collector.store.tables.notices import NOTICES
from collector.store.tables.people import USERS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import UnitOfWork
from tests.collector.notify.scene import DAY_MS, MIN_MS, Scene, at
from tests.collector.notify.test_decide import an_outage
from tests.collector.notify.test_watch import FakeHost, look


@dataclass
class Post:
    """A mail server that is there or is not."""

    is_there: bool = False
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def send(self, message: EmailMessage, to: str) -> Result:
        if not self.is_there:
            return Result(Outcome.DEFERRED, to, "451 later")
        self.taken.append((to, message))
        return Result(Outcome.SENT, to)

    def texts(self, to: str) -> list[str]:
        found = [message for mailbox, message in self.taken if mailbox == f"{to}@example.org"]
        return [message.get_body(("plain",)).get_content() for message in found]  # type: ignore[union-attr]


def step(scene: Scene, post: Post, minutes: int = 1) -> None:
    """Let some time pass, then decide and send as the jobs do."""
    scene.clock.advance(minutes * MIN_MS)
    scene.decide()
    sending.send_mail(scene.store, scene.config, scene.notify, scene.ports, post)


def change(scene: Scene, deed: Callable[[UnitOfWork], object]) -> None:
    with scene.store.unit() as unit:
        deed(unit)
        unit.commit()


def log_of(scene: Scene, name: str) -> list[tuple[str, list[str]]]:
    """Return the state of each message to somebody, with the words of its tries; the oldest first."""
    with scene.store.reader() as snapshot:
        found = outbox.newest(snapshot, 100, reader=f"user:id-{name}")[::-1]
        tried = outbox.attempts(snapshot, [one.notice_id for one in found])
    return [(one.state, [done.word for done in tried.get(one.notice_id, [])[::-1]]) for one in found]


def mute(what: str, value: str = "", until_ms: int = 2**50, whose: str = "") -> Callable[[UnitOfWork], object]:
    made = StoredMute(f"m-{what}", whose, what, value, until_ms, "2026-12-01", "works", 0, "ana")
    return lambda unit: preferences.add_mute(unit, made)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def scene(store: Store, post: Post) -> Scene:
    """A digest waits for each of three people: the mail server says later."""
    made = Scene(store).fill()
    made.flag("S0", "2026-11-23", "f0")
    made.flag("S1", "2026-11-23", "f1")
    step(made, post, 0)
    assert log_of(made, "maria") == [("waiting", ["deferred"])]
    post.is_there = True
    return made


def test_who_got_another_area_is_told_of_that_one_alone(scene: Scene, post: Post) -> None:
    change(scene, lambda unit: users.set_scope(unit, "id-maria", "operator", ["Sur"]))
    step(scene, post)
    assert post.texts("maria") == [], "what named schools of the old area does not go out"
    assert len(post.texts("luis")) == 1
    step(scene, post)
    (text,) = post.texts("maria")
    assert "Escuela <Sur>" in text and "Norte" not in text and "/flags/f0" not in text
    assert log_of(scene, "maria") == [("taken_back", ["deferred", "not_theirs"]), ("sent", ["sent"])]
    for _ in range(3):
        step(scene, post, 10)
    assert len(post.taken) == 3, "each of them once"
    names = [message["Message-ID"] for _, message in post.taken]
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    ("before", "after", "told"), [((), ("Norte",), ["f0"]), (("Norte",), (), ["f0", "f1"]), (("Norte",), ("Este",), [])]
)
def test_a_wider_a_narrower_and_an_empty_area(
    store: Store, post: Post, before: tuple[str, ...], after: tuple[str, ...], told: list[str]
) -> None:
    scene = Scene(store).fill([("eva", "viewer", before, "en")])
    for number in (0, 1):
        scene.flag(f"S{number}", "2026-11-23", f"f{number}")
    step(scene, post, 0)
    change(scene, lambda unit: users.set_scope(unit, "id-eva", "viewer", after))
    post.is_there = True
    for _ in range(3):
        step(scene, post)
    text = "".join(post.texts("eva"))
    assert [flag for flag in ("f0", "f1") if f"/flags/{flag}" in text] == told
    assert log_of(scene, "eva")[0] == ("taken_back", ["deferred", "not_theirs"])


def test_a_school_that_left_the_area_is_not_named(scene: Scene, post: Post) -> None:
    change(scene, lambda unit: unit.connection.execute(update(SCHOOLS).values(area="Sur")))
    for _ in range(3):
        step(scene, post)
    assert post.texts("maria") == []
    assert log_of(scene, "maria") == [("taken_back", ["deferred", "not_theirs"])]


def test_an_outage_that_waits_follows_the_area_too(store: Store, post: Post) -> None:
    scene = Scene(store).fill()
    scene.clock.now = at("2026-11-24 18:50")
    scene.outages = [an_outage(opened_ms=at("2026-11-24 18:40"))]
    step(scene, post)
    change(scene, lambda unit: users.set_scope(unit, "id-maria", "operator", ["Sur"]))
    post.is_there = True
    for _ in range(3):
        step(scene, post, 16)
    assert post.texts("maria") == [] and len(post.texts("luis")) == 1
    assert log_of(scene, "maria") == [("taken_back", ["deferred", "not_theirs"])]
    change(scene, lambda unit: users.set_scope(unit, "id-maria", "operator", ["Norte"]))
    for _ in range(3):
        step(scene, post, 16)
    assert len(post.texts("maria")) == 1, "it goes on, and is hers again"


def test_who_does_not_run_enlace_any_more_is_not_told_of_its_illness(store: Store, post: Post) -> None:
    scene = Scene(store).fill([("luis", "operator", (), "en"), ("ana", "admin", (), "en")])
    look(scene, FakeHost(free_bytes=100))
    step(scene, post, 0)
    change(scene, lambda unit: users.set_scope(unit, "id-luis", "viewer", ()))
    change(scene, lambda unit: users.set_scope(unit, "id-ana", "operator", ("Norte",)))
    post.is_there = True
    for _ in range(3):
        step(scene, post, 16)
    assert post.taken == []
    for name in ("luis", "ana"):
        assert log_of(scene, name) == [("taken_back", ["deferred", "not_theirs"])]


@pytest.mark.parametrize("reach", ["person", "role", "deployment"])
def test_who_wants_no_more_of_it_gets_none_until_they_want_it_again(scene: Scene, post: Post, reach: str) -> None:
    who = {"person": "id-luis", "role": "operator", "deployment": ""}[reach]
    change(scene, lambda unit: preferences.say(unit, reach, who, Preference(digest=False), 1, "luis"))
    step(scene, post)
    assert post.texts("luis") == [] and log_of(scene, "luis") == [("taken_back", ["deferred", "unwanted"])]
    assert len(post.texts("bad-ana")) == (0 if reach == "deployment" else 1)
    change(scene, lambda unit: preferences.say(unit, reach, who, Preference(), 2, "luis"))
    for _ in range(3):
        step(scene, post)
    assert len(post.texts("luis")) == 1, "what was not told is told"


def test_another_role_brings_its_preferences(scene: Scene, post: Post) -> None:
    change(scene, lambda unit: preferences.say(unit, "role", "viewer", Preference(digest=False), 1, "ana"))
    change(scene, lambda unit: users.set_scope(unit, "id-maria", "viewer", ["Norte"]))
    step(scene, post)
    assert log_of(scene, "maria") == [("taken_back", ["deferred", "unwanted"])]


@pytest.mark.parametrize("what", [("all", ""), ("area", "Norte"), ("school", "S0"), ("kind", "below_target")])
def test_what_was_muted_meanwhile_does_not_go_out(scene: Scene, post: Post, what: tuple[str, str]) -> None:
    change(scene, mute(*what, at("2026-11-25 00:00")))
    for _ in range(3):
        step(scene, post)
    rest = ["f1"] if what[0] in ("area", "school") else []
    for name, told in (("maria", []), ("luis", rest)):
        text = "".join(post.texts(name))
        assert [flag for flag in ("f0", "f1") if f"/flags/{flag}" in text] == told, name
        assert log_of(scene, name)[0] == ("taken_back", ["deferred", "unwanted"])
    scene.clock.now = at("2026-11-25 06:30")
    for _ in range(3):
        step(scene, post)
    text = "".join(post.texts("luis"))
    assert "/flags/f0" in text and "/flags/f1" in text, "the mute has ended, and nothing is lost"


def test_a_mute_of_somebody_else_changes_nothing(scene: Scene, post: Post) -> None:
    change(scene, mute("all", whose="id-luis"))
    step(scene, post)
    assert len(post.texts("maria")) == 1 and post.texts("luis") == []


@pytest.mark.parametrize("is_removed", [False, True])
def test_who_may_not_sign_in_any_more_gets_nothing_and_it_is_no_alarm(
    scene: Scene, post: Post, is_removed: bool
) -> None:
    if is_removed:
        change(scene, lambda unit: users.remove_user(unit, "id-luis"))
    else:
        disabled = update(USERS).where(USERS.c.user_id == "id-luis").values(disabled_ms=1)
        change(scene, lambda unit: unit.connection.execute(disabled))
    for _ in range(2):
        step(scene, post)
    assert post.texts("luis") == [] and log_of(scene, "luis") == [("taken_back", ["deferred", "gone"])]
    assert len(post.taken) == 2
    assert look(scene, FakeHost()) == [], "nobody has to do anything about it"
    with scene.store.reader() as snapshot:
        assert outbox.queue(snapshot) == outbox.Queue(0, None, 0)


def test_it_goes_to_the_address_that_the_person_has_now(scene: Scene, post: Post) -> None:
    change(scene, lambda unit: users.set_email(unit, "id-luis", "new-luis@example.org"))
    step(scene, post)
    assert post.texts("luis") == [] and len(post.texts("new-luis")) == 1
    with scene.store.reader() as snapshot:
        (notice,) = outbox.newest(snapshot, 10, reader="user:id-luis")
        assert outbox.attempts(snapshot, [notice.notice_id])[notice.notice_id][0].address == "new-luis@example.org"


def test_who_takes_off_the_address_and_enters_one_later_is_told_then(scene: Scene, post: Post) -> None:
    change(scene, lambda unit: users.set_email(unit, "id-luis", None))
    step(scene, post)
    assert log_of(scene, "luis") == [("taken_back", ["deferred", "no_address"])]
    change(scene, lambda unit: users.set_email(unit, "id-luis", "luis@example.org"))
    for _ in range(3):
        step(scene, post)
    assert len(post.texts("luis")) == 1


def shortly_before_quiet(store: Store, post: Post) -> Scene:
    """Let a message wait for a mail server that is back only when its reader's quiet hours have begun."""
    scene = Scene(store).fill([("eva", "viewer", (), "en")])
    change(scene, lambda unit: preferences.say(unit, "person", "id-eva", Preference(quiet="19:00-06:00"), 1, "eva"))
    scene.clock.now = at("2026-11-24 18:57")
    scene.outages = [an_outage(opened_ms=at("2026-11-24 18:40"))]
    step(scene, post)
    post.is_there = True
    return scene


def test_quiet_hours_hold_what_waits_and_it_goes_out_once_under_its_name(store: Store, post: Post) -> None:
    scene = shortly_before_quiet(store, post)
    for _ in range(66):
        step(scene, post, 10)
        assert post.taken == [], "it is quiet"
    (notice,) = scene.notices().values()
    assert notice.next_ms == at("2026-11-25 06:00") and notice.tries == 1
    step(scene, post, 2)
    step(scene, post, 30)
    assert [message["Message-ID"] for _, message in post.taken] == [f"<{notice.notice_id}@example.org>"]
    assert log_of(scene, "eva") == [("sent", ["deferred", "quiet", "sent"])]


def test_what_rests_in_quiet_hours_is_no_queue_that_is_stuck(store: Store, post: Post) -> None:
    scene = shortly_before_quiet(store, post)
    for _ in range(30):
        step(scene, post, 10)
    assert look(scene, FakeHost()) == []
    with store.reader() as snapshot:
        assert outbox.queue(snapshot).waiting_since_ms == at("2026-11-25 06:00")


def test_a_copy_of_an_old_message_follows_the_same_rules(scene: Scene, post: Post) -> None:
    step(scene, post)
    sent = scene.notices()["user:id-maria"]
    change(scene, lambda unit: users.set_scope(unit, "id-maria", "operator", ["Sur"]))
    change(scene, lambda unit: outbox.add(unit, decide.copy_of(sent, scene.clock.now_ms())))
    for _ in range(3):
        step(scene, post)
    assert len(post.texts("maria")) == 1, "what was sent before"
    assert log_of(scene, "maria")[-1] == ("taken_back", ["not_theirs"])
    with scene.store.reader() as snapshot:
        assert "flag:f0" in outbox.standing(snapshot, "user:id-maria", scene.clock.now_ms()).told


def test_a_test_message_goes_out_whatever_is_muted(scene: Scene, post: Post) -> None:
    change(scene, mute("all"))
    change(scene, lambda unit: outbox.add(unit, decide.a_test("user:id-luis", "en", "UTC", scene.clock.now_ms())))
    step(scene, post)
    assert ["This is a test" in text for text in post.texts("luis")] == [True]


@pytest.mark.parametrize("why", ["gone", "unwanted"])
def test_a_webhook_that_was_ended_or_muted_meanwhile(store: Store, why: str) -> None:
    scene = Scene(store).fill(())
    change(scene, lambda unit: webhooks.add(unit, Webhook("h1", "desk", "http://x", "s", ("digest",), 0, "ana")))
    scene.flag("S0", "2026-11-23", "f0")
    assert scene.decide() == 1
    if why == "gone":
        change(scene, lambda unit: webhooks.end(unit, "h1", 1, "ana"))
    else:
        change(scene, mute("all"))
    calls: list[str] = []

    class Nobody:
        def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Result:
            calls.append(url)
            return Result(Outcome.SENT, url)

    sending.send_hooks(store, scene.config, scene.ports, Nobody())
    assert calls == []
    assert [one.word for one in scene.attempts()["webhook:h1"]] == [why]


def test_what_was_written_before_this_version_is_held_against_the_areas_of_then(scene: Scene, post: Post) -> None:
    """A migration fills in the areas that the readers have; an empty text of a reader of some would be the country."""
    change(scene, lambda unit: unit.connection.execute(update(NOTICES).values(areas="[]")))
    for _ in range(3):
        step(scene, post)
    assert len(post.texts("maria")) == 1 and "Sur" not in post.texts("maria")[0]


def test_deciding_and_taking_back_end(scene: Scene, post: Post) -> None:
    """Whatever changes how often: in the end each is told once what is theirs."""
    for areas in (["Sur"], [], ["Norte"], ["Norte", "Sur"], []):
        change(scene, lambda unit, areas=areas: users.set_scope(unit, "id-maria", "operator", areas))  # type: ignore[misc]
        post.is_there = False
        step(scene, post)
    post.is_there = True
    for _ in range(6):
        step(scene, post)
    assert len(post.texts("maria")) == 1
    told = [json.loads(one.payload) for one in scene.notices().values() if one.reader == "user:id-maria"]
    assert told[0]["counts"]["new"] == 2
    scene.clock.advance(DAY_MS)
    step(scene, post)
    assert len(post.texts("maria")) == 1
