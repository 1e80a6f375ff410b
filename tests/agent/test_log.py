"""JSON lines, bounded, without secrets."""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import log


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    level = root.level
    log.start(tmp_path, "info")
    yield tmp_path / log.FILE
    log.stop()
    root.setLevel(level)


def test_an_event_is_one_line_of_json(lines: Path) -> None:
    logging.getLogger("agent.test").info("test.done", extra={"rid": "r-1", "download_bps": 5, "text": "a\nb"})
    (line,) = lines.read_text().splitlines()
    told = json.loads(line)
    assert (told["event"], told["rid"], told["download_bps"], told["level"]) == ("test.done", "r-1", 5, "info")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set here")
@pytest.mark.parametrize("zone", ["UTC", "XXX+7", "XXX-13:45"])
def test_every_line_tells_the_time_in_utc_and_says_so(lines: Path, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        logger = logging.getLogger("agent.test")
        event = logger.makeRecord(logger.name, logging.INFO, "", 0, "test.done", (), None)
        event.created, event.msecs = 1_795_525_509.0, 7.0
        logger.handle(event)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert json.loads(lines.read_text())["at"] == "2026-11-24T13:05:09.007Z"


def test_no_secret_reaches_the_file(lines: Path) -> None:
    logger = logging.getLogger("agent.test")
    logger.warning("a", extra={"token": "S3nh", "proxy": "http://a:S3nh@h", "access_token": "S3nh"})
    logger.warning("b", extra={"url": "http://aluno:S3nh%40x@127.0.0.1:8808/", "deep": {"secret": "S3nh"}})
    logger.warning("token ENL1-S3NHAAAAAAAA-BBBB at ws://h/?access_token=S3nh.x&y=1")
    try:
        raise ValueError("http://aluno:S3nh@h/")
    except ValueError:
        logger.exception("c")
    assert "S3nh" not in lines.read_text() and "S3NH" not in lines.read_text()


def test_the_log_is_bounded(lines: Path) -> None:
    logger = logging.getLogger("agent.test")
    for _ in range(4_000):
        logger.info("x" * 1_500)
    files = list(lines.parent.iterdir())
    assert len(files) <= log.FILES
    assert sum(one.stat().st_size for one in files) <= log.FILES * log.FILE_BYTES
