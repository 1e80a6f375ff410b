"""The part of a school's page that says what it is held against, and how long its line will do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from collector.domain.forecast import HORIZON_YEARS, Forecast, Silence, Standing, foresee
from collector.domain.observations import ceiling_bps
from collector.domain.targets import SchoolFacts, resolve
from collector.profiles.catalogue import Profile
from collector.store.queries import growth, target_versions
from collector.store.queries.pages.school import Speed
from collector.store.queries.pages.schools import SchoolRow
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.desk import desk
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.words import target_words

_PERCENT: Final = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?")
_MOST_PERCENT: Final = 300
# A test this near to what its link can carry says nothing of a faster line.
_NEAR_CEILING: Final = 0.9


@dataclass(frozen=True)
class Section:
    """What the part shows."""

    name: str  # of the target
    upload: Markup | None
    forecast: Markup
    can_try: bool  # another rate
    percent: str  # growth a year


def section(snapshot: Snapshot, row: SchoolRow, window: Sequence[Speed], zone: ZoneInfo) -> Section:
    """Return what is said of a school's target.

    Args:
        snapshot: The database.
        row: The school with its newest evaluation.
        window: The tests of its window.
        zone: Of the school.
    """
    made = target_versions.decisions(snapshot)
    rate = _rate(snapshot)
    today = present.local(desk().now_ms, zone).date()
    voting = [test for test in window if test.votes]
    found = foresee(_standing(row, voting), rate, today)
    return Section(
        name=target_words.name_of_judged(row.target_profile, row.profile_version, made),
        upload=_upload(target_words.judged_by(row.target_profile, row.profile_version, made), row, voting),
        forecast=_forecast(found, rate),
        can_try=isinstance(found, Forecast),
        percent=f"{rate * 100:g}",
    )


def _rate(snapshot: Snapshot) -> float:
    """Return the growth that the address asks for, else the deployment's."""
    text = asked.text("growth")
    percent = float(text.replace(",", ".")) if _PERCENT.fullmatch(text) else 0.0
    return percent / 100 if 1 <= percent <= _MOST_PERCENT else growth.of_deployment(snapshot)


def _standing(row: SchoolRow, voting: Sequence[Speed]) -> Standing:
    return Standing(
        verdict=row.verdict,
        day=date.fromisoformat(row.day) if row.day else None,
        median_bps=row.median_bps,
        target_bps=row.target_bps,
        is_estimated=bool(row.is_estimated),
        is_lower_bound=any(_hides_more(test) for test in voting if (test.download_bps or 0) <= (row.median_bps or 0)),
    )


def _hides_more(test: Speed) -> bool:
    """Return whether the line may be faster than this test shows."""
    ceiling = ceiling_bps(test.medium, test.link_bps)
    near = ceiling is not None and (test.download_bps or 0) >= _NEAR_CEILING * ceiling
    return bool(test.download_lower_bound) or near


def _upload(profile: Profile | None, row: SchoolRow, voting: Sequence[Speed]) -> Markup | None:
    """Return how many tests reached what the rule asks of the upload; None where it asks nothing."""
    facts = SchoolFacts(
        students_total=row.pupils,
        students_peak_shift=row.pupils,
        education_level=row.education_level,
        technology=row.technology,
        contract_download_mbps=row.contract_download_mbps,
    )
    target = resolve(profile.rules, facts) if profile else None
    measured = [test.upload_bps for test in voting if test.upload_bps is not None]
    if target is None or target.upload_bps is None or not measured:
        return None
    return say_many(
        "%(k)s of %(num)s test reached %(upload)s Mbit/s of upload, which is not judged.",
        "%(k)s of %(num)s tests reached %(upload)s Mbit/s of upload, which is not judged.",
        len(measured),
        k=sum(bps >= target.upload_bps for bps in measured),
        upload=target_words.speed(target.upload_bps),
    )


def _forecast(found: Forecast | Silence, rate: float) -> Markup:
    percent = f"{rate * 100:g}"
    if found is Silence.NOT_MEETING:
        return say("No forecast: only of a school that meets its target can be said how long it will.")
    if found is Silence.TOO_OLD:
        return say("No forecast: the last verdict is more than four weeks old.")
    if found is Silence.ESTIMATED:
        return say("No forecast: the target is an estimate, because the roll is not known.")
    if found is Silence.AT_LEAST:
        return say("No forecast: some tests could not show all that the line carries, so nobody knows where it ends.")
    if not isinstance(found, Forecast):
        raise TypeError(found)
    if found.falls_on is None:
        return say(
            "At %(percent)s %% growth a year the line will do for more than %(years)s years.",
            percent=percent,
            years=HORIZON_YEARS,
        )
    month = present.month(found.falls_on.isoformat())
    return say(
        "Falls under the target in %(month)s, if demand grows at %(percent)s %% a year and the line stays as it is.",
        month=month,
        percent=percent,
    )
