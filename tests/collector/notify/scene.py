"""A deployment with people who are told things, and a clock that stands at a Tuesday morning of Barbados."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert, update

from collector.config import CollectorConfig
from collector.domain.notice_facts import OutageFact
from collector.notify import decide, sending
from collector.notify.sending import Round
from collector.notify.settings import NotifyConfig
from collector.ports import Ports
from collector.real.mail import SmtpMailer
from collector.store.open import Store
from collector.store.queries import schools, users
from collector.store.queries.notices import outbox
from collector.store.queries.notices.outbox import Attempt, Notice
from collector.store.queries.users import User
from collector.store.tables.judgement import FLAGS
from collector.store.unit import Snapshot
from tests.fakes.collector_world import FakeClock, fake_ports

ZONE = "America/Barbados"
MIN_MS = 60_000
DAY_MS = 86_400_000


def at(text: str) -> int:
    """Return a moment of the wall clock of Barbados."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


MORNING_MS = at("2026-11-24 06:30")
PEOPLE = (
    ("bad-ana", "admin", (), "es"),
    ("luis", "operator", (), "en"),
    ("maria", "operator", ("Norte",), "fr"),
)


@dataclass
class Scene:
    """Store, clock and configuration in one hand."""

    store: Store
    clock: FakeClock = field(default_factory=lambda: FakeClock(MORNING_MS))
    config: CollectorConfig = field(
        default_factory=lambda: CollectorConfig(default_timezone=ZONE, public_url="https://enlace.example")
    )
    notify: NotifyConfig = field(
        default_factory=lambda: NotifyConfig(
            smtp_host="127.0.0.1", smtp_security="none", from_address="Enlace <enlace@example.org>", smtp_timeout_s=30.0
        )
    )
    outages: list[OutageFact] = field(default_factory=list)

    @property
    def ports(self) -> Ports:
        return fake_ports(self.clock)

    def fill(self, people: Sequence[tuple[str, str, tuple[str, ...], str]] = PEOPLE) -> "Scene":
        with self.store.unit() as unit:
            for name, role, areas, language in people:
                email = f"{name}@example.org"
                users.create_user(unit, User(f"id-{name}", name, role, "x", language, 0, None, areas, email))
            for number, area in enumerate(("Norte", "Sur")):
                schools.add(unit, [a_school(f"S{number}", f"Escuela <{area}>", area)])
            unit.commit()
        return self

    def flag(self, school: str, opened_on: str, name: str = "", **more: object) -> None:
        row = {
            "flag_id": name or f"{school}-{opened_on}", "school": school, "kind": "below_target", "profile": "p",
            "metric": "download_bps", "below_since": opened_on, "opened_on": opened_on, "state": "open",
            "state_count": 1, "severity": "serious", "is_stale": False, "last_day": opened_on, **more,
        }  # fmt: skip
        with self.store.unit() as unit:
            unit.connection.execute(insert(FLAGS).values(row))
            unit.commit()

    def recover(self, flag_id: str, day: str, by: str = "recovered") -> None:
        with self.store.unit() as unit:
            this = update(FLAGS).where(FLAGS.c.flag_id == flag_id)
            unit.connection.execute(this.values(state="closed", closed_on=day, closed_by=by))
            unit.commit()

    def known(self, snapshot: Snapshot, _now_ms: int) -> Sequence[OutageFact]:
        return [one for one in self.outages if snapshot.scope.is_whole or snapshot.scope.covers(one.area)]

    def decide(self) -> int:
        return decide.decide(self.store, self.config, self.notify, self.ports, self.known)

    def send(self, port: int, password: str = "", **more: object) -> Round:
        from msgspec.structs import replace

        notify = replace(self.notify, smtp_port=port, **more)
        return sending.send_mail(self.store, self.config, notify, self.ports, SmtpMailer(notify, password))

    def notices(self) -> dict[str, Notice]:
        """Return the notices by reader; of several the newest."""
        with self.store.reader() as snapshot:
            return {one.reader: one for one in reversed(outbox.newest(snapshot, 1000))}

    def attempts(self) -> dict[str, list[Attempt]]:
        """Return the tries by reader, the oldest first."""
        with self.store.reader() as snapshot:
            found = outbox.newest(snapshot, 1000)
            tried = outbox.attempts(snapshot, [one.notice_id for one in found])
        return {one.reader: tried.get(one.notice_id, [])[::-1] for one in found}

    def words(self) -> dict[str, list[str]]:
        return {
            reader.removeprefix("user:id-"): [one.word for one in tried] for reader, tried in self.attempts().items()
        }


def a_school(code: str, name: str, area: str) -> dict[str, object]:
    return {
        "code": code, "name": name, "name_folded": name.lower(), "name_order": name.lower(), "area": area,
        "timezone": ZONE, "is_demo": False, "created_ms": 0, "updated_ms": 0,
    }  # fmt: skip
