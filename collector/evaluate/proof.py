"""What the tests of a school prove about its contract: which count, what is missing, what they say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median
from typing import Final

from collector.config import CollectorConfig
from collector.domain import contracts, proof
from collector.domain.calendars import Period
from collector.domain.contracts import Finding, Terms
from collector.domain.proof import Choice, Hours, Setting, Spare
from collector.domain.targets import BPS_PER_MBPS, SchoolFacts, resolve
from collector.domain.validity import Circumstances
from collector.evaluate.inputs import Deployment, Reference, SchoolInputs
from collector.evaluate.observe import candidate_of
from collector.profiles.catalogue import Catalogue
from collector.store.queries import campaigns, schools
from collector.store.queries.campaigns import Campaign
from collector.store.queries.pages import proof_rows
from collector.store.queries.pages.proof_rows import ProofRow
from collector.store.queries.schools import School
from collector.store.unit import Snapshot

CONTRACT: Final = "contract"  # the profile that says what of a contract is usually to be had
_DAY_MS: Final = 86_400_000
_WIRED_DAYS: Final = 30  # a device's newest test tells its link; an older one does not
_AHEAD_DAYS: Final = 14  # that devices are told of


@dataclass(frozen=True)
class Rules:
    """What holds for every school."""

    config: CollectorConfig
    catalogue: Catalogue
    reference: Reference  # the series that is judged


@dataclass(frozen=True)
class Wanted:
    """Which tests are looked at."""

    code: str
    first: date  # local to the school
    last: date
    hours: Hours
    now_ms: int


@dataclass(frozen=True)
class Tested:
    """One test and whether it counts."""

    row: ProofRow
    day: date
    reason: str | None  # why it does not; None: it is one of the thirty


@dataclass(frozen=True)
class DayCount:
    """One day of the proof, had or to come."""

    day: date | None  # None: nobody knows yet which
    tests: int
    is_asked: bool = False  # its tests are asked for


@dataclass(frozen=True)
class Plan:
    """What can be asked of the school's computers."""

    days: tuple[date, ...]
    windows: tuple[tuple[int, int], ...]  # UTC milliseconds
    cost_bytes: int | None  # of ten tests, as far as those before tell


@dataclass(frozen=True)
class Proof:
    """All that the tests of a period say."""

    school: School
    timezone: str  # that its days are of
    wanted: Wanted
    terms: Terms | None  # None: the registry has no contract
    tests: tuple[Tested, ...]  # the earliest first
    choice: Choice
    days: tuple[DayCount, ...]  # of the proof, always three
    findings: tuple[Finding, ...]  # empty as long as a test is missing
    wired: tuple[str, ...]  # devices whose link can show the contract
    campaign: Campaign | None  # that is going on or to come
    plan: Plan | None  # None: nothing is missing, or nothing can be asked for now

    @property
    def counted(self) -> tuple[Tested, ...]:
        """The tests that count."""
        return tuple(one for one in self.tests if one.reason is None)

    @property
    def is_complete(self) -> bool:
        """Whether there are all thirty."""
        return self.choice.missing_days == 0

    @property
    def is_kept(self) -> bool:
        """Whether the tests of a complete proof show nothing less than the contract."""
        return all(one.is_kept for one in self.findings)

    def reasons(self) -> dict[str, int]:
        """Return why tests do not count, with how many, the most frequent first."""
        counts: dict[str, int] = {}
        for one in self.tests:
            if one.reason is not None:
                counts[one.reason] = counts.get(one.reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Chosen:
    """Which tests of a period count."""

    tests: tuple[Tested, ...]  # the earliest first
    choice: Choice
    asked: tuple[date, ...]  # days on which tests that are asked for can still be made

    @property
    def count(self) -> int:
        """How many count."""
        return sum(one.reason is None for one in self.tests)


def prove(snapshot: Snapshot, rules: Rules, wanted: Wanted) -> Proof | None:
    """Return what the tests of a school prove; None where there is no such school.

    Args:
        snapshot: The database.
        rules: Of the deployment.
        wanted: School, period and hours.
    """
    school = schools.find(snapshot, wanted.code)
    if school is None:
        return None
    inputs = _inputs(snapshot, school, rules)
    terms = _terms(inputs, school, wanted.last)
    campaign = campaigns.find_current(snapshot, school.code, wanted.now_ms)
    from_ms, to_ms = inputs.start_ms(wanted.first), inputs.start_ms(wanted.last + timedelta(days=1))
    chosen = choose(proof_rows.rows(snapshot, school.code, from_ms, to_ms), inputs, school, wanted, campaign)
    tests, choice = chosen.tests, chosen.choice
    least_bps = proof.least_port_bps(terms) if terms else 0
    wired = campaigns.wired_devices(snapshot, school.code, wanted.now_ms - _WIRED_DAYS * _DAY_MS, least_bps)
    can_ask = terms is not None and campaign is None and wired
    return Proof(
        school=school,
        timezone=inputs.zone.key,
        wanted=wanted,
        terms=terms,
        tests=tests,
        choice=choice,
        days=_days(choice, _counts(tests), chosen.asked),
        findings=_findings(terms, choice, tests),
        wired=tuple(wired),
        campaign=campaign,
        plan=_plan(inputs, wanted, choice, tests) if can_ask else None,
    )


def choose(
    rows: Sequence[ProofRow], inputs: SchoolInputs, school: School, wanted: Wanted, campaign: Campaign | None
) -> Chosen:
    """Return which tests of a period count; pure.

    Args:
        rows: Tests of the school and the period, the earliest first; what is not by cable never counts.
        inputs: Its calendar and dated facts.
        school: The school.
        wanted: Period and hours.
        campaign: That is going on or to come.
    """
    tests = _judged(rows, inputs, school, wanted, _terms(inputs, school, wanted.last))
    asked = _asked(campaign, inputs, wanted.now_ms)
    complete = [day for day, count in _counts(tests).items() if count == proof.DAY_TESTS]
    choice = proof.choose(complete, _usable(inputs, wanted, asked))
    counting = {*choice.days, *(day for day in choice.coming if day == inputs.local_day(wanted.now_ms))}
    tests = [one if one.reason or one.day in counting else replace(one, reason=Spare.DAY.value) for one in tests]
    return Chosen(tuple(tests), choice, tuple(asked))


def _inputs(snapshot: Snapshot, school: School, rules: Rules) -> SchoolInputs:
    """Return the school's calendar and dated facts, without reading those of others."""
    return inputs_of(snapshot, [school], rules)[school.code]


def inputs_of(snapshot: Snapshot, some: Sequence[School], rules: Rules) -> dict[str, SchoolInputs]:
    """Return the calendars and dated facts of a few schools by code, without reading those of others."""
    names = {name for one in some for name in schools.calendars_of(one.code, one.area)}
    deployment = Deployment(
        profile_id=CONTRACT,
        catalogue=rules.catalogue,
        default_timezone=rules.config.default_timezone,
        reference=rules.reference,
        busy_host_pct=rules.config.busy_host_pct,
        exceptions=schools.calendar_days(snapshot, sorted(names)),
    )
    dated = schools.facts_of(snapshot, [one.code for one in some])
    return {one.code: SchoolInputs(one, dated[one.code], deployment) for one in some}


def _terms(inputs: SchoolInputs, school: School, day: date) -> Terms | None:
    contract_bps = _contract_bps(inputs, school, day)
    if contract_bps is None:
        return None
    profile = inputs.deployment.catalogue.on(CONTRACT, day)
    facts = SchoolFacts(contract_download_mbps=contract_bps / BPS_PER_MBPS)
    target = resolve(profile.rules, facts) if profile is not None else None
    return contracts.terms_of(contract_bps, target.target_bps if target else None)


def _contract_bps(inputs: SchoolInputs, school: School, day: date) -> int | None:
    """Return what was paid for on a day; where nothing is dated, what the registry has now."""
    facts = inputs.facts_on(day)
    mbps = facts.contract_download_mbps if facts else school.contract_download_mbps
    return round(mbps * BPS_PER_MBPS) if mbps else None


def _judged(
    rows: Sequence[ProofRow], inputs: SchoolInputs, school: School, wanted: Wanted, terms: Terms | None
) -> list[Tested]:
    """Return the tests with why each is no proof, or is not among the ten of its day."""
    reference = inputs.deployment.reference
    same = Circumstances(
        open_day=inputs.at(wanted.first),
        reference_engine=reference.engine,
        reference_server_id=reference.server_id,
        busy_host_pct=inputs.deployment.busy_host_pct,
    )
    days: dict[date, list[Tested]] = {}
    settings: dict[date, Setting] = {}
    for row in rows:
        day = inputs.local_day(row.measured.started_ms)
        if day not in settings:
            # Without a contract nothing can be proved: then only what holds for every test is said.
            is_same = terms is None or _contract_bps(inputs, school, day) == terms.max_bps
            settings[day] = Setting(inputs.at(day), terms or Terms(0, 0, 0), wanted.hours, is_same, same)
        reason = proof.unfit_reason(candidate_of(row.measured), settings[day])
        days.setdefault(day, []).append(Tested(row, day, reason))
    for tests in days.values():
        fit = [place for place, one in enumerate(tests) if one.reason is None]
        kept = {fit[at] for at in proof.pick([tests[place].row.measured.started_ms for place in fit])}
        for place in set(fit) - kept:
            tests[place] = replace(tests[place], reason=Spare.OF_DAY.value)
    return [one for tests in days.values() for one in tests]


def _counts(tests: Sequence[Tested]) -> dict[date, int]:
    """Return how many tests of each day count."""
    counts: dict[date, int] = {}
    for one in tests:
        if one.reason is None:
            counts[one.day] = counts.get(one.day, 0) + 1
    return counts


def _asked(campaign: Campaign | None, inputs: SchoolInputs, now_ms: int) -> list[date]:
    """Return the days on which tests that are asked for can still be made."""
    windows = campaign.windows if campaign else ()
    return sorted({inputs.local_day(from_ms) for from_ms, to_ms in windows if to_ms > now_ms})


def _usable(inputs: SchoolInputs, wanted: Wanted, asked: list[date]) -> list[date]:
    """Return the days on which ten tests can be made, those first on which they are asked for."""
    today = inputs.local_day(wanted.now_ms)
    if wanted.last < today:
        return []
    ahead = [today + timedelta(days=passed + 1) for passed in range(_AHEAD_DAYS)]
    return [*asked, *(day for day in ahead if day not in asked and _windows(inputs, wanted.hours, day))]


def _windows(inputs: SchoolInputs, hours: Hours, day: date) -> tuple[Period, ...]:
    whole = Period(inputs.start_ms(day), inputs.start_ms(day + timedelta(days=1)))
    return proof.windows_of(inputs.at(day), hours, whole) or ()


def _days(choice: Choice, counts: dict[date, int], asked: Sequence[date]) -> tuple[DayCount, ...]:
    had = [DayCount(day, counts[day]) for day in choice.days]
    to_come = [DayCount(day, counts.get(day, 0), is_asked=True) for day in sorted(choice.coming) if day in asked]
    unknown = [DayCount(None, 0)] * (proof.DAYS - len(had) - len(to_come))
    return (*had, *to_come, *unknown)


def _findings(terms: Terms | None, choice: Choice, tests: Sequence[Tested]) -> tuple[Finding, ...]:
    if terms is None or choice.missing_days:
        return ()
    speeds: dict[date, list[int]] = {day: [] for day in choice.days}
    for one in tests:
        if one.reason is None and one.row.measured.download_bps is not None:
            speeds[one.day].append(one.row.measured.download_bps)
    return contracts.findings(terms, list(speeds.values()))


def _plan(inputs: SchoolInputs, wanted: Wanted, choice: Choice, tests: Sequence[Tested]) -> Plan | None:
    windows = [window for day in choice.coming for window in _windows(inputs, wanted.hours, day)]
    if not windows:
        return None
    costs = [cost for one in tests if (cost := one.row.measured.cost_bytes)]
    cost_bytes = round(proof.DAY_TESTS * median(costs)) if costs else None
    return Plan(choice.coming, tuple((window.from_ms, window.to_ms) for window in windows), cost_bytes)
