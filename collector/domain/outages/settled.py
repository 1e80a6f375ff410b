"""When an outage is told: not at the alarm, when half of its schools are missed, but when their count has settled.

Pure. The alarm comes after about ten minutes, when half of the schools of a line are missed. A message that goes out
then says "11 of 20", and the page beside it soon another number. So it waits a little for the rest. No longer than
until every school that could have fallen silent with the first is known to have; one posts every 15 minutes or so.

What it may not wait for is a school that was spared: it is heard, and never missed. When the line was cut nobody has
said, but schools that it took have said nothing since, so it was not before the newest of their last words. Sixteen
minutes after that word each of them is late, and counted. One school in twenty may be heard on without being taken for
one of them, the part that is left over where an outage counts as ended too (`watch.CLOSED_SHARE`).
"""

from collections.abc import Iterable
from typing import Final

from collector.domain.outages.presence import LONGEST_MIN

MINUTE_MS: Final = 60_000
SETTLE_MS: Final = 6 * MINUTE_MS  # after the alarm
WITHIN_MS: Final = 15 * MINUTE_MS  # after the first school was missed
MISSED_MS: Final = LONGEST_MIN * MINUTE_MS  # after its last word a school of one computer is missed
SPARED_OF: Final = 20  # of so many schools of a group one may be heard on
TOGETHER_MS: Final = (LONGEST_MIN + 1) * MINUTE_MS  # last words further before the others' are of another reason


def newest_word(last_words: Iterable[int], schools: int) -> int | None:
    """Return the newest last word of the schools of a group that an outage took, as far as words can tell.

    Args:
        last_words: When each school of the group was heard last, those that are heard on too; in any one unit.
        schools: Of the group, heard before: one in twenty of them may be heard on.
    """
    words = sorted(last_words, reverse=True)
    spared = schools // SPARED_OF
    return words[spared] if spared < len(words) else None


def told_from_ms(alarm_ms: int, first_word_ms: int | None, newest_word_ms: int | None = None) -> int:
    """Return from when on an outage is told, however many schools it has by then.

    Args:
        alarm_ms: When it was opened.
        first_word_ms: The earliest last word of the schools that fell silent together; None: not known.
        newest_word_ms: The newest one, as `newest_word` has it; None: not known.
    """
    latest = alarm_ms + SETTLE_MS
    if first_word_ms is not None:
        latest = min(latest, first_word_ms + MISSED_MS + WITHIN_MS)
    if newest_word_ms is not None:
        latest = min(latest, newest_word_ms + MISSED_MS)
    return max(alarm_ms, latest)


def is_settled(
    *,
    silent: int,
    schools: int,
    alarm_ms: int,
    first_word_ms: int | None,
    now_ms: int,
    newest_word_ms: int | None = None,
) -> bool:
    """Return whether an outage that goes on is to be told now: all are silent, or it is time.

    Args:
        silent: Schools that it has taken so far.
        schools: Of the group, heard before.
        alarm_ms: When it was opened.
        first_word_ms: As `told_from_ms` has it.
        now_ms: The moment.
        newest_word_ms: As `told_from_ms` has it.
    """
    return silent >= schools or now_ms >= told_from_ms(alarm_ms, first_word_ms, newest_word_ms)
