"""What people see of measurements and of the agent's state: progress, short tables, plain sentences."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Protocol

from agent.wire.records import Measurement
from agent.wire.vocabulary import FailureCode, Status, StopReason

MBIT = 1_000_000

FAILURES: dict[FailureCode, str] = {
    FailureCode.DNS: "The name server does not know the test point's address, or does not answer.",
    FailureCode.CONNECT_TIMEOUT: "The test point does not answer.",
    FailureCode.CONNECT_REFUSED: "Nothing listens at the test point's address.",
    FailureCode.UNREACHABLE: "There is no way to the test point from here.",
    FailureCode.TLS_UNTRUSTED: "The test point's certificate is not trusted: a filter may be reading along.",
    FailureCode.TLS_CLOCK: "The test point's certificate is not valid at this computer's date: check the clock.",
    FailureCode.PORTAL: "This is not a test point, a web page came: a login page (captive portal) may be in the way; "
    "open a browser and sign in.",
    FailureCode.PROXY_AUTH: "The proxy asks for a login.",
    FailureCode.HTTP_STATUS: "The test point answered with an error.",
    FailureCode.SERVER_BUSY: "The test point takes no test from here now: try again in a few minutes.",
    FailureCode.TOKEN_REFUSED: "The test point refuses this test's permission: test again for a new one.",
    FailureCode.PROTOCOL: "What answers at this address does not speak a test point's language.",
    FailureCode.STALLED: "The data stopped coming.",
    FailureCode.RESET: "The connection was cut.",
    FailureCode.CLIENT_LIMITED: "This computer was too busy to measure.",
    FailureCode.DISK: "There is no room to store the measurement.",
    FailureCode.CANCELLED: "The test was interrupted.",
    FailureCode.BUDGET: "The day's or the month's data budget is used up.",
    FailureCode.PAUSED: "The operator has paused testing.",
}


# What a test point gives as its reason, and what that means; the first that stands in the failure's detail.
REFUSALS: tuple[tuple[str, str], ...] = (
    ("test point wants", "This test point is not open to everybody: enrol this computer, or name another test point."),
    ("expired", "The permission to test was too old: test again, and if that does not help, the test point's clock may "
    "be wrong."),
    ("signature", "The test point does not know the collector that permitted this test: tell the operator."),
    ("used up", "What the collector permitted for this test is used up: test again later."),
    ("another address", "The permission was given out for another way to the test point: a proxy or a second line may "
    "be in use; test again."),
)  # fmt: skip


class Progress(Protocol):
    """How far a measurement is."""

    @property
    def phase(self) -> str:
        """Latency, download or upload."""

    @property
    def current_bps(self) -> float:
        """Speed now."""


class Live(AbstractContextManager["Live"]):
    """One line that changes while it measures; nothing at all where nobody watches."""

    def __init__(self, *, shown: bool) -> None:
        self._status: Any = nullcontext()
        if shown and sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("connecting ...")

    def __enter__(self) -> "Live":
        self._status.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.__exit__(kind, error, trace)

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        update: Callable[[str], None] | None = getattr(self._status, "update", None)
        if update is None:
            return
        note = getattr(progress, "note", "")
        speed = f"  {progress.current_bps / MBIT:.1f} Mbit/s" if progress.current_bps else ""
        update(note or f"{progress.phase}{speed}")


def measurement_lines(record: Measurement) -> list[tuple[str, str]]:
    """Return the lines of a measurement's table; what was not measured has none."""
    lines: list[tuple[str, str]] = []
    for name, side in (("Download", record.download), ("Upload", record.upload)):
        if side is not None:
            sure = f"  ± {side.half_width_pct:.0f} %" if side.half_width_pct is not None else ""
            least = "at least " if side.lower_bound else ""
            lines.append((name, f"{least}{side.bps / MBIT:.2f} Mbit/s{sure}"))
    if record.idle is not None and record.idle.rtt_ms is not None:
        lines.append(("Latency, idle", f"{record.idle.rtt_ms:.1f} ms"))
    loaded = record.loaded
    if loaded is not None:
        told = [
            f"{value:.0f} ms ({name})"
            for name, value in (("download", loaded.download_rtt_ms), ("upload", loaded.upload_rtt_ms))
            if value is not None
        ]
        if told:
            lines.append(("Latency, loaded", ", ".join(told)))
    spent = [side.bytes for side in (record.download, record.upload) if side is not None and side.bytes is not None]
    if spent:
        lines.append(("Data used", f"{sum(spent) / MBIT:.1f} MB"))
    return lines


def sentence(record: Measurement) -> str:
    """Return in one plain sentence what a measurement means."""
    if record.failure is not None:
        code = record.failure.code
        text = FAILURES.get(code, f"The test failed ({code}).")
        if code is FailureCode.TOKEN_REFUSED:
            said = record.failure.detail or ""
            text = next((meaning for words, meaning in REFUSALS if words in said), text)
        text += f" ({record.failure.detail})" if record.failure.detail else ""
        if record.download is not None and record.status is not Status.INTERRUPTED:
            return f"The download was measured, the rest was not. {text}"
        return text
    if record.download is None or record.upload is None:
        return "Only one direction was measured."
    down, up = record.download, record.upload
    speeds = f"{down.bps / MBIT:.1f} Mbit/s down and {up.bps / MBIT:.1f} Mbit/s up"
    if down.lower_bound or up.lower_bound:
        capped = StopReason.BUDGET in (down.stop_reason, up.stop_reason)
        cause = "the data cap ended the test early" if capped else "the line was never seen full"
        return f"This line carries at least {speeds}: {cause}."
    return f"This line carries {speeds}."


def error_json(sentence_: str, exit_code: int) -> str:
    """Return the one JSON object that stands for a command that measured nothing."""
    return json.dumps({"error": {"sentence": sentence_, "exit_code": int(exit_code)}})


def table(rows: list[tuple[str, str]]) -> None:
    """Print names and values."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
