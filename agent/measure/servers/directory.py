"""Servers that stand for others: a list of LibreSpeed servers, a Locate service. Asked just before a test.

Only an address that a person, a configuration or a collector named leads here, and only to what it names: a computer
that publishes a list although it was named as a server itself may send us to scripts of its own, not to strangers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from agent.measure import faults
from agent.measure.engines.engine import Job
from agent.measure.servers import locate, serverlist
from agent.measure.servers.addresses import LIST_ENDINGS, LOCATE_ENDING, WELL_KNOWN, parse_target
from agent.measure.servers.fetch import fetch
from agent.measure.servers.serverlist import ListedServer
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName


def is_directory(entry: ServerEntry) -> bool:
    """Return whether the entry stands for others."""
    path = urlsplit(entry.url).path.rstrip("/")
    if entry.engine is EngineName.NDT7:
        return path.endswith(LOCATE_ENDING)
    return entry.engine is EngineName.LIBRESPEED and path.endswith(LIST_ENDINGS)


def resolve(entry: ServerEntry, job: Job) -> Sequence[ServerEntry]:
    """Return the servers that the entry stands for.

    Args:
        entry: For which `is_directory` holds.
        job: Whose address is the directory's.

    Raises:
        WorldError: If it does not answer, or names none.
    """
    target = job.address.target
    plain = replace(job, access_token=None)  # our collector's word is nothing to others
    if entry.engine is EngineName.NDT7:
        return locate.servers(fetch(plain, locate.question(target.path)), target.host)
    return _listed(plain, target.path)


def well_known(job: Job) -> Sequence[ListedServer]:
    """Return the servers on the same computer that its `/.well-known/librespeed` names.

    Raises:
        WorldError: If there is no such list.
    """
    host = job.address.target.host
    plain = replace(job, access_token=None)
    return [one for one in _listed(plain, WELL_KNOWN) if parse_target(one.url).host == host]


def _listed(job: Job, path: str) -> Sequence[ListedServer]:
    document = fetch(job, path)
    if document.head.status != 200:
        raise faults.of_status(document.head, job.address.target.host, document.body)
    return serverlist.servers(document.body, job.address.target)


def expand(entries: Sequence[ServerEntry], ask: Callable[[ServerEntry], Sequence[ServerEntry]]) -> list[ServerEntry]:
    """Return the entries with those that stand for others replaced by them; `ask` resolves one."""
    found: list[ServerEntry] = []
    for entry in entries:
        found.extend(ask(entry) if is_directory(entry) else [entry])
    return found
