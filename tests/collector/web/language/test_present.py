import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_datetime
from flask import Flask
from flask_babel import Babel, force_locale

from collector.web.language import present
from collector.web.language.conventions import CONVENTIONS
from collector.web.words import map_words, sentences, terms
from collector.web.words.sentences import Judged

LIMA = ZoneInfo("America/Lima")
AT_MS = 1_795_527_600_000  # 2026-11-24T13:40:00Z


@pytest.fixture(autouse=True, params=["en", "es", "pt", "fr"])
def speech(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    app = Flask("collector.web")
    Babel(app)
    with app.test_request_context(), force_locale(request.param):
        yield request.param


def test_speeds_have_one_decimal_below_a_hundred(speech: str) -> None:
    shown = [present.mbps(bps) for bps in (None, 0, 12_840_000, 99_949_999, 99_960_000, 940_000_000, 5_793_000_000)]
    assert (
        shown
        == {
            "en": ["–", "0.0", "12.8", "99.9", "100", "940", "5,793"],
            "es": ["–", "0,0", "12,8", "99,9", "100", "940", "5\u00a0793"],
            "pt": ["–", "0,0", "12,8", "99,9", "100", "940", "5.793"],
            "fr": ["–", "0,0", "12,8", "99,9", "100", "940", "5\u00a0793"],
        }[speech]
    )
    targets = [present.target_mbps(bps) for bps in (20_000_000, 24_300_000, 500_000_000)]
    assert targets == (["20", "24.3", "500"] if speech == "en" else ["20", "24,3", "500"])


def test_numbers_below_zero_have_a_minus_and_nothing_is_minus_zero(speech: str) -> None:
    assert present.number(-3) == "−3"
    assert present.number(-0.04, 1) == ("0.0" if speech == "en" else "0,0")
    assert (present.signed(2), present.signed(0), present.signed(-1)) == ("+2", "=", "−1")


def test_dates_are_local_and_say_their_day(speech: str) -> None:
    shown = present.moment(AT_MS, LIMA)
    assert (
        shown
        == {
            "en": '<time datetime="2026-11-24T13:40:00Z">Tue 24 Nov, 08:40</time>',
            "es": '<time datetime="2026-11-24T13:40:00Z">mar 24 nov, 08:40</time>',
            "pt": '<time datetime="2026-11-24T13:40:00Z">ter. 24 nov., 08:40</time>',
            "fr": '<time datetime="2026-11-24T13:40:00Z">mar. 24 nov., 08:40</time>',
        }[speech]
    )
    days = [present.day("2026-11-03"), present.day("2026-11-01"), present.month("2026-11-01")]
    assert (
        days
        == {
            "en": ["3 November", "1 November", "November 2026"],
            "es": ["3 de noviembre", "1 de noviembre", "noviembre de 2026"],
            "pt": ["3 de novembro", "1º de novembro", "novembro de 2026"],
            "fr": ["3 novembre", "1er novembre", "novembre 2026"],
        }[speech]
    )
    ranges = [present.day_range("2026-11-10", "2026-11-23"), present.day_range("2026-10-27", "2026-11-09")]
    assert (
        ranges
        == {
            "en": ["10 to 23 November", "27 October to 9 November"],
            "es": ["10 a 23 de noviembre", "27 de octubre a 9 de noviembre"],
            "pt": ["10 a 23 de novembro", "27 de outubro a 9 de novembro"],
            "fr": ["10 au 23 novembre", "27 octobre au 9 novembre"],
        }[speech]
    )
    first = present.day_range("2026-11-01", "2026-11-07")
    assert (
        first
        == {
            "en": "1 to 7 November",
            "es": "1 a 7 de noviembre",
            "pt": "1º a 7 de novembro",
            "fr": "1er au 7 novembre",
        }[speech]
    )
    full = present.full_moment(1_793_541_600_000, LIMA).striptags()
    assert (
        full
        == {
            "en": "Sunday 1 November 2026, 09:00",
            "es": "Domingo 1 de noviembre de 2026, 09:00",
            "pt": "Domingo, 1º de novembro de 2026, 09:00",
            "fr": "Dimanche 1er novembre 2026, 09:00",
        }[speech]
    )
    assert present.zone_name(LIMA, AT_MS) == "UTC−5"
    assert present.zone_name(ZoneInfo("Asia/Kolkata"), AT_MS) == "UTC+5:30"


def test_ages_are_relative_below_an_hour_and_never_in_the_future(speech: str) -> None:
    ages = [present.ago(AT_MS - past, AT_MS, LIMA).striptags() for past in (10_000, 60_000, 59 * 60_000, 3_600_000)]
    assert (
        ages
        == {
            "en": ["less than a minute ago", "1 minute ago", "59 minutes ago", "Tue 24 Nov, 07:40"],
            "es": ["hace menos de un minuto", "hace 1 minuto", "hace 59 minutos", "mar 24 nov, 07:40"],
            "pt": ["há menos de um minuto", "há 1 minuto", "há 59 minutos", "ter. 24 nov., 07:40"],
            "fr": ["il y a moins d’une minute", "il y a 1 minute", "il y a 59 minutes", "mar. 24 nov., 07:40"],
        }[speech]
    )
    assert "2036" in present.ago(AT_MS + 10 * 31_557_600_000, AT_MS, LIMA)
    assert present.short_age(AT_MS + 5_000, AT_MS) == "0\u00a0min"


JUDGED = Judged("BELOW", 42, 10, 1, 0.5, 0.003, 0.151, 12_800_000, 24_300_000, below_since="2026-11-03")
SAID = {
    "en": {
        "BELOW": "Only 1 of 42 valid tests in the last 10 school days reached the target of 24.3 Mbit/s. "
        "The typical test was 12.8, about half. Below target since 3 November.",
        "MEETS": "1 of 42 tests reached the target of 24.3 Mbit/s. This school meets it.",
        "BORDERLINE": "1 of 42 tests reached the target of 24.3 Mbit/s. That is too close to half to say more: "
        "borderline.",
        "range": "1 of 42. The true share is 0 to 15 %, 9 times in 10.",
    },
    "es": {
        "BELOW": "Solo 1 de 42 pruebas válidas de los últimos 10 días de clase llegaron a la meta de 24,3 Mbit/s. "
        "La prueba típica dio 12,8, cerca de la mitad. Por debajo desde el 3 de noviembre.",
        "MEETS": "1 de 42 pruebas llegaron a la meta de 24,3 Mbit/s. Esta escuela cumple.",
        "BORDERLINE": "1 de 42 pruebas llegaron a la meta de 24,3 Mbit/s. Está muy cerca de la mitad para decir más: "
        "en el límite.",
        "range": "1 de 42. La parte verdadera está entre 0 y 15 %, 9 de cada 10 veces.",
    },
    "pt": {
        "BELOW": "A meta de 24,3 Mbit/s foi atingida em apenas 1 de 42 testes válidos dos últimos 10 dias letivos. "
        "O teste típico deu 12,8, cerca da metade. Abaixo da meta desde 3 de novembro.",
        "MEETS": "A meta de 24,3 Mbit/s foi atingida em 1 de 42 testes. Esta escola atende.",
        "BORDERLINE": "A meta de 24,3 Mbit/s foi atingida em 1 de 42 testes. Está perto demais da metade para dizer "
        "mais: no limite.",
        "range": "1 de 42. A proporção real fica entre 0 e 15 %, 9 vezes em 10.",
    },
    "fr": {
        "BELOW": "L’objectif de 24,3 Mbit/s n’a été atteint que dans 1 des 42 tests valides des 10 derniers jours de "
        "classe. Le test typique a donné 12,8, environ la moitié. Sous l’objectif depuis le 3 novembre.",
        "MEETS": "L’objectif de 24,3 Mbit/s a été atteint dans 1 des 42 tests. Cette école l’atteint.",
        "BORDERLINE": "L’objectif de 24,3 Mbit/s a été atteint dans 1 des 42 tests. C’est trop près de la moitié pour "
        "en dire plus : à la limite.",
        "range": "1 sur 42. La part réelle est de 0 à 15 %, 9 fois sur 10.",
    },
}  # fmt: skip


def test_a_verdict_is_one_plain_sentence_with_its_numbers(speech: str) -> None:
    for verdict in ("BELOW", "MEETS", "BORDERLINE"):
        values = {**JUDGED.__dict__, "verdict": verdict}
        said = sentences.verdict(Judged(**values)).striptags().replace("\u00a0", " ")
        assert said == SAID[speech][verdict]
    assert sentences.share_range(JUDGED).replace("\u00a0", " ") == SAID[speech]["range"]


def test_too_little_data_says_what_is_missing(speech: str) -> None:
    few = Judged(**{**JUDGED.__dict__, "verdict": "INSUFFICIENT", "n": 1, "days": 1})
    half = Judged(**{**JUDGED.__dict__, "verdict": "INSUFFICIENT"})
    assert (
        sentences.verdict(few).striptags()
        == {
            "en": "We have 1 test on 1 day. We need 12 on 5 days before we judge.",
            "es": "Tenemos 1 prueba de 1 día. Hacen falta 12 de 5 días para juzgar.",
            "pt": "Temos 1 teste em 1 dia. São necessários 12 em 5 dias para avaliar.",
            "fr": "Nous avons 1 test sur 1 jour. Il en faut 12 sur 5 jours pour évaluer.",
        }[speech]
    )
    assert {"en": "one half", "es": "una mitad", "pt": "uma só metade", "fr": "une seule moitié"}[
        speech
    ] in sentences.verdict(half)


@pytest.mark.parametrize("remedy", ["cable", "faster_port", "larger_cap", None])
def test_what_cannot_be_tested_says_the_remedy(speech: str, remedy: str | None) -> None:
    said = sentences.verdict(Judged(**{**JUDGED.__dict__, "verdict": "NOT_TESTABLE", "remedy": remedy}))
    assert "24" in said


@pytest.mark.parametrize(
    ("median", "target", "contract", "first"),
    [
        (12_800_000, 24_300_000, 30.0, ("Complain to Onda", "Reclamar a Onda", "Reclamar com Onda", "Contacter Onda")),
        (9_600_000, 20_000_000, 10.0, ("Buy more", "Contratar más", "Contratar mais", "Souscrire plus")),
        (17_000_000, 20_000_000, 20.0, ("Look at when", "Ver cuándo", "Ver quando", "Voir quand")),
        (17_000_000, 20_000_000, None, ("Find out", "Averiguar", "Descobrir", "Chercher")),
    ],
)
def test_a_cure_begins_with_what_to_do(
    speech: str, median: int, target: int, contract: float | None, first: tuple[str, ...]
) -> None:
    assert sentences.cure(median, target, contract, "Onda Sur").do.startswith(first[list(SAID).index(speech)])


def test_opening_hours_are_words(speech: str) -> None:
    shown = present.opening("mon-fri 07:30-12:00 13:00-15:30; sat 08:00-12:00")
    assert (
        shown
        == {
            "en": "Mon to Fri, 07:30 to 12:00, 13:00 to 15:30; Sat, 08:00 to 12:00",
            "es": "lun a vie, 07:30 a 12:00, 13:00 a 15:30; sáb, 08:00 a 12:00",
            "pt": "seg. a sex., 07:30 a 12:00, 13:00 a 15:30; sáb., 08:00 a 12:00",
            "fr": "lun. à ven., 07:30 à 12:00, 13:00 à 15:30\u00a0; sam., 08:00 à 12:00",
        }[speech]
    )
    assert (
        present.opening(None)
        == {
            "en": "Mon to Fri, 07:00 to 17:00",
            "es": "lun a vie, 07:00 a 17:00",
            "pt": "seg. a sex., 07:00 a 17:00",
            "fr": "lun. à ven., 07:00 à 17:00",
        }[speech]
    )


def test_one_test_is_no_tests_and_a_percent_sign_stays_with_its_number(speech: str) -> None:
    judged = Judged("INSUFFICIENT", 1, 1, 0, 0.5, 0.0, 0.9, 5_000_000, 20_000_000)
    line = str(sentences.evidence(judged))
    said = {
        "en": "0 of 1 valid test reached",
        "es": "0 de 1 prueba válida llegó",
        "pt": "0 de 1 teste válido atingiu",
        "fr": "atteint dans 0 sur 1 test valide",
    }
    assert said[speech] in line
    assert "90\u00a0%" in str(sentences.share_range(judged))


def test_none_is_one_in_portuguese_and_french_and_many_elsewhere(speech: str) -> None:
    said = [present.span(minutes * 60_000) for minutes in (1, 2)]
    pupils = [terms.pupils(count, present.number(count)) for count in (0, 1, 2)]
    assert (said, pupils) == {
        "en": (["1 minute", "2 minutes"], ["0 pupils", "1 pupil", "2 pupils"]),
        "es": (["1 minuto", "2 minutos"], ["0 alumnos", "1 alumno", "2 alumnos"]),
        "pt": (["1 minuto", "2 minutos"], ["0 aluno", "1 aluno", "2 alunos"]),
        "fr": (["1 minute", "2 minutes"], ["0 élève", "1 élève", "2 élèves"]),
    }[speech]


def test_the_script_of_the_map_counts_and_separates_as_the_pages_do(speech: str) -> None:
    said = json.loads(map_words.for_script())
    none, one, more = said["schools"]
    assert one != more
    assert none == (one if speech in ("pt", "fr") else more)
    assert said["decimal"] == ("." if speech == "en" else ",")
    assert present.number(5793) == f"5{said['group']}793"


def test_a_day_within_a_sentence_is_written_as_the_language_writes_it(speech: str) -> None:
    shown = present.full_moment(AT_MS, LIMA, begins=False).striptags()
    day = {"en": "Tuesday", "es": "martes", "pt": "terça-feira", "fr": "mardi"}[speech]
    assert shown.startswith(day)
    assert present.full_moment(AT_MS, LIMA).striptags().startswith(day[0].upper() + day[1:])


def test_dates_and_moments_are_written_as_the_library_writes_them(speech: str) -> None:
    ours = CONVENTIONS[speech]
    patterns = (ours.day, ours.month, ours.day_short, ours.weekday_day, ours.moment, ours.moment_year, ours.full)
    for when in (datetime(2026, 2, 3, 0, 5, tzinfo=LIMA), datetime(2031, 12, 31, 23, 59, 59, tzinfo=LIMA)):
        for pattern in patterns:
            assert ours.write(when, pattern, speech) == format_datetime(when, pattern, locale=speech)
