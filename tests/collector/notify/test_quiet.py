"""Quiet hours through the nights in which clocks are changed, by the reader’s clock: nothing is lost or doubled."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from collector.config import CollectorConfig
from collector.domain.notice_delivery import Outcome, Result
from collector.domain.notice_facts import OutageFact
from collector.domain.notice_rules import Preference, is_quiet, quiet_ends_ms
from collector.notify import sending
from collector.store.open import Store
from collector.store.queries.notices import preferences
from collector.store.tables.registry import SCHOOLS
from tests.collector.notify.scene import DAY_MS, MIN_MS, Scene
from tests.fakes.collector_world import FakeClock

# Each with the evening before, and how the clock goes in that night: hours that it is put forward (1), back (-1).
NIGHTS = {
    "Chile, back": ("America/Santiago", "2026-04-04", -1),  # at 24:00 it is 23:00 again
    "Chile, forward": ("America/Santiago", "2026-09-05", 1),  # at 24:00 it is 01:00
    "Paraguay, back": ("America/Asuncion", "2024-03-23", -1),  # at 24:00
    "Paraguay, forward": ("America/Asuncion", "2023-09-30", 1),  # at 00:00
    "Paraguay, for good": ("America/Asuncion", "2026-03-21", 0),  # since 2024 it stays
    "Mexico, forward": ("America/Mexico_City", "2022-04-02", 1),  # at 02:00
    "Mexico, back": ("America/Mexico_City", "2022-10-29", -1),  # at 02:00
    "Mexico, at the border": ("America/Tijuana", "2026-03-07", 1),  # at 02:00
    "Jamaica": ("America/Jamaica", "2026-03-07", 0),  # never
}
# Quiet hours that end in the morning, in the hour that is left out, in the one that comes twice, at the change itself.
QUIET = ("21:00-06:00", "20:30-00:30", "20:30-02:30", "20:00-23:30", "20:30-01:30", "20:30-00:00", "20:30-02:00")


def at(zone: str, text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def clock(zone: str, moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, ZoneInfo(zone)).strftime("%d %H:%M")


@pytest.mark.parametrize("night", NIGHTS)
def test_these_nights_are_what_they_are_said_to_be(night: str) -> None:
    zone, evening, change = NIGHTS[night]
    start = datetime.fromisoformat(f"{evening} 20:00").replace(tzinfo=ZoneInfo(zone))
    later = (start.astimezone(UTC) + timedelta(hours=12)).astimezone(ZoneInfo(zone))
    assert later.hour == 8 + change


@pytest.mark.parametrize("quiet", QUIET)
@pytest.mark.parametrize("night", NIGHTS)
def test_the_end_is_the_first_minute_that_is_not_quiet(night: str, quiet: str) -> None:
    zone, evening, _change = NIGHTS[night]
    where = ZoneInfo(zone)
    for minutes in range(90, 720, 41):
        now_ms = at(zone, f"{evening} 20:00") + minutes * MIN_MS
        if not is_quiet(quiet, now_ms, where):
            continue
        end_ms = quiet_ends_ms(quiet, now_ms - 1, where)
        assert now_ms < end_ms < now_ms + 26 * 60 * MIN_MS
        assert not is_quiet(quiet, end_ms, where) and is_quiet(quiet, end_ms - MIN_MS, where)
        assert all(is_quiet(quiet, one, where) for one in range(now_ms, end_ms, MIN_MS))


def test_quiet_hours_of_nearly_a_whole_day_have_an_end() -> None:
    zone = ZoneInfo("America/Santiago")
    for evening in ("2026-04-04", "2026-09-05"):
        now_ms = at("America/Santiago", f"{evening} 12:00")
        end_ms = quiet_ends_ms("00:10-00:09", now_ms, zone)
        assert not is_quiet("00:10-00:09", end_ms, zone)
        assert end_ms - now_ms < 37 * 3_600_000, "the night may leave out the only minute that is not quiet"


@dataclass
class Post:
    """A mail server that is there or is not, and notes when it takes something."""

    clock: FakeClock
    is_there: bool = True
    taken: list[tuple[int, str]] = field(default_factory=list)

    def send(self, message: EmailMessage, to: str) -> Result:
        if not self.is_there:
            return Result(Outcome.AWAY, to, "no route")
        self.taken.append((self.clock.now_ms(), str(message["Message-ID"])))
        return Result(Outcome.SENT, to)


def a_night(store: Store, zone: str, quiet: str, from_ms: int) -> tuple[Scene, Post]:
    scene = Scene(store, clock=FakeClock(from_ms), config=CollectorConfig(default_timezone="UTC"))
    scene.fill([("eva", "viewer", (), "en")])
    with store.unit() as unit:
        unit.connection.execute(update(SCHOOLS).values(timezone=zone))
        preferences.say(unit, "person", "id-eva", Preference(quiet=quiet), 1, "eva")
        unit.commit()
    return scene, Post(scene.clock)


def an_outage(opened_ms: int) -> OutageFact:
    return OutageFact("o1", "provider", "Norte", "Onda Sur", 20, 19, 4000, opened_ms, None, None)


def live_through(scene: Scene, post: Post, moments: list[int]) -> None:
    """Decide and send at some moments, as the jobs do at all of them."""
    for moment_ms in sorted(one for one in moments if one >= scene.clock.now_ms()):
        scene.clock.now = moment_ms
        scene.decide()
        sending.send_mail(scene.store, scene.config, scene.notify, scene.ports, post)


def around(from_ms: int, end_ms: int, hours: int = 12) -> list[int]:
    """Return moments of a night: every other hour, minutes about the end of the quiet hours, and an hour after it."""
    near = [end_ms + minutes * MIN_MS for minutes in (-60, -2, -1, 0, 1, 2, 16, 45, 60)]
    return [*near, *range(from_ms, from_ms + hours * 3_600_000, 2 * 3_600_000)]


# What each night can do to a time: leave it out, or have it twice; and a plain one.
ODD = [
    ("Chile, back", "20:00-23:30"),
    ("Chile, forward", "20:30-00:30"),
    ("Paraguay, back", "20:00-23:30"),
    ("Paraguay, forward", "20:30-00:30"),
    ("Mexico, forward", "20:30-02:30"),
    ("Mexico, back", "20:30-01:30"),
    ("Mexico, at the border", "20:30-02:00"),
    *((night, "21:00-06:00") for night in NIGHTS),
]


@pytest.mark.sqlite
@pytest.mark.parametrize(("night", "quiet"), ODD)
def test_an_outage_of_the_quiet_hours_is_told_once_when_they_end(store: Store, night: str, quiet: str) -> None:
    zone, evening, _change = NIGHTS[night]
    begin_ms = at(zone, f"{evening} 21:30")
    scene, post = a_night(store, zone, quiet, begin_ms)
    scene.outages = [an_outage(begin_ms - 10 * MIN_MS)]
    end_ms = quiet_ends_ms(quiet, begin_ms, ZoneInfo(zone))
    live_through(scene, post, around(begin_ms, end_ms))
    ((at_ms, _name),) = post.taken
    assert at_ms == end_ms, clock(zone, at_ms)


@pytest.mark.sqlite
@pytest.mark.parametrize(("night", "quiet"), [(night, f"21:00{quiet[5:]}") for night, quiet in ODD])
def test_what_waits_for_a_mail_server_when_they_begin_goes_out_once_when_they_end(
    store: Store, night: str, quiet: str
) -> None:
    zone, evening, _change = NIGHTS[night]
    begin_ms = at(zone, f"{evening} 20:58")
    scene, post = a_night(store, zone, quiet, begin_ms)
    scene.outages, post.is_there = [an_outage(begin_ms - 20 * MIN_MS)], False
    live_through(scene, post, [begin_ms, begin_ms + MIN_MS])
    post.is_there = True
    (notice,) = scene.notices().values()
    end_ms = quiet_ends_ms(quiet, at(zone, f"{evening} 21:00"), ZoneInfo(zone))
    live_through(scene, post, around(begin_ms + 7 * MIN_MS, end_ms))
    ((at_ms, name),) = post.taken
    assert at_ms == end_ms, clock(zone, at_ms)
    assert name == f"<{notice.notice_id}@example.org>"


@pytest.mark.sqlite
@pytest.mark.parametrize("night", NIGHTS)
def test_the_digest_after_the_change_comes_once_at_its_time_of_the_new_clock(store: Store, night: str) -> None:
    zone, evening, _change = NIGHTS[night]
    saturday_ms = at(zone, f"{evening} 20:00")
    scene, post = a_night(store, zone, "20:00-06:45", saturday_ms)
    scene.flag("S0", evening)
    monday = datetime.fromisoformat(evening).date() + timedelta(days=2)
    end_ms = at(zone, f"{monday} 06:45")
    live_through(
        scene, post, [*around(saturday_ms, end_ms), *range(saturday_ms, end_ms, 5 * 3_600_000), end_ms + DAY_MS]
    )
    ((at_ms, _name),) = post.taken
    assert clock(zone, at_ms) == f"{monday:%d} 06:45"
