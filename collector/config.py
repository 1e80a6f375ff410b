"""The tables `[collector]` and `[testpoint]` of the one configuration file; secrets come from the environment."""

import ipaddress
import os
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import platformdirs

from agent.wire import addresses, forms, limits, signing
from agent.wire.records import Bound
from agent.wire.settings_file import SettingsError, read_table
from agent.wire.settings_values import quoted
from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.profiles import catalogue

EVERY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104 -- looked for, not bound to
RECEIPT_KEY: Final = "receipt.key"  # of a test point, among its files; its public half is beside it
RECEIPT_PUBLIC: Final = "receipt.pub"

DATABASES: Final = ("postgresql", "postgresql+psycopg", "postgres", "sqlite")

Port = Annotated[int, Bound(0, 65_535)]
KnownPort = Annotated[int, Bound(1, 65_535)]  # that others are told
Workers = Annotated[int, Bound(1, 256)]
Budget = Annotated[int, Bound(0, 10**12)]


class CollectorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this deployment collects, judges and shows."""

    name: str = "Enlace"  # of the deployment, on every page
    default_timezone: str = "UTC"  # of schools without one of their own, an IANA name
    default_language: Literal["en", "es", "pt", "fr"] = "en"
    contact: str = ""  # whom schools ask, as their pages say it: a name, a telephone number, an address
    profile: str = "un-umc-2030"  # the target that verdicts and flags go by
    data: str = ""  # directory; empty: a directory of this user's own
    database_url: str = ""  # empty: an SQLite file in the data directory

    host: str = "127.0.0.1"
    port: Port = 8480
    public_url: str = ""  # as agents and people reach it; empty: http://host:port
    behind_proxy: bool = False  # a proxy ends TLS and names the client
    trusted_proxy: str = ""  # address that the proxy comes from; empty: this machine's own; "*": whoever comes
    ingest_at_once: Workers = 8  # more batches, leases and settings at once are told to come back
    enrol_at_once: Workers = 4
    pages_at_once: Workers = 8
    exports_at_once: Workers = 4  # downloads of rows; a slow one keeps its place for as long as it takes
    body_deadline_s: Annotated[float, Bound(1, 120)] = 60.0  # slower requests are ended
    busy_retry_s: Annotated[int, Bound(1, 3600)] = 30  # told to whom nobody has time for

    token_days: Annotated[int, Bound(1, 365)] = 14
    token_devices: Annotated[int, Bound(1, 10_000)] = 50
    max_items: Annotated[int, Bound(1, 100)] = 100  # of one batch
    lease_s: Annotated[int, Bound(30, 600)] = 120
    tests_per_window: Annotated[int, Bound(1, 20)] = 2
    test_bytes: Annotated[int, Bound(250_000, 10**12)] = 100_000_000  # of one direction of one test; less is no test
    day_bytes: Budget = 300_000_000  # of one school
    month_bytes: Budget = 4_000_000_000  # of one school
    paused: bool = False  # True: nobody tests
    receipt_keys: list[str] = []  # public keys of test points elsewhere, whose receipts are believed

    session_hours: Annotated[float, Bound(0.25, 720)] = 12.0
    busy_host_pct: Annotated[float, Bound(1, 100)] = 90.0  # a test of a busier computer does not vote; 100: each does
    evaluate_every_min: Annotated[float, Bound(1, 1440)] = 15.0
    networks_file: str = ""  # MMDB with numbers and names of networks, supplied by the operator; empty: unknown


class TestpointConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The measurement server that `serve` starts beside the pages."""

    __test__ = False  # for pytest: no test class

    id: str = "tp1"
    host: str = "127.0.0.1"
    port: KnownPort = 8481
    udp_port: Port = 0  # 0: the same number as port
    public_url: str = ""  # as agents reach it; empty: http://host:port
    open: bool = False  # True: whoever comes may measure
    collector_keys: list[str] = []  # public keys for tokens; empty: those of the database beside it
    max_tests: Annotated[int, Bound(1, 1000)] = 32  # at once; further ones are told when to come back
    capacity_mbps: Annotated[float, Bound(0, 100_000)] = 0.0  # of its line: no new test while full; 0: not looked at


Table = TypeVar("Table", CollectorConfig, TestpointConfig)


def load_collector(path: Path | None) -> CollectorConfig:
    """Return the table `[collector]`.

    Raises:
        CollectorError: With one sentence that names the file, the key and what to write instead.
    """
    config = _load(path, "collector", CollectorConfig)
    place = f"{path}: [collector]"
    check_place(config.data, f"{place} data")
    check_place(config.networks_file, f"{place} networks_file")
    check_timezone(config.default_timezone, f"{place} default_timezone")
    check_profile(config.profile, catalogue.load().ids, f"{place} profile")
    check_host(config.host, f"{place} host")
    check_url(config.public_url, f"{place} public_url")
    _check_database(config.database_url, f"{place} database_url")
    known_receipt_keys(config, f"{path}: ")
    _check_contact(config.contact, f"{place} contact")
    _check_proxy(config.trusted_proxy, f"{place} trusted_proxy")
    return config


def load_testpoint(path: Path | None) -> TestpointConfig:
    """Return the table `[testpoint]`.

    Raises:
        CollectorError: With one sentence that names the file, the key and what to write instead.
    """
    config = _load(path, "testpoint", TestpointConfig)
    _check_name(config.id, f"{path}: [testpoint] id")
    check_host(config.host, f"{path}: [testpoint] host")
    check_url(config.public_url, f"{path}: [testpoint] public_url")
    known_collector_keys(config, f"{path}: ")
    if config.host in EVERY_ADDRESS and not config.public_url:
        raise CollectorError(
            f'{path}: [testpoint] host = "{config.host}" is no address that agents can go to.',
            do="Add public_url, the address as schools reach it.",
            exit_code=ExitCode.USAGE,
        )
    return config


def _load(path: Path | None, table: str, kind: type[Table]) -> Table:
    try:
        return read_table(path, table, kind)
    except SettingsError as error:
        raise CollectorError(str(error), exit_code=ExitCode.USAGE) from error


def check_profile(name: str, known: Collection[str], place: str) -> None:
    """Refuse what is no target profile, before a server runs that can judge nobody.

    Raises:
        CollectorError: If no profile has this id.
    """
    if name not in known:
        raise CollectorError(
            f"{place} = {quoted(name)} is not a target profile.",
            do=f"Known are {', '.join(known)}.",
            exit_code=ExitCode.USAGE,
        )


def check_place(text: str, place: str) -> None:
    """Refuse a path of nothing but blanks; empty is none given.

    Raises:
        CollectorError: If it is so.
    """
    if text and not text.strip():
        raise CollectorError(f"{place} is blank.", do="Write a path, or leave it empty.", exit_code=ExitCode.USAGE)


def check_timezone(name: str, place: str) -> None:
    """Refuse what is no time zone.

    Raises:
        CollectorError: If no zone has this name.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CollectorError(
            f"{place} = {quoted(name)} is not a time zone.",
            do='Write an IANA name such as "America/Barbados".',
            exit_code=ExitCode.USAGE,
        ) from error


def check_url(text: str, place: str) -> None:
    """Refuse what is no address that agents and people can go to; empty is none given.

    Raises:
        CollectorError: If it is not http or https with a host.
    """
    if text and (wrong := addresses.fault(text)):
        raise CollectorError(
            f"{place} = {quoted(text)} is not an address that agents and people can go to: {wrong}.",
            do='Write one such as "https://enlace.example.org".',
            exit_code=ExitCode.USAGE,
        )


def read_keys(texts: Collection[str], place: str, source: str) -> tuple[bytes, ...]:
    """Return public keys of the configuration, raw.

    Args:
        texts: In base64url.
        place: File, table and key, for the sentence.
        source: Where a person finds such keys.

    Raises:
        CollectorError: If one is none.
    """
    try:
        return tuple(forms.unb64url(text, signing.PUBLIC_KEY_BYTES) for text in texts)
    except ValueError as error:
        raise CollectorError(
            f"{place} has something that is no public key.",
            do=f"Copy the text that {source}.",
            exit_code=ExitCode.USAGE,
        ) from error


def known_receipt_keys(config: CollectorConfig, file: str = "") -> tuple[bytes, ...]:
    """Return the public keys of test points elsewhere, raw.

    Raises:
        CollectorError: If one is no key.
    """
    return read_keys(config.receipt_keys, f"{file}[collector] receipt_keys", "its test point answers at /enlace/v1/key")


def known_collector_keys(config: TestpointConfig, file: str = "") -> tuple[bytes, ...]:
    """Return the public keys that sign tokens for this test point, raw; none if they are in the database beside it.

    Raises:
        CollectorError: If one is no key.
    """
    return read_keys(config.collector_keys, f"{file}[testpoint] collector_keys", "enlace-collector init prints")


def testpoint_files(data: Path) -> Path:
    """Return where a deployment's test point keeps its keys, and finds the collector's."""
    return data / "testpoint"


def receipt_file(config: CollectorConfig) -> Path | None:
    """Return where the test point beside this collector leaves the public key of its receipts, None if none is near."""
    return testpoint_files(Path(config.data)) / RECEIPT_PUBLIC if config.data else None


def check_host(text: str, place: str) -> None:
    """Refuse what is no address of a computer to listen on.

    Raises:
        CollectorError: If it has more than that, or is none.
    """
    if not addresses.is_own(text):
        raise CollectorError(
            f"{place} = {quoted(text)} is no address to listen on.",
            do='Write an address of this computer, or its name, without http:// and port, such as "127.0.0.1".',
            exit_code=ExitCode.USAGE,
        )


def _check_name(text: str, place: str) -> None:
    if not text.strip() or len(text) > limits.ID_CHARS or not text.isprintable():
        raise CollectorError(
            f"{place} = {quoted(text)} is no name.",
            do=f"Write 1 to {limits.ID_CHARS} letters or digits.",
            exit_code=ExitCode.USAGE,
        )


def _check_database(text: str, place: str) -> None:
    try:
        is_right = urlsplit(text).scheme in DATABASES and (urlsplit(text).port or 0) >= 0
    except ValueError:
        is_right = False
    if text and not is_right:
        raise CollectorError(
            f"{place} is no address of a database that can be used.",
            do='Write one such as "postgresql://user@host/name", or leave it empty for a file in the data directory.',
            exit_code=ExitCode.USAGE,
        )


def _check_contact(text: str, place: str) -> None:
    if len(text) > limits.TEXT_CHARS:
        raise CollectorError(
            f"{place} has {len(text)} letters.",
            do=f"Write at most {limits.TEXT_CHARS}, such as a name and a telephone number.",
            exit_code=ExitCode.USAGE,
        )


def _check_proxy(text: str, place: str) -> None:
    if text in ("", "*"):
        return
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise CollectorError(
            f"{place} = {quoted(text)} is not an address.",
            do='Write the IP address that the proxy comes from, such as "10.0.0.5", or "*" for whoever comes.',
            exit_code=ExitCode.USAGE,
        ) from error


def data_directory(given: Path | None, config: CollectorConfig) -> Path:
    """Return where this deployment keeps its files: the flag, else the table, else a directory of this user's own.

    Raises:
        CollectorError: If it is no directory and cannot become one.
    """
    own = Path(platformdirs.user_data_dir("enlace-collector", "enlace"))
    found = given if given is not None else Path(config.data) if config.data else own
    if not _may_be_directory(found):
        raise CollectorError(
            f"The data directory {found} is no directory and cannot become one.",
            do="Give another one with --data.",
            exit_code=ExitCode.USAGE,
        )
    return found


def _may_be_directory(path: Path) -> bool:
    """Return whether the nearest thing there, on the way up from the path, is a directory."""
    for one in (path.absolute(), *path.absolute().parents):
        try:
            one.lstat()
        except FileNotFoundError:
            continue
        except (OSError, ValueError):  # below a file, too long, with NUL, or where this user may not look
            return False
        return one.is_dir()
    return False


def database(data: Path, config: CollectorConfig) -> str | Path:
    """Return what `Store.open` opens; a URL with a password comes from ENLACE_DATABASE_URL rather than the file.

    Raises:
        CollectorError: If the variable holds no such URL.
    """
    told = os.environ.get("ENLACE_DATABASE_URL", "")
    _check_database(told, "ENLACE_DATABASE_URL")
    return told or config.database_url or data


def metrics_token() -> str:
    """Return the secret that monitors send to read `/metrics`; empty where there is none."""
    return os.environ.get("ENLACE_METRICS_TOKEN", "").strip()
