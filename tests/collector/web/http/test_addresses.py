"""Addresses from patterns are those that Werkzeug builds, whatever stands in them."""

from typing import Any

import flask
import pytest
from flask import Flask

from collector.web.http import addresses

CASES: list[tuple[str, dict[str, Any]]] = [
    ("one", {"code": "00123"}),
    ("one", {"code": "a b/c%d"}),
    ("one", {"code": "Zürich"}),
    ("one", {"code": "{0}"}),
    ("one", {"code": "00123", "counts": "yes", "from": "2026-11-01", "weekday": 3, "at": "08:00-10:00"}),
    ("one", {"counts": "no", "code": "00123", "kept": None, "least": 2.5}),
    ("one", {"code": "00123", "_anchor": "why"}),
    ("every", {}),
    ("every", {"name": ["b", "a"], "q": "", "cols": "typical,target"}),
    ("every", {"q": "Cayes & more"}),
    ("every", {"_external": True}),
    ("numbered", {"number": 7}),
]


@pytest.fixture
def app() -> Flask:
    made = Flask(__name__)
    for rule, endpoint in (("/schools/<path:code>", "one"), ("/schools", "every"), ("/pages/<int:number>", "numbered")):
        made.add_url_rule(rule, endpoint, lambda: "")
    return made


@pytest.mark.parametrize("root", ["", "/under"])
def test_an_address_is_what_the_long_way_gives(app: Flask, root: str) -> None:
    with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": root}):
        for endpoint, values in CASES * 2:
            assert addresses.url_for(endpoint, **values) == flask.url_for(endpoint, **values), (endpoint, values)


def test_one_pattern_serves_every_plain_value(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.test_request_context("/"):
        addresses.url_for("one", code="first", q="x")
        monkeypatch.setattr(flask, "url_for", None)
        assert addresses.url_for("one", code="00123", q="7") == "/schools/00123?q=7"


def test_an_endpoint_that_is_none_is_refused_as_ever(app: Flask) -> None:
    with app.test_request_context("/"), pytest.raises(LookupError):
        addresses.url_for("nowhere", code="00123")
