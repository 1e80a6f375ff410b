"""The collector's signing keys: the one to sign with, and old ones for devices that pinned them."""

from dataclasses import dataclass, field
from threading import Lock

from nacl.signing import SigningKey

from agent.wire import signing
from collector.errors import CollectorError
from collector.ports import Clock, Randomness
from collector.store.open import Store
from collector.store.queries import keys
from collector.store.unit import UnitOfWork

REFRESH_MS = 60_000  # another process may have made a new key
NEWS_MS = 1_000  # the same, where a token names a key that is not known: anyone may send such a token


@dataclass(frozen=True)
class CollectorKey:
    """One key pair of the collector."""

    key_id: str
    signing_key: SigningKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes that devices pin."""
        return bytes(self.signing_key.verify_key)


@dataclass(frozen=True)
class KeyRing:
    """Every key, the current one first."""

    keys: tuple[CollectorKey, ...]

    @property
    def current(self) -> CollectorKey:
        """The key that new devices get to know."""
        return self.keys[0]

    @property
    def for_test_points(self) -> CollectorKey:
        """The key that leases sign access tokens with: the first, because a test point keeps the keys it began with."""
        return self.keys[-1]

    def pinned(self, key_id: str) -> CollectorKey:
        """Return the key that a device named, the current one if we never had it."""
        return next((key for key in self.keys if key.key_id == key_id), self.current)

    def of_token(self, pin: str) -> CollectorKey | None:
        """Return the key that an enrolment token names, None if it is not among these."""
        return next((key for key in self.keys if signing.pin_of(key.public_key) == pin), None)


class KeySource:
    """The key ring of the database, read again once a minute."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._lock = Lock()
        self._ring: KeyRing | None = None
        self._read_ms = 0

    def ring(self) -> KeyRing:
        """Return the keys.

        Raises:
            CollectorError: If the database has none.
            StorageError: If it cannot be read and never was.
        """
        return self._ring_not_older_than(REFRESH_MS)

    def of_token(self, pin: str) -> CollectorKey:
        """Return the key that an enrolment token names, the current one if there never was such a key.

        A token may name a key that was made a moment ago: the keys are read again before it counts as unknown, at most
        once a second.

        Raises:
            CollectorError: If the database has no key.
            StorageError: If it cannot be read and never was.
        """
        ring = self.ring()
        return ring.of_token(pin) or self._ring_not_older_than(NEWS_MS).of_token(pin) or ring.current

    def _ring_not_older_than(self, age_ms: int) -> KeyRing:
        with self._lock:
            now_ms = self._clock.mono_ms()
            if self._ring is None or now_ms - self._read_ms >= age_ms:
                self._ring, self._read_ms = read_ring(self._store), now_ms
            return self._ring


def read_ring(store: Store) -> KeyRing:
    """Return the keys of a database.

    Raises:
        CollectorError: If it has none.
    """
    with store.reader() as snapshot:
        stored = keys.list_keys(snapshot)
    if not stored:
        raise CollectorError("This database has no signing key.", do="Run `enlace-collector init` first.")
    return KeyRing(tuple(CollectorKey(one.key_id, SigningKey(one.seed)) for one in stored))


def make_key(unit: UnitOfWork, randomness: Randomness, now_ms: int) -> CollectorKey:
    """Make a new key pair the current one; old ones go on answering devices that pinned them."""
    seed = randomness.token_bytes(signing.SEED_BYTES)
    key = SigningKey(seed)
    made = CollectorKey(signing.key_id(bytes(key.verify_key)), key)
    keys.add_key(unit, made.key_id, seed, now_ms)
    return made
