"""The way to a webhook: to a checked address and no other, without redirects, with a short answer in a short time."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from collector.domain.notice_delivery import Outcome, Result
from collector.domain.public_address import is_public
from collector.real.deadline import Deadline

ANSWER_BYTES: Final = 16_000  # more of an answer is not read
_SHOWN_BYTES: Final = 200
_WHOLE: Final = 2.0  # a call may take so many times the timeout of one answer


class _NotAllowedError(Exception):
    """An address that a webhook may not go to."""


class HttpPoster:
    """Posts to webhooks."""

    def __init__(self, timeout_s: float, *, may_be_private: bool, ca_file: str = "") -> None:
        self._timeout_s, self._may_be_private, self._ca_file = timeout_s, may_be_private, ca_file

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Result:
        """Post once and return what became of it."""
        with Deadline(self._timeout_s * _WHOLE) as deadline:
            try:
                status, said = self._post(url, body, headers, deadline)
            except Exception as error:  # whatever a receiver does is a word of the log
                outcome, detail = _went_wrong(error, is_late=deadline.is_over)
                if outcome is None:
                    raise
                return Result(outcome, url, detail)
        if 200 <= status < 300:
            return Result(Outcome.SENT, url, str(status))
        if 300 <= status < 400:
            return Result(Outcome.REDIRECT, url, str(status))
        return Result(Outcome.ANSWER, url, f"{status} {said}".strip())

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> tuple[int, str]:
        parts = urlsplit(url)
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        address = self._address_of(host, port)
        made = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        try:
            made.sock = socket.create_connection((address, port), self._timeout_s)
            deadline.watch(made.sock)
            if is_tls:
                context = ssl.create_default_context(cafile=self._ca_file or None)
                made.sock = context.wrap_socket(made.sock, server_hostname=host)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            made.request("POST", path, body, {**headers, "Connection": "close"})
            answer = made.getresponse()
            said = answer.read(ANSWER_BYTES)
            return answer.status, _shown(said)
        finally:
            made.close()

    def _address_of(self, host: str, port: int) -> str:
        """Return an address of the host that may be gone to: the connection goes to it and asks no name again."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        if not self._may_be_private and (inner := [one for one in addresses if not is_public(one)]):
            raise _NotAllowedError(f"{inner[0]} is not an address of the public Internet")
        return addresses[0]


def _went_wrong(error: Exception, *, is_late: bool) -> tuple[Outcome | None, str]:
    """Return the word for what went wrong, None where it is a fault of ours, and what is said of it.

    Args:
        error: What ended the try.
        is_late: We cut the connection: whatever that looked like, there was no answer in time.
    """
    match error:
        case _NotAllowedError():
            return Outcome.NOT_ALLOWED, str(error)
        case TimeoutError():
            return Outcome.SILENT, "no answer in time"
        case _ if is_late and isinstance(error, OSError | http.client.HTTPException):
            return Outcome.SILENT, "no answer in time"
        case ssl.SSLError():
            return Outcome.TLS, error.reason or str(error)
        case http.client.HTTPException() | ConnectionResetError() | BrokenPipeError():
            return Outcome.CUT, type(error).__name__
        case OSError() | ValueError():
            return Outcome.AWAY, " ".join(str(error).split())
        case _:
            return None, ""


def _shown(said: bytes) -> str:
    text = said[:_SHOWN_BYTES].decode("utf-8", "replace")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
