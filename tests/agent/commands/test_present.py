"""The table and the sentence of a test: within the words of the record, at 80 columns, on any console."""

import json
import sys
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commands import present
from agent.wire.codec import decode_item
from agent.wire.records import Measurement
from agent.wire.vocabulary import FailureCode
from tests.fakes.records import a_direction, a_measurement

PORT = {"medium": "ethernet", "link_bps": 100_000_000}
CAPPED = {"lower_bound": True, "stop_reason": "budget"}


def record(**changes: Any) -> Measurement:
    decoded = decode_item(json.dumps(a_measurement(**{"tags": None, **changes})).encode()).record
    assert isinstance(decoded, Measurement)
    return decoded


def test_one_is_not_told_as_many() -> None:
    assert [present.counted(count, "probe") for count in (0, 1, 2)] == ["0 probes", "1 probe", "2 probes"]


def test_the_whole_table() -> None:
    told = record(download=a_direction(8_020_000), upload=a_direction(970_000, half_width_pct=0.2))

    assert present.measurement_lines(told) == [
        ("Download", "8.02 Mbit/s  ± 3 %"),
        ("Upload", "0.970 Mbit/s  ± 1 %"),
        ("Latency, idle", "41.0 ms  by UDP"),
        ("Latency, loaded", "88 ms (download), 140 ms (upload)  grade B"),
        ("Loss, idle", "0 % of 20 probes"),
        ("Data used", "4.67 MB"),
        ("Test point", "tp.example.test  by ndt7"),
        ("Limited by", "the line"),
    ]
    assert present.sentence(told) == "This line carries 8.02 Mbit/s down and 0.970 Mbit/s up."


def test_a_lower_bound_is_said_as_at_least_and_has_no_precision() -> None:
    told = record(download=a_direction(40_000_000, **CAPPED), upload=a_direction(5_000_000))
    lines = present.measurement_lines(told)

    assert lines[0] == ("Download", "at least 40.0 Mbit/s")
    assert lines[-2:] == [("Limited by", "the data cap (download)"), ("", "the line (upload)")]
    assert present.sentence(told) == (
        "This line carries at least 40.0 Mbit/s down and 5.00 Mbit/s up: the data cap ended the download early."
    )


def test_what_fills_the_computers_own_link_is_not_blamed_on_the_line() -> None:
    told = record(download=a_direction(93_000_000), upload=a_direction(92_000_000), surroundings=PORT)

    assert present.measurement_lines(told)[-1] == ("Limited by", "this computer's cable or port of 100 Mbit/s")
    assert present.sentence(told).endswith(
        ": this computer's cable or port of 100 Mbit/s limits the download and upload."
    )


def test_a_figure_that_is_hardly_known_has_no_number_for_it() -> None:
    told = record(download=a_direction(8_000_000, half_width_pct=240.0))

    assert present.measurement_lines(told)[0] == ("Download", "8.00 Mbit/s  (rough)")


def test_what_was_not_measured_has_no_line() -> None:
    failure = {"phase": "preflight", "code": "dns", "detail": ""}
    nothing = dict.fromkeys(("download", "upload", "idle", "loaded", "surroundings"))

    assert present.measurement_lines(record(status="failed", failure=failure, **nothing)) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0624, "0.062"),
        (0.9996, "1.00"),
        (1.004, "1.00"),
        (9.996, "10.0"),
        (99.96, "100"),
        (943.2, "943"),
        (0, "0.000"),
    ],
)
def test_three_places_count(value: float, text: str) -> None:
    assert present.rounded(value) == text


def test_little_data_is_said_in_kilobytes() -> None:
    assert [present.size(one) for one in (0, 178_400, 1_000_000, 12_690_000)] == [
        "0 kB",
        "178 kB",
        "1.00 MB",
        "12.7 MB",
    ]


@given(
    bps=st.integers(0, 10**12),
    least=st.booleans(),
    reason=st.sampled_from(["precise", "budget", "time", "stall", "client", "server"]),
    medium=st.sampled_from(["ethernet", "wifi", "vpn"]),
    link_bps=st.sampled_from([None, 72_200_000, 10**12]),
    width=st.none() | st.floats(0, 1000),
)
def test_every_line_fits_80_columns_and_at_least_is_said_where_it_has_to_be(
    bps: int, least: bool, reason: str, medium: str, link_bps: int | None, width: float | None
) -> None:
    side = a_direction(bps, lower_bound=least, stop_reason=reason, half_width_pct=width, bins=[1])
    told = record(download=side, upload=a_direction(), surroundings={"medium": medium, "link_bps": link_bps})
    rows = present.measurement_lines(told)
    wide = max(len(name) for name, _ in rows)

    assert all(wide + 2 + len(value) <= 80 for _, value in rows)
    assert ("at least" in present.sentence(told)) is least
    assert present.sentence(told).endswith(".")


@pytest.mark.parametrize(("encoding", "sign"), [("ascii", "+/-"), ("cp850", "±"), ("utf-8", "±"), ("cp932", "±")])
def test_a_console_without_the_sign_gets_another(encoding: str, sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = BytesIO()
    console = TextIOWrapper(raw, encoding=encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", console)
    present.table(present.measurement_lines(record()))
    console.flush()

    assert f"Mbit/s  {sign} 3 %" in raw.getvalue().decode(encoding)


def test_a_sentence_on_a_narrow_terminal_ends_its_lines_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(TextIOWrapper):
        def isatty(self) -> bool:
            return True

    console = Terminal(BytesIO(), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "40")
    said = present.sentence(record(download=a_direction(40_000_000, **CAPPED)))
    lines = present.wrapped(said, console).splitlines()

    assert len(lines) > 1 and max(map(len, lines)) < 40 and " ".join(lines) == said
    assert present.wrapped(said, TextIOWrapper(BytesIO())) == said, "a script reads one line"


def test_every_failure_has_a_sentence() -> None:
    assert set(present.FAILURES) == set(FailureCode)
