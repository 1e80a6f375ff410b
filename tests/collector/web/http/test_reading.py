"""What a request brings has no sign that databases refuse."""

import io

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from collector.web.http import reading


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)
    reading.install(app)

    @app.route("/of/<place>", methods=["GET", "POST"])
    def show(place: str) -> dict[str, object]:
        file = request.files.get("file")
        content = file.stream.read().hex() if file else None
        return {
            "place": place,
            "args": request.args.to_dict(False),
            "form": request.form.to_dict(False),
            "file": content,
        }

    return app.test_client()


def test_no_text_of_an_address_or_a_form_has_a_nul(client: FlaskClient) -> None:
    answer = client.post("/of/a?q=%00x%00&q=y&%00k=1", data={"name": ["a\0b", "c"], "n\0": "\0"})
    assert answer.json is not None
    assert answer.json["args"] == {"q": ["x", "y"], "k": ["1"]}
    assert answer.json["form"] == {"name": ["ab", "c"], "n": [""]}


def test_no_text_has_a_mark_that_turns_it_round(client: FlaskClient) -> None:
    marks = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    answer = client.post("/of/a", query_string={"q": f"x{marks}y"}, data={"name": f"Ana {marks}anA"})
    assert answer.json is not None and answer.json["args"] == {"q": ["xy"]}
    assert answer.json["form"] == {"name": ["Ana anA"]}


def test_a_file_stays_as_it_was_sent(client: FlaskClient) -> None:
    answer = client.post("/of/a", data={"file": (io.BytesIO(b"a\0b"), "x\0.csv"), "name": "a\0b"})
    assert answer.json is not None
    assert answer.json["file"] == b"a\0b".hex() and answer.json["form"] == {"name": ["ab"]}


def test_a_place_with_a_nul_is_none_of_ours(client: FlaskClient) -> None:
    assert client.get("/of/a%00b").status_code == 404
    assert client.get("/of/ab").status_code == 200
