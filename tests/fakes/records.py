"""Builders of valid records: a test names only what it is about."""

from typing import Any

from agent.wire import forms

NOON_MS = 1_795_525_509_123  # 2026-11-24T14:25:09.123Z


def a_rid(number: int, utc_ms: int = NOON_MS) -> str:
    """Return the rid number `number`, the same each time."""
    return forms.uuid7(utc_ms, number.to_bytes(10, "big"))


def a_direction(bps: int = 24_400_000, /, **changes: Any) -> dict[str, Any]:
    bins = [bps // 40] * 20
    return {
        "bps": bps, "half_width_pct": 3.1, "confidence": "high", "lower_bound": False, "stop_reason": "precise",
        "bytes": sum(bins), "wire_bytes_est": int(sum(bins) * 1.04), "duration_s": 4.0, "steady_s": 3.2, "ramp_s": 0.8,
        "streams": 4, "method": "receiver", "bin_ms": 200, "bins": bins, **changes,
    }  # fmt: skip


def an_rtt(rtt_ms: float = 41.0, /, **changes: Any) -> dict[str, Any]:
    return {
        "rtt_ms": rtt_ms, "rtt_min_ms": rtt_ms - 1, "rtt_p90_ms": rtt_ms + 4, "jitter_ms": 1.2, "loss_pct": 0.0,
        "n": 20, "method": "udp_echo", **changes,
    }  # fmt: skip


def a_measurement(number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """Return a complete measurement as JSON objects, with `changes` at the top level."""
    return {
        "schema": 1, "kind": "measurement", "rid": a_rid(number), "status": "ok", "failure": None, "tier": "capacity",
        "trigger": "window", "started_at": "2026-11-24T13:05:09.123Z", "utc_offset_min": -240, "boot_id": "ab" * 16,
        "started_mono_ms": 86_400_000, "engine": {"name": "ndt7", "version": "0.1.0", "protocol": "ndt7/0.11"},
        "server": {"id": "tp1", "host": "tp.example.test", "scheme": "wss", "ip_family": 4}, "lease_id": None,
        "receipt": None, "download": a_direction(), "upload": a_direction(5_200_000), "idle": an_rtt(),
        "gateway": an_rtt(2.5, method="icmp"),
        "loaded": {"download_rtt_ms": 88.0, "download_p95_ms": 131.0, "upload_rtt_ms": 140.0, "upload_p95_ms": 190.0,
                   "increase_ms": 99.0, "n": 60, "method": "udp_echo", "load_s": 4.0, "congestion_control": "cubic",
                   "confidence": "medium", "grade": "B"},
        "surroundings": {"medium": "ethernet", "link_bps": 1_000_000_000, "signal_dbm": None, "cpu_pct": 12.5,
                         "other_bps": 12_000, "proxy": False, "tls_intercepted": False, "metered": False,
                         "on_battery": False},
        "budget": {"max_bytes": 100_000_000, "day_bytes": 1_000_000, "month_bytes": 40_000_000}, "tags": ["lab 3"],
        **changes,
    }  # fmt: skip


def a_failed_measurement(number: int = 1, code: str = "connect_timeout", **changes: Any) -> dict[str, Any]:
    failure = {"phase": "preflight", "code": code, "detail": "no answer within 10 s"}
    nothing = dict.fromkeys(("download", "upload", "idle", "gateway", "loaded"))
    return a_measurement(number, **{"status": "failed", "failure": failure, **nothing, **changes})


def a_diary_run(number: int = 1, state: str = "ok", **changes: Any) -> dict[str, Any]:
    return {
        "schema": 1, "kind": "diary", "rid": a_rid(number), "boot_id": "ab" * 16,
        "from_at": "2026-11-24T13:00:00.000Z", "to_at": "2026-11-24T13:15:00.000Z", "from_mono_ms": 86_000_000,
        "slots": 3, "slot_s": 300, "state": state, "server_rtt_ms": 42.0, "gateway_rtt_ms": 2.0, "sent": 30, "lost": 0,
        "dns_ms": 18.0, "probes": [{"name": "library", "state": "open", "ms": 410.0}], **changes,
    }  # fmt: skip
