"""An empty database for a test: made once in a process by the real migrations, and copied after that."""

import functools
import shutil
import tempfile
from pathlib import Path

from collector.store.open import Store, create


@functools.cache
def _made() -> tempfile.TemporaryDirectory[str]:
    place = tempfile.TemporaryDirectory(prefix="enlace-empty-")  # deleted when the process ends
    create(Path(place.name) / "data").close()
    return place


def empty_store(where: Path) -> Store:
    """Return the store of a directory that is not there yet, empty."""
    shutil.copytree(Path(_made().name) / "data", where)
    return Store.open(where)
