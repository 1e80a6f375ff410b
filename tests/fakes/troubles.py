"""A country in trouble, as raw rows and through the code that keeps them: an outage that goes on and some that are
over, silent PCs of every reason, a hazard with its call list, learning sites, networks, and messages with their log.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from collector.domain.notice_delivery import Outcome, Result, after
from collector.evaluate import hazards as evaluation
from collector.evaluate import outages as watch
from collector.notify import decide
from collector.store.open import Store
from collector.store.queries import agent_settings, hazards
from collector.store.queries.agent_settings import SettingsDecision
from collector.store.queries.hazards import Call, Hazard, Placed
from collector.store.queries.notices import outbox, preferences, webhooks
from collector.store.queries.notices.preferences import StoredMute
from collector.store.queries.notices.webhooks import Webhook
from collector.store.tables.devices import DEVICES
from collector.store.tables.measurements import DIARY
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import (
    NETWORK_DAYS,
    NETWORK_STANDINGS,
    PROVIDER_NETWORKS,
    SITE_DAYS,
    SITE_STANDINGS,
    SITE_TOTALS,
)
from tests.fakes import pages_world
from tests.fakes.diary import SLOT_MS, a_day, stored
from tests.fakes.pages_world import NOW_MS, ZONE
from tests.fakes.school_days import at_ms

TODAY = date(2026, 11, 24)
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
OUTAGE, HAZARD = "aaaaaaaaaaaaaaaa", "h-0001"
_SITES = ("Biblioteca", "Exámenes")
_WORDS = ("ok", "no_internet", "dns_fail", "portal", "no_gateway", "link_down", "collector_down", "asleep", "off")


@dataclass(frozen=True)
class _School:
    code: str
    area: str
    provider: str
    pupils: int


def add(store: Store) -> None:
    """Add all of it to a country of `pages_world`."""
    with store.reader() as snapshot:
        c = SCHOOLS.c
        query = select(c.code, c.area, c.provider, c.students_total).where(c.provider.is_not(None)).order_by(c.code)
        found = [_School(*row) for row in snapshot.connection.execute(query)]
    by_group: dict[tuple[str, str], list[_School]] = {}
    for one in found:
        by_group.setdefault((one.area, one.provider), []).append(one)
    (area, provider), taken = max(by_group.items(), key=lambda one: len(one[1]))
    _diaries(store, found, {one.code for one in taken})
    _outages(store, taken, area, provider, found)
    _networks(store, found)
    _sites(store, found)
    _hazard(store)
    _notices(store)
    pages_world.note_silent(store)
    pages_world.count_heard(store)


def _at(clock: str, day: date = TODAY) -> int:
    return at_ms(day, clock, ZONE)


def _diaries(store: Store, found: Sequence[_School], taken: set[str]) -> None:
    """Give every PC a diary of some days; of those that fell silent a last word, each school another."""
    chance = random.Random(3)
    runs: list[dict[str, object]] = []
    contacts: dict[str, int] = {}
    for number, school in enumerate(found):
        for pc in (1, 2):
            device = f"d-{school.code}-{pc}"
            fell = _silent_since(number, pc, school.code in taken, chance)
            said = []
            for back in range(30, -1, -1):
                day = TODAY - timedelta(days=back)
                if day.weekday() > 4 or chance.random() < 0.06:
                    continue
                said += a_day(device, _at("07:30", day) + pc * SLOT_MS, (30, "ok"), (2, "dns_fail"), (70, "ok"))
            said = [run for run in said if run.to_ms <= fell]
            if fell < NOW_MS - HOUR_MS:
                word = _WORDS[number % len(_WORDS)]
                said += a_day(device, fell - 3 * SLOT_MS, (3, word))
            contacts[device] = min(fell + 20_000, NOW_MS - chance.randrange(60_000, 900_000))
            runs += [row.row() for row in stored(school.code, said, first=len(runs))]
    with store.unit() as unit:
        for device, contact_ms in contacts.items():
            heard = update(DEVICES).where(DEVICES.c.device == device)
            unit.connection.execute(heard.values(last_contact_ms=contact_ms))
        unit.connection.execute(insert(DIARY), runs)
        unit.commit()


def _silent_since(number: int, pc: int, is_taken: bool, chance: random.Random) -> int:
    if is_taken:
        return _at("08:40") - chance.randrange(0, 6) * MINUTE_MS
    if number % 9 == 4:  # a whole school, in class
        return _at("10:05", TODAY - timedelta(days=3 + number % 20))
    if number % 11 == 5 and pc == 2:  # one PC of two, in class
        return _at("09:35", TODAY - timedelta(days=4))
    if number % 13 == 6 and pc == 2:  # at the end of a day
        return _at("16:40", TODAY - timedelta(days=5 + number % 30))
    return NOW_MS


def _outages(store: Store, taken: Sequence[_School], area: str, provider: str, found: Sequence[_School]) -> None:
    begin = _at("08:40")
    many = len(taken)
    curve = [[_at("07:10") + n * SLOT_MS, min(many, max(0, n - 2)), many / (1 + 2.7 ** (5 - n))] for n in range(39)]
    for point in curve:
        if point[0] > begin:
            point[1] = max(1, many - round((point[0] - begin) / SLOT_MS * many / 3))
            point[2] = many - 0.5
    rows = [
        (_outage(OUTAGE, "provider", "open", area, provider, begin, None, many, many - 1, timeline=json.dumps(curve)),
         [_member(OUTAGE, one, begin - (n % 6) * MINUTE_MS, _at("09:30") if n == 0 else None,
                  "down" if n in (1, 4) else "") for n, one in enumerate(taken)]),
    ]  # fmt: skip
    past = (
        ("provider", "", "Alto Satélite", 16, "10:15", 95, 13, 13),
        ("area", "Isla Brava", "", 3, "09:05", 315, 9, 10),
        ("collector", "", "", 20, "08:10", 40, 104, 120),
    )
    for n, (label, where, who, day, clock, minutes, silent, online) in enumerate(past):
        start = _at(clock, date(2026, 11, day) if n != 2 else date(2026, 10, day))
        name = f"{n}" * 16
        lost = None if label == "collector" else 640.0 * (n + 1)
        row = _outage(name, label, "closed", where, who, start, start + minutes * MINUTE_MS, online, silent,
                      pupil_hours=lost, learnt_ms=start + 3 * DAY_MS if n == 1 else None)  # fmt: skip
        members = [_member(name, one, start, start + minutes * MINUTE_MS, "down") for one in found[n * 7 :][:silent]]
        rows.append((row, members))
    with store.unit() as unit:
        for row, members in rows:
            watch.keep(unit, row["outage_id"], [(row, members)])
        unit.commit()


def _outage(
    name: str, label: str, state: str, area: str, provider: str, start: int, end: int | None, online: int, silent: int,
    **more: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "outage_id": name, "kind": "regional", "label": label, "live_label": label, "state": state, "area": area,
        "provider": provider, "suspected_ms": start, "opened_ms": start + 10 * MINUTE_MS, "recovered_ms": end,
        "whole_ms": end, "closed_ms": end, "from_ms": start, "began_ms": start, "to_ms": end, "online": online,
        "silent": silent, "usual": 0.02, "chance": 8e-9, "near_online": 31, "near_silent": 1, "confirmed": 2,
        "pupils": 5793, "pupil_hours": 9674.0, "timeline": "[]", "learnt_ms": None, "seen_live": True, **more,
    }  # fmt: skip


def _member(name: str, school: _School, heard_ms: int, back_ms: int | None, said: str) -> dict[str, Any]:
    return {
        "outage_id": name, "school": school.code, "heard_ms": heard_ms, "back_ms": back_ms, "is_late_only": False,
        "said": said, "from_ms": heard_ms, "to_ms": back_ms, "pupil_hours": None, "days": "[]",
    }  # fmt: skip


def _networks(store: Store, found: Sequence[_School]) -> None:
    """Put each provider on a network of its own; some schools are on another, and two PCs went elsewhere."""
    numbers = {name: 64500 + n for n, name in enumerate(sorted({one.provider for one in found}))}
    names = {number: f"{name} <AS>" for name, number in numbers.items()} | {64511: "Casa Móvil"}
    rows, days = [], []
    for n, school in enumerate(found):
        own = 64511 if n % 17 == 3 else numbers[school.provider]
        rows.append({"school": school.code, "asn": own, "as_name": names[own], "day": "2026-11-23"})
        for pc in (1, 2):
            seen = {"school": school.code, "device": f"d-{school.code}-{pc}", "in_hours": True}
            days.append({**seen, "day": "2026-10-28", "asn": own, "as_name": names[own]})
            if n % 13 == 6 and pc == 2:
                days.append({**seen, "day": "2026-10-29", "asn": 64511, "as_name": "Casa Móvil", "in_hours": False})
    first = sorted(numbers)[0]
    with store.unit() as unit:
        unit.connection.execute(insert(NETWORK_STANDINGS), rows)
        unit.connection.execute(insert(NETWORK_DAYS), days)
        entry = {"provider": first, "asn": numbers[first], "as_name": names[numbers[first]]}
        unit.connection.execute(insert(PROVIDER_NETWORKS), [{**entry, "added_ms": NOW_MS, "added_by": "ana"}])
        unit.commit()


def _sites(store: Store, found: Sequence[_School]) -> None:
    probes = [{"name": name, "url": f"https://{name[:4].lower()}.example"} for name in _SITES]
    words = ("open", "slow", "blocked", "dns_fail", "unreachable")
    letters = dict(zip(words, "osbdu", strict=True))
    chance = random.Random(9)
    looks: list[dict[str, Any]] = []
    for site, weights in zip(_SITES, ((70, 12, 6, 6, 6), (95, 5, 0, 0, 0)), strict=True):
        for school in found:
            looks.append({"school": school.code, "site": site, "word": chance.choices(words, weights)[0]})
    days = [
        {**one, "day": (TODAY - timedelta(days=back)).isoformat(), **dict.fromkeys(words, 0), one["word"]: 2,
         "hours": "." * 8 + 2 * letters[one["word"]] + "." * 14, "line_hours": 2,
         "line_opened": 2 if one["word"] in ("open", "slow") else 0, "median_ms": 210.0, "learnt_ms": NOW_MS}
        for one in looks for back in range(1, 5)
    ]  # fmt: skip
    opened = {site: sum(one["site"] == site and one["word"] in ("open", "slow") for one in looks) for site in _SITES}
    total = {"day": "2026-11-23", "schools": len(found)}
    with store.unit() as unit:
        agent_settings.add(unit, SettingsDecision("", 1, json.dumps({"probes": probes}), "", NOW_MS, "ana"))
        unit.connection.execute(insert(SITE_STANDINGS), [{**one, "day": "2026-11-23"} for one in looks])
        unit.connection.execute(insert(SITE_DAYS), days)
        unit.connection.execute(insert(SITE_TOTALS), [{**total, "site": one, "opened": opened[one]} for one in _SITES])
        unit.commit()


def _hazard(store: Store) -> None:
    """Declare a hurricane over the north, with some calls made."""
    ring = [[-60.4, 13.6], [-59.9, 13.6], [-59.9, 13.95], [-60.4, 13.95], [-60.4, 13.6]]
    shape = json.dumps({"type": "MultiPolygon", "coordinates": [[ring]]})
    begins = _at("06:00")
    with store.unit() as unit:
        c = SCHOOLS.c
        inside = c.longitude.between(-60.4, -59.9) & c.latitude.between(13.6, 13.95)
        query = select(c.code, c.longitude, c.latitude, c.area, c.timezone, c.is_demo).where(inside).order_by(c.code)
        members = [Placed(*row) for row in unit.connection.execute(query)]
        for n, one in enumerate(members):
            told = {"shelter": n % 3 == 1, "phone": f"+1 246 555 01{n:02}"}
            unit.connection.execute(update(SCHOOLS).where(c.code == one.code).values(told))
        hazard = Hazard(HAZARD, "Huracán Iota", "hurricane", False, shape, (), begins, None, begins, "otto", 1, 1)
        evaluation.declare(unit, hazard, members, profile=pages_world.PROFILE, default_zone=ZONE)
        old = Hazard("h-0000", "Simulacro de octubre", "flood", True, "", ("Norte",), begins - 40 * DAY_MS,
                     begins - 39 * DAY_MS, begins - 40 * DAY_MS, "otto", 1, 1)  # fmt: skip
        evaluation.declare(unit, old, members[:9], profile=pages_world.PROFILE, default_zone=ZONE)
        for n, one in enumerate(members[:5]):
            hazards.add_call(unit, Call(f"c{n}", HAZARD, one.code, 1, begins + n * HOUR_MS, "otto", "claim"))
            if n < 4:
                answer = ("works", "down", "degraded", "no_answer")[n]
                done = Call(f"r{n}", HAZARD, one.code, 2, begins + n * HOUR_MS + 300_000, "otto", "result", "call",
                            answer, "la luz del router está roja" if n == 1 else None)  # fmt: skip
                hazards.add_call(unit, done)
        unit.commit()


def _notices(store: Store) -> None:
    """Some messages: sent, refused, waiting; a webhook; a mute."""
    mute = StoredMute("m1", "", "area", "Los Cayos", NOW_MS + 9 * DAY_MS, "2026-12-03", "obras en el mástil", NOW_MS,
                      "ana")  # fmt: skip
    hook = Webhook("w1", "Mesa de ayuda", "https://desk.example/hook", "s", ("digest", "outage"), NOW_MS, "ana")
    with store.unit() as unit:
        for name in ("otto", "vera", "abel"):
            made = decide.a_test(f"user:user-{name}", "es", ZONE, NOW_MS - HOUR_MS)
            outbox.add(unit, made)
            if name != "abel":
                result = (
                    Result(Outcome.SENT, "otto@example.org")
                    if name == "otto"
                    else Result(Outcome.REFUSED, "vera@example.org", "550 no such mailbox")
                )
                outbox.settle(unit, made, result, after(result, 0, NOW_MS), NOW_MS)
        webhooks.add(unit, hook)
        preferences.add_mute(unit, mute)
        unit.commit()
