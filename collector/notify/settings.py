"""The table `[notify]` of the configuration file; passwords come from the environment."""

import ipaddress
import os
import re
import ssl
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from agent.wire import addresses, infile
from agent.wire.records import Bound
from agent.wire.settings_file import SettingsError, read_table
from agent.wire.settings_values import quoted
from agent.wire.vocabulary import ExitCode
from collector.config import CollectorConfig, check_place
from collector.errors import CollectorError

_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
# What mail servers take everywhere: RFC 5321 without quoted names and literals of addresses.
_MAILBOX: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.)*[A-Za-z0-9-]{1,63}", re.ASCII
)
MAILBOX_CHARS: Final = 254
_CA_BYTES: Final = 4_000_000  # a whole system's authorities have a quarter of a megabyte

Seconds = Annotated[float, Bound(1, 120)]


class NotifyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people are told, and what of Enlace itself is watched."""

    smtp_host: str = ""  # empty: no mail is sent
    smtp_port: Annotated[int, Bound(1, 65_535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""  # empty: without a login; its password is ENLACE_SMTP_PASSWORD
    smtp_ca_file: str = ""  # certificate of an authority of one's own; empty: the system's
    smtp_timeout_s: Seconds = 20.0
    from_address: str = ""  # as people see it, e.g. "Enlace <enlace@example.org>"
    digest_time: str = "06:30"  # of the reader's schools
    webhook_timeout_s: Seconds = 10.0
    webhook_private: bool = False  # True: webhooks may go to addresses of this network
    backup_path: str = ""  # file or directory that backups are written to; empty: their age is not watched
    backup_max_h: Annotated[float, Bound(1, 1440)] = 48.0

    @property
    def has_mail(self) -> bool:
        """Whether mail can be sent."""
        return bool(self.smtp_host)

    @property
    def digest_min(self) -> int:
        """Minutes after local midnight at which digests go out."""
        found = _TIME.fullmatch(self.digest_time)
        return int(found[1]) * 60 + int(found[2]) if found else 390


def check_ca_file(config: NotifyConfig, place: str) -> None:
    """Refuse a file of certificates that no server can be trusted by, before mail has to go out.

    Args:
        config: How people are told.
        place: File, table and key, for the sentence.

    Raises:
        CollectorError: If it cannot be read, or has no certificate.
    """
    if config.smtp_ca_file and (why := _ca_fault(config.smtp_ca_file)):
        raise CollectorError(
            f"{place} = {config.smtp_ca_file} cannot be used: {why}.",
            do="Give the certificate of your authority as a PEM file, or leave it empty for those of the system.",
            exit_code=ExitCode.USAGE,
        )


def _ca_fault(path: str) -> str:
    """Return why a file has no certificate to trust servers by; "" = it has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        infile.read(Path(path), _CA_BYTES)  # a pipe would be waited for
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:  # and an OSError too
        return "it holds no certificate in PEM"
    except OSError as error:
        return error.strerror or type(error).__name__
    return "" if context.cert_store_stats()["x509"] else "it holds no certificate in PEM"


def load_notify(path: Path | None) -> NotifyConfig:
    """Return the table `[notify]`.

    Raises:
        CollectorError: With one sentence that names the file, the key and what to write instead.
    """
    try:
        config = read_table(path, "notify", NotifyConfig)
    except SettingsError as error:
        raise CollectorError(str(error), exit_code=ExitCode.USAGE) from error
    place = f"{path}: [notify]"
    _check_time(config.digest_time, f"{place} digest_time")
    check_place(config.backup_path, f"{place} backup_path")
    if config.smtp_host:
        _check_host(config.smtp_host, f"{place} smtp_host")
        _check_from(config.from_address, f"{place} from_address")
        _check_login(config, place)
    return config


def _check_time(text: str, place: str) -> None:
    if _TIME.fullmatch(text) is None:
        raise CollectorError(
            f"{place} = {quoted(text)} is no time of day.", do='Write one such as "06:30".', exit_code=ExitCode.USAGE
        )


def _check_host(text: str, place: str) -> None:
    if not addresses.is_own(text):
        raise CollectorError(
            f"{place} = {quoted(text)} is no name of a mail server.",
            do='Write its name alone, such as "smtp.example.org".',
            exit_code=ExitCode.USAGE,
        )


def _check_from(text: str, place: str) -> None:
    if not is_mailbox(parseaddr(text)[1]) or not text.isprintable():
        raise CollectorError(
            f"{place} is no address that mail can come from.",
            do='Write one such as "Enlace <enlace@example.org>".',
            exit_code=ExitCode.USAGE,
        )


def _check_login(config: NotifyConfig, place: str) -> None:
    """Refuse to send a password that others on the way can read."""
    if config.smtp_user and config.smtp_security == "none" and not is_own_computer(config.smtp_host):
        raise CollectorError(
            f"{place} smtp_user would send its password without TLS.",
            do='Write smtp_security = "starttls" or "tls".',
            exit_code=ExitCode.USAGE,
        )


def is_own_computer(host: str) -> bool:
    """Return whether a host is this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_mailbox(text: str) -> bool:
    """Return whether a text is the address of a mailbox as every server takes it."""
    return len(text) <= MAILBOX_CHARS and ".." not in text and _MAILBOX.fullmatch(text) is not None


def smtp_password() -> str:
    """Return the secret of the login at the mail server; empty where there is none."""
    return os.environ.get("ENLACE_SMTP_PASSWORD", "")


def base_url(config: CollectorConfig) -> str:
    """Return the beginning of the addresses of pages, as messages give them."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    return (config.public_url or f"http://{host}:{config.port}").rstrip("/")
