"""Numbers and names of networks from the MMDB file that the operator supplies; read with Python alone."""

import ipaddress
import re
from pathlib import Path
from types import TracebackType
from typing import Self

import maxminddb

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.ports import Network

_NUMBER, _NAME = "autonomous_system_number", "autonomous_system_organization"
_MOST_NUMBER = 2**32 - 1
_OF_PLACES = re.compile("(city|country|location)$", re.IGNORECASE)  # kinds of files that have no numbers


class NetworksFile:
    """An open file; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            CollectorError: If it is not there, no such file, or one of places.
        """
        try:
            if not path.is_file():  # a pipe would be waited for
                raise FileNotFoundError(path)
            # As a whole, not mapped: who copies a new file over this one would end the process that reads it.
            self._reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        except Exception as error:  # of a damaged file the library tells in many words
            raise CollectorError(
                f"[collector] networks_file = {path} cannot be read as an MMDB file.",
                means="Without it nobody can say on which network a school is.",
                do="Put a file with numbers of autonomous systems there, or leave the setting empty.",
                exit_code=ExitCode.USAGE,
            ) from error
        if _OF_PLACES.search(kind := str(self._reader.metadata().database_type)):
            self._reader.close()
            raise CollectorError(
                f"[collector] networks_file = {path} says where addresses are ({kind[:60]}), not on which network.",
                means="With it every network would stay unknown.",
                do="Put a file with numbers of autonomous systems there, or leave the setting empty.",
                exit_code=ExitCode.USAGE,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    def find(self, prefix: str) -> Network | None:
        """Return the network that a prefix such as 203.0.113.0/24 belongs to; None = unknown."""
        try:
            found = self._reader.get(str(ipaddress.ip_network(prefix).network_address))
        except Exception:  # no address, of a family that the file lacks, or of a damaged place, in many words
            return None
        if not isinstance(found, dict):
            return None
        number, name = found.get(_NUMBER), found.get(_NAME)
        if not isinstance(number, int) or not 0 < number <= _MOST_NUMBER:
            return None
        return Network(number, name[:200].replace("\0", "") if isinstance(name, str) else "")
