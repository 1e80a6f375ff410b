"""One school in plain words for who leads it: is the line enough and since when, what for, is it heard, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask_babel import LazyString
from markupsafe import Markup

from collector.store.queries import target_versions
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages.school import SchoolDevice, SchoolFlag
from collector.store.queries.pages.schools import SchoolRow
from collector.store.unit import Snapshot
from collector.web.desk import desk
from collector.web.language import present
from collector.web.language.i18n import later, say, say_many
from collector.web.views import fitness_words, hint_words, lines, why
from collector.web.views.fitness_words import UseLine
from collector.web.views.why import Why
from collector.web.words import sentences, target_words

SILENT_MS: Final = 4 * 86_400_000  # longer than a weekend with a free day beside it

ANSWERS: Final[Mapping[str, LazyString]] = {
    "MEETS": later("Yes, the line is fast enough"),
    "BELOW": later("No, the line is too slow"),
    "BORDERLINE": later("It is not clear: some tests are fast enough, others are not"),
    "INSUFFICIENT": later("Not known yet: there are too few tests"),
    "NOT_TESTABLE": later("Not known: the PC cannot show whether the line is fast enough"),
    "NONE": later("Not known yet: nothing has been judged"),
}
_COUNTED: Final = ("MEETS", "BELOW", "BORDERLINE")


@dataclass(frozen=True)
class HeadPage:
    """What the page says, part by part."""

    verdict: str
    answer: str
    since: Markup  # empty where nothing is known
    numbers: list[Markup]  # each with what it means
    uses: list[UseLine]
    heard: list[Markup]
    to_do: list[Markup]


def of_school(snapshot: Snapshot, row: SchoolRow, zone: ZoneInfo) -> HeadPage:
    """Return the page of a school.

    Args:
        snapshot: Limited to the school.
        row: The school with its newest verdict.
        zone: Of the school.
    """
    days = why.judged_span(row)
    found = why.look(snapshot, row, days, zone) if days else None
    flag = next((one for one in pages_school.flags(snapshot, row.code) if one.is_slow), None)
    devices = pages_school.devices(snapshot, row.code)
    verdict = row.verdict or "NONE"
    return HeadPage(
        verdict=verdict,
        answer=str(ANSWERS[verdict]),
        since=_since(snapshot, row, flag),
        numbers=_numbers(snapshot, row),
        uses=fitness_words.section(found).lines if found else [],
        heard=_heard(row, devices, zone),
        to_do=_to_do(row, devices, flag, found),
    )


def _since(snapshot: Snapshot, row: SchoolRow, flag: SchoolFlag | None) -> Markup:
    if row.verdict not in _COUNTED:
        return Markup("")
    day = pages_school.standing_since(snapshot, desk().measure, row.code, row.verdict)
    if row.verdict == "BELOW" and flag is not None and (day is None or flag.below_since < day):
        day = flag.below_since
    return say("It has been so since <b>%(day)s</b>.", day=present.day(day)) if day else Markup("")


def _numbers(snapshot: Snapshot, row: SchoolRow) -> list[Markup]:
    judged = lines.judged(row)
    if judged is None:
        return [say("A school is judged once its first school day with a test is over.")]
    name = target_words.name_of_judged(row.target_profile, row.profile_version, target_versions.decisions(snapshot))
    target = present.with_unit(present.target_mbps(row.target_bps))
    said = [
        say(
            "The target is <b>%(target)s</b>: that is what “%(name)s” asks for. Mbit/s, megabits a second, says how "
            "much data the line brings in one second.",
            target=target,
            name=name,
        )
    ]
    if row.is_estimated:
        said.append(say("The target is an estimate, because nobody has entered how many pupils the school has."))
    if judged.verdict not in _COUNTED or row.window_from is None or row.day is None:
        return [*said, sentences.verdict(judged)]
    days = present.day_range(row.window_from, row.day)
    counted = say_many(
        "In the school hours of %(days)s there was %(num)s test that counts; <b>%(k)s</b> reached the target.",
        "In the school hours of %(days)s there were %(num)s tests that count; <b>%(k)s</b> of them reached the target.",
        judged.n,
        days=days,
        k=judged.attained,
    )
    rule = say(
        "The line is fast enough when clearly more than %(share)s %% of the tests reach it, and too slow when clearly "
        "fewer do.",
        share=present.percent(judged.share),
    )
    typical = say(
        "The typical test brought <b>%(speed)s</b>: half of the tests were faster, half were slower.",
        speed=present.with_unit(present.mbps(judged.median_bps)),
    )
    return [*said, Markup(" ").join((counted, rule)), typical]


def _heard(row: SchoolRow, devices: list[SchoolDevice], zone: ZoneInfo) -> list[Markup]:
    if not devices:
        return [say("No PC of this school measures the line.")]
    said = [
        say_many(
            "%(num)s PC of this school measures the line.", "%(num)s PCs of this school measure the line.", len(devices)
        )
    ]
    if row.heard_ms is None:
        return [*said, say("None of them has ever reported.")]
    now_ms = desk().now_ms
    said.append(say("The last report came on <b>%(moment)s</b>.", moment=present.moment(row.heard_ms, zone, now_ms)))
    if now_ms - row.heard_ms >= SILENT_MS:
        said.append(
            say(
                "That is %(span)s ago: since then nobody knows how the line is.",
                span=present.span(now_ms - row.heard_ms),
            )
        )
    return said


def _to_do(row: SchoolRow, devices: list[SchoolDevice], flag: SchoolFlag | None, found: Why | None) -> list[Markup]:
    """Return what somebody at the school can do, the most urgent first."""
    if not devices:
        return [say("Let a PC of the school be enrolled. Whoever looks after the computers needs a token for that.")]
    if row.heard_ms is None or desk().now_ms - row.heard_ms >= SILENT_MS:
        return [
            say("If the school is closed these days, nothing: the PCs are off, as they should be."),
            say("Switch on a PC that measures, and connect it to the Internet, by cable if you can."),
            say("Leave it on in school hours. It reports by itself within 15 minutes; nobody has to type anything."),
            say("If this page has no newer report the next day, ask."),
        ]
    said = [say("Leave the PCs switched on in school hours: they measure by themselves, a few times a day.")]
    if row.verdict != "BELOW":
        return said
    cure = hint_words.own_cure(hint_words.lines(found, row)) if found else None
    if cure is not None:
        said.insert(0, Markup("{} {}.").format(cure.because, cure.do))
    if flag is not None:
        opened = present.day(flag.opened_on)
        said.append(
            say("Those who look after the lines of the schools have had this on their list since %(day)s.", day=opened)
        )
    return said
