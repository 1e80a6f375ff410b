"""Headers have exactly one form, signatures exactly one meaning."""

import string
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from agent.wire import forms, headers, signing, tokens

KEY = SigningKey(bytes(range(32)))
GOOD = {
    headers.DEVICE: "11111111-1111-4111-8111-111111111111",
    headers.KEY: "56475aa75463474c",
    headers.BATCH: "22222222-2222-4222-8222-222222222222",
    headers.RATCHET: "17",
    headers.SENT: "1795525509123 86400000 " + "ab" * 16,
    headers.LEDGER: "cd" * 16 + " created=3 acked=1 ready=1 dead=1 dropped=0",
    headers.MACHINE: "ef" * 32,
    headers.PIN: "24f6ed6acbfe1009",
}


@pytest.mark.parametrize("name", headers.SIGNED)
@pytest.mark.parametrize(
    "spoil", [lambda v: "", lambda v: v + ", " + v, lambda v: " " + v, lambda v: v + "\n", lambda v: "é" + v]
)
def test_a_header_in_another_form_is_refused(name: str, spoil: object) -> None:
    with pytest.raises(headers.EnvelopeError, match=name):
        headers.parse({**GOOD, name: spoil(GOOD[name])})  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (headers.SENT, "01 2 " + "a" * 32),
        (headers.SENT, f"{2**53} 1 " + "a" * 32),
        (headers.SENT, "-1 -1 " + "a" * 32),
        (headers.SENT, "1 2 short"),
        (headers.LEDGER, "cd" * 16 + " created=03 acked=1 ready=1 dead=1 dropped=0"),
        (headers.LEDGER, "cd" * 16 + " created=x acked=0 ready=0 dead=0 dropped=0"),
        (headers.LEDGER, "cd" * 16 + " created=" + "9" * 23 + " acked=0 ready=0 dead=0 dropped=0"),
        (headers.RATCHET, "01"),
        (headers.RATCHET, "x"),
        (headers.RATCHET, "9" * 16),
        (headers.BATCH, "22222222-2222-4222-8222-22222222222A"),
        (headers.DEVICE, "A"),
        (headers.DEVICE, "a" * 65),
    ],
)
def test_near_misses_are_refused(name: str, value: str) -> None:
    with pytest.raises(headers.EnvelopeError):
        headers.parse({**GOOD, name: value})


def test_a_doubled_signed_value_is_never_taken_for_one() -> None:
    assert headers.parse(GOOD).values() == [GOOD[name] for name in headers.SIGNED]


@given(st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1))
def test_clocks_survive_the_header(utc_ms: int, mono_ms: int) -> None:
    sent = headers.Sent(utc_ms, mono_ms, "0f" * 16)
    assert headers.parse_sent(str(sent)) == sent


@given(st.tuples(*[st.integers(0, 10**15 - 1)] * 5))
def test_the_ledger_survives_the_header(counts: tuple[int, ...]) -> None:
    ledger = headers.Ledger("0f" * 16, *counts)
    assert headers.parse_ledger(str(ledger)) == ledger
    assert ledger.is_balanced() == (counts[0] == sum(counts[1:]))


@given(st.text(max_size=80))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (headers.parse_sent, headers.parse_ledger):
        with suppress(headers.EnvelopeError):
            assert str(parse(text)) == text


def test_a_signature_is_good_for_its_text_word_and_key_only() -> None:
    values = headers.parse(GOOD).values()
    text = signing.request_text(signing.Word.BATCH, values, b"body")
    signature = signing.sign(KEY, text)
    public = bytes(KEY.verify_key)
    assert signing.is_signed(public, text, signature)
    assert not signing.is_signed(public, signing.request_text(signing.Word.LEASE, values, b"body"), signature)
    assert not signing.is_signed(public, signing.request_text(signing.Word.BATCH, values, b"bodY"), signature)
    assert not signing.is_signed(bytes(SigningKey(bytes(32)).verify_key), text, signature)


@pytest.mark.parametrize("signature", ["", "-", "A" * 86, "A" * 85, "=" * 86, "é" * 86, "A" * 10_000])
def test_a_malformed_signature_is_just_wrong(signature: str) -> None:
    assert not signing.is_signed(bytes(KEY.verify_key), b"text", signature)


def test_the_lenient_spellings_of_a_signature_are_refused() -> None:
    """base64 ignores the last bits and padding: only one spelling counts."""
    good = signing.sign(KEY, b"text")
    public = bytes(KEY.verify_key)
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    twin = good[:-1] + alphabet[alphabet.index(good[-1]) ^ 1]
    assert signing.is_signed(public, b"text", good)
    assert not signing.is_signed(public, b"text", twin)
    assert not signing.is_signed(public, b"text", good + "==")


@given(st.binary(min_size=16, max_size=16))
def test_a_token_survives_being_typed(secret: bytes) -> None:
    token = tokens.make_enrol_token(secret, bytes(KEY.verify_key))
    typed = str(token).lower().replace("o", "0").replace("i", "1").replace("b", "8")
    typed = typed.replace("enl1", "ENL1", 1)
    assert tokens.parse_enrol_token(f"  {typed[:9]} {typed[9:]}\n") == token


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ENL1",
        "ENL2-" + "A" * 26 + "-" + "A" * 16,
        "ENL1-" + "A" * 25 + "-" + "A" * 16,
        "ENL1-" + "A" * 26 + "-" + "A" * 16 + "X",
        "ENL1-" + "A" * 25 + "B-" + "A" * 16,
        "é" * 30,
    ],
)
def test_what_is_no_token_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="token") as caught:
        tokens.parse_enrol_token(text)
    assert len(text) < 10 or text not in str(caught.value)


def test_an_access_token_is_checked_with_the_public_key_alone() -> None:
    claims = tokens.AccessClaims(school="00123", lease_id="l", exp_ms=2_000, max_bytes=10, jti="j")
    token = tokens.make_access_token(KEY, claims)
    public = [bytes(SigningKey(bytes(32)).verify_key), bytes(KEY.verify_key)]
    assert tokens.read_access_token(token, public, now_ms=1_999) == claims
    for bad, now_ms in [
        (token, 2_000),
        (token[:-2] + "AA", 0),
        ("x" + token, 0),
        (token.replace(".", ""), 0),
        ("é.é", 0),
        ("", 0),
    ]:
        with pytest.raises(ValueError, match=r"^token (malformed|expired|signature wrong)$"):
            tokens.read_access_token(bad, public, now_ms=now_ms)
    with pytest.raises(tokens.WrongSignatureError, match="signature"):
        tokens.read_access_token(token, public[:1], now_ms=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"school": ""},
        {"school": "0\n"},
        {"school": "0" * 65},
        {"lease_id": ""},
        {"lease_id": "a b"},
        {"jti": "x" * 65},
        {"jti": "\u00e9"},
        {"max_bytes": -1},
        {"max_bytes": 10**13},
        {"exp_ms": 2**53},
    ],
)
def test_a_signed_access_token_of_another_form_is_malformed(changes: dict[str, object]) -> None:
    whole = tokens.AccessClaims(school="00123", lease_id="l", exp_ms=2_000, max_bytes=10, jti="j")
    token = tokens.make_access_token(KEY, msgspec.structs.replace(whole, **changes))
    with pytest.raises(ValueError, match=r"^token malformed$"):
        tokens.read_access_token(token, [bytes(KEY.verify_key)], now_ms=0)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_rids_are_of_version_7_and_carry_their_time(utc_ms: int, chance: bytes) -> None:
    rid = forms.uuid7(utc_ms, chance)
    assert forms.is_rid(rid)
    assert int(rid.replace("-", "")[:12], 16) == utc_ms


@given(st.integers(0, 7_258_118_399_999))
def test_times_survive(utc_ms: int) -> None:
    assert forms.parse_time(forms.format_time(utc_ms)) == utc_ms
