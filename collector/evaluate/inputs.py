"""The dated inputs of a school's judgement: its calendar, and for each day its facts, profile and target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from agent.wire.vocabulary import EngineName
from collector.domain import calendars
from collector.domain.calendars import Calendar, OpenDay
from collector.domain.in_force import Versions
from collector.domain.suppressed import NOTHING, Suppressed
from collector.domain.targets import SchoolFacts, Target, resolve
from collector.domain.words import DayKind
from collector.profiles.catalogue import Catalogue, Profile
from collector.profiles.choices import Choices
from collector.profiles.use_limits import Dated
from collector.store.queries.schools import FIRST_DAY, DatedFacts, School, calendars_of, facts_on


@dataclass(frozen=True)
class Reference:
    """The series of measurements that is judged; others are kept and shown."""

    engine: str | None = None
    server_id: str | None = None


def reference_of(server_id: str) -> Reference:
    """Return the reference series of a deployment: its own test point by the engine that it offers first."""
    return Reference(EngineName.NDT7.value, server_id)


@dataclass(frozen=True)
class Deployment:
    """What holds for all schools of a run."""

    profile_id: str  # by configuration; the series of evaluations is called so
    catalogue: Catalogue
    default_timezone: str
    reference: Reference
    busy_host_pct: float
    exceptions: Mapping[str, Mapping[str, str]]  # calendar -> day -> kind
    versions: Versions = field(default_factory=Versions)  # of targets, as people have decided them
    limits: Dated = field(default_factory=Dated)  # of what a line is good for, as people have decided them
    suppressed: Mapping[str, Suppressed] = field(default_factory=dict)  # by school, where something happened
    inputs_version: str | None = None  # of calendars, hours, zones and what happened, as they were read here

    @property
    def choices(self) -> Choices:
        """What holds where and since when."""
        return Choices(self.profile_id, self.catalogue, self.versions)


@dataclass(frozen=True)
class Aim:
    """What a school is held against on a day."""

    profile: Profile
    target: Target


class SchoolInputs:
    """One school as the evaluation sees it on each of its days."""

    def __init__(self, school: School, facts: Sequence[DatedFacts], deployment: Deployment) -> None:
        self.code = school.code
        self.deployment = deployment
        self._facts = facts  # oldest first
        self._always = facts[0] if len(facts) == 1 and facts[0].valid_from == FIRST_DAY else None
        self._choices = deployment.choices
        self.zone = _zone(school.timezone or deployment.default_timezone)
        self._kinds = _kinds(school, deployment)
        self._suppressed = deployment.suppressed.get(school.code, NOTHING)
        self._days: dict[date, OpenDay] = {}
        self._profiles: dict[date, Profile | None] = {}
        self._aims: dict[tuple[str, str, DatedFacts | None], Aim | None] = {}

    def at(self, day: date) -> OpenDay:
        """Return the opening hours of a local day."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self._worked_out(day)
        return found

    def _worked_out(self, day: date) -> OpenDay:
        facts = self.facts_on(day)
        opening = facts.opening if facts else None
        found = _open_day(opening or calendars.DEFAULT_OPENING, self.zone, self._kinds.get(day), day)
        reason = self._suppressed.reason(day)
        if reason is not None and found.suppression is None:  # on a holiday there is nothing to take
            found = replace(found, suppression=reason)
        return found

    def aim(self, day: date) -> Aim | None:
        """Return profile and target in force on a day; None where no rule yields a number."""
        profile = self.profile_on(day)
        if profile is None:
            return None
        facts = self.facts_on(day)
        key = (profile.id, profile.version, facts)
        if key not in self._aims:
            target = resolve(profile.rules, _school_facts(facts))
            self._aims[key] = Aim(profile, target) if target else None
        return self._aims[key]

    def profile_on(self, day: date) -> Profile | None:
        """Return the profile in force on a day; None: none is."""
        if day not in self._profiles:
            facts = self.facts_on(day)
            self._profiles[day] = self._choices.on(day, self.code, facts.area if facts else None)
        return self._profiles[day]

    def facts_on(self, day: date) -> DatedFacts | None:
        """Return the dated facts of a day; None where the registry has none so early."""
        if self._always is not None:  # nearly every school
            return self._always
        return facts_on(self._facts, day.isoformat())

    def start_ms(self, day: date) -> int:
        """Return the first moment of a local day, UTC milliseconds."""
        return _start_ms(day, self.zone)

    def local_day(self, moment_ms: int) -> date:
        """Return the school's local date at a moment in UTC milliseconds."""
        return calendars.local_day(moment_ms, self.zone)

    def last_full_day(self, now_ms: int) -> date:
        """Return the newest local day that can bring no more votes: its opening hours are over."""
        today = self.local_day(now_ms)
        periods = self.at(today).periods
        return today - timedelta(days=1) if periods and now_ms < periods[-1].to_ms else today

    def expected_days(self, after: date, until: date) -> int:
        """Return how many days with school lie after one day, up to and with another."""
        return sum(self.at(after + timedelta(days=passed + 1)).is_open for passed in range((until - after).days))


def _kinds(school: School, deployment: Deployment) -> dict[date, DayKind]:
    """Return a school's days that differ: its own before those of its area, before those of everybody."""
    days: dict[str, str] = {}
    for name in calendars_of(school.code, school.area):
        days.update(deployment.exceptions.get(name, {}))
    return {date.fromisoformat(day): DayKind(kind) for day, kind in days.items()}


@lru_cache(maxsize=10_000)
def _open_day(opening: str, zone: ZoneInfo, kind: DayKind | None, day: date) -> OpenDay:
    """Return a day with these hours: most schools of a country share them."""
    return Calendar(_week(opening), zone, {day: kind} if kind else {}).at(day)


_week = cache(calendars.parse_opening)
_zone = cache(ZoneInfo)


@lru_cache(maxsize=10_000)
def _start_ms(day: date, zone: ZoneInfo) -> int:
    # Where midnight is skipped, `fold` 0 gives the moment of the skip, which is the first of that day.
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


def _school_facts(facts: DatedFacts | None) -> SchoolFacts:
    if facts is None:
        return SchoolFacts()
    return SchoolFacts(
        students_total=facts.students_total,
        students_peak_shift=facts.students_peak_shift,
        staff=facts.staff,
        education_level=facts.education_level,
        technology=facts.technology,
        contract_download_mbps=facts.contract_download_mbps,
    )
