"""The page of a contract's evidence: figures counted again from the rows, asking for tests, signed packs."""

import html
import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from agent.wire import forms
from collector import operate
from collector.publish import packs
from collector.publish.packs import Checked, Verdict
from collector.store.open import Store
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.people import AUDIT
from collector.store.tables.proofs import CAMPAIGNS, PACKS
from collector.store.tables.registry import SCHOOLS
from collector.web.words.terms import PROOF_REASONS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.fakes import pages_world, proofs
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.proofs import FRIDAY, MONDAY, THURSDAY

ADDRESS = "/schools/00123/evidence"
PORTS = fake_ports(FakeClock(pages_world.NOW_MS), seed=4)


@pytest.fixture
def country(country: Store) -> Iterator[Store]:
    operate.init(country.url, PORTS)
    proofs.put_days(country, FRIDAY, THURSDAY)
    yield country


@pytest.fixture
def operator(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert sign_in(client, "otto").status_code == 303
    return client


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        return [dict(row) for row in snapshot.connection.execute(select(table)).mappings()]


def post(client: FlaskClient, what: str, code: str = "00123", **given: str) -> TestResponse:
    token = token_of(client.get("/targets").text)
    return client.post(f"/schools/{code}/evidence/{what}", data={"csrf_token": token, **given})


def plain(text: str) -> str:
    """Return what a person reads of a page, each piece on a line of its own."""
    text = re.sub(r"<(style|head|svg).*?</\1>", " ", text, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", "\n", html.unescape(re.sub(r"<[^>]+>", "\n", text))).replace("\u00a0", " ")


def made_pack(client: FlaskClient, **given: str) -> tuple[str, bytes]:
    """Make a pack and return its address and its bytes."""
    answer = post(client, "packs", **given)
    assert answer.status_code == 303 and "done=made" in answer.location
    address = f"{ADDRESS}/packs/{answer.location.split('pack=')[1].split('#')[0]}"
    return address, client.get(address).data


def check(store: Store, raw: bytes) -> Checked:
    known = {one.key_id: forms.unb64url(one.public_key, 32) for one in operate.list_keys(store)}
    return packs.check(raw, known.get)


# --- the page --------------------------------------------------------------------------------------------------


def test_the_page_says_what_is_missing_and_how_to_get_it(operator: FlaskClient) -> None:
    text = plain(operator.get(ADDRESS).text)
    assert "20 of 30 tests. It needs 10 more on 1 more day, by Thursday 26 November." in text
    assert "Wed 25 Nov\n: 05:00 to 07:00; 17:00 to 19:00" in text
    assert "No result yet" in text and "Schedule the missing tests" in text
    assert "1 computer here has a fast enough cable." in text


def test_every_figure_of_the_page_is_counted_again_from_the_rows(admin: FlaskClient, country: Store) -> None:
    proofs.put_days(country, MONDAY)
    page = admin.get(f"{ADDRESS}?show=all").text
    stored = [row for row in rows(country, MEASUREMENTS) if row["school"] == "00123"]
    first_ms = round(date.fromisoformat("2026-10-26").toordinal() * 86_400_000 - 719_163 * 86_400_000 + 4 * 3_600_000)
    of_period = [row for row in stored if row["started_ms"] >= first_ms]
    asked = [row for row in of_period if row["trigger"] == "campaign"]
    others = Counter(
        "not_by_cable" if row["medium"] == "wifi" else "class_hours" for row in of_period if row not in asked
    )
    text = plain(page)
    assert f"All {len(of_period)} tests" in text and f"1 to {len(of_period)} of {len(of_period)}" in text
    assert f"Count\n{len(asked)}" in text and len(asked) == 30
    for reason, count in others.items():
        assert f"{PROOF_REASONS[reason]}\n{count}" in text
        listed = admin.get(f"{ADDRESS}?reason={reason}&show=all").text
        assert f"1 to {count} of {count}" in plain(listed)
    speeds = sorted(row["download_bps"] for row in asked)
    typical = f"{(speeds[14] + speeds[15]) / 2e6:.1f}"
    assert f"These 30 tests show less than the contract of 30 Mbit/s. The typical test was {typical} Mbit/s." in text
    assert f"{sum(bps >= 24_000_000 for bps in speeds)} of 30 tests" in text
    for day in (FRIDAY, THURSDAY, MONDAY):
        of_day = sorted(row["download_bps"] / 1e6 for row in asked if in_barbados(row["started_ms"]) == day)
        shown = f"{day:%a %-d %b}\n10\n{of_day[0]:.1f}\n{(of_day[4] + of_day[5]) / 2:.1f}\n{of_day[9]:.1f}"
        assert shown in text


def in_barbados(at_ms: int) -> date:
    return date.fromordinal(719_163 + (at_ms - 4 * 3_600_000) // 86_400_000)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=soon", "Write both days as year-month-day"),
        ("to=2026-02-30", "Write both days as year-month-day"),
        ("from=2026-11-20&to=2026-11-10", "The first day lies after the last one"),
        ("to=2026-11-25", "The last day is still to come: it can be 2026-11-24 at the latest."),
        ("from=2026-06-01", "a period has at most 92 days"),
        ("from=20261110", "Write both days as year-month-day"),
    ],
)
def test_a_period_that_cannot_be_is_one_sentence(admin: FlaskClient, query: str, sentence: str) -> None:
    answer = admin.get(f"{ADDRESS}?{query}")
    assert answer.status_code == 422
    assert sentence in plain(answer.text) and "Below is what the last 30 days say." in plain(answer.text)
    for given in query.split("&"):
        assert f'value="{given.split("=")[1]}"' in answer.text, "what was typed is kept"
    assert "20 of 30 tests" in plain(answer.text)


def test_a_period_of_the_past_asks_for_nothing(operator: FlaskClient, country: Store) -> None:
    text = plain(operator.get(f"{ADDRESS}?from=2026-11-01&to=2026-11-22").text)
    assert "20 of 30 tests. This period is over: no test can be added to it." in text
    assert "Schedule the missing tests" not in text
    assert post(operator, "ask", **{"from": "2026-11-01", "to": "2026-11-22"}).location.endswith("done=nothing#done")
    assert rows(country, CAMPAIGNS) == []


def test_a_school_without_contract_or_cable_is_told_what_to_do(operator: FlaskClient, country: Store) -> None:
    text = plain(operator.get("/schools/00203/evidence").text)
    assert "The registry has no contract of this school" in text and "Bring the contracted speed" in text
    assert "done=no_contract" in post(operator, "packs", "00203").location and rows(country, PACKS) == []
    with country.unit() as unit:
        unit.connection.execute(update(MEASUREMENTS).values(medium="wifi"))
        unit.commit()
    assert "put one on the cable, at a port of 33 Mbit/s or more." in plain(operator.get(ADDRESS).text)


# --- asking for tests ------------------------------------------------------------------------------------------


def test_two_people_ask_once(operator: FlaskClient, admin: FlaskClient, country: Store) -> None:
    assert "done=asked" in post(operator, "ask").location
    again = post(admin, "ask")
    assert "done=already" in again.location
    said = plain(admin.get(again.location).text)
    assert "Nothing was changed: the tests are asked for already." in said and "By otto." in said
    found = rows(country, CAMPAIGNS)
    assert [row["made_by"] for row in found] == ["otto"] and '"d-00123-1"' in found[0]["devices"]
    assert [row["actor"] for row in rows(country, AUDIT) if row["action"] == "evidence.ask"] == ["otto"]
    text = plain(operator.get(ADDRESS).text)
    assert "Wed 25 Nov\nasked for" in text and "Call it off" in text and "Schedule the missing tests" not in text


def test_what_is_asked_for_is_called_off_once(operator: FlaskClient, country: Store) -> None:
    post(operator, "ask")
    name = rows(country, CAMPAIGNS)[0]["campaign_id"]
    assert "done=gone" in post(operator, "call-off", campaign="another").location
    assert "done=called_off" in post(operator, "call-off", campaign=name).location
    assert "done=gone" in post(operator, "call-off", campaign=name).location
    assert [row["action"] for row in rows(country, AUDIT) if row["action"] != "init"] == [
        "evidence.ask",
        "evidence.call_off",
    ]
    assert "done=asked" in post(operator, "ask").location


@pytest.mark.parametrize("what", ["ask", "call-off", "packs"])
def test_who_may_only_look_changes_nothing(
    viewer: FlaskClient, operator: FlaskClient, country: Store, what: str
) -> None:
    assert post(viewer, what).status_code == 403
    assert operator.post(f"{ADDRESS}/{what}").status_code == 400, "a form without its token"
    assert rows(country, CAMPAIGNS) == rows(country, PACKS) == []
    text = plain(viewer.get(ADDRESS).text)
    assert "Schedule the missing tests" not in text and "Make the pack" not in text and "An operator can." in text


def test_a_flag_leads_to_it(admin: FlaskClient) -> None:
    flag = re.search(r'class="name" href="(/flags/[^"]+)"', admin.get("/flags").text)
    assert flag is not None
    page = admin.get(flag.group(1)).text
    assert f'href="{ADDRESS}"' in page and "20 of 30 tests. It needs 10 more" in plain(page)
    assert f'href="{ADDRESS}"' in admin.get("/schools/00123").text


# --- packs -----------------------------------------------------------------------------------------------------


def test_a_pack_is_right_and_says_what_the_rows_say(operator: FlaskClient, country: Store) -> None:
    proofs.put_days(country, MONDAY)
    _address, raw = made_pack(operator)
    checked = check(country, raw)
    assert checked.verdict is Verdict.RIGHT and checked.says is not None
    stored = {row["rid"]: row for row in rows(country, MEASUREMENTS)}
    said = checked.says["rows"]
    assert sum(row["counts"] for row in said) == 30 == checked.says["counted"]
    assert packs.rows_hash(said) == checked.says["rows_sha256"]
    for row in said:
        mine = stored[row["rid"]]
        assert {name: row[name] for name in row if name in mine} == {name: mine[name] for name in row if name in mine}
        assert forms.parse_time(row["started_at"]) == mine["started_ms"]
    text = plain(raw.decode())
    for row in said:
        if row["counts"]:
            margin = row["download_bps"] * row["download_half_width_pct"] / 1e8
            assert f"{row['download_bps'] / 1e6:.2f}\n{margin:.2f}\n{row['upload_bps'] / 1e6:.2f}\n44.0" in text
        assert row["rid"][-12:] in text
    assert "Signature of the collector" in text and checked.says["rows_sha256"] in text
    assert "<script" not in raw.decode() and not re.search(r'(?:src|href)="|url\(|@import', raw.decode())


def test_one_altered_digit_anywhere_breaks_it(operator: FlaskClient, country: Store) -> None:
    _address, raw = made_pack(operator)
    digits = [place for place, sign in enumerate(raw) if 48 <= sign <= 57]
    chance = random.Random(17)
    sampled = chance.sample(digits, 250) + [chance.randrange(len(raw)) for _ in range(250)]
    for place in sampled:
        sign = raw[place]
        other = bytes([48 + (sign - 47) % 10]) if 48 <= sign <= 57 else bytes([sign ^ (1 << chance.randrange(7))])
        altered = raw[:place] + other + raw[place + 1 :]
        assert altered != raw and check(country, altered).verdict is not Verdict.RIGHT, raw[place - 30 : place + 30]
    for altered in (raw.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + raw, raw + b"\n", raw[:-1]):
        assert check(country, altered).verdict is not Verdict.RIGHT


def test_what_a_person_sees_stands_in_the_signed_bytes(operator: FlaskClient, country: Store) -> None:
    """The summary, the table and the picture, each altered where a person would look."""
    proofs.put_days(country, MONDAY)
    _address, raw = made_pack(operator)
    text = raw.decode()
    for seen in (
        r"typical test was (\d)",
        r"<td class=\"num\"><b>(\d)",
        r'class="c-tests" d="M(\d)',
        r"<dd>(\d)0\u00a0Mbit",
    ):
        found = re.search(seen, text) or re.search(r'd="M(\d)[^"]*" class="c-tests"', text)
        assert found is not None, seen
        altered = text[: found.start(1)] + str((int(found[1]) + 1) % 10) + text[found.end(1) :]
        assert check(country, altered.encode()).verdict is Verdict.ALTERED


def test_the_same_pack_is_not_made_twice(operator: FlaskClient, admin: FlaskClient, country: Store) -> None:
    address, raw = made_pack(operator)
    again = post(admin, "packs")
    assert "done=same" in again.location and again.location.split("pack=")[1].split("#")[0] in address
    assert len(rows(country, PACKS)) == 1
    admin.set_cookie("enlace_language", "es")
    _address, spanish = made_pack(admin)
    assert "Pruebas para el contrato" in spanish.decode() and check(country, spanish).verdict is Verdict.RIGHT
    assert "%(" not in spanish.decode()
    proofs.put(country, proofs.asked_test(FRIDAY, 18 * 60 + 40))
    made_pack(operator)
    assert operator.get(address).data == raw, "what was handed out stays as it was"
    made = [row for row in rows(country, AUDIT) if row["action"] == "evidence.pack"]
    assert [row["actor"] for row in made] == ["otto", "ana", "otto"]


def test_packs_of_old_keys_stay_right(operator: FlaskClient, country: Store) -> None:
    _address, old = made_pack(operator)
    operate.rotate_key(country, fake_ports(FakeClock(pages_world.NOW_MS + 1), seed=9))
    _address, new = made_pack(operator)
    before, after = check(country, old), check(country, new)
    assert before.verdict is after.verdict is Verdict.RIGHT and before.key_id != after.key_id


def test_a_pack_is_shown_and_given_as_the_same_bytes(
    viewer: FlaskClient, operator: FlaskClient, country: Store
) -> None:
    address, raw = made_pack(operator)
    shown, given = viewer.get(address), viewer.get(f"{address}?as=file")
    assert shown.data == given.data == raw and shown.content_type == "text/html; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="enlace-00123-[0-9a-f]{12}.html"', given.headers["Content-Disposition"])
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "style-src 'sha256-" in policy and "unsafe" not in policy
    assert viewer.get(f"{ADDRESS}/packs/none").status_code == 404
    assert viewer.get(f"{ADDRESS}/packs/%00").status_code == 404
    assert viewer.get(address.replace("00123", "00200")).status_code == 404


def test_names_from_a_registry_do_no_harm_in_a_pack(operator: FlaskClient, country: Store) -> None:
    bad = '</pre><script>x</script><code id="signature">'
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(name=bad, provider=bad))
        unit.connection.execute(update(MEASUREMENTS).values(server_host=bad, engine_version=bad, failure_code=bad))
        unit.commit()
    _address, raw = made_pack(operator)
    assert check(country, raw).verdict is Verdict.RIGHT and b"<script" not in raw
