"""The way to a webhook: to a checked address and no other, without redirects, with a short answer in a short time."""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from collector.domain.notice_delivery import Outcome, Result
from collector.domain.public_address import is_public

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
        try:
            status, said = self._post(url, body, headers)
        except _NotAllowedError as error:
            return Result(Outcome.NOT_ALLOWED, url, str(error))
        except TimeoutError:
            return Result(Outcome.SILENT, url, "no answer in time")
        except ssl.SSLError as error:
            return Result(Outcome.TLS, url, error.reason or str(error))
        except (http.client.HTTPException, ConnectionResetError, BrokenPipeError) as error:
            return Result(Outcome.CUT, url, type(error).__name__)
        except (OSError, ValueError) as error:
            return Result(Outcome.AWAY, url, " ".join(str(error).split()))
        if 200 <= status < 300:
            return Result(Outcome.SENT, url, str(status))
        if 300 <= status < 400:
            return Result(Outcome.REDIRECT, url, str(status))
        return Result(Outcome.ANSWER, url, f"{status} {said}".strip())

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        parts = urlsplit(url)
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        address = self._address_of(host, port)
        made = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        made.sock = socket.create_connection((address, port), self._timeout_s)
        timer = threading.Timer(self._timeout_s * _WHOLE, _cut, [made.sock])
        timer.daemon = True
        timer.start()
        try:
            if is_tls:
                context = ssl.create_default_context(cafile=self._ca_file or None)
                made.sock = context.wrap_socket(made.sock, server_hostname=host)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            made.request("POST", path, body, {**headers, "Connection": "close"})
            answer = made.getresponse()
            said = answer.read(ANSWER_BYTES)
            return answer.status, _shown(said)
        finally:
            timer.cancel()
            made.close()

    def _address_of(self, host: str, port: int) -> str:
        """Return an address of the host that may be gone to: the connection goes to it and asks no name again."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        if not self._may_be_private and (inner := [one for one in addresses if not is_public(one)]):
            raise _NotAllowedError(f"{inner[0]} is not an address of the public Internet")
        return addresses[0]


def _cut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _shown(said: bytes) -> str:
    text = said[:_SHOWN_BYTES].decode("utf-8", "replace")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
