"""The table is total, and its default row keeps everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.uplink.decide import Effect, Kind, Pressure, Silence, decide, words
from agent.wire.vocabulary import REFUSAL_STATUS, RefusalCode

STATUSES = range(100, 600)  # gone through in one test: a test for each takes a hundred times as long


def test_nothing_unsigned_is_ever_believed() -> None:
    for status in STATUSES:
        decision = decide(None, status, signed=False, code=None)
        assert decision.effect is Effect.KEEP, status
        is_down = status >= 500 or status in (408, 413, 429)
        assert decision.kind is (Kind.COLLECTOR_DOWN if is_down else Kind.PORTAL), status


@pytest.mark.parametrize("code", [None, *RefusalCode, "new_word"])
def test_a_code_in_an_unsigned_answer_changes_nothing(code: str | None) -> None:
    for status in (200, 401, 403, 409):
        assert decide(None, status, signed=False, code=code).effect is Effect.KEEP


def test_only_a_signed_200_without_code_applies() -> None:
    for status in STATUSES:
        decision = decide(None, status, signed=True, code=None)
        assert decision.effect is (Effect.APPLY if status == 200 else Effect.KEEP), status


@pytest.mark.parametrize(
    ("code", "effect", "kind"),
    [
        ("unknown_device", Effect.ENROL, Kind.UNKNOWN),
        ("other_machine", Effect.ENROL, Kind.UNKNOWN),
        ("bad_signature", Effect.REST, Kind.REFUSED),
        ("key_revoked", Effect.REST, Kind.REFUSED),
        ("device_blocked", Effect.REST, Kind.REFUSED),
        ("envelope", Effect.SHRINK, Kind.ENVELOPE),
        ("too_large", Effect.SHRINK, Kind.ENVELOPE),
        ("overload", Effect.KEEP, Kind.OVERLOAD),
        ("maintenance", Effect.KEEP, Kind.OVERLOAD),
        ("storage", Effect.KEEP, Kind.OVERLOAD),
        ("a_word_of_a_newer_collector", Effect.KEEP, Kind.COLLECTOR_DOWN),
        ("token_unknown", Effect.KEEP, Kind.COLLECTOR_DOWN),
    ],
)
def test_a_signed_refusal_goes_by_its_code(code: str, effect: Effect, kind: Kind) -> None:
    status = REFUSAL_STATUS.get(code, 418)  # type: ignore[call-overload]  # also words outside the list
    decision = decide(None, status, signed=True, code=code)
    assert (decision.effect, decision.kind) == (effect, kind)
    assert decide(None, 200, signed=True, code=code).effect is not Effect.APPLY


@pytest.mark.parametrize("silence", Silence)
def test_silence_keeps_everything(silence: Silence) -> None:
    decision = decide(silence, None, signed=False, code=None)
    assert decision.effect is Effect.KEEP
    assert decision.kind in (Kind.COLLECTOR_DOWN, Kind.PORTAL)
    assert words(silence, None, signed=False, code=None)


@pytest.mark.parametrize("silence", [Silence.REFUSED, Silence.DNS, Silence.UNREACHABLE, Silence.CONNECT_TIMEOUT])
def test_a_smaller_batch_cannot_help_where_nothing_was_sent(silence: Silence) -> None:
    assert decide(silence, None, signed=False, code=None).pressure is Pressure.NONE


@pytest.mark.parametrize("silence", [Silence.TOO_SLOW, Silence.CUT])
def test_a_smaller_batch_may_help_where_the_line_broke(silence: Silence) -> None:
    assert decide(silence, None, signed=False, code=None).pressure is Pressure.REPEATED


def test_413_halves_at_once() -> None:
    assert decide(None, 413, signed=False, code=None).pressure is Pressure.AT_ONCE
    assert decide(None, 413, signed=True, code="too_large").pressure is Pressure.AT_ONCE


@given(
    st.none() | st.sampled_from(list(Silence)),
    st.none() | st.integers(),
    st.booleans(),
    st.none() | st.text(max_size=30) | st.sampled_from([str(code) for code in RefusalCode]),
)
def test_the_table_is_total(silence: Silence | None, status: int | None, signed: bool, code: str | None) -> None:
    decision = decide(silence, status, signed=signed, code=code)
    if decision.effect is Effect.APPLY:
        assert silence is None and signed and status == 200 and code is None
    if decision.effect in (Effect.ENROL, Effect.REST, Effect.SHRINK):
        assert silence is None and signed
    if "{" not in (code or "") and "}" not in (code or ""):
        words(silence, status, signed=signed, code=code)


def test_the_words_name_what_a_person_can_look_for() -> None:
    assert "captive portal" in words(None, 200, signed=False, code=None)
    assert "407" in words(None, 407, signed=False, code=None)
    assert "in trouble (502)" in words(None, 502, signed=False, code=None)
    assert "key_revoked" in words(None, 401, signed=True, code="key_revoked")
    assert words(None, 200, signed=True, code=None) == ""
