"""A small country filled straight into the tables, so that pages have something to show.

Numbers are made from a seed and fit each other (a verdict follows from the tests beside it); nothing is evaluated here.
"""

import functools
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from sqlalchemy import insert

from collector.config import CollectorConfig
from collector.demo import names
from collector.domain.inference import effective_size, wilson
from collector.evaluate import heard, silence, work
from collector.evaluate.inputs import Reference
from collector.profiles import catalogue
from collector.registry.names import fold, order_key
from collector.store.open import Store
from collector.store.queries import schools, users
from collector.store.queries.users import User
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import EVALUATIONS, FLAG_EVENTS, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.people import FACTS
from tests.fakes import summed_up

ZONE = "America/Barbados"
PROFILE, VERSION, METRIC = "un-umc-2030", "2022-04-19", "download_bps"
NOW_MS = round(datetime(2026, 11, 24, 14, 20, tzinfo=UTC).timestamp() * 1000)
LAST_DAY = date(2026, 11, 23)
_AREAS = ("Norte", "Bahía Honda", "Costa Sur", "Poniente", "Isla Brava", "Los Cayos")
_TOWNS = {area.name: area.towns for area in names.AREAS}
_PROVIDERS = (("Onda Sur", "fixed wireless"), ("Alto Satélite", "satellite"), ("Cable Brava", "cable"))
_IDLE_MS = {"satellite": 612.0, "cable": 21.0}  # of other technologies 44
_LOADED_MS = {"satellite": 1249.0, "cable": 54.0}  # 95th percentile under load; of others 260
_TEST_BYTES = 4_000_000
_KINDS = ("Escuela Básica", "Colegio", "Escuela Rural", "Liceo", "Escuela")
_PLACES = (
    "Loma Verde", "Cayo Perla", "Puente Viejo", "Agua Dulce", "Playa Larga", "La Cantera", "El Naranjal", "Mirador",
    "Arroyo Seco", "Punta Coral", "La Esperanza", "Flor del Mar", "Alto Sereno", "Ñandú", "Álamo", "Río Manso",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One school of the small country."""

    code: str
    name: str
    factor: float  # its true median as a part of the target
    area: str = "Norte"
    provider: str = "Onda Sur"
    technology: str = "fixed wireless"
    pupils: int | None = 240
    contract: float | None = 30.0
    tests_a_day: int = 4
    is_demo: bool = True
    falls_on: date | None = date(2026, 10, 21)  # before it the line was good
    at: tuple[float, float] | None = None  # latitude, longitude


PASSWORDS = {
    "ana": "correct horse battery",
    "vera": "staple of the viewer",
    "otto": "battery of the operator",
    "abel": "horse of the analyst",
    "cleo": "operator of the cays",
    "cora": "viewer of the cays",
    "alma": "analyst of the cays",
}


@functools.cache
def _cheap_hash(name: str) -> str:
    """Return a hash that is quick to verify: its own parameters say how much work it is."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORDS[name])


PEOPLE = {
    "ana": ("admin", ()),
    "vera": ("viewer", ()),
    "otto": ("operator", ()),
    "abel": ("analyst", ()),
    "cora": ("viewer", ("Los Cayos",)),
    "cleo": ("operator", ("Los Cayos",)),
    "alma": ("analyst", ("Los Cayos",)),
}
"""Role and areas of everybody."""


def add_people(store: Store) -> None:
    """Add everybody of `PEOPLE`."""
    with store.unit() as unit:
        for name, (role, areas) in PEOPLE.items():
            users.create_user(unit, User(f"user-{name}", name, role, _cheap_hash(name), None, NOW_MS, None, areas))
        unit.commit()


def _near(area: str, number: int) -> tuple[float, float]:
    """Return a place near one of the towns of an area; from a chance of its own, so that other numbers stay."""
    chance = random.Random(number)
    latitude, longitude = chance.choice(_TOWNS[area])
    return round(latitude + chance.uniform(-0.018, 0.018), 5), round(longitude + chance.uniform(-0.018, 0.018), 5)


def places(count: int, seed: int = 5) -> list[Place]:
    """Return so many schools, the first one the worst."""
    chance = random.Random(seed)
    found = [
        Place(
            "0301017",
            "Escuela Básica Loma Verde",
            0.53,
            "Poniente",
            pupils=486,
            tests_a_day=5,
            at=_TOWNS["Poniente"][0],
        )
    ]
    while len(found) < count:
        index = len(found)
        area = chance.randrange(len(_AREAS))
        provider, technology = _PROVIDERS[chance.choice((0, 0, 1, 2))]
        kind = chance.random()
        factor = chance.uniform(0.5, 0.85) if kind < 0.13 else chance.uniform(0.95, 1.05) if kind < 0.3 else 1.4
        found.append(
            Place(
                code=f"0{area + 1}{index:05d}",
                name=f"{chance.choice(_KINDS)} {chance.choice(_PLACES)}",
                factor=factor,
                area=_AREAS[area],
                provider=provider,
                technology=technology,
                pupils=chance.randrange(50, 560),
                contract=30.0 if index % 9 else None,
                tests_a_day=0 if index % 23 == 22 else 1 if index % 17 == 16 else 4,
                at=_near(_AREAS[area], index) if index % 31 else None,
            )
        )
    return found


def seed(store: Store, found: list[Place], days_back: int = 78) -> None:
    """Fill the tables with schools and some school days of each."""
    chance = random.Random(11)
    with store.unit() as unit:
        for number, place in enumerate(found):
            rows = _Rows(place, number, chance, days_back)
            schools.add(unit, [rows.school()])
            for table, values in rows.tables():
                if len({frozenset(row) for row in values}) > 1:
                    # An insert takes the columns of its first row, and drops what only others have.
                    raise ValueError(f"rows of {table} with different columns")
                if values:
                    unit.connection.execute(insert(table), values)
        unit.connection.execute(insert(FACTS), [{"name": "last_evaluation_ms", "value": str(NOW_MS - 9 * 3_600_000)}])
        summed_up.renew_all(unit)
        unit.commit()
    note_silent(store)


def note_silent(store: Store, now_ms: int = NOW_MS) -> None:
    """Work out who is silent, as the jobs do; the days of conditions are left to who tests flags."""
    with store.reader() as snapshot:
        config = CollectorConfig(default_timezone=ZONE)
        deployment = work.deployment_of(snapshot, config, catalogue.load(), Reference())
        found = silence._silences(snapshot, silence._schools(snapshot, deployment, now_ms))
    silence._write_silences(store, found)


def count_heard(store: Store, now_ms: int = NOW_MS) -> None:
    """Count who was heard on each day that is over, as the jobs do: some days in each run."""
    with store.reader() as snapshot:
        config = CollectorConfig(default_timezone=ZONE)
        deployment = work.deployment_of(snapshot, config, catalogue.load(), Reference())
    for _run in range(7):
        heard.write(store, deployment, now_ms)


class _Rows:
    """All rows of one school."""

    def __init__(self, place: Place, number: int, chance: random.Random, days_back: int) -> None:
        self.place, self.number, self.chance = place, number, chance
        self.target = max(20_000_000, round((place.pupils or 0) * 50_000))
        self.loaded_ms = _LOADED_MS.get(place.technology, 260.0)
        self.measurements: list[dict[str, object]] = []
        self.days: list[dict[str, object]] = []
        self.evaluations: list[dict[str, object]] = []
        self.flag: dict[str, object] | None = None
        self.events: list[dict[str, object]] = []
        first = LAST_DAY - timedelta(days=days_back)
        for offset in range(days_back + 2):
            self._day(first + timedelta(days=offset))

    def tables(self) -> list[tuple[object, list[dict[str, object]]]]:
        return [
            (DEVICES, self._devices()),
            (MEASUREMENTS, self.measurements),
            (SCHOOL_DAYS, self.days),
            (EVALUATIONS, self.evaluations),
            (FLAGS, [self.flag] if self.flag else []),
            (FLAG_EVENTS, self.events),
        ]

    def school(self) -> dict[str, object]:
        place = self.place
        return {
            "code": place.code, "name": place.name, "name_folded": fold(place.name),
            "name_order": order_key(place.name, place.code), "area": place.area, "timezone": ZONE,
            "latitude": place.at[0] if place.at else None, "longitude": place.at[1] if place.at else None,
            "education_level": "primary", "students_total": place.pupils, "provider": place.provider,
            "technology": place.technology, "contract_download_mbps": place.contract, "contract_upload_mbps": 10.0,
            "is_demo": place.is_demo, "created_ms": NOW_MS, "updated_ms": NOW_MS,
        }  # fmt: skip

    def _devices(self) -> list[dict[str, object]]:
        silent = self.number % 7 == 6
        heard = NOW_MS - (9 * 86_400_000 if silent else self.chance.randrange(60_000, 7_000_000))
        base = {
            "school": self.place.code, "machine_hash": "0" * 64, "os": "Windows 10", "agent_version": "0.1.0",
            "enrolled_ms": NOW_MS - 90 * 86_400_000, "lineages": 1, "is_volatile": False, "clock_offset_ms": 900,
        }  # fmt: skip
        return [
            base | {"device": f"d-{self.place.code}-1", "state": "active", "last_contact_ms": heard, "ledger_ready": 0},
            base
            | {
                "device": f"d-{self.place.code}-2",
                "state": "pending" if self.number % 40 == 3 else "active",
                "last_contact_ms": heard - 600_000,
                "clock_offset_ms": -17 * 31_557_600_000 if self.number % 40 == 4 else 900,
                "ledger_ready": 3 if silent else 0,
            },
        ]

    def _day(self, day: date) -> None:
        is_open = day.weekday() < 5
        holiday = (day.month, day.day) in ((10, 12), (11, 2))
        votes: list[int] = []
        before = len(self.measurements)
        if is_open and not holiday and self.chance.random() > 0.08:
            votes = self._tests(day)
        made = len(self.measurements) - before
        if day > LAST_DAY:
            return
        if is_open:
            self.days.append({
                "school": self.place.code, "day": day.isoformat(), "is_open": not holiday,
                "suppressed": "holiday" if holiday else None, "measurements": made, "voting": len(votes),
                "median_download_bps": round(median(votes)) if votes else None,
                "median_idle_rtt_ms": _IDLE_MS.get(self.place.technology, 44.0) if votes else None,
                "used_bytes": _TEST_BYTES * made,
                "loaded_n": len(votes), "loaded_slow_n": len(votes) if self.loaded_ms > 200 else 0,
                "loaded_limit_ms": 200.0, "median_loaded_ms": self.loaded_ms if votes else None,
            })  # fmt: skip
        if votes:
            self._judge(day)

    def _tests(self, day: date) -> list[int]:
        falls = self.place.falls_on
        factor = 1.35 if falls is not None and day < falls and self.place.factor < 1 else self.place.factor
        today = factor * self.chance.lognormvariate(0, 0.16)
        votes = []
        for index in range(self.place.tests_a_day):
            cap = (self.place.contract or 60) * 0.95e6
            speed = round(min(cap, self.target * today * self.chance.lognormvariate(0, 0.22)))
            minute = self.chance.randrange(430, 1000)
            start = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(ZONE))
            if start.timestamp() * 1000 > NOW_MS:
                continue
            aside = self.chance.random() < 0.07
            votes += [] if aside else [speed]
            self.measurements.append(self._measurement(start, speed, aside, index))
        return votes

    def _measurement(self, start: datetime, speed: int, aside: bool, index: int) -> dict[str, object]:
        at_ms = round(start.timestamp() * 1000)
        return {
            "device": f"d-{self.place.code}-{1 + index % 2}", "rid": f"{self.place.code}-{at_ms}-{index}",
            "school": self.place.code, "status": "ok", "tier": "capacity", "trigger": "window", "started_ms": at_ms,
            "started_raw_ms": at_ms, "time_quality": "exact", "time_width_ms": 0, "received_ms": at_ms + 20_000,
            "download_bps": speed, "download_half_width_pct": 3.0, "download_lower_bound": False,
            "upload_bps": speed // 3, "idle_rtt_ms": 44.0, "idle_rtt_min_ms": 41.0, "idle_loss_pct": 0.0, "idle_n": 20,
            "idle_method": "udp_echo", "gateway_rtt_ms": 1.2, "engine": "ndt7", "server_id": "tp1",
            "loaded_download_rtt_ms": 190.0, "loaded_method": "udp_echo",
            "loaded_download_p95_ms": self.loaded_ms,
            "download_bytes": _TEST_BYTES - 900_000, "upload_bytes": 900_000, "medium": ("ethernet", "wifi")[index % 2],
            "link_bps": 1_000_000_000 if index % 2 == 0 else 400_000_000, "content_hash": "0",
            "votes": not aside, "exclusion": "busy_line" if aside else None,
        }  # fmt: skip

    def _judge(self, day: date) -> None:
        window_days = sorted({row["day"] for row in self.days if row["voting"] and row["day"] <= day.isoformat()})[-10:]
        zone = ZoneInfo(ZONE)
        window = [
            row
            for row in self.measurements
            if row["votes"]
            and datetime.fromtimestamp(int(str(row["started_ms"])) / 1000, zone).date().isoformat() in window_days
        ]
        speeds = [int(str(row["download_bps"])) for row in window]
        n, days = len(speeds), len(window_days)
        if not n:
            return
        attained = sum(speed >= self.target for speed in speeds)
        n_effective = effective_size(n, days, 0.3)
        bounds = wilson(attained / n, n_effective)
        verdict = (
            "INSUFFICIENT" if n < 12 or days < 5
            else "BELOW" if bounds.upper < 0.5 else "MEETS" if bounds.lower >= 0.5 else "BORDERLINE"
        )  # fmt: skip
        typical = round(median(speeds))
        ratio = typical / self.target
        severity = "severe" if ratio < 0.5 else "serious" if ratio < 0.8 else "mild" if ratio < 1 else None
        row: dict[str, object] = {
            "school": self.place.code, "profile": PROFILE, "profile_version": VERSION, "metric": METRIC,
            "day": day.isoformat(), "window_from": window_days[0], "n": n, "days": days, "n_effective": n_effective,
            "attained": attained, "unknown": 0, "failed": n - attained, "a_lo": attained / n, "a_hi": attained / n,
            "lower": bounds.lower, "upper": bounds.upper, "share": 0.5, "verdict": verdict, "state": "none",
            "state_count": 0, "target_bps": self.target, "is_estimated": self.place.pupils is None,
            "median_bps": typical, "severity": severity, "loaded_n": n, "window_loaded_ms": self.loaded_ms,
            "window_idle_ms": _IDLE_MS.get(self.place.technology, 44.0),
        }  # fmt: skip
        self._fold(day, verdict, row)
        self.evaluations.append(row)

    def _fold(self, day: date, verdict: str, row: dict[str, object]) -> None:
        before = self.evaluations[-1] if self.evaluations else None
        numbers = json.dumps({key: row[key] for key in ("n", "attained", "lower", "upper", "median_bps", "target_bps")})
        if self.flag is None and verdict == "BELOW" and before is not None and before["verdict"] == "BELOW":
            flag_id = f"F-{self.place.code}-{day:%Y%m%d}"
            self.flag = {
                "flag_id": flag_id, "school": self.place.code, "kind": "below_target", "profile": PROFILE,
                "metric": METRIC, "below_since": before["day"], "opened_on": day.isoformat(), "state": "open",
                "state_count": 0, "severity": row["severity"], "is_stale": False, "last_day": day.isoformat(),
            }  # fmt: skip
            event = {"flag_id": flag_id, "seq": 1, "day": day.isoformat(), "event": "opened", "numbers": numbers}
            self.events.append(event)
        if self.flag is not None:
            self.flag |= {"severity": row["severity"] or "mild", "last_day": day.isoformat()}
            row["state"] = "open"
        elif verdict == "BELOW":
            row["state"], row["state_count"] = "watch", 1


def country(store: Store, count: int = 121) -> None:
    """Fill a store with people and schools, one of them without any test."""
    add_people(store)
    found = places(count - 1)
    live = Place("this-computer", "This computer", 1.0, tests_a_day=0, is_demo=True, pupils=None, contract=None)
    seed(store, [*found, live])
    add_outage(store, [one for one in found if (one.area, one.provider) == (found[0].area, found[0].provider)][:3])


def small(store: Store) -> list[Place]:
    """Fill a store with a few schools of each verdict, quickly."""
    base = Place("00123", "Escuela Ñandú", 0.5, tests_a_day=4, at=(13.79, -60.13))
    found = [
        base,
        replace(base, code="00200", name="Álamo", factor=1.4, area="Los Cayos", at=(13.52, -60.28)),
        replace(
            base, code="00201", name="Zapata", factor=1.0, falls_on=None, provider="Cable Brava", at=(13.76, -60.05)
        ),
        replace(base, code="00202", name="alba", factor=1.4, tests_a_day=1),
        replace(base, code="00203", name="Écija", factor=1.4, tests_a_day=0, contract=None, at=None),
    ]
    add_people(store)
    seed(store, found, days_back=24)
    add_outage(store, [found[0], found[3], found[4]])
    count_heard(store)
    return found


OUTAGE = "0123456789abcdef"


def add_outage(store: Store, schools: Sequence[Place]) -> None:
    """Add a regional outage of schools of one area and provider that is over, as the watch would have written it."""
    start, end = NOW_MS - 5 * 86_400_000, NOW_MS - 5 * 86_400_000 + 5_400_000
    row = {
        "outage_id": OUTAGE, "kind": "regional", "label": "provider", "live_label": "provider", "state": "closed",
        "area": schools[0].area, "provider": schools[0].provider, "suspected_ms": start, "opened_ms": start + 720_000,
        "from_ms": start,
        "began_ms": start, "to_ms": end, "closed_ms": end + 1_200_000, "online": 3, "silent": 3, "usual": 0.02,
        "chance": 8e-6, "near_online": 6, "near_silent": 0, "confirmed": 2, "pupils": 900, "pupil_hours": 1350.0,
        "timeline": json.dumps([[start - 600_000 + n * 300_000, 3 if n < 2 else 0, 3.0] for n in range(20)]),
        "learnt_ms": end + 90_000_000,
    }  # fmt: skip
    with store.unit() as unit:
        unit.connection.execute(insert(OUTAGES).values(**row))
        unit.connection.execute(
            insert(OUTAGE_SCHOOLS),
            [
                {
                    "outage_id": OUTAGE,
                    "school": one.code,
                    "heard_ms": start,
                    "back_ms": end,
                    "from_ms": start,
                    "to_ms": end,
                }
                for one in schools
            ],
        )
        unit.commit()
