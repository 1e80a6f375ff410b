"""Typed files, workbooks and maps by the page and for programs: offered where they fit, refused with a sentence."""

import errno
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from collector.publish import export
from collector.publish.formats import parquet, scratch, workbook
from collector.registry import xlsx
from collector.store.open import Store
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.registry import SCHOOLS
from tests.collector.web.pages.conftest import sign_in
from tests.fakes import parquet_file


def formats_of(page: str) -> dict[str, str]:
    """Return the formats of step 3 with what their field says beside."""
    return dict(re.findall(r'name="format" value="(\w+)"([^>]*)>', page))


def test_each_format_is_a_file_of_its_own_kind_and_the_lines_for_programs_follow_it(
    admin: FlaskClient, tmp_path: Path
) -> None:
    codes = [json.loads(line)["code"] for line in admin.get("/exports/schools.jsonl").text.splitlines()]
    found: dict[str, list[str]] = {}
    for form in export.FORMATS:
        page = admin.get(f"/exports?table=schools&format={form}").text
        assert list(formats_of(page)) == list(export.FORMATS) and "checked" in formats_of(page)[form]
        assert f"--format {form} -o schools.{form}" in page and f"/api/v1/schools.{form}" in page
        answer = admin.get(f"/exports/file?table=schools&format={form}")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="schools.{form}"'
        assert answer.content_type == export.MEDIA[form]
        assert admin.head(f"/exports/schools.{form}").status_code == 200
        (tmp_path / form).write_bytes(answer.data)
    found["parquet"] = [code for (code,) in parquet_file.read(tmp_path / "parquet", "code").rows]
    found["xlsx"] = [cells[0] for _, cells in xlsx.read((tmp_path / "xlsx").read_bytes(), 100)][1:]
    found["geojson"] = [one["id"] for one in json.loads((tmp_path / "geojson").read_text())["features"]]
    assert all(one == codes for one in found.values()) and len(found) == 3 and len(codes) > 1
    tests = admin.get("/schools/00123/tests.parquet")
    assert tests.data[:4] == b"PAR1" and tests.headers["Content-Disposition"].endswith('"tests-00123.parquet"')
    assert admin.get("/schools/00123/tests.geojson").status_code == 404


def test_what_no_file_can_be_made_of_is_said(admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "disabled" in formats_of(admin.get("/exports?table=measurements").text)["geojson"]
    assert "disabled" not in formats_of(admin.get("/exports?table=outages").text)["geojson"]
    for address in ("/exports/measurements.geojson", "/exports?table=measurements&format=geojson"):
        refused = admin.get(address)
        assert (
            refused.status_code == 400 and "Only schools and outages have places, so there is no file." in refused.text
        )
        assert "checked" in formats_of(refused.text)["csv"]

    monkeypatch.setattr(workbook, "MAX_ROWS", 2)
    for address in ("/exports/schools.xlsx", "/schools/00123/tests.xlsx"):
        refused = admin.get(address, headers={"Accept-Language": "pt"})
        assert refused.status_code == 400 and "Content-Disposition" not in refused.headers
        assert "então não há arquivo" in refused.text or "so there is no file" in refused.text

    def full(_make: object) -> Iterator[bytes]:
        raise OSError(errno.ENOSPC, "No space left on device")
        yield b""

    monkeypatch.setattr(scratch, "made", full)
    refused = admin.get("/exports/schools.parquet")
    assert refused.status_code == 503 and "has no room to make this file. Choose CSV" in refused.text

    monkeypatch.setattr(parquet, "is_there", lambda: False)
    assert list(formats_of(admin.get("/exports?format=parquet").text)) == ["csv", "jsonl", "xlsx", "geojson"]
    assert admin.get("/exports/schools.parquet").status_code == 404


def test_an_outage_shows_its_reader_the_places_of_their_own_schools(
    app: Flask, admin: FlaskClient, country: Store
) -> None:
    with country.unit() as unit:
        common = {"kind": "regional", "label": "area", "live_label": "area", "state": "closed", "suspected_ms": 1}
        numbers = {"began_ms": 1, "from_ms": 1, "online": 9, "silent": 3}
        unit.connection.execute(insert(OUTAGES).values(outage_id="both", **common, **numbers))
        members = [{"outage_id": "both", "school": code, "heard_ms": 1, "from_ms": 1} for code in ("00123", "00200")]
        unit.connection.execute(insert(OUTAGE_SCHOOLS), members)
        c = SCHOOLS.c
        query = select(c.code, c.longitude, c.latitude).where(c.code.in_(["00123", "00200"])).order_by(c.code)
        places = {code: [longitude, latitude] for code, longitude, latitude in unit.connection.execute(query)}
        unit.commit()
    cleo = app.test_client()
    assert sign_in(cleo, "cleo").status_code == 303  # sees Los Cayos alone
    for client, codes in ((admin, ("00123", "00200")), (cleo, ("00200",))):
        features = json.loads(io.BytesIO(client.get("/api/v1/outages.geojson").data).read())["features"]
        (geometry,) = [one["geometry"] for one in features if one["id"] == "both"]
        shown = [places[code] for code in codes if None not in places[code]]
        assert shown and geometry == {"type": "MultiPoint", "coordinates": shown}
    own = json.loads(cleo.get("/exports/schools.geojson").data)["features"]
    assert [one["id"] for one in own] == ["00200"]
