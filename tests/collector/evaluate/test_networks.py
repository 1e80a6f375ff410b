"""The network seen against the provider paid: looked up in the operator's file, held day by day, flagged in a week."""

import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from collector import jobs
from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.evaluate import networks
from collector.evaluate.run import evaluate
from collector.real.networks import NetworksFile
from collector.store.open import Store
from collector.store.queries import networks as stored
from collector.store.queries.networks import OwnNetwork
from collector.store.tables.judgement import CONDITION_DAYS, FLAGS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import NETWORK_DAYS, NETWORK_STANDINGS
from tests.fakes import mmdb
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.school_days import Town, a_registry, at_ms, bring, weekdays

FRIDAY = date(2026, 11, 20)
WEEK = weekdays(FRIDAY, 5)
ONDA, BRAVA, HOME = ("203.0.113.0/24", 64496), ("198.51.100.0/24", 64497), ("2001:db8:7::/48", 64511)
KNOWN = {ONDA[0]: (64496, "Onda Sur"), BRAVA[0]: (64497, "Cable Brava"), "2001:db8::/32": (64511, "Casa"),
         "192.0.2.0/25": (4_200_000_001, "Ñandú Red")}  # fmt: skip
NOW_MS = at_ms(FRIDAY, "20:00")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return mmdb.write(tmp_path / "networks.mmdb", KNOWN)


@pytest.fixture
def town(store: Store) -> Town:
    rows = [f"{code},Escuela,UTC,120,{provider}" for code, provider in (("00123", "Onda"), ("00124", "Brava"))]
    bring(store, a_registry(*rows, heading="code,name,timezone,students_total,provider"), at_ms(WEEK[0], "01:00"))
    with store.unit() as unit:
        stored.declare(unit, OwnNetwork("Onda", 64496, "Onda Sur"), NOW_MS, "ana")
        stored.declare(unit, OwnNetwork("Onda", 64497, "Cable Brava"), NOW_MS, "ana")
        unit.commit()
    return Town(store)


def seen(town: Town, code: str, days: Sequence[date], prefix: str, hour: str = "10:00") -> None:
    for day in days:
        rid = town.measure(code, at_ms(day, hour), 30_000_000)
        with town.store.unit() as unit:
            unit.connection.execute(
                update(MEASUREMENTS).where(MEASUREMENTS.c.rid == rid).values(client_ip_prefix=prefix)
            )
            unit.commit()


def run(store: Store, file: Path | None, now_ms: int = NOW_MS) -> None:
    config, ports = CollectorConfig(networks_file=str(file) if file else ""), fake_ports(FakeClock(now_ms))
    jobs.look_up_networks(store, config, ports)
    evaluate(store, config, ports)


def table(store: Store, which: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(which).order_by(*which.primary_key)).mappings()
        return [dict(row) for row in found]


def flags(store: Store) -> list[dict[str, Any]]:
    return [flag for flag in table(store, FLAGS) if flag["kind"] == "other_network"]


def test_the_file_knows_addresses_of_both_families(file: Path) -> None:
    with NetworksFile(file) as known:
        found = {prefix: known.find(prefix) for prefix in (ONDA[0], HOME[0], "192.0.2.0/24", "10.0.0.0/24", "::/48")}
        assert known.find("no address") is None
    told = {prefix: (one.number, one.name) if one else None for prefix, one in found.items()}
    assert told == {
        ONDA[0]: (64496, "Onda Sur"), HOME[0]: (64511, "Casa"), "192.0.2.0/24": (4_200_000_001, "Ñandú Red"),
        "10.0.0.0/24": None, "::/48": None,
    }  # fmt: skip


def test_what_is_no_such_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "page.mmdb").write_bytes(b"<html>" * 100)
    for path in (tmp_path / "absent.mmdb", tmp_path / "page.mmdb", tmp_path):
        with pytest.raises(CollectorError, match="cannot be read as an MMDB file"):
            NetworksFile(path)


def test_a_file_that_tells_places_is_no_file_of_networks(tmp_path: Path) -> None:
    for kind in ("GeoLite2-City", "DBIP-Country", "standard_location"):
        with pytest.raises(CollectorError, match="says where addresses are"):
            NetworksFile(mmdb.write(tmp_path / "places.mmdb", KNOWN, kind))
    for kind in ("GeoLite2-ASN", "GeoIP2-ISP", "GeoIP2-Enterprise", "city-networks"):
        with NetworksFile(mmdb.write(tmp_path / "networks.mmdb", KNOWN, kind)) as known:
            assert known.find(next(iter(KNOWN)))


def test_a_damaged_file_is_said_or_says_nothing(file: Path, tmp_path: Path) -> None:
    whole, chance = file.read_bytes(), random.Random(1)
    damaged = tmp_path / "damaged.mmdb"
    for number in range(300):
        raw = bytearray(whole)
        if number % 3:
            for _ in range(4):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
        else:
            del raw[chance.randrange(len(raw)) :][: chance.randrange(1, 60)]
        damaged.write_bytes(raw)
        try:
            with NetworksFile(damaged) as known:
                for prefix in KNOWN:
                    known.find(prefix)
        except CollectorError as refused:
            assert "cannot be read as an MMDB file" in str(refused)


def test_a_file_that_is_copied_over_meanwhile_is_read_to_its_end(file: Path) -> None:
    """Mapped into memory it would be gone under the reader's feet, and the process with it."""
    with NetworksFile(file) as known:
        file.write_bytes(b"")
        assert known.find(next(iter(KNOWN))) is not None


def test_a_whole_school_week_on_another_network_is_flagged(town: Town, file: Path) -> None:
    seen(town, "00123", WEEK[:4], HOME[0])
    run(town.store, file, at_ms(WEEK[3], "20:00"))
    assert flags(town.store) == []
    seen(town, "00123", WEEK[4:], HOME[0])
    run(town.store, file)
    (flag,) = flags(town.store)
    assert (flag["school"], flag["below_since"], flag["opened_on"]) == ("00123", *map(str, (WEEK[0], WEEK[4])))
    before = [table(town.store, one) for one in (NETWORK_DAYS, NETWORK_STANDINGS, FLAGS)]
    run(town.store, file)
    assert [table(town.store, one) for one in (NETWORK_DAYS, NETWORK_STANDINGS, FLAGS)] == before


def test_an_address_that_flaps_between_two_known_networks_makes_no_event(town: Town, file: Path) -> None:
    weeks = weekdays(FRIDAY, 15)
    seen(town, "00123", weeks[::2], ONDA[0])
    seen(town, "00123", weeks[1::2], BRAVA[0])
    run(town.store, file)
    assert flags(town.store) == [] and len(table(town.store, NETWORK_DAYS)) == 15


def test_one_day_on_the_provider_s_own_breaks_the_week(town: Town, file: Path) -> None:
    weeks = weekdays(FRIDAY, 9)
    seen(town, "00123", weeks, HOME[0])
    seen(town, "00123", [weeks[4]], ONDA[0], hour="11:00")
    run(town.store, file)
    assert flags(town.store) == []


def test_a_laptop_at_home_is_not_the_school(town: Town, file: Path) -> None:
    seen(town, "00123", WEEK, HOME[0], hour="19:00")
    run(town.store, file)
    assert flags(town.store) == []
    assert {day["in_hours"] for day in table(town.store, NETWORK_DAYS)} == {False}
    assert table(town.store, NETWORK_STANDINGS) == []


def test_without_a_file_or_without_a_known_network_nothing_is_said(town: Town, file: Path) -> None:
    seen(town, "00123", WEEK, HOME[0])
    seen(town, "00124", WEEK, HOME[0])
    run(town.store, None)
    assert flags(town.store) == [] == table(town.store, NETWORK_DAYS)
    run(town.store, file)
    assert [flag["school"] for flag in flags(town.store)] == ["00123"]  # of Brava nobody knows the networks


def test_what_people_say_later_takes_the_flag_back(town: Town, file: Path) -> None:
    seen(town, "00123", WEEK, HOME[0])
    run(town.store, file)
    with town.store.unit() as unit:
        stored.declare(unit, OwnNetwork("Onda", 64511, "Casa"), NOW_MS, "ana")
        stored.declare(unit, OwnNetwork("Onda", 64511, "Casa"), NOW_MS, "ana")
        unit.commit()
    run(town.store, file)
    assert [flag["state"] for flag in flags(town.store)] == ["retracted"]
    with town.store.unit() as unit:
        assert stored.take_back(unit, "Onda", 64511) and not stored.take_back(unit, "Onda", 64511)
    with town.store.reader() as snapshot:
        own = networks.own_by_provider(snapshot)["Onda"]
    assert own.is_declared and own.numbers == {64496, 64497, 64511}


def test_days_that_somebody_planted_open_no_flag(town: Town, file: Path) -> None:
    with town.store.reader() as snapshot:
        code = snapshot.connection.scalar(select(SCHOOLS.c.code).order_by(SCHOOLS.c.code))
    planted = {"school": code, "kind": "other_network", "subject": "", "state": "bad", "numbers": "{}"}
    with town.store.unit() as unit:
        unit.connection.execute(insert(CONDITION_DAYS), [{**planted, "day": day.isoformat()} for day in WEEK])
        unit.commit()
    run(town.store, file)
    assert flags(town.store) == []
    assert [row for row in table(town.store, CONDITION_DAYS) if row["kind"] == "other_network"] == []
