"""What else goes on in a country: diaries with looks at learning sites, networks, a hurricane, outages.

Diaries go through the real insert, and what follows from them is worked out by the real evaluation. Networks and
outages are written as the jobs write them: a file of networks and hours of minutes would be needed for more.
"""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import insert, select

from agent.wire import codec, forms
from agent.wire.answers import ProbeSite
from agent.wire.codec import Decoded
from agent.wire.records import Diary, Probe
from collector.evaluate import hazards as hazard_work
from collector.intake import rules
from collector.store.open import Store
from collector.store.queries import agent_settings, measurements, networks
from collector.store.queries.agent_settings import EVERYWHERE, SettingsDecision
from collector.store.queries.hazards import Hazard
from collector.store.queries.measurements import Placed
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.registry import SCHOOLS
from tests.fakes.records import a_diary_run

SITES = ("library", "ministry", "videos")
DIARY_DAYS = 5
OPENS, CLOSES, BREAKS = time(7), time(16), time(10, 30)
AT_ONCE = 1_000
OUTAGES_OVER, OUTAGES_LIVE = 60, 3
HURRICANE = "h-nation"
_SLOT_MS, _HOUR_MS = 300_000, 3_600_000

Registered = tuple[str, str, str]  # code, area, provider


def fill(store: Store, days: Sequence[date], zone: ZoneInfo, profile: str) -> None:
    """Write all of it.

    Args:
        store: With schools and measurements.
        days: School days with measurements, oldest first; the newest few get diaries.
        zone: Of all schools.
        profile: Whose verdicts are the baseline of a hazard.
    """
    with store.reader() as snapshot:
        query = select(SCHOOLS.c.code, SCHOOLS.c.area, SCHOOLS.c.provider).order_by(SCHOOLS.c.code)
        schools: list[Registered] = [(row[0], row[1], row[2]) for row in snapshot.connection.execute(query)]
    _name_sites(store)
    runs = _runs(schools, days[-DIARY_DAYS:], zone)
    while some := list(islice(runs, AT_ONCE)):
        with store.unit() as unit:
            inserted, failed = measurements.insert_once(unit, some)
            assert len(inserted) == len(some) and not failed
            unit.commit()
    _see_networks(store, schools, days[-1])
    _break(store, schools, days, zone)
    _declare(store, schools, days[-1], zone, profile)


def _name_sites(store: Store) -> None:
    said = rules.stored(
        rules.Wishes(probes=[ProbeSite(name=name, url=f"https://{name}.example.test/") for name in SITES])
    )
    with store.unit() as unit:
        agent_settings.add(unit, SettingsDecision(EVERYWHERE, 1, said, "", 0, "ana"))
        unit.commit()


def _runs(schools: Sequence[Registered], days: Sequence[date], zone: ZoneInfo) -> Iterator[Placed]:
    """Yield a run of the diary for each school day, two where the line broke in between."""
    chance = random.Random(7)
    template = codec.decode_item(msgspec.json.encode(a_diary_run())).record
    assert isinstance(template, Diary)
    for day in days:
        opens, breaks, closes = (
            round(datetime.combine(day, at, zone).timestamp() * 1000) for at in (OPENS, BREAKS, CLOSES)
        )
        for code, _area, _provider in schools:
            spans = [(opens, closes, "ok")]
            if chance.random() < 0.1:
                again = breaks + chance.randrange(1, 30) * _SLOT_MS
                spans = [(opens, breaks, "ok"), (breaks, again, "no_internet"), (again, closes, "ok")]
            for from_ms, to_ms, state in spans:
                yield _placed(template, code, (from_ms, to_ms), state, chance)


def _placed(template: Diary, code: str, span: tuple[int, int], state: str, chance: random.Random) -> Placed:
    from_ms, to_ms = span
    looks = [
        Probe(name=name, state="blocked" if at == 1 and int(code) % 11 == 0 else "open", ms=chance.uniform(90, 900))
        for at, name in enumerate(SITES)
    ]
    record = msgspec.structs.replace(
        template,
        rid=forms.uuid7(from_ms, chance.randbytes(10)),
        from_at=forms.format_time(from_ms),
        to_at=forms.format_time(to_ms),
        slots=(to_ms - from_ms) // _SLOT_MS,
        state=state,
        probes=looks if state == "ok" else None,
    )
    return Placed(
        decoded=Decoded(record, {}, chance.randbytes(32).hex()),
        device=f"d-{code}",
        school=code,
        at_ms=from_ms,
        end_ms=to_ms,
        time_quality="exact",
        time_width_ms=0,
        received_ms=to_ms + 60_000,
    )


def _see_networks(store: Store, schools: Sequence[Registered], day: date) -> None:
    """Let every school be seen on its provider's network, one in twelve on another."""
    numbers = {provider: 64_500 + at for at, provider in enumerate(sorted({row[2] for row in schools}))}
    rows = [
        {
            "school": code, "device": f"d-{code}", "day": day.isoformat(), "in_hours": True,
            "asn": 65_000 if int(code) % 12 == 0 else numbers[provider],
            "as_name": "Otra Red" if int(code) % 12 == 0 else provider,
        }
        for code, _area, provider in schools
    ]  # fmt: skip
    with store.unit() as unit:
        networks.add_days(unit, rows)
        for start in range(0, len(schools), AT_ONCE):
            networks.renew_standings(unit, [row[0] for row in schools[start : start + AT_ONCE]], day.isoformat())
        unit.commit()


def _break(store: Store, schools: Sequence[Registered], days: Sequence[date], zone: ZoneInfo) -> None:
    """Write regional outages as the watch leaves them: most are over, a few go on."""
    chance = random.Random(9)
    groups: dict[tuple[str, str], list[str]] = {}
    for code, area, provider in schools:
        groups.setdefault((area, provider), []).append(code)
    most = sorted(groups, key=lambda group: -len(groups[group]))[: OUTAGES_OVER + OUTAGES_LIVE]
    last_ms = round(datetime.combine(days[-1], BREAKS, zone).timestamp() * 1000)
    outages, members = [], []
    for number, group in enumerate(most):
        is_live = number < OUTAGES_LIVE
        start = last_ms if is_live else last_ms - chance.randrange(30 * 24) * _HOUR_MS
        outages.append(_outage(number, group, len(groups[group]), start, is_live=is_live))
        end = None if is_live else start + _HOUR_MS
        of_it = {"outage_id": outages[-1]["outage_id"], "heard_ms": start, "back_ms": end, "from_ms": start}
        members += [of_it | {"school": code, "to_ms": end} for code in groups[group]]
    with store.unit() as unit:
        unit.connection.execute(insert(OUTAGES), outages)
        unit.connection.execute(insert(OUTAGE_SCHOOLS), members)
        unit.commit()


def _outage(number: int, group: tuple[str, str], schools: int, start: int, *, is_live: bool) -> dict[str, object]:
    end = None if is_live else start + _HOUR_MS
    curve = [[start - 600_000 + at * _SLOT_MS, schools if at < 2 else 0, float(schools)] for at in range(14)]
    return {
        "outage_id": f"{number:016x}", "kind": "regional", "label": "provider", "live_label": "provider",
        "state": "open" if is_live else "closed", "area": group[0], "provider": group[1], "suspected_ms": start,
        "opened_ms": start + 720_000, "from_ms": start, "began_ms": start, "to_ms": end,
        "closed_ms": end and end + 1_200_000, "online": schools, "silent": schools, "usual": 0.02, "chance": 8e-6,
        "near_online": 40, "near_silent": 1, "confirmed": 2, "pupils": 300 * schools, "pupil_hours": 300.0 * schools,
        "timeline": json.dumps(curve), "learnt_ms": None if is_live else start + 90_000_000,
    }  # fmt: skip


def _declare(store: Store, schools: Sequence[Registered], day: date, zone: ZoneInfo, profile: str) -> None:
    """Declare a hurricane over a tenth of the districts: about 1,200 schools of 12,000."""
    areas = sorted({row[1] for row in schools})
    some = tuple(areas[: max(1, len(areas) // 10)])
    begins_ms = round(datetime.combine(day + timedelta(days=1), time(1), zone).timestamp() * 1000)
    hazard = Hazard(HURRICANE, "Hurricane", "hurricane", False, "", some, begins_ms, None, begins_ms, "ana", 1, 0)
    with store.unit() as unit:
        inside = hazard_work.inside(unit, None, some)
        hazard_work.declare(unit, hazard, inside.found, profile=profile, default_zone=str(zone))
        unit.commit()


def newest_outage(store: Store) -> str | None:
    """Return the newest outage that is over, None where there is none."""
    with store.reader() as snapshot:
        newest = select(OUTAGES.c.outage_id).where(OUTAGES.c.state == "closed").order_by(OUTAGES.c.from_ms.desc())
        found: str | None = snapshot.connection.scalar(newest.limit(1))
        return found
