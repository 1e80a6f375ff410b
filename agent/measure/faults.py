"""What can go wrong while measuring, as words of the closed list.

`WorldError` travels only inside this area: the session turns it into the `Failure` of a record.
"""

import errno
import re
import socket
import ssl

import msgspec

from agent.net.http1 import ResponseHead
from agent.wire import limits
from agent.wire.headers import PROBLEM_MEDIA
from agent.wire.records import Failure
from agent.wire.vocabulary import FailureCode, Phase

_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED (OpenSSL x509_vfy.h)
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN}
PORTAL_STATUS = {301, 302, 303, 307, 308, 511}
_STATUS = {
    401: FailureCode.TOKEN_REFUSED,
    403: FailureCode.TOKEN_REFUSED,
    407: FailureCode.PROXY_AUTH,
    429: FailureCode.SERVER_BUSY,
    503: FailureCode.SERVER_BUSY,
}
REASON_CHARS = 100
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
PORTAL_SENTENCE = (
    "not a test point: a web page came where test data should come; a login page (captive portal) may be in the way"
)


class _Problem(msgspec.Struct):
    detail: str = ""


class WorldError(Exception):
    """Something went wrong in the world.

    Attributes:
        code: The word of the closed list.
        detail: One sentence for a technician.
        retry_after_s: When a busy server wants to be asked again, None where it does not say.
    """

    def __init__(self, code: FailureCode, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s

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
    return _of_errno(error, host)


def _of_errno(error: OSError, host: str) -> WorldError:
    why = error.strerror or type(error).__name__
    if error.errno in _NO_ROOM:
        return WorldError(FailureCode.CLIENT_LIMITED, f"this computer has no room for connections ({why})")
    if error.errno in _FORBIDDEN:
        sentence = f"this computer does not let us connect to {host}: a firewall on it may forbid it"
        return WorldError(FailureCode.UNREACHABLE, sentence)
    if error.errno in _RESET:
        return WorldError(FailureCode.RESET, f"the connection to {host} was cut ({why})")
    return WorldError(FailureCode.UNREACHABLE, f"{host} cannot be reached ({why})")


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


def busy(sentence: str, wait_s: float | None) -> WorldError:
    """Return that a server has no time now, and when to come back if it says so."""
    when = "" if wait_s is None else f", and asks to come back in {wait_s:.0f} s"
    return WorldError(FailureCode.SERVER_BUSY, f"{sentence}{when}", retry_after_s=wait_s)


def is_web_page(head: ResponseHead) -> bool:
    """Return whether the answer's body is a page for people."""
    kind = (head.headers.get("content-type") or "").lower()
    return kind.startswith(("text/html", "application/xhtml"))


def retry_after_s(head: ResponseHead) -> float | None:
    """Return the seconds of a Retry-After; None without one, or where it is a date: clocks here may be years off."""
    text = (head.headers.get("retry-after") or "").strip()
    return float(text) if _SECONDS.fullmatch(text) else None


def of_status(head: ResponseHead, host: str, body: bytes = b"") -> WorldError:
    """Return the fault that an unwanted answer means.

    Args:
        head: The answer.
        host: Who answered.
        body: What of its body has come; the first line of a plain text says why better than a number.
    """
    if head.status in PORTAL_STATUS or head.status == 200:  # a 200 that is unwanted: a page, or anything but a test
        return WorldError(FailureCode.PORTAL, f"{host} is {PORTAL_SENTENCE}")
    said = f"HTTP {head.status}{_reason(head, body)}"
    code = _STATUS.get(head.status)
    if code is FailureCode.TOKEN_REFUSED:
        return WorldError(code, f"{host} does not accept our permission to test ({said})")
    if code is FailureCode.SERVER_BUSY:
        return busy(f"{host} is busy ({said})", retry_after_s(head))
    if code is FailureCode.PROXY_AUTH:
        return WorldError(code, "the proxy wants a user name and password (HTTP 407)")
    return WorldError(FailureCode.HTTP_STATUS, f"{host} answered {said}")


def _reason(head: ResponseHead, body: bytes) -> str:
    kind = (head.headers.get("content-type") or "").lower()
    if kind.startswith(PROBLEM_MEDIA):
        told = _problem_detail(body)
    elif kind.startswith("text/plain"):
        told = body.decode("utf-8", "replace")
    else:
        return ""
    first = told.strip().partition("\n")[0].strip()
    return f": {first[:REASON_CHARS]}" if first else ""


def _problem_detail(body: bytes) -> str:
    """Return the sentence of a problem document (RFC 9457); "" where it is none, or came in part."""
    try:
        return msgspec.json.decode(body, type=_Problem).detail
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
