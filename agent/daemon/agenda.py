"""When the next test is due: `schedule.due` on the collector's time, counted on by this computer's monotonic clock.

What has been is kept as monotonic time within a boot and as the collector's time between boots, so that neither a
restart nor a step of the wall clock adds or loses a test.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from agent.config import AgentConfig
from agent.ports import Ports
from agent.schedule import calibration, windows
from agent.schedule.campaign import next_asked
from agent.schedule.due import Due, Past, Rules, next_due
from agent.schedule.windows import Window
from agent.uplink import settings
from agent.uplink.servertime import State, last_answer
from agent.wire.vocabulary import Trigger

SEED = "schedule_seed"  # keys of the durable state
PAST = "schedule_past"
TESTS_KEPT = 64  # more than a day of the most tests that an operator can ask for, 20 in each of three windows


class _Test(msgspec.Struct, frozen=True, array_like=True):
    """When a due test began, by both clocks: within its boot the monotonic one still tells it after a correction."""

    true_ms: int  # on the collector's clock as well as it was known
    mono_ms: int
    boot_id: str


class _Kept(msgspec.Struct, frozen=True):
    """What has been, durably."""

    boot_tested: str = ""  # id of the boot that has had its startup test
    tests: tuple[_Test, ...] = ()  # the last due ones, the oldest first
    calibrated_true_ms: int | None = None  # of the last calibration, on the collector's clock as well as it was known


@dataclass(frozen=True)
class Planned:
    """The next test."""

    in_s: float
    trigger: Trigger
    missed: int = 0


class Agenda:
    """The moments of one daemon."""

    def __init__(self, config: AgentConfig, ports: Ports, state: State) -> None:
        """Read what has been.

        Args:
            config: Intervals.
            ports: Clocks; randomness for a seed of this computer's own.
            state: Small durable values.
        """
        self._config, self._ports, self._state = config, ports, state
        self._started_mono_ms = ports.clock.mono_ms()
        self._kept = _kept(state.get_state(PAST))
        seed = state.get_state(SEED)
        if seed is None:
            seed = ports.randomness.token_bytes(16).hex()
            state.set_state(SEED, seed)
        self._seed = seed
        if self._kept.calibrated_true_ms is None:
            self._keep(calibrated_true_ms=calibration.as_if_last(self.true_now_ms(), seed))

    def plan(self) -> Planned | None:
        """Return the next test; None = no window is known ahead."""
        now_ms, mono_ms = self.true_now_ms(), self._ports.clock.mono_ms()
        offset_min = self._ports.host.utc_offset_min()
        told = settings.stored(self._state)
        open_, boot_id = self._windows(now_ms), self._ports.host.boot_id()
        past = Past(
            started_ms=now_ms - (mono_ms - self._started_mono_ms),
            boot_tested=self._kept.boot_tested == boot_id,
            tests_ms=tuple(
                now_ms - (mono_ms - one.mono_ms) if one.boot_id == boot_id else one.true_ms for one in self._kept.tests
            ),
            start=f"{boot_id} {self._started_mono_ms}",
        )
        due = next_due(now_ms, open_, past, self._rules(offset_min, told.tests_per_window if told else None))
        wanted = told.campaign_utc if told else []
        asked = next_asked(now_ms, wanted, past.tests_ms, self._seed, utc_offset_min=offset_min)
        return _planned(asked if asked and (due is None or asked.at_ms <= due.at_ms) else due, now_ms)

    def note_test(self, began_mono_ms: int) -> None:
        """Keep that a due test was made, refused or skipped.

        Args:
            began_mono_ms: When it began, by this boot's monotonic clock.
        """
        boot_id = self._ports.host.boot_id()
        ago_ms = self._ports.clock.mono_ms() - began_mono_ms
        made = _Test(self.true_now_ms() - ago_ms, began_mono_ms, boot_id)
        self._keep(boot_tested=boot_id, tests=(*self._kept.tests, made)[-TESTS_KEPT:])

    def is_calibration_due(self, trigger: Trigger) -> bool:
        """Return whether the test that is due now should be a calibration."""
        now_ms, last_ms = self.true_now_ms(), self._kept.calibrated_true_ms
        return last_ms is not None and calibration.is_due(now_ms, self._windows(now_ms), trigger, last_ms)

    def note_calibration(self) -> int | None:
        """Keep that a calibration begins: one that the power cuts off is not begun again and again.

        Returns:
            What was known before, for `take_back_calibration`.
        """
        before = self._kept.calibrated_true_ms
        self._keep(calibrated_true_ms=self.true_now_ms())
        return before

    def take_back_calibration(self, before: int | None) -> None:
        """Keep that there was none after all."""
        self._keep(calibrated_true_ms=before)

    def _keep(self, **changes: Any) -> None:
        self._kept = msgspec.structs.replace(self._kept, **changes)
        self._state.set_state(PAST, msgspec.json.encode(self._kept).decode())

    def _windows(self, now_ms: int) -> tuple[Window, ...]:
        told = settings.stored(self._state)
        return windows.windows_around(
            now_ms,
            told.windows_utc if told else None,
            told_at_ms=told.server_time_ms if told else None,
            utc_offset_min=self._ports.host.utc_offset_min(),
        )

    def windows_now(self) -> tuple[Window, ...]:
        """Return when the school is open, from yesterday on."""
        return self._windows(self.true_now_ms())

    def true_now_ms(self) -> int:
        """Return the present by the collector's clock, as well as it is known."""
        clock = self._ports.clock
        return windows.true_time_ms(
            last_answer(self._state),
            wall_ms=clock.now_ms(),
            mono_ms=clock.mono_ms(),
            boot_id=self._ports.host.boot_id(),
        )

    def is_paused(self) -> bool:
        """Return whether the last settings say that no tests are wanted."""
        told = settings.stored(self._state)
        return told is not None and told.paused

    def _rules(self, offset_min: int, told_tests: int | None) -> Rules:
        return Rules(
            seed=self._seed,
            tests_per_window=told_tests or self._config.tests_per_window,
            startup_within_ms=round(self._config.first_test_within_s * 1000),
            interval_ms=round(self._config.test_interval_s * 1000),
            utc_offset_min=offset_min,
        )


def _planned(due: Due | None, now_ms: int) -> Planned | None:
    return None if due is None else Planned(max(0.0, (due.at_ms - now_ms) / 1000), due.trigger, due.missed)


def _kept(text: str | None) -> _Kept:
    try:
        return msgspec.json.decode(text or "{}", type=_Kept)
    except msgspec.MsgspecError:
        return _Kept()
