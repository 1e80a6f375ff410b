"""Diary runs as a computer posts them."""

from typing import Any

from agent.wire import forms
from tests.fakes.records import a_diary_run


def a_run(number: int, from_ms: int, to_ms: int, state: str) -> dict[str, Any]:
    """Return a closed run of the diary of one computer, whose clock is right."""
    changes: dict[str, Any] = {"probes": None}
    if state in ("asleep", "off"):
        changes |= {"boot_id": None, "from_mono_ms": None, "sent": None, "lost": None, "dns_ms": None}
        changes |= {"server_rtt_ms": None, "gateway_rtt_ms": None}
    else:
        changes |= {"boot_id": None, "from_mono_ms": None}
    return a_diary_run(
        number + 1,
        state,
        from_at=forms.format_time(from_ms),
        to_at=forms.format_time(to_ms),
        slots=(to_ms - from_ms) // 300_000,
        **changes,
    )
