"""Each word of the diary through each thing that is concluded from it: the table of `docs/method.md`, walked."""

from datetime import date
from pathlib import Path

import pytest

from agent.wire.vocabulary import DiaryState
from collector.domain import local_outages, silence
from collector.domain.availability import Heard, fold_day
from collector.domain.calendars import Period
from collector.domain.diary_states import MEANINGS, Said, is_line_good, said_by, said_by_slot
from collector.domain.hazards.standing import Facts, Standing, standing
from collector.domain.outages import learnt, revise, withdrawn
from collector.domain.outages.groups import Place
from collector.domain.outages.revise import Run, Silence
from collector.domain.outages.withdrawn import Why
from collector.domain.silence import Around, Known
from collector.domain.slots import SLOT_MS, runs_of
from collector.domain.words import Reason

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
OPEN = Period(7 * HOUR_MS, 17 * HOUR_MS)

# availability, an outage of one school, one of many, the reason of a silence, a hazard, and whether a site is to blame
EXPECTED = {
    "ok": ("up", False, "fine", None, "heard", True),
    "collector_down": ("up", False, "ours", None, "heard", True),
    "dns_fail": ("down", True, "down", Reason.NO_INTERNET, "degraded", False),
    "no_internet": ("down", True, "down", Reason.NO_INTERNET, "degraded", False),
    "portal": ("unseen", False, "none", Reason.PORTAL, "degraded", False),
    "no_gateway": ("down", True, "down", Reason.NOT_CONNECTED, "degraded", False),
    "link_down": ("down", True, "down", Reason.NOT_CONNECTED, "degraded", False),
    "asleep": ("unseen", False, "none", None, "heard", False),
    "off": ("unseen", False, "none", None, "heard", False),
}
every_word = pytest.mark.parametrize("word", [one.value for one in DiaryState])


def test_the_table_has_every_word_and_no_other() -> None:
    assert set(MEANINGS) == {one.value for one in DiaryState} == set(EXPECTED)
    assert len({one.slot for one in MEANINGS.values()}) == len(MEANINGS), "a stored slot is one word"


@every_word
def test_availability_and_the_outage_of_one_school_follow_from_the_same_minutes(word: str) -> None:
    halves = [(7, 12), (12, 17)]  # no run is believed for longer than six hours
    heard = [Heard("d", start * HOUR_MS, end * HOUR_MS, word, end * HOUR_MS) for start, end in halves]
    day = fold_day(date(1970, 1, 1), 0, DAY_MS, [OPEN], heard)
    counted = {"up": day.good, "down": day.down, "unseen": day.unobserved}
    assert counted == {**dict.fromkeys(counted, 0), EXPECTED[word][0]: 120}
    assert day.is_heard, "a page to sign in at is named on the page of the day"
    found = local_outages.fold(local_outages.stretches(runs_of(day.slots), 0, day.school))
    assert bool(found) is EXPECTED[word][1]


@every_word
def test_an_outage_of_many_is_what_its_schools_diaries_say(word: str) -> None:
    """Twenty schools of a provider fell silent at 08:40 and were heard again at 10:00; then their diaries come."""
    silences = {f"a{number:02}": Silence(520, 600) for number in range(20)}
    diary = Run(480, 640, MEANINGS[word].said)
    found = revise.revise(silences, {code: [diary] for code in silences}, 700)
    assert set(found.said.values()) == {said_by(word)} == {said_by_slot(MEANINGS[word].slot)}
    says = "ours" if found.is_ours else "down" if found.stretches else "none"
    assert says == {"fine": "none"}.get(EXPECTED[word][2], EXPECTED[word][2])
    assert bool(found.stretches) is (EXPECTED[word][0] == "down"), "no school is down here that is not down there"


@every_word
def test_an_outage_that_only_diaries_tell_of_has_the_schools_whose_days_say_so(word: str) -> None:
    places = {f"{provider}{number}": Place("N", provider) for provider in "AB" for number in range(10)}
    said = said_by_slot(MEANINGS[word].slot)
    assert said is not None
    tracks = {code: [Run(480, 640, Said.FINE if code[0] == "B" else said)] for code in places}
    found = learnt.find(places, tracks)
    gone = {f"A{number}" for number in range(10)}
    assert [set(one.schools) for one in found] == ([gone] if EXPECTED[word][1] else [])


@pytest.mark.parametrize("word", ["portal", "off", "asleep"])
def test_who_says_nothing_of_a_line_stands_against_no_outage_that_others_tell_of(word: str) -> None:
    places = {f"{provider}{number}": Place("N", provider) for provider in "AB" for number in range(10)}
    mute = {"A8", "A9"}
    tracks = {
        code: [Run(480, 640, MEANINGS[word].said if code in mute else Said.DOWN if code[0] == "A" else Said.FINE)]
        for code in places
    }
    (one,) = learnt.find(places, tracks)
    assert (set(one.schools), one.drop.counts.online) == ({f"A{number}" for number in range(8)}, 8)


@every_word
def test_the_last_word_of_a_pc_explains_its_silence(word: str) -> None:
    known = Known(OPEN.to_ms + HOUR_MS, word, 0, is_volatile=False, is_pending=False, is_replaced=False)
    why = silence.explain(known, Around((OPEN,), DAY_MS, ()))
    assert why.reason is (EXPECTED[word][3] or Reason.SWITCHED_OFF)


@every_word
def test_the_newest_word_says_where_a_school_stands_in_a_hazard(word: str) -> None:
    facts = Facts(begins_ms=0, as_of_ms=HOUR_MS, last_contact_ms=HOUR_MS, word=word)
    assert standing(facts) is Standing(EXPECTED[word][4])


@every_word
def test_a_site_is_to_blame_only_while_the_line_was_good(word: str) -> None:
    assert is_line_good(word) is EXPECTED[word][5]


def test_a_word_of_a_newer_version_says_nothing_anywhere() -> None:
    day = fold_day(date(1970, 1, 1), 0, DAY_MS, [OPEN], [Heard("d", 0, 100 * SLOT_MS, "fogged", 0)])
    assert (day.good, day.down, day.is_heard) == (0, 0, False)
    assert said_by("fogged") is None and not is_line_good("fogged")
    assert standing(Facts(0, 1, last_contact_ms=1, word="fogged")) is Standing.HEARD


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"portal": 20}, Why.PORTAL),
        ({"off": 20}, Why.OFF),
        ({"fine": 19, "ours": 1}, Why.FINE),
        ({"portal": 15, "off": 5}, Why.MIXED),
        ({"portal": 2, "fine": 5, "down": 1}, Why.MIXED),
        ({}, Why.FINE),
    ],
)
def test_what_stood_in_the_way_is_said_where_an_outage_is_taken_back(said: dict[str, int], why: Why) -> None:
    found = withdrawn.find("retracted", "provider", "provider", said)
    assert found is not None and (found.why, found.portal) == (why, said.get("portal", 0))


def test_the_page_of_the_method_has_a_line_for_each_word() -> None:
    text = (Path(__file__).parents[3] / "docs" / "method.md").read_text()
    rows = {line.split("|")[1].strip(" `"): line for line in text.splitlines() if line.startswith("| `")}
    for word, (counts, *_rest) in EXPECTED.items():
        assert f"| {'not seen' if counts == 'unseen' else counts} |" in rows[word]
