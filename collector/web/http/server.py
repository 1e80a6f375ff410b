"""The HTTP server: waitress with what it lacks against slow and hostile senders.

Waitress reads a whole request before it calls the application and only ends connections that are silent. Here a
request also has a time in which it must be complete, however steadily its bytes drip, a chunked body is refused, and
who takes nothing of an answer for a minute is let go.
"""

import os
import socket
import sys
from typing import Any, NoReturn
from wsgiref.types import WSGIApplication

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge

from agent.wire import limits
from agent.wire.vocabulary import ExitCode
from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.web.http.bare import MEDIA, bare_page

HEAD_DEADLINE_S = 20.0
SWEEP_S = 3  # how often connections are looked through
BODY_MAX_BYTES = 4 * limits.BATCH_SENT_BYTES  # of any request; each address has a smaller cap of its own
UPLOAD_PATH = "/admin/registry"  # where a file of schools is sent to
UPLOAD_MAX_BYTES = 8_000_000 + 100_000  # the file and the form around it
HEAD_MAX_BYTES = 16_384
CONNECTIONS_MAX = 2000
BACKLOG = 1024
# How long a thread that draws a page keeps the interpreter while others wait for it. A batch asks the database two
# dozen times and waits so long after each answer: with the usual 5 ms that comes to more than its own work.
TURN_S = 0.001
SPARE_THREADS = 4  # to refuse with when every place is taken, and for static files
SILENCE_S = 60  # a connection on which nothing moves for so long is ended


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Refuses bodies whose length is not told beforehand: two ways to tell a length make requests ambiguous."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request."""
        super().parse_header(header_plus)
        is_chunked: bool = getattr(self, "chunked", False)
        if is_chunked or "TRANSFER_ENCODING" in self.headers:
            self.body_rcv, self.connection_close = None, True
            raise ParsingError("Transfer-Encoding is not accepted")

    def received(self, data: bytes) -> int:
        """Take in some bytes; only the address for files takes large bodies."""
        consumed = int(super().received(data))
        is_large = self.headers_finished and self.content_length >= BODY_MAX_BYTES
        if is_large and not getattr(self, "completed", False) and self.path != UPLOAD_PATH:
            self.error = RequestEntityTooLarge(f"exceeds {BODY_MAX_BYTES}")
            self.completed = True
        return consumed


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Says in the look of the pages what waitress refuses by itself."""

    def execute(self) -> None:
        """Write the answer."""
        error = self.request.error
        body = bare_page(error.code)
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend([("Content-Type", MEDIA), ("Cache-Control", "no-store")])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that knows when the request that it is reading began."""

    parser_class = _Parser
    error_task_class = _Refusal
    request_began_s = 0.0  # on the clock of the server's sweep

    def received(self, data: bytes) -> bool:
        """Take in some bytes."""
        if self.request is None:
            self.request_began_s = self.last_activity
        before = self.request
        taken = bool(super().received(data))
        if self.request is not before:
            self.request_began_s = self.last_activity
        return taken

    def is_stalled(self, now_s: float) -> bool:
        """Return whether its reader has taken nothing of what waits for it."""
        return bool(self.total_outbufs_len) and now_s - self.last_activity > SILENCE_S

    def is_overdue(self, now_s: float, body_deadline_s: float) -> bool:
        """Return whether the request should have been complete by now."""
        if self.request is None:
            return False
        limit_s = body_deadline_s if self.request.headers_finished else min(HEAD_DEADLINE_S, body_deadline_s)
        return now_s - self.request_began_s > limit_s


class _Server(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    channel_class = _Channel
    body_deadline_s = limits.BATCH_DEADLINE_S

    def maintenance(self, now: float) -> None:
        """End connections that are silent, whose request takes too long, or whose reader has gone to sleep."""
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            if channel.is_stalled(now):
                channel.handle_close()  # marked only, it would wait until its reader takes something
            elif channel.is_overdue(now, self.body_deadline_s):
                channel.will_close = True


def make_server(application: WSGIApplication, config: CollectorConfig, host: str, port: int) -> Any:
    """Return a server that listens already; `run()` serves until the process is told to end.

    Args:
        application: The outermost WSGI callable.
        config: Places and deadlines.
        host: Address to listen on.
        port: 0 for any free one; `effective_port` tells which.

    Raises:
        CollectorError: If the address cannot be had.
    """
    options: dict[str, Any] = {
        "threads": sum(
            (config.ingest_at_once, config.enrol_at_once, config.pages_at_once, config.exports_at_once, SPARE_THREADS)
        ),
        "backlog": BACKLOG,
        "connection_limit": CONNECTIONS_MAX,
        "cleanup_interval": SWEEP_S,
        "channel_timeout": SILENCE_S,
        "max_request_body_size": UPLOAD_MAX_BYTES,
        "max_request_header_size": HEAD_MAX_BYTES,
        "log_socket_errors": False,
        "asyncore_use_poll": True,
        "ident": None,
        "clear_untrusted_proxy_headers": True,
    }
    try:
        listener = _listener(host, port)
    except (OSError, UnicodeError) as error:
        _refuse(host, port, error)
    if config.behind_proxy:
        options |= {
            "trusted_proxy": config.trusted_proxy or _own_address(listener),
            "trusted_proxy_count": 1,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
        }
    family = (listener.family, listener.type, listener.proto, listener.getsockname())
    sys.setswitchinterval(TURN_S)
    adjustments = Adjustments(sockets=[listener], **options)
    server = _Server(application, _sock=listener, bind_socket=False, sockinfo=family, adj=adjustments)
    server.body_deadline_s = config.body_deadline_s
    return server


def _listener(host: str, port: int) -> socket.socket:
    """Return a bound socket; bound here, so that nothing of a server is left over when the address cannot be had."""
    family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two processes have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _own_address(listener: socket.socket) -> str:
    """Return where a proxy on this machine comes from: the listener's own address if it has one of this machine."""
    if listener.family != socket.AF_INET6:
        address = str(listener.getsockname()[0])
        return address if address.startswith("127.") else "127.0.0.1"
    return "::1"


def _refuse(host: str, port: int, error: Exception) -> NoReturn:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    raise CollectorError(
        f"The collector cannot listen on {host}:{port} ({reason}).",
        do="Give another --host or --port, or end what listens there.",
        exit_code=ExitCode.NETWORK,
    ) from error
