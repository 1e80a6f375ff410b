"""Whatever is posted to the registry's forms: never a fault of ours, and nothing half stored."""

import io
import random
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from collector.domain.registry_checks import Check
from collector.store.open import Store
from collector.store.queries import imports, schools
from tests.collector.web.pages.conftest import token_of
from tests.collector.web.pages.test_registry import HOME, seen
from tests.fakes.workbooks import inline, pack, parts

WORDS = (
    "", "00123", "code", "name", "x" * 300, "\0", "=1+1", "ñandú", "1e9", "-5", "0", "12,5", "12.500", "99",
    "2026-12-24", "holiday", "default", "{}",
    '{"a":[1]}', "mon-fri 07:00-12:00", "America/Lima", "'", '"', ";", "\t", "\u202e",
    "😀", "<b>", "%(num)s", "%", "nan", "inf", "-0", "١٢", "\ufeff", "a\rb", "90", "180", "91",
)  # fmt: skip
HEADINGS = (
    ("code", "name", "latitude", "longitude", "students_total", "students_peak_shift", "opening", "timezone", "extra"),
    ("calendar", "date", "kind", "note"),
    ("school_id_govt", "school_name", "num_students", "download_speed_contracted", "admin1", "school_id_giga"),
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1")


def a_file(chance: random.Random) -> tuple[bytes, str]:
    """Return a file that is nearly right, in one of the forms that people send, or is damaged."""
    heading = list(chance.choice(HEADINGS))
    if chance.random() < 0.3:
        chance.shuffle(heading)
    if chance.random() < 0.15:
        heading[chance.randrange(len(heading))] = chance.choice(WORDS)
    rows = [tuple(heading)]
    for _row in range(chance.randrange(0, 6)):
        wide = max(0, len(heading) + chance.choice((0, 0, 0, -1, 1)))
        rows.append(tuple(chance.choice(WORDS) for _cell in range(wide)))
    kind = chance.random()
    if kind < 0.2:
        safe = [tuple("".join(sign for sign in cell if sign.isalnum()) for cell in row) for row in rows]
        raw = inline(*safe)
    elif kind < 0.25:
        raw = pack(parts(chance.choice(("<row><c><v>x</v></c></row>", "<row r='a'/>", "<c/>", "", "<row>"))))
    else:
        delimiter = chance.choice(",;\t|")
        raw = "\n".join(delimiter.join(row) for row in rows).encode(chance.choice(ENCODINGS), "replace")
    if chance.random() < 0.15 and raw:
        broken = bytearray(raw)
        broken[chance.randrange(len(raw))] = chance.randrange(256)
        raw = bytes(broken)
    return raw, chance.choice(("a.csv", "a.xlsx", "../../etc/passwd", "", "\0", "ñ" * 200, "=1.csv"))


class Fuzz:
    """Posts at random, and looks whether each did all or nothing."""

    def __init__(self, client: FlaskClient, store: Store, seed: int) -> None:
        self.client, self.store, self.chance = client, store, random.Random(seed)
        self.token = token_of(client.get(HOME).text)
        self.known: list[str] = []
        with store.reader() as snapshot:
            self.first = frozenset(schools.by_code(snapshot))  # put there straight, without facts

    def post(self) -> None:
        chance = self.chance
        before = self.stand()
        is_new = not self.known or chance.random() < 0.45
        answer = self.bring() if is_new else self.act(chance.choice(self.known))
        assert answer.status_code in (303, 400, 404, 413, 422), answer.status_code
        assert answer.status_code == 303 or "<main" in answer.text
        if answer.status_code != 303:
            assert self.stand() == before
        elif "/imports/" in answer.location:
            address = answer.location.split("?")[0]
            self.known = [*self.known[-5:], address]
            assert self.client.get(answer.location).status_code == 200, answer.location
            if "note=moved" in answer.location:
                assert self.stand() == before

    def stand(self) -> tuple[object, ...]:
        with self.store.reader() as snapshot:
            registry = schools.by_code(snapshot)
            assert all(schools.facts_of(snapshot, registry.keys() - self.first).values())  # no school is stored half
            days = schools.list_calendar_days(snapshot)
            return registry, days, imports.list_imports(snapshot, 5), imports.count_imports(snapshot)

    def bring(self) -> TestResponse:
        raw, name = a_file(self.chance)
        data: dict[str, object] = {"csrf_token": self.token, "file": (io.BytesIO(raw), name)}
        odd = self.chance.random()
        if odd < 0.05:
            data["file"] = "no file"
        elif odd < 0.08:
            del data["csrf_token"]
        return self.client.post(HOME, data=data, content_type="multipart/form-data")

    def act(self, address: str) -> TestResponse:
        chance = self.chance
        action = chance.choice(("apply", "apply", "mend", "mend", "drop", "undo", "undo", "nothing"))
        fields = {"csrf_token": self.token, "seen": chance.choice(WORDS)}
        if chance.random() < 0.7 and 'name="seen"' in self.client.get(address).text:
            fields["seen"] = seen(self.client, address)
        if action == "mend":
            for _cell in range(chance.randrange(4)):
                place = (
                    f"cell-{chance.choice((1, 2, 3, 4, 99, 'x', -1, '9' * 30))}-{chance.choice((0, 1, 2, 3, 77, ''))}"
                )
                fields[place] = chance.choice(WORDS)
        return self.client.post(f"{address}/{action}", data=fields)


@pytest.fixture(autouse=True)
def no_fault_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("seed", range(1))
def test_250_posts_do_all_or_nothing(admin: FlaskClient, country: Store, seed: int) -> None:
    fuzz = Fuzz(admin, country, seed)
    for _post in range(250):
        fuzz.post()
    for check in Check:
        assert admin.get(f"/quality/{check.value}").status_code == 200
    for name in ("", "/giga.csv", "/calendar.csv", "/checks.csv"):
        assert admin.get(HOME + name).status_code == 200


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(100, 110))
def test_10000_posts_do_all_or_nothing(admin: FlaskClient, country: Store, seed: int) -> None:
    fuzz = Fuzz(admin, country, seed)
    for _post in range(1000):
        fuzz.post()
