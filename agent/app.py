"""The composition root: configuration, directory and what is real are joined here, for the daemon and each command."""

import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from agent import config as configuration
from agent.config import AgentConfig
from agent.daemon.walk import Walk
from agent.errors import EnlaceError
from agent.measure import session
from agent.measure.servers import addresses as servers
from agent.ports import Ports
from agent.real.clock import RealClock
from agent.real.host import make_host
from agent.real.randomness import SystemRandomness
from agent.spool.store import Spool
from agent.uplink import enrol as enrolment
from agent.uplink import proxies
from agent.uplink.contact import ENROL_REFUSED, Contact, Options
from agent.uplink.exchange import RATCHET
from agent.uplink.identity import Identity, IdentityStore, Machine, compare
from agent.uplink.settings import keep
from agent.uplink.sites import Getter
from agent.wire import addresses
from agent.wire.vocabulary import EngineName, ExitCode

TEST_LOCK = "test.lock"  # one test at a time on a computer


def open_config(config_path: Path | None, data_path: Path | None) -> tuple[AgentConfig, Path]:
    """Return the configuration and the data directory that the command line and the file lead to.

    Raises:
        agent.wire.settings_file.SettingsError: If the file cannot be used.
        EnlaceError: If the test points are not of the engine, a proxy of the environment is no address, or the data
            directory is no directory.
    """
    config = configuration.load(config_path)
    _refuse_other_engine(config)
    proxies.check(config.proxy, os.environ)
    data = configuration.data_directory(config, data_path)
    _refuse_no_directory(data)
    return config, data


def _refuse_other_engine(config: AgentConfig) -> None:
    """Refuse test points that the one engine which may be used does not speak to."""
    if config.engine in ("auto", EngineName.OOKLA):  # the second goes to its own
        return
    try:
        for url in config.servers:
            servers.servers_from_url(url, EngineName(config.engine))
    except EnlaceError as error:
        raise EnlaceError(
            f"[agent] servers and engine do not fit: {error.what}",
            do='Write engine = "auto", or test points of that engine.',
            exit_code=ExitCode.USAGE,
        ) from error


def _refuse_no_directory(data: Path) -> None:
    """Refuse a place that is something else than a directory, or lies in something else; it need not be there yet."""
    for place in (data, *data.parents):
        try:
            mode = place.stat().st_mode
        except OSError:  # not there, not ours to look at, or below a file: what is above it tells
            continue
        if not stat.S_ISDIR(mode):
            raise EnlaceError(
                f"{place} is not a directory, so nothing can be kept in {data}.",
                do="Name a directory with --data or in the configuration.",
                exit_code=ExitCode.USAGE,
            )
        return


def make_ports() -> Ports:
    """Return the real world."""
    clock = RealClock()
    return Ports(clock=clock, randomness=SystemRandomness(), host=make_host(clock))


def open_spool(data: Path, ports: Ports) -> Spool:
    """Return the spool of a data directory, made or repaired as needed."""
    return Spool.open(data, clock=ports.clock, randomness=ports.randomness, boot_id=ports.host.boot_id())


def is_enrolled(data: Path, *, tolerant: bool = False) -> bool:
    """Return whether this computer is a device.

    Args:
        data: The data directory.
        tolerant: An identity that cannot be read counts as none: who names a test point needs no identity.

    Raises:
        EnlaceError: If the identity cannot be read, unless tolerant.
    """
    try:
        identity = IdentityStore(data).load()
    except EnlaceError:
        if tolerant:
            return False
        raise
    return identity is not None and identity.is_enrolled


def make_contact(config: AgentConfig, data: Path, ports: Ports, spool: Spool, *, version: str) -> Contact:
    """Return the contact with the collector."""
    from agent.uplink.transport import HttpTransport

    options = Options(
        agent_version=version,
        url=config.collector_url,
        retry_base_s=config.retry_base_s,
        retry_cap_s=config.retry_cap_s,
        start_spread_s=config.start_spread_s,
    )
    return Contact(HttpTransport(config.proxy), ports, spool, IdentityStore(data), ledger=spool.ledger, options=options)


def make_getter(config: AgentConfig) -> Getter:
    """Return what brings the pages of learning sites: by the same proxy and trust as the contact with the collector."""
    from agent.uplink.transport import HttpTransport

    return HttpTransport(config.proxy)


@contextmanager
def opened_walk(
    config: AgentConfig, data: Path, ports: Ports, *, version: str, cancelled: threading.Event
) -> Iterator[Walk]:
    """Open the spool and join the areas; closed at the end."""
    spool = open_spool(data, ports)
    try:
        contact = make_contact(config, data, ports, spool, version=version)
        yield Walk(config, ports, spool, contact, measure=session.run, cancelled=cancelled)
    finally:
        spool.close()


def enrol(config_path: Path | None, data_path: Path | None, *, url: str, typed_token: str, version: str) -> Identity:
    """Make this computer a device and store who it is.

    Raises:
        EnlaceError: In words, with the exit code of the command.
    """
    from agent.uplink.transport import HttpTransport

    config, data = open_config(config_path, data_path)
    token = enrolment.read_token(typed_token)
    if wrong := addresses.fault(url):
        raise EnlaceError(
            f"--collector is no address: {wrong}.",
            do="Give one like https://collector.example.",
            exit_code=ExitCode.USAGE,
        )
    ports, store = make_ports(), IdentityStore(data)
    try:
        existing = store.load()
    except EnlaceError:  # damaged: this is how it is mended
        existing = None
    candidate = enrolment.begin(ports, ports.host.machine_facts(), token, url, existing)
    was_enrolled = existing is not None and existing.is_enrolled
    if not was_enrolled:
        candidate = store.save(candidate)  # if the answer gets lost, the next try has the same key
    transport = HttpTransport(config.proxy)
    done = enrolment.enrol(transport, ports, candidate, agent_version=version, was_enrolled=was_enrolled)
    spool = open_spool(data, ports)
    try:
        keep(spool, done.answer.settings)
        spool.set_state(RATCHET, done.answer.ratchet)
        spool.set_state(ENROL_REFUSED, None)  # the token is good again: the daemon may use it by itself
        spool.offer_again(done.answer.store_epoch)
    finally:
        spool.close()
    generation = max(candidate.generation, existing.generation if existing else 0)
    return store.save(msgspec.structs.replace(done.identity, generation=generation))


def refuse_copied_disk(data: Path, ports: Ports) -> None:
    """Refuse to measure under another computer's name: the daemon makes a copied disk a device of its own.

    Raises:
        EnlaceError: With exit code 4 if this computer's key was made for another one.
    """
    found = IdentityStore(data).load()
    if found is not None and compare(found, ports.host.machine_facts()) is Machine.CLONE:
        raise EnlaceError(
            "This computer's disk was copied from another one, so a test would count for that one.",
            do="Restart the agent: it then enrols as a computer of its own.",
            exit_code=ExitCode.REFUSED,
        )


def refuse_full_disk(data: Path, config: AgentConfig) -> None:
    """Refuse a test whose result could not be stored, before it costs data.

    Raises:
        EnlaceError: If there is less room than configured.
    """
    if free_bytes(data) < config.min_free_disk_bytes:
        raise EnlaceError(
            f"There is no space in {data}.",
            means="A measurement could not be stored.",
            do="Make room on this disk.",
        )


def free_bytes(data: Path) -> int:
    """Return the free room for the data directory's disk; a very large number where nobody can say."""
    place = data
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return 2**62
