"""The running collector: one parent, and the web server, the test point and the jobs as processes of their own."""

import ipaddress
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.wire import parents
from agent.wire.vocabulary import ExitCode
from collector import log, processes
from collector.config import (
    EVERY_ADDRESS,
    RECEIPT_KEY,
    CollectorConfig,
    TestpointConfig,
    check_host,
    database,
    known_collector_keys,
    testpoint_files,
)
from collector.errors import CollectorError
from collector.ports import Ports
from collector.processes import Child, Family
from collector.store.open import Store

if TYPE_CHECKING:
    from collector.notify.settings import NotifyConfig

PARTS = ("web", "testpoint", "jobs")
COLLECTOR_KEYS = "collector.keys"  # public ones, in the directory of the test point's files

# Ctrl-C reaches the whole group: a child that is still loading leaves it to its parent.
_CHILD = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from collector.cli import main; main()"

Runner = Callable[[Store, CollectorConfig, TestpointConfig, Ports, threading.Event], None]


@dataclass(frozen=True)
class Deployment:
    """What every process of a deployment is told."""

    config_path: Path | None
    data: Path
    config: CollectorConfig
    testpoint: TestpointConfig

    def open_store(self) -> Store:
        """Return the database.

        Raises:
            CollectorError: If there is none, or one of another version.
        """
        return Store.open(database(self.data, self.config))

    def kept(self, store: Store) -> list[Path]:
        """Return the files and folders of the deployment's own that no command's output may replace or go into."""
        one_by_one = (store.lock_path, self.config_path)
        return [log.folder(self.data), testpoint_files(self.data), *(one for one in one_by_one if one is not None)]

    def words(self) -> list[str]:
        """Return the options that lead a child to the same files."""
        found = ["--data", str(self.data)]
        return [*found, "--config", str(self.config_path)] if self.config_path else found


def serve(deployment: Deployment, only: str | None, ports: Ports, runners: Mapping[str, Runner]) -> int:
    """Serve until the process is told to end.

    Args:
        deployment: Files and configuration, the command line's words already in it.
        only: One of `PARTS`, None for all of them.
        ports: Clock and randomness.
        runners: What `web` and `jobs` run in their own process.

    Returns:
        The exit code.

    Raises:
        CollectorError: If it cannot begin.
    """
    if only != "testpoint":
        refuse_open_http(deployment.config.host, deployment.config)
    if only is None:
        return _serve_all(deployment, ports)
    log.set_up(deployment.data, only)
    stop = threading.Event()
    processes.stop_on_signals(stop)
    if only == "testpoint":
        run_testpoint(deployment.testpoint, _access_keys(deployment), stop, testpoint_files(deployment.data))
    else:
        _run_with_store(deployment, runners[only], ports, stop)
    return ExitCode.DONE


def refuse_open_http(host: str, config: CollectorConfig) -> None:
    """Refuse to speak plain HTTP with other computers: passwords and cookies would travel in clear.

    Raises:
        CollectorError: If the address is not this computer's own and no proxy stands before it.
    """
    if config.behind_proxy or host == "localhost":
        return
    try:
        is_own = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_own = False
    if not is_own:
        raise CollectorError(
            f"The collector speaks plain HTTP, and {host} can be reached from other computers.",
            do="Put a proxy with TLS before it and give --behind-proxy, or listen on 127.0.0.1.",
            exit_code=ExitCode.USAGE,
        )


def refuse_unreadable_files(deployment: Deployment, notify: "NotifyConfig", only: str | None) -> None:
    """Refuse files of the configuration that cannot be used, when a person starts what uses them: the jobs.

    A child that its parent starts again goes on without: what else it does is worth more than the file.

    Raises:
        CollectorError: If one is missing, or is something else.
    """
    if only not in (None, "jobs") or parents.is_following():
        return
    from collector.notify.settings import check_ca_file
    from collector.real.networks import NetworksFile

    check_ca_file(notify, f"{deployment.config_path}: [notify] smtp_ca_file")
    if deployment.config.networks_file:
        with NetworksFile(Path(deployment.config.networks_file)):
            return


def refuse_same_port(config: CollectorConfig, testpoint: TestpointConfig) -> None:
    """Refuse one port for two servers before either of them runs.

    Raises:
        CollectorError: If both would listen on it.
    """
    is_shared = config.host == testpoint.host or not {config.host, testpoint.host}.isdisjoint(EVERY_ADDRESS)
    if config.port and config.port == testpoint.port and is_shared:
        raise CollectorError(
            f"[collector] port and [testpoint] port are both {config.port}, and only one server can have it.",
            do="Write another one in one of the two tables.",
            exit_code=ExitCode.USAGE,
        )


def _serve_all(deployment: Deployment, ports: Ports) -> int:
    refuse_same_port(deployment.config, deployment.testpoint)
    deployment.open_store().close()  # what is wrong with it is said once, here
    stop = threading.Event()
    processes.stop_on_signals(stop)
    common = [sys.executable, "-c", _CHILD, "serve", *deployment.words()]
    config = deployment.config
    web = ["--host", config.host, "--port", str(config.port), *(["--behind-proxy"] if config.behind_proxy else [])]
    children = [
        Child("testpoint", [*common, "--only", "testpoint"]),
        Child("web", [*common, "--only", "web", *web]),
        Child("jobs", [*common, "--only", "jobs"]),
    ]
    return Family(children, ports.clock).run(stop)


def _run_with_store(deployment: Deployment, run: Runner, ports: Ports, stop: threading.Event) -> None:
    store = deployment.open_store()
    try:
        config = msgspec.structs.replace(deployment.config, data=str(deployment.data))  # also where a flag names it
        run(store, config, deployment.testpoint, ports, stop)
    finally:
        store.close()


def _access_keys(deployment: Deployment) -> tuple[bytes, ...]:
    """Return the collector's public keys; the database is closed again before the test point begins."""
    if deployment.testpoint.open:
        return ()
    if given := known_collector_keys(deployment.testpoint):
        return given
    from collector.intake.keyring import read_ring

    store = deployment.open_store()
    try:
        keys = tuple(key.public_key for key in read_ring(store).keys)
    finally:
        store.close()
    publish_access_keys(deployment.data, keys)
    return keys


def publish_access_keys(data: Path, keys: tuple[bytes, ...]) -> None:
    """Tell a running test point the collector's public keys, all of them.

    It looks at them when a token is signed by a key that it does not know. Where the file cannot be written, it goes on
    with the keys that it began with.
    """
    from collector.testpoint import keyfile

    with suppress(OSError):
        keyfile.write_public_keys(testpoint_files(data) / COLLECTOR_KEYS, keys)


def run_testpoint(
    point: TestpointConfig, keys: tuple[bytes, ...], stop: threading.Event, files: Path | None = None
) -> None:
    """Serve measurements until `stop` is set.

    Args:
        point: Addresses; open to everybody if it says so.
        keys: The collector's public keys, for tokens.
        stop: Ends it.
        files: Where its key is kept and the collector's are found; None = a key for this run, and `keys` alone.

    Raises:
        CollectorError: If the address cannot be had.
    """
    from collector.testpoint.options import TestpointOptions
    from collector.testpoint.server import serve as serve_testpoint

    options = TestpointOptions(
        host=point.host,
        port=point.port,
        udp_port=point.udp_port or None,
        open=point.open,
        public_keys=keys,
        keys_file=files / COLLECTOR_KEYS if files else None,
        server_id=point.id,
        max_tests=point.max_tests,
        capacity_mbps=point.capacity_mbps,
        receipt_key_file=files / RECEIPT_KEY if files else None,
    )

    def say(tcp_port: int, udp_port: int) -> None:
        sys.stdout.write(f"Test point on {point.host}, TCP {tcp_port}, UDP {udp_port}\n")
        sys.stdout.flush()

    try:
        serve_testpoint(options, stop=stop, on_ready=say)
    except OSError as error:
        raise CollectorError(
            f"The test point cannot listen on {point.host}:{point.port} ({error.strerror}).",
            do="Give another port, or end what listens there.",
            exit_code=ExitCode.NETWORK,
        ) from error


def with_words(deployment: Deployment, *, host: str | None, port: int | None, behind_proxy: bool) -> Deployment:
    """Return the deployment with what the command line says over what the file says.

    Raises:
        CollectorError: If the host is no address to listen on.
    """
    config = deployment.config
    if host is not None:
        check_host(host, "--host")
    config = msgspec.structs.replace(
        config,
        host=config.host if host is None else host,
        port=config.port if port is None else port,
        behind_proxy=config.behind_proxy or behind_proxy,
    )
    return replace(deployment, config=config)
