"""When an outage is told: not at the alarm, when half of its schools are missed, but when their count has settled.

Pure. The alarm comes after about ten minutes, when half of the schools of a line are missed. A message that goes out
then says "11 of 20", and the page beside it soon another number. So it waits a little for the rest. No longer than
until every school that could have fallen silent with the first is known to have; one posts every 15 minutes or so.
"""

from typing import Final

from collector.domain.outages.presence import LONGEST_MIN

MINUTE_MS: Final = 60_000
SETTLE_MS: Final = 6 * MINUTE_MS  # after the alarm
WITHIN_MS: Final = 15 * MINUTE_MS  # after the first school was missed
MISSED_MS: Final = LONGEST_MIN * MINUTE_MS  # after its last word a school of one computer is missed
TOGETHER_MS: Final = (LONGEST_MIN + 1) * MINUTE_MS  # last words further before the others' are of another reason


def told_from_ms(alarm_ms: int, first_word_ms: int | None) -> int:
    """Return from when on an outage is told, however many schools it has by then.

    Args:
        alarm_ms: When it was opened.
        first_word_ms: The earliest last word of the schools that fell silent together; None: not known.
    """
    latest = alarm_ms + SETTLE_MS
    if first_word_ms is not None:
        latest = min(latest, first_word_ms + MISSED_MS + WITHIN_MS)
    return max(alarm_ms, latest)


def is_settled(*, silent: int, schools: int, alarm_ms: int, first_word_ms: int | None, now_ms: int) -> bool:
    """Return whether an outage that goes on is to be told now: all are silent, or it is time.

    Args:
        silent: Schools that it has taken so far.
        schools: Of the group, heard before.
        alarm_ms: When it was opened.
        first_word_ms: As `told_from_ms` has it.
        now_ms: The moment.
    """
    return silent >= schools or now_ms >= told_from_ms(alarm_ms, first_word_ms)
