"""A running marker whose process is gone becomes a record: a power cut is a fact, not a silence."""

from typing import Any

import msgspec

from agent.spool.rows import as_bytes
from agent.wire import codec, forms
from agent.wire.records import Failure, Measurement
from agent.wire.vocabulary import FailureCode, Phase, Status, Tier, Trigger

_EMPTY = {"download", "upload", "idle", "gateway", "loaded", "receipt"}
_DETAIL = {
    FailureCode.POWER_CUT: "the computer went off or restarted during the test",
    FailureCode.CANCELLED: "the agent was ended during the test",
}


def measurement(stub: object, rid: str, *, is_same_boot: bool, wall_ms: int, boot_id: str, mono_ms: int) -> Measurement:
    """Return what can be said of a test that nobody finished.

    Args:
        stub: The marker's body: a measurement's JSON as far as it was known at its start; may be damaged.
        rid: The marker's identity.
        is_same_boot: Whether the computer is still in the boot in which the test began.
        wall_ms: This computer's clock when the marker was written; used where the stub says nothing.
        boot_id: Of the boot in which the marker was written.
        mono_ms: Of that moment.
    """
    code = FailureCode.CANCELLED if is_same_boot else FailureCode.POWER_CUT
    told = _object(stub)
    phase = told["failure"].get("phase") if isinstance(told.get("failure"), dict) else None
    failure = Failure(phase=Phase(phase) if phase in tuple(Phase) else Phase.PREFLIGHT, code=code, detail=_DETAIL[code])
    known = {key: value for key, value in told.items() if key not in _EMPTY}
    known |= {"rid": rid, "status": Status.INTERRUPTED, "failure": msgspec.to_builtins(failure)}
    try:
        return _checked(known)
    except (msgspec.ValidationError, codec.ItemError):
        return Measurement(
            rid=rid, status=Status.INTERRUPTED, failure=failure, tier=Tier.CAPACITY, trigger=Trigger.WINDOW,
            started_at=forms.format_time(min(max(wall_ms, 0), 7_258_118_399_999)),
            boot_id=boot_id if forms.is_hex(boot_id, 32) else None,
            started_mono_ms=mono_ms if forms.is_hex(boot_id, 32) else None,
        )  # fmt: skip


def _object(stub: object) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(as_bytes(stub))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _checked(known: dict[str, Any]) -> Measurement:
    record = msgspec.convert(known, type=Measurement, strict=True)
    codec.decode_item(codec.encode(record))
    return record
