"""Drills on invented schools: a hazard as a page begins it, and an outage in a copy, in simulated time.

For the outage the deployment is only read, and the code that watches and tells is the deployment's. In the copy each
school's computer posts every 15 minutes, give or take a tenth; at 08:40 the schools of one provider fall silent, or
nobody reaches us, until 10:25. What is told stays in the copy's outbox.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from agent.wire import forms
from agent.wire.vocabulary import ExitCode
from collector import operate
from collector.config import CollectorConfig
from collector.domain.notice_rules import Topic
from collector.domain.words import OutageLabel
from collector.errors import CollectorError
from collector.evaluate import hazards as declaring
from collector.evaluate import outages as watching
from collector.evaluate.hazards import Drill
from collector.notify import decide, words
from collector.notify.settings import NotifyConfig
from collector.notify.tongue import Tongue
from collector.ports import Ports, Randomness
from collector.store import open as stores
from collector.store.open import Store
from collector.store.queries import audit, contacts, hazards, schools, users
from collector.store.queries.hazards import Hazard
from collector.store.queries.judging import suppressions
from collector.store.queries.notices import outbox
from collector.store.queries.notices.outages import known_outages
from collector.store.queries.pages import outages as pages_outages
from collector.store.queries.pages.outages import OutageRow
from collector.store.queries.schools import School
from collector.store.queries.users import User

MINUTE_MS: Final = 60_000
EVERY_MS: Final = 15 * MINUTE_MS  # a post
FROM, CUT, BACK, UNTIL = "07:00", "08:40", "10:25", "11:15"
WITHIN_MS: Final = 15 * MINUTE_MS
ENOUGH: Final = 8  # schools of a provider; fewer are not seen alone on a first day
MISSED: Final = 1  # schools that the outage may lack
_ALL_DAY: Final = "mon-fri 06:00-18:00"
_SEED: Final = 7


@dataclass(frozen=True)
class Check:
    """One thing that has to be as it should."""

    sentence: str
    is_right: bool


@dataclass(frozen=True)
class Report:
    """What came of a drill."""

    messages: list[str]  # each with the time at which it was written
    checks: list[Check]


@dataclass
class _Time:
    """A clock that stands until it is moved."""

    ms: int

    def now_ms(self) -> int:
        return self.ms

    def mono_ms(self) -> int:
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@dataclass(frozen=True)
class _Place:
    base: str = ""
    deployment: str = "Drill"


@dataclass
class _Island:
    """The copy and its time."""

    store: Store
    config: CollectorConfig
    notify: NotifyConfig
    ports: Ports
    clock: _Time
    zone: ZoneInfo
    random: Random = field(default_factory=lambda: Random(_SEED))  # noqa: S311 -- the same drill each time
    due: dict[str, float] = field(default_factory=dict)

    def at(self, text: str) -> int:
        """Return a time of the drill's day in UTC milliseconds."""
        hour, minute = (int(part) for part in text.split(":"))
        day = datetime.fromtimestamp(self.clock.ms / 1000, UTC).astimezone(self.zone)
        return round(day.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp() * 1000)

    def pass_until(self, until_ms: int, silent: frozenset[str], every_min: int = 1) -> None:
        """Let minute after minute pass: posts, then, every so many, the watch, and what is told."""
        while self.clock.ms < until_ms:
            self.clock.ms += MINUTE_MS
            heard = [code for code, due in self.due.items() if due <= self.clock.ms]
            with self.store.unit() as unit:
                for code in heard:
                    self.due[code] += EVERY_MS * self.random.uniform(0.9, 1.1)
                    if code not in silent:
                        contacts.note(unit, code, self.clock.ms)
                unit.commit()
            if self.clock.ms // MINUTE_MS % every_min == 0:
                watching.watch(self.store, self.config, self.ports)
                decide.decide(self.store, self.config, self.notify, self.ports, known_outages)


def outage_drill(store: Store, config: CollectorConfig, ports: Ports, place: Path, *, is_ours: bool = False) -> Report:
    """Let the schools of one provider fall silent, or all of them because of us, and return what was seen and told.

    Args:
        store: The deployment's database; it is only read.
        config: The deployment's.
        ports: Today's date, and randomness.
        place: An empty directory for the copy.
        is_ours: Nobody reaches the collector.

    Raises:
        CollectorError: If no school is invented, or no provider has enough of them.
    """
    with store.reader() as snapshot:
        invented = [one.code for one in hazards.placed_schools(snapshot) if one.is_demo]
        known = list(schools.by_code(snapshot, invented).values())
    provider, cut = _cut(known, is_ours=is_ours)
    copy = stores.create(place)
    try:
        island = _island(copy, config, ports.clock.now_ms(), ports.randomness, known)
        # What is posted in the minute that begins with the cut is lost. The watch takes the minutes that it missed.
        island.pass_until(island.at(CUT) - MINUTE_MS, frozenset(), every_min=15)
        island.pass_until(island.at(CUT) + WITHIN_MS, cut)
        with copy.reader() as snapshot:
            held = suppressions.on_hold(snapshot)
        island.pass_until(island.at(BACK), cut, every_min=5)
        island.pass_until(island.at(UNTIL), frozenset(), every_min=5)
        return _report(island, provider, cut, held)
    finally:
        copy.close()


def _cut(known: Sequence[School], *, is_ours: bool) -> tuple[str, frozenset[str]]:
    """Return which schools fall silent, with their provider: the one with the most of them."""
    by_provider: dict[str, set[str]] = {}
    for school in known:
        if school.provider:
            by_provider.setdefault(school.provider, set()).add(school.code)
    name, codes = max(by_provider.items(), key=lambda item: (len(item[1]), item[0]), default=("", set[str]()))
    if len(codes) < ENOUGH:
        raise CollectorError(
            "No drill: it takes invented schools, and a provider with eight of them at least.",
            do="Run it on the data of `enlace-collector demo`.",
            exit_code=ExitCode.REFUSED,
        )
    return ("", frozenset(one.code for one in known)) if is_ours else (name, frozenset(codes))


def _island(
    copy: Store, config: CollectorConfig, now_ms: int, randomness: Randomness, known: Sequence[School]
) -> _Island:
    zone_name = next((one.timezone for one in known if one.timezone), None) or config.default_timezone
    zone = ZoneInfo(zone_name)
    day = datetime.fromtimestamp(now_ms / 1000, zone)
    day = next(one for n in range(7) if (one := day + timedelta(days=n)).isoweekday() <= 5)
    clock = _Time(round(day.replace(hour=12).timestamp() * 1000))
    notify = NotifyConfig(smtp_host="drill.invalid", smtp_security="none", from_address="drill@drill.invalid")
    island = _Island(
        copy, msgspec.structs.replace(config, default_timezone=zone_name), notify, Ports(clock, randomness), clock, zone
    )
    clock.ms = island.at(FROM)
    with copy.unit() as unit:
        schools.add(unit, [_row(one) for one in known])
        users.create_user(unit, User("drill", "drill", "operator", "!", "en", 0, None, (), "drill@drill.invalid"))
        unit.commit()
    island.due = {one.code: clock.ms + island.random.uniform(0, EVERY_MS) for one in known}
    return island


def _row(school: School) -> dict[str, object]:
    plain = {name: value for name, value in asdict(school).items() if name != "extra"}
    folded = school.name.casefold()
    # Open all morning: a drill is about the watch, and its schools close at the hours of none of them.
    return {**plain, "extra": "{}", "name_folded": folded, "name_order": folded, "opening": _ALL_DAY}


# --- what came of it ------------------------------------------------------------------------------------------------


def _report(island: _Island, provider: str, cut: frozenset[str], held: set[str]) -> Report:
    with island.store.reader() as snapshot:
        found = pages_outages.list_over(snapshot, 100) + pages_outages.list_live(snapshot)
        told = outbox.newest(snapshot, 1000)[::-1]
        left = suppressions.on_hold(snapshot)
    messages, times = [], []
    for one in told:
        subject, parts = words.letter(one.topic, json.loads(one.payload), Tongue("en"), island.zone.key, _Place())
        clock = datetime.fromtimestamp(one.made_ms / 1000, island.zone).strftime("%H:%M")
        messages.append(f"{clock} {subject}. {parts[0].text}".replace("\xa0", " "))
        if one.topic == Topic.OUTAGE:
            times.append(one.made_ms)
    if not provider:
        checks = [*_one(found, OutageLabel.COLLECTOR), Check("nobody is told of an outage of schools", not times)]
        return Report(messages, [*checks, Check("no flag is on hold", not held and not left)])
    in_time = bool(times) and times[0] <= island.at(CUT) + WITHIN_MS
    most = len(cut) - MISSED <= (found[0].silent if found else 0) <= len(cut)
    checks = [
        *_one(found, OutageLabel.PROVIDER),
        Check(f"it has all {len(cut)} schools of {provider}, or one less", most),
        Check("one message within 15 minutes, and one when it is over", in_time and len(times) == 2),
        Check("the flags of these schools are on hold meanwhile", cut >= held and len(held) >= len(cut) - MISSED),
        Check("they go on afterwards", not left),
    ]
    return Report(messages, checks)


def _one(found: Iterable[OutageRow], label: OutageLabel) -> Iterator[Check]:
    seen = [row.label for row in found]
    yield Check(f"one outage, put down to: {label.value}", seen == [label.value])


def start_hazard_drill(store: Store, config: CollectorConfig, ports: Ports) -> Drill:
    """Begin a hazard as a drill on invented schools, or return the one that is open over them.

    Raises:
        CollectorError: If no school is invented.
    """
    now_ms = ports.clock.now_ms()
    identity = forms.uuid7(now_ms, ports.randomness.token_bytes(10))
    by = Hazard(identity, "", "hurricane", True, "", (), now_ms, None, now_ms, audit.COMMAND_LINE, 1, 0)
    with store.unit() as unit:
        started = declaring.start_drill(unit, _named, by, profile=config.profile, default_zone=config.default_timezone)
        if started is None:
            raise CollectorError(
                "No drill: no school here is invented.",
                do="Run it on the data of `enlace-collector demo`.",
                exit_code=ExitCode.REFUSED,
            )
        if started.is_new:
            detail = f"{started.hazard.name}: {started.hazard.schools} schools"
            operate.note(unit, ports, "hazard.drill_started", started.hazard.hazard_id, detail)
            unit.commit()
    return started


def _named(area: str) -> str:
    return f"Hurricane over {area or '–'}"
