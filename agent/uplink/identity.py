"""Who this computer is: an Ed25519 key and what belongs to it, in two checksummed copies that repair each other.

Not in the spool, so that a damaged spool costs no identity. The machine's hash, compared at every start, tells a copied
disk image from the computer that the key was made for (CONTRACTS 2).
"""

import hashlib
import hmac
import logging
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
from nacl.signing import SigningKey

from agent.errors import EnlaceError
from agent.ports import MachineFacts, Randomness
from agent.wire import forms, infile, ownfiles, signing

LOG = logging.getLogger(__name__)

COPIES = ("identity-1", "identity-2")
_MOST_BYTES = 100_000  # of one

# Serial numbers that many computers share; compared in lower case without blanks.
DUMMY_SERIALS = frozenset(
    {
        "", "0", "00000000", "0000000000000000", "00000000000000000000", "none", "null", "unknown", "default",
        "defaultstring", "tobefilledbyo.e.m.", "notspecified", "notapplicable", "n/a", "na", "serial", "serialnumber",
        "systemserialnumber", "0123456789", "123456789", "1234567890", "0123456789abcdef", "abcdef0123456789",
        "qm00001", "vb00000000-00000000", "drive-scsi0", "virtualdisk", "vmwarevirtualdisk", "xxxxxxxx", "ffffffff",
    }
)  # fmt: skip


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that makes this computer a device. Secret: `key` and `token`."""

    generation: int  # +1 with every change; the higher of two sound copies counts
    key: str  # base64url of the 32-byte seed
    token: str  # as typed, canonical; needed to enrol again
    pin: str  # the token's pin as text: key of the machine's hash
    random_id: str  # hex32; stands for the disk's serial number where that is a dummy
    machine_id_hash: str  # HMAC of the machine id alone, hex64; "" = it had none
    serial_known: bool  # the machine's hash was made with a real serial number
    machine_hash: str  # hex64, of the computer that the key was made for
    collector_url: str
    collector_keys: list[str] = []  # base64url, trusted; the first is the one that requests name
    device: str | None = None  # None = not enrolled yet
    replaces: str | None = None  # the device whose copy this computer is
    state: str = ""  # active or pending, as last told
    school_code: str = ""
    school_name: str = ""

    def __repr__(self) -> str:
        return f"Identity(device={self.device!r}, generation={self.generation})"

    @property
    def signing_key(self) -> SigningKey:
        """The private key."""
        return SigningKey(forms.unb64url(self.key, signing.SEED_BYTES))

    @property
    def public_key(self) -> bytes:
        """The raw public key."""
        return bytes(self.signing_key.verify_key)

    @property
    def trusted_keys(self) -> list[bytes]:
        """The collector's raw public keys; the first is the pinned one."""
        return [forms.unb64url(key, signing.PUBLIC_KEY_BYTES) for key in self.collector_keys]

    @property
    def is_enrolled(self) -> bool:
        """Whether a collector has given this computer a name and a key to check answers with."""
        return self.device is not None and bool(self.collector_keys)


class Machine(StrEnum):
    """What the comparison at start found."""

    SAME = "same"
    CLONE = "clone"


@dataclass(frozen=True)
class MachineHash:
    """The machine's hash with what it was made of."""

    value: str
    machine_id_hash: str
    serial_known: bool


def machine_hash(pin: str, facts: MachineFacts, random_id: str) -> MachineHash:
    """Return HMAC-SHA256 with the pin as key over machine id, line feed, serial number of the system disk.

    Args:
        pin: The token's pin, 16 base32 characters.
        facts: Of this computer.
        random_id: Stands for a serial number that is missing or a known dummy.
    """
    known = is_real_serial(facts.disk_serial)
    serial = facts.disk_serial.strip() if known else random_id
    alone = _hmac(pin, facts.machine_id) if facts.machine_id else ""
    return MachineHash(_hmac(pin, f"{facts.machine_id}\n{serial}"), alone, known)


def hostname_hash(pin: str, hostname: str) -> str:
    """Return the keyed hash of a host name; the name itself stays here."""
    return _hmac(pin, hostname)


def is_real_serial(serial: str) -> bool:
    """Return whether a serial number can tell two disks apart."""
    bare = "".join(serial.lower().split())
    return bare not in DUMMY_SERIALS and len(set(bare)) > 1


def _hmac(pin: str, text: str) -> str:
    return hmac.new(pin.encode("ascii"), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def make(
    randomness: Randomness,
    facts: MachineFacts,
    *,
    token: str,
    pin: str,
    collector_url: str,
    replaces: str | None = None,
) -> Identity:
    """Return a new identity with a new key, not enrolled and not yet stored."""
    random_id = randomness.token_bytes(16).hex()
    made = machine_hash(pin, facts, random_id)
    return Identity(
        generation=1,
        key=forms.b64url(randomness.token_bytes(signing.SEED_BYTES)),
        token=token,
        pin=pin,
        random_id=random_id,
        machine_id_hash=made.machine_id_hash,
        serial_known=made.serial_known,
        machine_hash=made.value,
        collector_url=collector_url,
        replaces=replaces,
    )


def successor(
    randomness: Randomness, facts: MachineFacts, copied: Identity, *, token: str = "", collector_url: str = ""
) -> Identity:
    """Return a new identity with a new key for a computer that holds the copy of another's, to enrol in its stead."""
    made = make(
        randomness,
        facts,
        token=token or copied.token,
        pin=copied.pin,
        collector_url=collector_url or copied.collector_url,
        replaces=copied.device or copied.replaces,
    )
    return msgspec.structs.replace(made, generation=copied.generation)


def compare(identity: Identity, facts: MachineFacts) -> Machine:
    """Return whether this is the computer that the key was made for.

    A fact that cannot be read now, or could not be read then, is no difference: serial numbers come and go with drivers
    and rights, and a computer must not lose its name over that.
    """
    now = machine_hash(identity.pin, facts, identity.random_id)
    if now.value == identity.machine_hash:
        return Machine.SAME
    id_known = bool(facts.machine_id) and bool(identity.machine_id_hash)
    if id_known and now.machine_id_hash != identity.machine_id_hash:
        return Machine.CLONE
    if now.serial_known and identity.serial_known and id_known:
        return Machine.CLONE
    return Machine.SAME


# --- the two copies -------------------------------------------------------------------------------------------


class IdentityStore:
    """The directory `identity/` with its two copies."""

    def __init__(self, data: Path) -> None:
        self._directory = data / "identity"
        self._seen: tuple[int, int] | None = None  # of the first copy, when it was last read or written

    def load(self) -> Identity | None:
        """Return the identity, repairing a damaged or older copy from the other; None = there is none.

        Raises:
            EnlaceError: If copies exist and none is sound.
        """
        self._seen = self._stamp()
        found = [_read(self._directory / name) for name in COPIES]
        sound = [one for one in found if isinstance(one, Identity)]
        if not sound:
            if any(one is not None for one in found):
                raise EnlaceError(
                    f"Both copies of the identity in {self._directory} are damaged.",
                    means="This computer cannot prove who it is; stored measurements are kept.",
                    do="Enrol it again with the school's token.",
                )
            return None
        best = max(sound, key=lambda one: one.generation)
        if any(one != best for one in found):
            LOG.warning("identity.repaired", extra={"directory": str(self._directory)})
            try:
                self._write_copies(best)
            except OSError as error:  # readable but not ours to write, or the disk is full: still good to use
                LOG.warning("identity.repair_failed", extra={"reason": error.strerror})
        return best

    def load_if_changed(self) -> Identity | None:
        """Return the identity if its file is another one than last time, else None."""
        return self.load() if self._stamp() != self._seen else None

    def _stamp(self) -> tuple[int, int] | None:
        try:
            told = (self._directory / COPIES[0]).stat()
        except OSError:
            return None
        return told.st_mtime_ns, told.st_size

    def save(self, identity: Identity) -> Identity:
        """Store the identity durably and return it with its new generation.

        Raises:
            EnlaceError: If it cannot be written.
        """
        stored = msgspec.structs.replace(identity, generation=identity.generation + 1)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write_copies(stored)
        except OSError as error:
            raise EnlaceError(
                f"The identity cannot be written to {self._directory} ({error.strerror}).",
                do="Make room or give this account the right to write there.",
            ) from error
        self._seen = self._stamp()
        return stored

    def _write_copies(self, identity: Identity) -> None:
        body = msgspec.json.encode(identity)
        text = forms.sha256hex(body).encode("ascii") + b"\n" + body
        for name in COPIES:
            _write_durably(self._directory / name, text)


def _read(path: Path) -> Identity | Exception | None:
    """Return the identity in one copy, None where there is no file, the fault where it is damaged."""
    try:
        head, _, body = infile.read(path, _MOST_BYTES).partition(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        if isinstance(error, PermissionError):
            raise EnlaceError(
                f"The identity in {path.parent} cannot be read by this account.",
                do="Run the command as the account of the service, or as administrator.",
            ) from error
        return error
    if head != forms.sha256hex(body).encode("ascii"):
        return ValueError("checksum")
    try:
        identity = msgspec.json.decode(body, type=Identity)
        _ = identity.signing_key, identity.trusted_keys
    except (msgspec.MsgspecError, ValueError) as error:
        return error
    return identity


def _write_durably(path: Path, content: bytes) -> None:
    ownfiles.replace(path, content, ownfiles.SECRET_MODE)
    if os.name == "posix":  # Windows cannot open a directory; its rename is journalled
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
