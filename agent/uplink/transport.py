"""One POST to the collector and its whole answer, or the beginning of a page, within one deadline.

`requests` limits the wait for each piece, not the whole: a server that sends a byte now and then holds it for ever. So
each exchange runs on a thread of its own and a handle on its socket cuts it at the deadline. No redirects, no netrc, no
cookies, no more than 256 kB of answer; the operating system's trust store; proxies, but never their login in a message.
"""

import errno
import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import truststore
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ProtocolError

from agent.uplink import proxies
from agent.uplink.decide import Silence
from agent.wire import limits

LOG = logging.getLogger(__name__)

CONNECT_S = 15.0  # for each address of a name; the deadline counts over all
_PIECE_BYTES = 16_384
_EXPIRED, _NOT_YET_VALID = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID


@dataclass(frozen=True)
class Answer:
    """What came back, whoever sent it."""

    status: int
    headers: Mapping[str, str]  # names in any case
    body: bytes


@dataclass(frozen=True)
class _Asked:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    deadline_s: float
    most_bytes: int | None = None  # of the answer's body; None: it has to be whole


@dataclass
class _Watch:
    """Handles on the sockets of one exchange, so that another thread can cut them."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sockets: list[socket.socket] = field(default_factory=list)
    is_cut: bool = False
    in_handshake: bool = False
    receive_bytes: int | None = None  # of the kernel's buffer: what nobody wants to read is not sent either

    @property
    def options(self) -> list[tuple[int, int, int]]:
        """Of the sockets, beside those of every connection."""
        return [(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_bytes)] if self.receive_bytes else []

    def add(self, sock: socket.socket) -> None:
        with self.lock:
            if self.is_cut:
                raise TimeoutError("deadline")
            self.sockets.append(sock.dup())  # stays good when TLS takes the original over

    def cut(self) -> None:
        with self.lock:
            self.is_cut = True
            for sock in self.sockets:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:  # not connected any more
                    continue

    def close(self) -> None:
        with self.lock:
            while self.sockets:
                self.sockets.pop().close()


_CURRENT = threading.local()  # .watch of the exchange that this thread performs


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        self.socket_options = [*(self.socket_options or ()), *_CURRENT.watch.options]
        sock = super()._new_conn()
        _CURRENT.watch.add(sock)
        return sock


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        self.socket_options = [*(self.socket_options or ()), *_CURRENT.watch.options]
        sock = super()._new_conn()
        _CURRENT.watch.add(sock)
        _CURRENT.watch.in_handshake = self.proxy is None  # behind a proxy, its tunnel comes first
        return sock

    def connect(self) -> None:
        super().connect()
        _CURRENT.watch.in_handshake = False


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Connections that can be cut, and certificates checked by the operating system."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"  # and no bundle of our own beside the system's store


class HttpTransport:
    """Real HTTP to the collector."""

    def __init__(self, proxy_setting: str) -> None:
        """Make a transport.

        Args:
            proxy_setting: `[agent] proxy`, already checked by `proxies.check`.
        """
        self._proxy_setting = proxy_setting
        self._context: ssl.SSLContext | None = None

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, deadline_s: float) -> Answer | Silence:
        """Return the answer to a POST, or why there is none.

        Args:
            url: Full address.
            headers: To send.
            body: To send.
            deadline_s: For everything: name, connection, sending, waiting, reading.
        """
        return self._within_deadline(_Asked("POST", url, headers, body, deadline_s))

    def look(
        self, method: str, url: str, headers: Mapping[str, str], *, deadline_s: float, most_bytes: int
    ) -> Answer | Silence:
        """Return the beginning of what lies at an address, or why there is none; redirections are not followed.

        Args:
            method: HEAD or GET.
            url: Full address.
            headers: To send.
            deadline_s: For everything: name, connection, waiting, reading.
            most_bytes: Of the body; the rest is not read.
        """
        return self._within_deadline(_Asked(method, url, headers, None, deadline_s, most_bytes))

    def _within_deadline(self, asked: _Asked) -> Answer | Silence:
        watch = _Watch(receive_bytes=asked.most_bytes)
        outcome: list[Answer | Silence] = []

        def perform() -> None:
            _CURRENT.watch = watch
            try:
                outcome.append(self._perform(asked))
            finally:
                watch.close()

        thread = threading.Thread(target=perform, name="exchange", daemon=True)
        thread.start()
        thread.join(asked.deadline_s)
        if thread.is_alive():  # a name server can hold it a while longer; nobody waits for it
            watch.cut()
            return Silence.NO_TLS if watch.in_handshake else Silence.TOO_SLOW
        told = outcome[0] if outcome else Silence.PROTOCOL
        return Silence.NO_TLS if watch.in_handshake and told in (Silence.TOO_SLOW, Silence.CUT) else told

    def _perform(self, asked: _Asked) -> Answer | Silence:
        try:
            with requests.Session() as session:
                session.trust_env = False  # neither netrc nor a bundle from the environment
                session.headers.clear()
                adapter = _Adapter(self._trust())
                session.mount("http://", adapter)
                session.mount("https://", adapter)
                with session.request(
                    asked.method,
                    asked.url,
                    data=asked.body,
                    headers={"Accept-Encoding": "identity", "Connection": "close", **asked.headers},
                    timeout=(min(CONNECT_S, asked.deadline_s), asked.deadline_s),
                    allow_redirects=False,
                    stream=True,
                    proxies=proxies.of(asked.url, self._proxy_setting),
                ) as response:
                    return _read(response, asked.most_bytes)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return silence_of(error)

    def _trust(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return self._context


def _read(response: requests.Response, most_bytes: int | None) -> Answer | Silence:
    """Return the whole answer, or its beginning where only that is wanted."""
    pieces: list[bytes] = []
    size_bytes = 0
    for piece in response.raw.stream(min(_PIECE_BYTES, most_bytes or _PIECE_BYTES), decode_content=False):
        size_bytes += len(piece)
        if most_bytes is None and size_bytes > limits.ANSWER_BYTES:
            return Silence.TOO_LONG
        pieces.append(piece)
        if most_bytes is not None and size_bytes >= most_bytes:
            break
    return Answer(response.status_code, response.headers, b"".join(pieces)[:most_bytes])


def silence_of(error: BaseException) -> Silence:
    """Return the word for a fault of the transport; the fault's own text may hold a proxy's password."""
    chain = list(_chain(error))
    for word, is_it in _TELLING:
        if any(is_it(one) for one in chain):
            return word
    return Silence.CUT


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the fault and what it was made of: causes, contexts, reasons and arguments."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _is_dated(error: BaseException) -> bool:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return False
    told = str(getattr(error, "verify_message", "")).lower()
    return getattr(error, "verify_code", 0) in (_EXPIRED, _NOT_YET_VALID) or "not yet valid" in told


def _has_errno(*numbers: int) -> Any:
    return lambda error: isinstance(error, OSError) and error.errno in numbers


_TELLING: tuple[tuple[Silence, Any], ...] = (
    (Silence.TLS_CLOCK, _is_dated),
    (Silence.TLS_UNTRUSTED, lambda error: isinstance(error, ssl.SSLCertVerificationError)),
    (Silence.PROXY_LOGIN, lambda error: isinstance(error, OSError) and "407" in str(error) and "unnel" in str(error)),
    (Silence.PROXY, lambda error: isinstance(error, requests.exceptions.ProxyError)),
    (Silence.DNS, lambda error: isinstance(error, NameResolutionError | socket.gaierror)),
    (Silence.CONNECT_TIMEOUT, lambda error: isinstance(error, requests.exceptions.ConnectTimeout)),
    (Silence.TOO_SLOW, lambda error: isinstance(error, TimeoutError | requests.exceptions.ReadTimeout)),
    (Silence.REFUSED, lambda error: isinstance(error, ConnectionRefusedError)),
    (Silence.UNREACHABLE, _has_errno(errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)),
    (Silence.UNREACHABLE, lambda error: isinstance(error, NewConnectionError)),
    (Silence.TLS_UNTRUSTED, lambda error: isinstance(error, ssl.SSLError) and "CERTIFICATE" in str(error)),
    (Silence.NO_TLS, lambda error: isinstance(error, ssl.SSLError)),
    (Silence.PROTOCOL, lambda error: type(error).__name__ in ("BadStatusLine", "LineTooLong")),  # not its subclass
    (Silence.CUT, lambda error: isinstance(error, ConnectionError | ProtocolError)),
    (Silence.PROTOCOL, lambda error: isinstance(error, ValueError)),
)
