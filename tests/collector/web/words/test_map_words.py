"""The answer above the map says no more than its numbers do, in every language."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from collector.store.queries.pages.standings import AreaShare
from collector.web.words import map_words


@pytest.fixture(autouse=True, params=["en", "es"])
def speech(request: pytest.FixtureRequest) -> Iterator[str]:
    app = Flask("collector.web")
    Babel(app)
    with app.test_request_context(), force_locale(request.param):
        yield request.param


def said(below: dict[str | None, int], total: int = 40) -> str:
    """Return the answer for so many schools below their target in each district, without its links."""
    shares = [AreaShare(area, count + 3, count + 2, 2, count) for area, count in below.items()]
    counts = {"BELOW": sum(below.values()), "MEETS": total - sum(below.values())}
    return re.sub(r"<[^>]*>", "", str(map_words.sentence(counts, shares, lambda **_: "/schools")))


@pytest.mark.parametrize(
    ("below", "english", "spanish"),
    [
        ({"Norte": 6, "Sur": 5, "Este": 0}, "in 2 of 3 districts; most of them, 6, in Norte.", "la mayoría, 6, en"),
        ({"Norte": 5, "Sur": 5, "Este": 0}, "no district has more of them than Norte, with 5.", "ninguno tiene más"),
        ({"Norte": 4, "Sur": 3, "Este": 2}, "no district has more of them than Norte, with 4.", "ninguno tiene más"),
        ({"Norte": 4, "Sur": 1, None: 5}, "no district has more of them than Norte, with 4.", "ninguno tiene más"),
        ({"Norte": 4, "Sur": 0}, "are below their target, all in Norte.", "todas en Norte."),
        ({"Norte": 4, "Sur": 0, None: 1}, "5 of 40 schools are below their target.", "de su meta."),
        ({"Norte": 0, "Sur": 0}, "0 of 40 schools are below their target.", "de su meta."),
    ],
)  # fmt: skip
def test_most_of_them_is_more_than_half(speech: str, below: dict[str | None, int], english: str, spanish: str) -> None:
    answer = said(below)
    assert answer.endswith(english) if speech == "en" else spanish in answer
