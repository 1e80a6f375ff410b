"""The way to a mail server: one connection for each message, every fault of the world as a word for the log."""

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final

from collector.domain.notice_delivery import Outcome, Result
from collector.notify.settings import NotifyConfig
from collector.real.deadline import Deadline

_WHOLE: Final = 3.0  # a message may take so many times the timeout of one answer: a server that drips is let go
_LATER: Final = range(400, 500)
_BUSY: Final = 421


class _CannotTrustError(Exception):
    """The server has no TLS, or none that can be trusted."""


class _Server(smtplib.SMTP):
    """A mail server whose connection is watched from its first byte on, over TLS or not."""

    def __init__(self, config: NotifyConfig, deadline: Deadline, context: ssl.SSLContext | None) -> None:
        super().__init__(timeout=config.smtp_timeout_s)
        # The name is what the certificate is held against; `connect` alone does not keep it.
        self._host = config.smtp_host
        self._deadline, self._context = deadline, context

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Return the connection that `connect` speaks over."""
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._deadline.watch(connection)
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_hostname=self._host)


class SmtpMailer:
    """Hands messages to the server of the configuration."""

    def __init__(self, config: NotifyConfig, password: str) -> None:
        self._config, self._password = config, password

    def send(self, message: EmailMessage, to: str) -> Result:
        """Send it to one mailbox and return what became of it."""
        with Deadline(self._config.smtp_timeout_s * _WHOLE) as deadline:
            try:
                self._send(message, to, deadline)
            except Exception as error:  # whatever a server does is a word of the log
                outcome = _outcome(error)
                if outcome is None:
                    raise
                if deadline.is_over:  # we cut the connection: whatever that looked like
                    return Result(Outcome.SILENT, to, "no answer in time")
                return Result(outcome, to, _detail(error))
        return Result(Outcome.SENT, to)

    def _send(self, message: EmailMessage, to: str, deadline: Deadline) -> None:
        config = self._config
        server = _Server(config, deadline, self._context() if config.smtp_security == "tls" else None)
        try:
            code, said = server.connect(config.smtp_host, config.smtp_port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            server.ehlo_or_helo_if_needed()
            if config.smtp_security == "starttls":
                self._start_tls(server)
            if config.smtp_user:
                server.login(config.smtp_user, self._password)
            server.send_message(message, parseaddr(config.from_address)[1], [to])
            _leave(server)
        finally:
            server.close()

    def _start_tls(self, server: smtplib.SMTP) -> None:
        if not server.has_extn("starttls"):
            raise _CannotTrustError("the server offers no STARTTLS")
        code, said = server.starttls(context=self._context())
        if code != 220:
            raise _CannotTrustError(f"{code} {said.decode('utf-8', 'replace')}")
        server.ehlo()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._config.smtp_ca_file or None)


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; the message is taken already, so that nothing that goes wrong now matters."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        return


# The first that fits; whatever else the system says is that there is no connection.
_WORDS: Final[tuple[tuple[type[Exception], Outcome], ...]] = (
    (smtplib.SMTPAuthenticationError, Outcome.LOGIN),
    (smtplib.SMTPNotSupportedError, Outcome.LOGIN),
    (smtplib.SMTPConnectError, Outcome.BUSY),
    (ssl.SSLError, Outcome.TLS),
    (_CannotTrustError, Outcome.TLS),
    (TimeoutError, Outcome.SILENT),
    (ConnectionResetError, Outcome.CUT),
    (BrokenPipeError, Outcome.CUT),
    (smtplib.SMTPException, Outcome.CUT),
    (OSError, Outcome.AWAY),
)


def _outcome(error: Exception) -> Outcome | None:
    """Return the word for what went wrong, None where it is a fault of ours."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _busy_or(next(iter(error.recipients.values()))[0], Outcome.REFUSED)
    found = next((word for kind, word in _WORDS if isinstance(error, kind)), None)
    if isinstance(error, smtplib.SMTPResponseException) and found is Outcome.CUT:
        return _busy_or(error.smtp_code, Outcome.CONTENT_REFUSED)
    if isinstance(error, smtplib.SMTPServerDisconnected) and "timed out" in str(error):
        return Outcome.SILENT
    return found


def _busy_or(code: int, refused: Outcome) -> Outcome:
    return Outcome.BUSY if code == _BUSY else Outcome.DEFERRED if code in _LATER else refused


def _detail(error: Exception) -> str:
    """Return what the server said, or the system about it."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _said(code, said)
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    return " ".join(str(error).split()) or type(error).__name__


def _said(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(f"{code} {text}".split())
