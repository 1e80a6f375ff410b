"""Mail servers of every temper on this computer: aiosmtpd takes the messages, or does what bad servers do."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.fakes import certificates

TAKEN = "250 taken"
PASSWORD = "of the mail server"


@dataclass
class Mailbox:
    """Takes everything, except what its rules say; remembers each message with its recipient."""

    rules: dict[str, Callable[[int], str]] = field(default_factory=dict)  # by recipient: answer to the nth RCPT
    data_rule: Callable[[str], str] = field(default=lambda _to: TAKEN)
    before_answer: Callable[[], None] = field(default=lambda: None)
    hangs_at: frozenset[str] = frozenset()  # recipients to which it never answers
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802 -- as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.asked[address] = self.asked.get(address, 0) + 1
        if address in self.hangs_at:
            await asyncio.Event().wait()
        answer = self.rules.get(address, lambda _count: TAKEN)(self.asked[address])
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.data_rule(envelope.rcpt_tos[0])
        if answer.startswith("250"):
            message = message_from_bytes(envelope.content or b"", policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append((envelope.rcpt_tos[0], message))
            self.before_answer()
        return answer

    def to(self, address: str) -> list[EmailMessage]:
        """Return the messages that one mailbox got."""
        return [message for recipient, message in self.taken if recipient == address]


@contextmanager
def serving(
    mailbox: Mailbox, *, tls: Path | None = None, security: str = "none", with_login: bool = False
) -> Iterator[int]:
    """Serve mail on a free port of this computer.

    Args:
        mailbox: What takes the messages.
        tls: Certificate and key in one file.
        security: starttls | tls | none
        with_login: Only who knows the password may send.
    """
    context = certificates.server_context(tls) if tls else None
    more: dict[str, Any] = {}
    if security == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    if with_login:

        def check(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: LoginPassword) -> AuthResult:
            return AuthResult(success=given.password == PASSWORD.encode(), handled=False)

        more |= {"authenticator": check, "auth_required": True}
    outer: dict[str, Any] = {"ssl_context": context} if security == "tls" else {}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **outer, **more)
    if security == "tls":  # the controller looks whether it listens without trusting the certificate
        controller._trigger_server = lambda: _greet(port)  # type: ignore[method-assign]
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def _greet(port: int) -> None:
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as plain, anyone.wrap_socket(plain) as connection:
        connection.recv(100)


@contextmanager
def raw(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve every connection with a function that speaks for the server; it may hang until the end."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    stop = threading.Event()
    opened: list[socket.socket] = []

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            opened.append(connection)
            threading.Thread(target=_quietly, args=(talk, connection), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        stop.set()
        for one in opened:
            one.close()
        thread.join()
        server.close()


def _quietly(talk: Callable[[socket.socket], None], connection: socket.socket) -> None:
    try:
        talk(connection)
    except (OSError, ssl.SSLError):
        return
