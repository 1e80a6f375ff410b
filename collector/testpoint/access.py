"""Access tokens: the collector's word (CONTRACTS 3), checked with nothing but its public keys.

When the collector changes its key, the file of keys is read again: a token that no known key has signed is the reason,
and only where the file has changed, so that forgers cannot keep the disk busy.
"""

from collections.abc import Callable

from agent.wire.tokens import AccessClaims, WrongSignatureError, read_access_token
from collector.keysfile import KeysFile
from collector.testpoint.options import TestpointOptions
from collector.testpoint.refusal import RefusedError


class Access:
    """Reads tokens."""

    def __init__(self, options: TestpointOptions, *, utc_ms: Callable[[], int]) -> None:
        """Take the options' keys and those of its file; Unix milliseconds come from outside."""
        self._options = options
        self._utc_ms = utc_ms
        self._keys = list(options.public_keys)
        self._file = KeysFile(options.keys_file)
        self._has_news()

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
            if not self._has_news():
                raise
            return read_access_token(token, self._keys, now_ms)

    def _has_news(self) -> bool:
        """Return whether the file has changed and has keys; one that is gone takes none away."""
        if not (found := self._file.news()):
            return False
        self._keys = [*self._options.public_keys, *found]
        return True
