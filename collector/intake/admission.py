"""Who is speaking, and may they: headers, size, device, signature, state, computer, in this order.

Nothing is unpacked or parsed, and nothing is written, before the signature is found to be right.
"""

from dataclasses import dataclass

from agent.wire import headers
from agent.wire.headers import EnvelopeError, SignedHeaders
from agent.wire.signing import Word
from agent.wire.vocabulary import DeviceState, RefusalCode
from collector.intake import authenticity
from collector.intake.answers import RefusedError
from collector.intake.incoming import Incoming
from collector.store.queries import device_requests
from collector.store.queries.devices import Device, DeviceKey
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class Admitted:
    """A request whose signature is its device's own."""

    signed: SignedHeaders
    device: Device
    key: DeviceKey

    @property
    def is_pending(self) -> bool:
        """Whether a person has to approve the device, or this key of it, before it counts."""
        return self.device.state == DeviceState.PENDING or self.key.state == DeviceState.PENDING


def check_envelope(incoming: Incoming, media: str) -> None:
    """Refuse what has another media type or encoding, or is too large to be read.

    Raises:
        RefusedError: envelope or too_large.
    """
    if incoming.media != media:
        raise RefusedError(RefusalCode.ENVELOPE, f"The media type has to be {media}.")
    if incoming.encoding not in ("", "identity"):
        raise RefusedError(RefusalCode.ENVELOPE, "A content encoding is not accepted.")
    if incoming.is_cut:
        raise RefusedError(RefusalCode.TOO_LARGE, "The body is larger than this address takes.")


def admit(snapshot: Snapshot, incoming: Incoming, word: Word, media: str) -> Admitted:
    """Return who signed the request.

    Args:
        snapshot: The database.
        incoming: The request.
        word: The domain word of the address.
        media: The media type of the address.

    Raises:
        RefusedError: With the first thing that is wrong.
    """
    try:
        signed = headers.parse(incoming.headers)
    except EnvelopeError as error:
        raise RefusedError(RefusalCode.ENVELOPE, f"{error}.") from error
    check_envelope(incoming, media)
    device, key = device_requests.find_sender(snapshot, signed.device, signed.key_id)
    if device is None:
        raise RefusedError(RefusalCode.UNKNOWN_DEVICE, "Enrol again with a token of your school.")
    if key is None or not authenticity.is_of_device(key, word, signed, incoming):
        raise RefusedError(RefusalCode.BAD_SIGNATURE, "Nothing of the request was used.")
    admitted = Admitted(signed, device, key)
    check_state(admitted)
    return admitted


def admit_again(unit: UnitOfWork, admitted: Admitted) -> Admitted:
    """Return the same request with device and key as they are inside this transaction, which then has the device alone.

    Requests of one device wait for each other: its ratchet and its times are read, turned and written back.

    Raises:
        RefusedError: If the device was revoked meanwhile.
    """
    held = device_requests.hold_sender(unit, admitted.device.device, admitted.key.key_id)
    if held is None:
        raise RefusedError(RefusalCode.UNKNOWN_DEVICE, "Enrol again with a token of your school.")
    again = Admitted(admitted.signed, *held)
    check_state(again)
    return again


def check_state(admitted: Admitted) -> None:
    """Refuse revoked devices and keys, and a device that speaks from another computer than it was enrolled on.

    Raises:
        RefusedError: device_blocked, key_revoked or other_machine.
    """
    if admitted.device.state == DeviceState.REVOKED:
        raise RefusedError(RefusalCode.DEVICE_BLOCKED, "Ask whoever runs this deployment.")
    if admitted.key.state == DeviceState.REVOKED:
        raise RefusedError(RefusalCode.KEY_REVOKED, "The device has another key now.")
    if admitted.device.machine_hash != admitted.signed.machine:
        raise RefusedError(RefusalCode.OTHER_MACHINE, "Enrol this computer as a device of its own.")
