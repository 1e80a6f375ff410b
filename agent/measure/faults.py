"""What can go wrong while measuring, as words of the closed list.

`WorldError` travels only inside this area: the session turns it into the `Failure` of a record.
"""

import errno
import socket
import ssl

from agent.net.http1 import ResponseHead
from agent.wire import limits
from agent.wire.records import Failure
from agent.wire.vocabulary import FailureCode, Phase

_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED (OpenSSL x509_vfy.h)
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN}
_PORTAL = {301, 302, 303, 307, 308, 511}
_STATUS = {
    401: FailureCode.TOKEN_REFUSED,
    403: FailureCode.TOKEN_REFUSED,
    407: FailureCode.PROXY_AUTH,
    429: FailureCode.SERVER_BUSY,
    503: FailureCode.SERVER_BUSY,
}
PORTAL_SENTENCE = (
    "not a test point: a web page came where test data should come; a login page (captive portal) may be in the way"
)


class WorldError(Exception):
    """Something went wrong in the world."""

    def __init__(self, code: FailureCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    @classmethod
    def cancelled(cls) -> "WorldError":
        """Return what a request to stop means."""
        return cls(FailureCode.CANCELLED, "stopped on request")

    def as_failure(self, phase: Phase) -> Failure:
        """Return the record's form of it."""
        printable = "".join(char if char.isprintable() else " " for char in self.detail)
        return Failure(phase=phase, code=self.code, detail=printable[: limits.FAILURE_DETAIL_CHARS])


def of_os_error(error: OSError, host: str) -> WorldError:
    """Return the fault that an operating system error while connecting or transferring means."""
    if isinstance(error, ssl.SSLError):
        return of_tls_error(error, host)
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return WorldError(FailureCode.CONNECT_TIMEOUT, f"no answer from {host} in time")
    if isinstance(error, ConnectionRefusedError):
        return WorldError(FailureCode.CONNECT_REFUSED, f"{host} refuses the connection: nothing listens on that port")
    if isinstance(error, socket.gaierror):
        return WorldError(FailureCode.DNS, f"cannot find the address of {host} ({error.strerror})")
    if error.errno in _UNREACHABLE:
        return WorldError(FailureCode.UNREACHABLE, f"{host} cannot be reached ({error.strerror})")
    if error.errno in _RESET:
        return WorldError(FailureCode.RESET, f"the connection to {host} was cut ({error.strerror})")
    return WorldError(FailureCode.UNREACHABLE, f"{host}: {error.strerror or type(error).__name__}")


def of_tls_error(error: ssl.SSLError, host: str) -> WorldError:
    """Return the fault that a failed TLS handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
            return WorldError(
                FailureCode.TLS_CLOCK,
                f"the certificate of {host} is not valid at this computer's date: the clock may be wrong",
            )
        return WorldError(FailureCode.TLS_UNTRUSTED, f"no trust in the certificate of {host}: {error.verify_message}")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return WorldError(FailureCode.RESET, f"{host} ended the connection during TLS")
    return WorldError(FailureCode.PROTOCOL, f"{host} does not speak TLS here ({error.reason or 'unknown error'})")


def is_web_page(head: ResponseHead) -> bool:
    """Return whether the answer's body is a page for people."""
    kind = (head.headers.get("content-type") or "").lower()
    return kind.startswith(("text/html", "application/xhtml"))


def of_status(head: ResponseHead, host: str) -> WorldError:
    """Return the fault that an unwanted answer means."""
    if head.status in _PORTAL or head.status == 200:  # a 200 that is unwanted: a page, or anything but a test
        return WorldError(FailureCode.PORTAL, f"{host} is {PORTAL_SENTENCE}")
    code = _STATUS.get(head.status)
    if code is FailureCode.TOKEN_REFUSED:
        return WorldError(code, f"{host} does not accept our permission to test (HTTP {head.status})")
    if code is FailureCode.SERVER_BUSY:
        return WorldError(code, f"{host} is busy (HTTP {head.status})")
    if code is FailureCode.PROXY_AUTH:
        return WorldError(code, "the proxy wants a user name and password (HTTP 407)")
    return WorldError(FailureCode.HTTP_STATUS, f"{host} answered HTTP {head.status}")
