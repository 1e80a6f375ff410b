"""What only this machine knows: room on the disk, the age of a backup, whether the test point answers."""

import http.client
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

_ANSWER_S = 5.0
_ASK_EVERY_S = 300.0
_FEW = 2_000  # files of a directory that are looked at


class RealHost:
    """This machine."""

    def __init__(self, data: Path, testpoint_url: str) -> None:
        self._data, self._testpoint_url = data, testpoint_url
        self._asked_s: float | None = None

    def disk(self) -> tuple[int, int] | None:
        """Return free and all bytes of the disk with the data, None where nobody can say."""
        try:
            found = shutil.disk_usage(self._data)
        except OSError:
            return None
        return found.free, found.total

    def modified_ms(self, path: str) -> int | None:
        """Return when a file, or the newest in a directory, was written; None: there is none."""
        place = Path(path)
        try:
            files = [one for _, one in zip(range(_FEW), place.iterdir(), strict=False)] if place.is_dir() else [place]
            # A name that begins with a full stop is one that is being written, or a remainder.
            times = [one.stat().st_mtime_ns for one in files if one.is_file() and not one.name.startswith(".")]
        except OSError:
            return None
        return max(times) // 1_000_000 if times else None

    def answers(self) -> bool | None:
        """Return whether the test point answers; None where it was asked a moment ago."""
        if self._asked_s is not None and time.monotonic() - self._asked_s < _ASK_EVERY_S:
            return None
        self._asked_s = time.monotonic()
        parts = urlsplit(self._testpoint_url)
        made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = made(parts.hostname or "", parts.port, timeout=_ANSWER_S)
        try:
            connection.request("GET", "/enlace/v1/key")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()
