"""The schools of the map as one small JSON text: columns instead of rows, numbers instead of words.

| key | what |
|---|---|
| `verdicts` `areas` `providers` | the words that columns name by their place |
| `verdict` | one digit a school |
| `code` `name` | text |
| `lat` `lon` | ten-thousandths of a degree (11 m), null where nobody knows the place |
| `typical` `target` | tenths of Mbit/s as pages round them, null where there is none |
| `area` `provider` | place in the list of words, -1 for none |
| `out` | places of the schools in an outage that goes on: its mark replaces that of the verdict |
| `shares` | of each area: its place in `areas`, schools, judged ones, those that meet their target |

Schools stand in the order of the list, the worst first.
"""

import gzip
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from collector.store.queries.pages.map import MapSchool
from collector.store.queries.pages.schools import NO_VERDICT
from collector.store.queries.pages.standings import area_shares
from collector.web.words import terms

VERDICTS: Final = (*terms.VERDICT_ORDER, NO_VERDICT)
_DEGREE = 10_000


def pack(schools: Sequence[MapSchool], out: Collection[str] = ()) -> bytes:
    """Return the text, compressed as browsers take it; the same bytes for the same schools.

    Args:
        schools: In the order of the list.
        out: Codes of those in an outage that goes on.
    """
    counted = Counter((school.area, school.verdict or NO_VERDICT) for school in schools)
    shares = area_shares((*key, count) for key, count in counted.items())
    areas = _places(one.area for one in shares)
    providers = _places(school.provider for school in schools)
    verdicts = {name: str(place) for place, name in enumerate(VERDICTS)}
    value = {
        "verdicts": VERDICTS,
        "areas": list(areas),
        "providers": list(providers),
        "verdict": "".join(verdicts[school.verdict or NO_VERDICT] for school in schools),
        "code": [school.code for school in schools],
        "name": [school.name for school in schools],
        "lat": [_degrees(school.latitude, school.longitude) for school in schools],
        "lon": [_degrees(school.longitude, school.latitude) for school in schools],
        "typical": [_typical(school.median_bps) for school in schools],
        "target": [_target(school.target_bps) for school in schools],
        "area": [areas.get(school.area or "", -1) for school in schools],
        "provider": [providers.get(school.provider or "", -1) for school in schools],
        "out": [at for at, school in enumerate(schools) if school.code in out],
        "shares": [[areas[one.area], one.schools, one.judged, one.meets] for one in shares if one.area],
    }
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def _places(names: Iterable[str | None]) -> dict[str, int]:
    return {name: place for place, name in enumerate(sorted({name for name in names if name}))}


def _degrees(value: float | None, other: float | None) -> int | None:
    return None if value is None or other is None else round(value * _DEGREE)


def _typical(bps: int | None) -> int | None:
    """Return tenths as `present.mbps` rounds: one decimal below 100, none above."""
    if bps is None:
        return None
    value = bps / 1e6
    return round(float(f"{value:.1f}") * 10) if value < 99.95 else round(value) * 10


def _target(bps: int | None) -> int | None:
    """Return tenths as `present.target_mbps` rounds."""
    if bps is None:
        return None
    return _typical(round(bps / 1e6) * 1_000_000) if abs(bps / 1e6 - round(bps / 1e6)) < 0.05 else _typical(bps)
