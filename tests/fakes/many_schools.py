"""Thousands of invented schools over a real country, each with one verdict: what a map of a nation has to carry.

Names, codes and places are as hard to compress as real ones: of random syllables, digits and degrees.
"""

import random

from sqlalchemy import insert

from collector.registry.names import fold, order_key
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS
from collector.store.tables.people import FACTS
from collector.store.tables.registry import SCHOOLS
from tests.fakes import summed_up
from tests.fakes.pages_world import METRIC, NOW_MS, PROFILE, VERSION

KINDS = ("Escuela Básica", "Escuela Rural", "Colegio", "Liceo", "Centro Educativo", "Jardín de Niños", "Instituto")
SYLLABLES = (
    *("ba", "ca", "che", "da", "fa", "gua", "hi", "jo", "la", "lle", "ma", "mi", "na", "ña"),
    *("o", "pa", "que", "ra", "ri", "sa", "se", "ta", "tu", "va", "ve", "xi", "ya", "zo"),
)
VERDICTS = ("BELOW", "BORDERLINE", "MEETS", "INSUFFICIENT", "NOT_TESTABLE", None)
WEIGHTS = (20, 12, 48, 12, 3, 5)
HONDURAS = (13.6, 15.6, -88.6, -84.6)  # south, north, west, east: some of it sea
AREAS, PROVIDERS = 120, 14


def _name(chance: random.Random) -> str:
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))).title() for _ in range(chance.randint(1, 3))]
    return f"{chance.choice(KINDS)} {' '.join(words)}"


def rows(count: int, seed: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    chance = random.Random(seed)
    areas = [_name(chance).split(" ", 1)[1] for _ in range(AREAS)]
    towns = [(chance.uniform(*HONDURAS[:2]), chance.uniform(*HONDURAS[2:])) for _ in range(AREAS)]
    schools: list[dict[str, object]] = []
    judged: list[dict[str, object]] = []
    for number in range(count):
        code, name, area = f"{chance.randrange(10**8):08d}{number:04d}"[-9:], _name(chance), chance.randrange(AREAS)
        at = [round(degrees + chance.gauss(0, 0.12), 5) for degrees in towns[area]]
        latitude, longitude = at if chance.random() < 0.9 else (None, None)
        schools.append({
            "code": code, "name": name, "name_folded": fold(name), "name_order": order_key(name, code),
            "latitude": latitude, "longitude": longitude, "area": areas[area],
            "provider": f"Red {SYLLABLES[chance.randrange(PROVIDERS)].title()}", "technology": "fibre",
            "students_total": chance.randrange(20, 900), "is_demo": False, "created_ms": NOW_MS, "updated_ms": NOW_MS,
        })  # fmt: skip
        verdict = chance.choices(VERDICTS, WEIGHTS)[0]
        if verdict is None:
            continue
        target = 20_000_000 + 50_000 * chance.randrange(600)
        judged.append({
            "school": code, "profile": PROFILE, "profile_version": VERSION, "metric": METRIC, "day": "2026-11-23",
            "window_from": "2026-11-10", "n": 40, "days": 10, "n_effective": 20.0, "attained": 20, "unknown": 0,
            "failed": 20, "a_lo": 0.5, "a_hi": 0.5, "lower": 0.3, "upper": 0.7, "share": 0.5, "verdict": verdict,
            "state": "none", "state_count": 0, "target_bps": target, "is_estimated": False,
            "median_bps": round(target * chance.lognormvariate(0, 0.5)),
        })  # fmt: skip
    return schools, judged


def fill(store: Store, count: int = 12_000, seed: int = 3) -> None:
    """Fill the tables with so many schools."""
    schools, judged = rows(count, seed)
    with store.unit() as unit:
        unit.connection.execute(insert(SCHOOLS), schools)
        unit.connection.execute(insert(EVALUATIONS), judged)
        summed_up.renew_all(unit)
        unit.connection.execute(insert(FACTS), [{"name": "last_evaluation_ms", "value": str(NOW_MS - 3_600_000)}])
        unit.commit()
