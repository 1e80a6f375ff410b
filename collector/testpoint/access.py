"""Access tokens: the collector's word (CONTRACTS 3), checked with nothing but its public keys.

When the collector changes its key, the file of keys is read again: a token that no known key has signed is the reason,
at most once a second, so that forgers cannot keep the disk busy.
"""

from collections.abc import Callable

from agent.wire.tokens import AccessClaims, WrongSignatureError, read_access_token
from collector.testpoint import keyfile
from collector.testpoint.options import TestpointOptions
from collector.testpoint.refusal import RefusedError

READ_AGAIN_S = 1.0


class Access:
    """Reads tokens."""

    def __init__(self, options: TestpointOptions, *, now_s: Callable[[], float], utc_ms: Callable[[], int]) -> None:
        """Take the options' keys and those of its file; monotonic seconds and Unix milliseconds come from outside."""
        self._options = options
        self._now_s = now_s
        self._utc_ms = utc_ms
        self._keys: list[bytes] = []
        self._read_s = 0.0
        self._read_keys()

    def claims(self, query: dict[str, str], *, may_be_expired: bool = False) -> AccessClaims | None:
        """Return what the request's access token allows, None where the test point is open.

        Raises:
            RefusedError: 401 without a token, 403 with one that is not valid.
        """
        if self._options.open:
            return None
        token = query.get("access_token", "")
        if not token:
            raise RefusedError(401, "token missing: this test point wants one of the collector's leases")
        now_ms = 0 if may_be_expired else self._utc_ms()
        try:
            return self._read(token, now_ms)
        except ValueError as error:
            raise RefusedError(403, str(error)) from error

    def _read(self, token: str, now_ms: int) -> AccessClaims:
        try:
            return read_access_token(token, self._keys, now_ms)
        except WrongSignatureError:
            if self._options.keys_file is None or self._now_s() < self._read_s + READ_AGAIN_S:
                raise
            self._read_keys()
            return read_access_token(token, self._keys, now_ms)

    def _read_keys(self) -> None:
        self._read_s = self._now_s()
        path = self._options.keys_file
        found = () if path is None else keyfile.read_public_keys(path)
        if found or not self._keys:
            self._keys = [*self._options.public_keys, *found]
