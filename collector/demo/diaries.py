"""What the invented computers wrote of their lines in the last weeks: on and off with the school, some cut off."""

from collections.abc import Iterator, Sequence
from datetime import date
from random import Random
from typing import Final

import msgspec

from agent.wire import codec, forms
from agent.wire.codec import Decoded
from agent.wire.records import Diary
from agent.wire.vocabulary import DiaryState
from collector.demo.island import DemoSchool
from collector.domain.calendars import Calendar, OpenDay
from collector.domain.slots import SLOT_MS
from collector.store.queries.measurements import Placed

DAYS: Final = 14  # weekdays up to today
_RUN_SLOTS: Final = 36  # of one run at most
_SHAKY: Final = 0.15  # of the schools have a line that goes down often
_DOWN_A_DAY: Final = {True: 0.45, False: 0.03}
_DOWN: Final = (DiaryState.NO_INTERNET, DiaryState.NO_INTERNET, DiaryState.DNS_FAIL, DiaryState.NO_GATEWAY)
_CAME_MS: Final = 2_000


def diaries(
    school: DemoSchool,
    names: Sequence[str],
    calendar: Calendar,
    days: Sequence[date],
    now_ms: int,
    random: Random,
) -> Iterator[Placed]:
    """Yield the runs of a school's computers, each closed before a moment.

    Args:
        school: Whose.
        names: Of its computers.
        calendar: Its opening hours.
        days: The days on which the school is heard.
        now_ms: Nothing is later, Unix ms.
        random: Of everything invented.
    """
    is_shaky = random.random() < _SHAKY
    for day in days:
        open_day = calendar.at(day)
        if not open_day.is_open:
            continue
        cut = _cut(open_day, random) if random.random() < _DOWN_A_DAY[is_shaky] else None
        for number, name in enumerate(names):
            if number and random.random() < 0.3:
                continue  # nobody needed the second computer
            yield from _day(school.code, name, open_day, cut, now_ms, random)


def _cut(open_day: OpenDay, random: Random) -> tuple[int, int, DiaryState]:
    """Return when a line is down, Unix ms, and where the way ends."""
    period = random.choice(open_day.periods)
    from_ms = random.randrange(period.from_ms, period.to_ms, SLOT_MS)
    return from_ms, from_ms + random.randint(3, 20) * SLOT_MS, random.choice(_DOWN)


def _day(
    school: str, device: str, open_day: OpenDay, cut: tuple[int, int, DiaryState] | None, now_ms: int, random: Random
) -> Iterator[Placed]:
    # Its slots lie on its own clock, not on the school's.
    on_ms = open_day.periods[0].from_ms + random.randint(-6, 6) * SLOT_MS + random.randrange(0, 90_000)
    off_ms = min(open_day.periods[-1].to_ms - random.randint(-3, 24) * SLOT_MS, now_ms)
    boot_id = f"{random.getrandbits(128):032x}"
    run: list[int] = []
    state = DiaryState.OK
    for at_ms in range(on_ms, off_ms - SLOT_MS, SLOT_MS):
        is_cut = cut is not None and cut[0] <= at_ms < cut[1]
        found = cut[2] if cut is not None and is_cut else DiaryState.OK
        if run and (found is not state or len(run) == _RUN_SLOTS):
            yield _placed(school, device, boot_id, on_ms, run, state, random)
            run = []
        state = found
        run.append(at_ms)
    if run:
        yield _placed(school, device, boot_id, on_ms, run, state, random)


def _placed(
    school: str, device: str, boot_id: str, on_ms: int, run: Sequence[int], state: DiaryState, random: Random
) -> Placed:
    from_ms, to_ms = run[0], run[-1] + SLOT_MS
    is_ok = state is DiaryState.OK
    record = Diary(
        rid=forms.uuid7(to_ms, random.randbytes(10)),
        boot_id=boot_id,
        from_at=forms.format_time(from_ms),
        to_at=forms.format_time(to_ms),
        from_mono_ms=from_ms - on_ms + 60_000,
        slots=len(run),
        slot_s=SLOT_MS // 1000,
        state=state,
        server_rtt_ms=round(random.uniform(30, 70), 1) if is_ok else None,
        gateway_rtt_ms=None if state is DiaryState.NO_GATEWAY else round(random.uniform(1, 4), 1),
        sent=5 * len(run),
        lost=0 if is_ok else 5 * len(run),
        dns_ms=round(random.uniform(8, 40), 1) if is_ok else None,
    )
    return Placed(
        decoded=Decoded(record, {}, codec.content_hash(msgspec.to_builtins(record))),
        device=device,
        school=school,
        at_ms=from_ms,
        end_ms=to_ms,
        time_quality="exact",
        time_width_ms=0,
        received_ms=to_ms + _CAME_MS,
    )
