"""Lines of a log: one event each, whatever is in it."""

import json
import logging
import sys

from collector.log import JsonLines


def line_of(message: str, **extra: object) -> str:
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "x", **extra})
    return JsonLines().format(record)


def test_an_event_is_one_line_of_json() -> None:
    line = line_of("batch.accepted", device="a\nb\x1b[31m", items=3)
    assert "\n" not in line
    assert "\x1b" not in line
    told = json.loads(line)
    assert (told["event"], told["items"], told["device"]) == ("batch.accepted", "3", "a\nb\x1b[31m")


def test_a_fault_keeps_its_traceback_in_the_same_line() -> None:
    try:
        raise KeyError("ours")
    except KeyError:
        line = line_of("fault", exc_info=sys.exc_info())
    assert "\n" not in line
    assert "KeyError" in json.loads(line)["error"]
