"""Why a line is slow and what it is good for: every number on the pages is counted again from the raw rows."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, text, update

from collector.domain.diagnosis.facts import Cause
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS
from collector.store.tables.measurements import MEASUREMENTS
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.screens import make_app
from tests.fakes import reasons_world, summed_up
from tests.fakes.empty_store import empty_store
from tests.fakes.reasons_world import CONTRACT_MBPS, FIRST, LAST, code_of

Row = dict[str, Any]
Group = Callable[[Row], bool]


@pytest.fixture(scope="module")
def reasons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reasons") / "data"
    made = empty_store(place)
    reasons_world.fill(made)
    made.close()
    return place


@pytest.fixture
def country(reasons: Path, tmp_path: Path) -> Iterator[Store]:
    place = tmp_path / "data"
    shutil.copytree(reasons, place)
    opened = Store.open(place)
    yield opened
    opened.close()


@pytest.fixture
def app(country: Store) -> Flask:
    return make_app(country)


def raw_rows(store: Store, code: str) -> list[Row]:
    """Return the stored rows of the days of the window, as they are."""
    with store.reader() as snapshot:
        query = text(
            "SELECT * FROM measurements WHERE school = :code "
            "AND datetime(started_ms / 1000, 'unixepoch', '-4 hours') BETWEEN :first AND :last"
        )
        values = {"code": code, "first": FIRST, "last": f"{LAST} 23:59:59"}
        return [dict(row) for row in snapshot.connection.execute(query, values).mappings()]


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html))).replace("\u00a0", " ")


def hints_of(page: str) -> dict[str, str]:
    """Return title -> the HTML of every hint of a school's page."""
    card = page.split('id="why"')[1].split("</section>")[0]
    items = re.findall(r"<li><h3>(.*?)</h3>(.*?)</li>", card, re.DOTALL)
    return {unescape(title): body for title, body in items}


def mbps(rows: list[Row]) -> str:
    return f"{median(row['download_bps'] for row in rows) / 1e6:.1f}"


def ms(rows: list[Row], column: str) -> str:
    return f"{median(row[column] for row in rows):.0f}"


def by(medium: str) -> Group:
    return lambda row: bool(row["votes"]) and row["medium"] == medium


def began(least_ms: float, most_ms: float) -> Group:
    return lambda row: bool(row["votes"]) and least_ms <= row["idle_rtt_ms"] < most_ms


GROUPS: dict[Cause, list[tuple[str, Group]]] = {
    Cause.WIFI_SLOWER: [("wifi", by("wifi")), ("cable", by("ethernet"))],
    Cause.WIFI_WEAK: [("weak", lambda row: row["signal_dbm"] < -70), ("wifi", by("wifi"))],
    Cause.PORT: [("filled", lambda row: row["link_bps"] == 10_000_000), ("cable", by("ethernet"))],
    Cause.FULL_IN_CLASS: [("in_class", lambda row: bool(row["votes"])), ("off_hours", lambda row: not row["votes"])],
    Cause.FULL_WHEN_BUSY: [("quiet", began(0, 30)), ("busy", began(80, 100))],
    Cause.PROVIDER: [("cable", by("ethernet"))],
    Cause.FARTHER_SERVER: [
        ("far", lambda row: row["server_id"] == "tp1"),
        ("near", lambda row: row["server_id"] == "tp2"),
    ],
    Cause.SERVER_FAR: [("far", lambda row: bool(row["votes"]))],
    Cause.DELAY: [("late", lambda row: row["loaded_upload_rtt_ms"] > 400), ("all", lambda row: bool(row["votes"]))],
}
"""The groups whose sizes a hint tells, counted in another way than the rule does it."""


@pytest.mark.parametrize("cause", list(Cause))
def test_every_number_of_a_hint_is_a_recount_and_leads_to_its_rows(
    admin: FlaskClient, country: Store, cause: Cause
) -> None:
    code = code_of(cause)
    rows = raw_rows(country, code)
    (title, body), *others = hints_of(admin.get(f"/schools/{code}").text).items()
    assert not others, "one reason, one hint"
    for part, belongs in GROUPS[cause]:
        expected = {row["rid"] for row in rows if belongs(row)}
        shown, address = link_to(body, f"part={part}")
        assert shown == f"{len(expected)} tests", (title, part)
        assert {row["rid"] for row in listed(admin, address)} == expected
        assert f"{len(expected)} of {total(country, code)} tests" in plain(admin.get(address).text)
    shown, address = link_to(body, f"hint={cause}", without="part=")
    every = {row["rid"] for row in listed(admin, address)}
    assert every == {row["rid"] for row in rows if any(belongs(row) for _part, belongs in GROUPS[cause])}
    assert shown.startswith(f"The {len(every)} rows")
    numbers = re.findall(r"<b>([\d.]+)(?: %)?</b>", body.replace("\u00a0", " "))
    assert numbers == recount(cause, rows), plain(body)


def link_to(body: str, needle: str, without: str = "\0") -> tuple[str, str]:
    for address, shown in re.findall(r'<a href="([^"]+)">(.*?)</a>', body, re.DOTALL):
        if needle in address and without not in address:
            return plain(shown), unescape(address)
    raise AssertionError(f"no link with {needle} in {body}")


def listed(client: FlaskClient, address: str, form: str = "csv") -> list[Row]:
    """Return the rows that an address of the page of tests gives as a file."""
    path, _, query = address.partition("?")
    answer = client.get(f"{path}.{form}?{query}")
    assert answer.status_code == 200
    if form == "jsonl":
        return [json.loads(line) for line in answer.text.splitlines()]
    return list(csv.DictReader(io.StringIO(answer.text)))


def total(store: Store, code: str) -> int:
    with store.reader() as snapshot:
        return int(
            snapshot.connection.scalar(text("SELECT count(*) FROM measurements WHERE school = :c"), {"c": code}) or 0
        )


def recount(cause: Cause, rows: list[Row]) -> list[str]:
    """Return the bold numbers of a hint's sentence, worked out from the raw rows."""
    parts = [[row for row in rows if belongs(row)] for _name, belongs in GROUPS[cause]]
    match cause:
        case Cause.WIFI_SLOWER | Cause.FULL_IN_CLASS | Cause.FULL_WHEN_BUSY:
            return [mbps(part) for part in parts]
        case Cause.WIFI_WEAK:
            return [mbps(parts[0])]
        case Cause.PORT:
            return []
        case Cause.PROVIDER:
            speed = median(row["download_bps"] for row in parts[0])
            return [f"{speed / 1e6:.1f}", f"{speed / CONTRACT_MBPS / 1e4:.0f}"]
        case Cause.DELAY:
            return [ms(parts[0], "loaded_upload_rtt_ms"), ms(parts[0], "idle_rtt_ms")]
        case _:
            return [ms(part, "idle_rtt_min_ms") for part in parts]


NEEDS = {
    "class_video": (30, 1.0, 0.1, 200),
    "call": (1, 2.0, 2.0, 200),
    "exam": (30, 0.512, 0.512, 150),
    "web": (30, 0.5, 0.1, 400),
}
"""Pupils at once, Mbit/s down and up for each, ms: as published."""


@pytest.mark.parametrize("code", ["00123", code_of(Cause.DELAY), code_of(Cause.PORT)])
def test_every_number_of_a_use_is_a_recount_and_leads_to_its_rows(
    admin: FlaskClient, country: Store, code: str
) -> None:
    page = admin.get(f"/schools/{code}").text
    voting = [row for row in raw_rows(country, code) if row["votes"]] if code != "00123" else window_of(country)
    lines = page.split('id="fitness"')[1].split("<tbody>")[1].split("</tbody>")[0].split("<tr>")[1:]
    assert len(lines) == len(NEEDS)
    for (use, (pupils, down, up, late)), line in zip(NEEDS.items(), lines, strict=True):
        cells = [plain(cell) for cell in re.findall(r"<td data-l.*?</td>", line, re.DOTALL)]
        assert f"{pupils} pupil" in plain(line)
        for cell, quality, column, need in (
            (cells[0], "download", "download_bps", pupils * down * 1e6),
            (cells[1], "upload", "upload_bps", pupils * up * 1e6),
        ):
            assert cell.startswith(f"{sum(row[column] >= need for row in voting)} of {len(voting)} test"), (use, cell)
            assert f"{need / 1e6:g} Mbit/s" in cell
            _shown, address = link_to(line, f"use={use}.{quality}")
            assert {row["rid"] for row in listed(admin, address)} == {row["rid"] for row in voting}
        p95 = [max(row["loaded_download_p95_ms"] or 0, row["loaded_upload_p95_ms"] or 0) for row in voting]
        quick = sum(value <= late for value in p95)
        expected = f"{quick} of {len(voting)} test" if quick < 0.8 * len(voting) else f"0 of {len(voting)} tests loaded"
        assert cells[2].startswith(expected), (use, cells[2])
        lost = sum(round(row["idle_n"] * row["idle_loss_pct"] / 100) for row in voting)
        assert cells[3].startswith(f"{lost} of {sum(row['idle_n'] for row in voting)} probes lost")
        assert len(listed(admin, link_to(line, f"use={use}.loss")[1])) == len(voting)


def window_of(store: Store) -> list[Row]:
    """Return the voting rows of the newest judged window of 00123."""
    query = text(
        "SELECT m.* FROM measurements m JOIN evaluations e ON e.school = m.school WHERE m.school = '00123' "
        "AND e.day = (SELECT max(day) FROM evaluations WHERE school = '00123') AND m.votes = 1 "
        "AND date(m.started_ms / 1000, 'unixepoch', '-4 hours') BETWEEN e.window_from AND e.day"
    )
    with store.reader() as snapshot:
        rows = [dict(row) for row in snapshot.connection.execute(query).mappings()]
        assert len(rows) == snapshot.connection.scalar(
            text("SELECT n FROM evaluations WHERE school = '00123' ORDER BY day DESC LIMIT 1")
        )
    return rows


def test_what_was_not_measured_is_said(admin: FlaskClient, country: Store) -> None:
    code = code_of(Cause.DELAY)
    page = admin.get(f"/schools/{code}").text
    assert "was not measured" not in page
    with country.unit() as unit:
        gone = {"upload_bps": None, "loaded_method": None, "idle_loss_pct": None}
        unit.connection.execute(update(MEASUREMENTS).where(MEASUREMENTS.c.school == code).values(gone))
        unit.commit()
    text_ = plain(admin.get(f"/schools/{code}").text)
    for missing in ("Upload", "Latency under load", "Loss"):
        assert f"{missing} was not measured." in text_
    assert "Enough as far as measured for: one video call, an online exam, web pages in class." in text_
    assert "Not enough for: a class on video." in text_  # 25 of 30 Mbit/s


def test_where_tests_cannot_tell_nothing_is_named(admin: FlaskClient, country: Store) -> None:
    code = code_of(Cause.WIFI_SLOWER)
    with country.unit() as unit:
        unit.connection.execute(
            update(MEASUREMENTS).where(MEASUREMENTS.c.school == code).values(medium=None, link_bps=None)
        )
        unit.connection.execute(update(EVALUATIONS).where(EVALUATIONS.c.school == code).values(verdict="BELOW"))
        summed_up.renew_all(unit)
        unit.commit()
    page = plain(admin.get(f"/schools/{code}").text)
    assert "The tests of these days name no cause." in page
    listed_ = plain(admin.get(f"/schools/{code}/tests?hint=wifi_slower").text)
    assert "The tests of these days do not say so, or no longer" in listed_ and "0 of 20 tests" in listed_


def test_a_school_without_a_verdict_has_neither(admin: FlaskClient) -> None:
    page = admin.get("/schools/00203").text
    assert 'id="why"' not in page and 'id="fitness"' not in page
    assert admin.get("/schools/00203/tests?hint=port").status_code == 200


def test_nobody_is_told_to_complain_before_the_own_wifi_is_mended(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(EVALUATIONS).values(verdict="BELOW"))
        summed_up.renew_all(unit)
        unit.commit()
    page = plain(admin.get(f"/schools/{code_of(Cause.WIFI_WEAK)}").text)
    assert "What to do: Connect the PC by cable, or move it nearer to the access point. The Wi-Fi is weak" in page
    assert "Complain to" not in page
    assert "What to do: Complain to Onda Sur" in plain(admin.get(f"/schools/{code_of(Cause.PROVIDER)}").text)


def test_late_tests_change_the_hint_and_its_rows_alike(admin: FlaskClient, country: Store) -> None:
    code = code_of(Cause.PROVIDER)
    with country.unit() as unit:
        one = (
            unit.connection.execute(text("SELECT * FROM measurements WHERE school = :c"), {"c": code})
            .mappings()
            .first()
        )
        assert one is not None
        unit.connection.execute(insert(MEASUREMENTS).values({**one, "rid": "late"}))
        unit.commit()
    body = hints_of(admin.get(f"/schools/{code}").text)["The provider delivers less than is paid for"]
    shown, address = link_to(body, "part=cable")
    assert shown == "16 tests" and len(listed(admin, address)) == 16


def test_evidence_of_a_scope_is_found_within_it(country: Store, app: Flask) -> None:
    code = code_of(Cause.FULL_IN_CLASS)
    alma = app.test_client()
    assert sign_in(alma, "alma").status_code == 303
    rows = listed(alma, f"/schools/{code}/tests?hint=full_in_class&part=off_hours&from={FIRST}&to={LAST}")
    assert len(rows) == 9 and {row["exclusion"] for row in rows} == {"out_of_hours"}
    again = listed(alma, f"/schools/{code}/tests?hint=full_in_class&part=in_class&from={FIRST}&to={LAST}")
    assert len(again) == 20, "another list of keys is another statement"
    assert alma.get("/schools/00123/tests").status_code == 404
    assert alma.get("/schools/00123/tests.csv?hint=provider").status_code == 404
