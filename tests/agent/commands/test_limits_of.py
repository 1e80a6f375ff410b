"""What limited a test: each cause by itself, and which goes before which."""

import json
from typing import Any

import pytest

from agent.commands.limits_of import Limit, ceiling_bps, limit_of
from agent.wire.codec import decode_item
from agent.wire.records import Measurement, Surroundings
from agent.wire.vocabulary import Medium, Phase
from tests.fakes.records import a_direction, a_measurement

WIFI_65 = {"medium": "wifi", "link_bps": 65_000_000}
PORT_100 = {"medium": "ethernet", "link_bps": 100_000_000}
CAPPED = {"lower_bound": True, "stop_reason": "budget"}


def record(download: dict[str, Any], around: dict[str, Any] | None = None, **changes: Any) -> Measurement:
    told = a_measurement(download=download, surroundings=around, **{"tags": None, **changes})
    decoded = decode_item(json.dumps(told).encode()).record
    assert isinstance(decoded, Measurement)
    return decoded


@pytest.mark.parametrize(
    ("download", "around", "tags", "limit"),
    [
        (a_direction(8_000_000), PORT_100, [], Limit.LINE),
        (a_direction(8_000_000), None, [], Limit.LINE),
        (a_direction(93_000_000), PORT_100, [], Limit.LAN),
        (a_direction(80_000_000), PORT_100, [], Limit.LAN),
        (a_direction(79_000_000), PORT_100, [], Limit.LINE),
        (a_direction(28_000_000), WIFI_65, [], Limit.WIFI),
        (a_direction(27_000_000), WIFI_65, [], Limit.LINE),
        (a_direction(50_000_000), {"medium": "vpn", "link_bps": 10_000_000}, [], Limit.LINE),
        (a_direction(50_000_000), {"medium": "wifi", "link_bps": None}, [], Limit.LINE),
        (a_direction(8_000_000), WIFI_65, ["download_gateway_slower_ms=45"], Limit.WIFI),
        (a_direction(8_000_000), PORT_100, ["download_gateway_slower_ms=45"], Limit.LAN),
        (a_direction(8_000_000), PORT_100, ["upload_gateway_slower_ms=45"], Limit.LINE),
        (a_direction(8_000_000, **CAPPED), PORT_100, [], Limit.CAP),
        (a_direction(93_000_000, **CAPPED), PORT_100, [], Limit.CAP),
        (a_direction(93_000_000, lower_bound=True, stop_reason="client"), PORT_100, [], Limit.COMPUTER),
        (a_direction(8_000_000, **CAPPED), PORT_100, ["client_limited"], Limit.COMPUTER),
        (a_direction(8_000_000, **CAPPED), PORT_100, ["download_client_limited"], Limit.COMPUTER),
        (a_direction(8_000_000, **CAPPED), PORT_100, ["upload_client_limited"], Limit.CAP),
        (a_direction(8_000_000), PORT_100, ["client_limited"], Limit.LINE),
        (a_direction(8_000_000, lower_bound=True, stop_reason="server"), PORT_100, [], Limit.SERVER),
        (a_direction(8_000_000, stop_reason="server"), PORT_100, [], Limit.LINE),
        (a_direction(8_000_000, lower_bound=True, stop_reason="time"), PORT_100, [], Limit.UNKNOWN),
        (a_direction(8_000_000), PORT_100, ["download_cross_traffic=31%"], Limit.SHARED_LINE),
    ],
)
def test_each_limit(download: dict[str, Any], around: dict[str, Any] | None, tags: list[str], limit: Limit) -> None:
    assert limit_of(record(download, around, tags=tags), Phase.DOWNLOAD) is limit


def test_every_limit_has_words_and_a_case_above() -> None:
    from agent.commands.present import LIMITS

    marks = [mark for mark in test_each_limit.pytestmark if mark.name == "parametrize"]
    assert {case[3] for case in marks[0].args[1]} == set(Limit) == set(LIMITS)


@pytest.mark.parametrize(("code", "limit"), [("server_busy", Limit.SERVER), ("reset", Limit.UNKNOWN)])
def test_a_direction_that_failed_on_the_way(code: str, limit: Limit) -> None:
    failure = {"phase": "download", "code": code, "detail": ""}
    told = record(a_direction(), PORT_100, status="failed", failure=failure)

    assert limit_of(told, Phase.DOWNLOAD) is limit
    assert limit_of(told, Phase.UPLOAD) is Limit.LINE


def test_what_was_not_measured_has_no_limit() -> None:
    assert limit_of(record(a_direction(), PORT_100, upload=None), Phase.UPLOAD) is None


def test_the_ceiling_of_a_link() -> None:
    assert ceiling_bps(Surroundings(medium=Medium.ETHERNET, link_bps=100_000_000)) == pytest.approx(94_000_000)
    assert ceiling_bps(Surroundings(medium=Medium.WIFI, link_bps=100_000_000)) == pytest.approx(50_000_000)
    assert ceiling_bps(Surroundings(medium=Medium.CELLULAR, link_bps=100_000_000)) is None
    assert ceiling_bps(Surroundings()) is None
