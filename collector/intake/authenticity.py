"""Whether a signature is right: of a device's key over this request, of a new key over its enrolment."""

from agent.wire import forms, headers, signing
from agent.wire.headers import SignedHeaders
from agent.wire.signing import Word
from collector.intake.incoming import Incoming
from collector.store.queries.devices import DeviceKey


def is_of_device(key: DeviceKey, word: Word, signed: SignedHeaders, incoming: Incoming) -> bool:
    """Return whether the device's key signed exactly these headers and this body for this address."""
    text = signing.request_text(word, signed.values(), incoming.body)
    return _is_signed(key.public_key, text, incoming.headers.get(headers.SIGNATURE, ""))


def is_of_new_key(public_key: str, incoming: Incoming) -> bool:
    """Return whether the key that wants to be enrolled signed this enrolment."""
    text = signing.enrol_text(incoming.batch, incoming.body)
    return _is_signed(public_key, text, incoming.headers.get(headers.SIGNATURE, ""))


def is_of_old_key(public_key: str, incoming: Incoming) -> bool:
    """Return whether the key that the device had before signed this enrolment as well."""
    text = signing.enrol_text(incoming.batch, incoming.body)
    return _is_signed(public_key, text, incoming.headers.get(headers.OLD_SIGNATURE, ""))


def _is_signed(public_key: str, text: bytes, signature: str) -> bool:
    try:
        raw = forms.unb64url(public_key, signing.PUBLIC_KEY_BYTES)
    except ValueError:
        return False
    return signing.is_signed(raw, text, signature)
