"""What tests have used of the schools' allowance: the tile, its table and its file say what the raw rows say."""

import json
import re
from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from collector.config import CollectorConfig
from collector.evaluate.run import evaluate
from collector.store.open import Store
from collector.store.queries import newness
from collector.store.queries.judging import months
from collector.store.tables.agent_settings import AGENT_SETTINGS
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_devices import csv_of
from tests.fakes import pages_world
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.pages_world import NOW_MS

ZONE = ZoneInfo(pages_world.ZONE)
FIRST = "2026-11-01"
USUAL, OWN = 4_000_000_000, 250_000_000
TILE = re.compile(r'href="/devices/data"><u>[^<]+</u><span class="big"><b>([^<]*)</b></span><small>([^<]*)</small>')


@pytest.fixture
def judged(country: Store) -> Store:
    """The country after an evaluation; one test knows its headers, one school has its own allowance, one no PC."""
    with country.unit() as unit:
        newest = select(MEASUREMENTS.c.rid).where(MEASUREMENTS.c.school == "00123")
        rid = unit.connection.scalar(newest.order_by(MEASUREMENTS.c.started_ms.desc()).limit(1))
        heads = {"download_wire_bytes_est": 5_000_001, "upload_bytes": None}
        unit.connection.execute(update(MEASUREMENTS).where(MEASUREMENTS.c.rid == rid).values(**heads))
        own = {"note": "", "created_ms": 1, "created_by": "ana"}
        said = [("00123", 1, OWN * 2), ("00123", 2, OWN), ("00200", 1, OWN), ("00201", 1, None)]
        rows = [
            {"place": place, "number": number, "said": json.dumps({"month_bytes": wish} if wish else {}), **own}
            for place, number, wish in said
        ]
        unit.connection.execute(insert(AGENT_SETTINGS), rows)
        unit.connection.execute(update(DEVICES).where(DEVICES.c.school == "00200").values(state="revoked"))
        unit.commit()
    config = CollectorConfig(default_timezone=pages_world.ZONE)
    assert not evaluate(country, config, fake_ports(FakeClock(NOW_MS)), from_day=date(2026, 10, 20)).failed
    return country


def recounted(store: Store) -> tuple[Counter[str], set[str]]:
    """Return the bytes of each school since the first of the month, and the schools that have an active PC."""
    columns = ("school", "started_ms", "download_bytes", "download_wire_bytes_est", "upload_bytes",
               "upload_wire_bytes_est")  # fmt: skip
    used: Counter[str] = Counter()
    with store.reader() as snapshot:
        for row in snapshot.connection.execute(select(*(MEASUREMENTS.c[name] for name in columns))):
            if row.school and datetime.fromtimestamp(row.started_ms / 1000, ZONE).date().isoformat() >= FIRST:
                used[row.school] += row.download_wire_bytes_est or row.download_bytes or 0
                used[row.school] += row.upload_wire_bytes_est or row.upload_bytes or 0
        active = select(DEVICES.c.school).where(DEVICES.c.state == "active")
        return used, set(snapshot.connection.scalars(active))


def test_the_tile_its_table_and_its_file_are_recounted_from_raw_rows(app: Flask, judged: Store) -> None:
    admin = app.test_client()
    sign_in(admin, "ana")
    used, active = recounted(judged)
    own = {"00123": OWN, "00200": OWN}
    codes = set(used) | active
    allowance = {code: own.get(code, USUAL) for code in codes}
    share = 100 * sum(used.values()) / sum(allowance.values())
    found = TILE.search(admin.get("/").text.replace("\u00a0", " "))
    assert found and found.group(1) == f"{share:.1f} %"
    mega, giga = sum(used.values()) / 1e6, sum(allowance.values()) / 1e9
    assert found.group(2) == f"{mega:.1f} MB of {giga:.1f} GB that the schools may use this month"
    rows = csv_of(admin, "/devices/data.csv")
    assert {row["school"]: int(row["used_bytes"]) for row in rows} == {code: used[code] for code in codes}
    assert {row["school"]: int(row["allowance_bytes"]) for row in rows} == allowance
    shares = [float(row["share"]) for row in rows]
    assert shares == sorted(shares, reverse=True) and rows[0]["school"] in own
    page = admin.get("/devices/data?show=all").text
    tests = {code: int(shown) for code, shown in re.findall(
        rf'href="/schools/(\d+)/tests\?from={FIRST}"><span class="hidden">[^<]+</span>(\d+)</a>', page)}  # fmt: skip
    assert tests == {row["school"]: int(row["measurements"]) for row in rows}
    assert f"<b>{tests['00123']} of " in admin.get(f"/schools/00123/tests?from={FIRST}").text
    cora = app.test_client()
    sign_in(cora, "cora")  # sees the school without a PC that may test, which has tested this month, alone
    found = TILE.search(cora.get("/").text.replace("\u00a0", " "))
    assert found and found.group(1) == f"{100 * used['00200'] / OWN:.1f} %"
    assert set(re.findall(r'class="name" href="/schools/(\d+)"', cora.get("/devices/data").text)) == {"00200"}
    assert cora.get("/devices/data.csv").status_code == 403


def test_what_nobody_has_counted_is_never_nothing(admin: FlaskClient, judged: Store) -> None:
    """Days that were folded before bytes were counted: all of them, then some."""
    for until, shown in (("2027", "not counted yet"), ("2026-11-10", "at least ")):
        with judged.unit() as unit:
            is_old = SCHOOL_DAYS.c.day < until
            unit.connection.execute(update(SCHOOL_DAYS).values(used_bytes=5_000_000))
            unit.connection.execute(update(SCHOOL_DAYS).where(is_old).values(used_bytes=None))
            codes = sorted(set(unit.connection.scalars(select(SCHOOL_DAYS.c.school))))
            months.renew(unit, codes, FIRST)
            newness.raise_verdicts(unit)
            unit.commit()
        found = TILE.search(admin.get("/").text)
        assert found and found.group(2).startswith(shown)
        assert (found.group(1) == "–") == (until == "2027")
        told = [row for row in csv_of(admin, "/devices/data.csv") if row["measurements"] != "0"]
        assert told and all((row["used_bytes"] == row["share"] == "") == (until == "2027") for row in told)
        assert "are not counted yet. The next evaluations do it" in admin.get("/devices/data").text
