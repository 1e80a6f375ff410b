"""Records to keep."""

import msgspec

from agent import reading
from agent.reading import LAST_ANSWER, Reading
from agent.spool.store import Spool
from agent.wire.records import Diary, Measurement
from tests.fakes.records import a_diary_run, a_measurement


def measurement(number: int = 1, **changes: object) -> Measurement:
    return msgspec.convert(a_measurement(number, **changes), Measurement)


def diary(number: int = 1) -> Diary:
    return msgspec.convert(a_diary_run(number), Diary)


def fill(spool: Spool, *numbers: int) -> None:
    for number in numbers:
        assert spool.add_ready(measurement(number))


def note_answer(spool: Spool, server_time_ms: int, mono_ms: int, boot_id: str) -> None:
    """Let the collector have spoken: from now on ages go by its time."""
    spool.set_state(LAST_ANSWER, reading.write(Reading(server_time_ms, mono_ms, boot_id)))


STUB = (
    b'{"rid":"x","status":"interrupted","tier":"calibration","trigger":"manual",'
    b'"started_at":"2026-11-24T13:05:09.123Z","boot_id":"' + b"ab" * 16 + b'","started_mono_ms":86400000}'
)
