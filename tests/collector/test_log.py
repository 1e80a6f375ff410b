"""Lines of a process's log: one event each, in UTC, without what only its owner may know."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import log


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    log.set_up(tmp_path, "web")
    yield tmp_path / "logs" / "web.log"
    for handler in [one for one in root.handlers if one not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)


def test_an_event_is_one_line_of_json(lines: Path) -> None:
    logging.getLogger("x").info("batch.accepted", extra={"device": "a\nb\x1b[31m", "items": 3})
    (line,) = lines.read_text().splitlines()
    assert "\x1b" not in line
    told = json.loads(line)
    assert (told["event"], told["items"], told["device"]) == ("batch.accepted", 3, "a\nb\x1b[31m")


def test_a_fault_keeps_its_traceback_in_the_same_line(lines: Path) -> None:
    try:
        raise KeyError("ours")
    except KeyError:
        logging.getLogger("x").error("fault", exc_info=sys.exc_info())
    (line,) = lines.read_text().splitlines()
    assert "KeyError" in json.loads(line)["traceback"]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set here")
def test_the_time_is_utc_and_its_thousandths_are_three(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX+7")
    time.tzset()
    try:
        logger = logging.getLogger("x")
        event = logger.makeRecord("x", logging.INFO, "", 0, "batch.accepted", (), None)
        event.created, event.msecs = 1_795_525_509.9997, 999.7
        logger.handle(event)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert json.loads(lines.read_text())["at"] == "2026-11-24T13:05:09.999Z"


def test_no_token_or_login_reaches_the_file(lines: Path) -> None:
    logger = logging.getLogger("x")
    logger.info("GET /ndt/v7/download?access_token=S3nh.x&y=1 from http://a:S3nh@proxy/", extra={"token": "S3nh"})
    assert "S3nh" not in lines.read_text()
