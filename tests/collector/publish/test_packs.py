"""A sealed file is right as it is, and wrong with any byte of it altered."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from agent.wire import forms, signing
from collector.publish import packs
from collector.publish.packs import Verdict

KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(32))
ROWS = [{"rid": "a", "download_bps": 12_800_000, "note": "<b>&amp;</b> ñ \u2028"}, {"rid": "b", "download_bps": None}]


def id_of(key: SigningKey) -> str:
    return signing.key_id(bytes(key.verify_key))


def said(**changes: object) -> dict[str, object]:
    values = {"key_id": id_of(KEY), "school": "00123", "rows_sha256": packs.rows_hash(ROWS), "rows": ROWS}
    return {**values, **changes}


def a_document(**changes: object) -> str:
    return (
        f"<!doctype html><html><head><meta charset=utf-8>{packs.MARK.decode()}</head><body><h1>Escuela Ñandú: 12.8</h1>"
        f'<p>{packs.SLOT.decode()}</code></p><pre id="data">{packs.data_text(said(**changes))}</pre></body></html>\n'
    )


FILE = packs.seal(a_document(), KEY)
KNOWN = {id_of(KEY): bytes(KEY.verify_key)}


def verdict(raw: bytes, known: dict[str, bytes] | None = None) -> Verdict:
    return packs.check(raw, (KNOWN if known is None else known).get).verdict


def test_a_file_is_right_as_it_was_sealed() -> None:
    checked = packs.check(FILE, KNOWN.get)
    assert checked.verdict is Verdict.RIGHT and checked.key_id == id_of(KEY)
    assert checked.says is not None and checked.says["rows"] == ROWS


def test_every_single_byte_matters() -> None:
    for place in range(len(FILE)):
        altered = FILE[:place] + bytes([FILE[place] ^ 1]) + FILE[place + 1 :]
        assert verdict(altered) is not Verdict.RIGHT, (place, FILE[place - 20 : place + 20])


@given(st.integers(0, len(FILE)), st.integers(0, len(FILE)), st.binary(max_size=6))
def test_nothing_can_be_cut_out_or_put_in(first: int, last: int, new: bytes) -> None:
    first, last = sorted((first, last))
    altered = FILE[:first] + new + FILE[last:]
    assert verdict(altered) is (Verdict.RIGHT if altered == FILE else verdict(altered))
    assert altered == FILE or verdict(altered) is not Verdict.RIGHT


def test_another_key_is_not_believed_whatever_the_file_says() -> None:
    forged = packs.seal(a_document(key_id=id_of(OTHER)), OTHER)
    assert verdict(forged) is Verdict.UNKNOWN_KEY
    assert verdict(forged, {id_of(OTHER): bytes(OTHER.verify_key)}) is Verdict.RIGHT
    assert verdict(packs.seal(a_document(), OTHER)) is Verdict.ALTERED
    assert verdict(FILE, {}) is Verdict.UNKNOWN_KEY


def test_rows_that_do_not_have_their_hash_are_not_right() -> None:
    assert verdict(packs.seal(a_document(rows=ROWS[:1]), KEY)) is Verdict.ALTERED


@pytest.mark.parametrize(
    "raw", [b"", b"\x00" * 50, b"<html>", packs.MARK, packs.SLOT, FILE[:-40].replace(packs.SLOT, b"")]
)
def test_what_is_no_pack(raw: bytes) -> None:
    assert verdict(raw) is Verdict.NO_PACK


def test_a_signature_for_something_else_does_not_pass() -> None:
    raw = a_document().encode()
    text = signing.answer_text("d", "b", id_of(KEY), raw)
    at = raw.index(packs.SLOT) + len(packs.SLOT)
    assert verdict(raw[:at] + signing.sign(KEY, text).encode() + raw[at:]) is Verdict.ALTERED


@pytest.mark.parametrize("document", ["<html></html>", a_document() + packs.SLOT.decode(), packs.SLOT.decode()])
def test_a_document_without_its_one_place_is_not_sealed(document: str) -> None:
    with pytest.raises(ValueError, match="one place"):
        packs.seal(document, KEY)


def test_the_machine_s_part_is_json_that_ends_no_element() -> None:
    text = packs.data_text(said())
    assert not set("<>&") & set(text)
    assert json.loads(text) == said()


def test_the_way_without_the_command() -> None:
    """As the file itself tells it: take the signature out, hash the rest, check the text."""
    signature = FILE.split(packs.SLOT)[1][:86]
    rest = FILE.replace(signature, b"")
    text = f"enlace/1 pack\n{id_of(KEY)}\n{forms.sha256hex(rest)}".encode()
    KEY.verify_key.verify(text, forms.unb64url(signature.decode(), 64))


def test_noise_never_breaks_the_check() -> None:
    chance = random.Random(7)
    for _ in range(200):
        raw = bytearray(FILE)
        for _ in range(chance.randrange(1, 30)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        assert verdict(bytes(raw)) is not Verdict.RIGHT
