"""Brings a database to this version's tables; the only place that knows Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from collector.store import engine as engines
from collector.store import version
from collector.store.writelock import write_lock


def migrate(url: str) -> str:
    """Bring the database to the newest revision and return it; doing it again changes nothing.

    Args:
        url: As `engine.url_of` returns it.

    Raises:
        CollectorError: If the database was written by a newer version; it is left as it was.
    """
    path = engines.sqlite_path(url)
    if path is None:
        _upgrade(url)
    else:
        with write_lock(path.parent / engines.LOCK_NAME):
            _upgrade(url)
    return version.REVISIONS[-1]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _upgrade(url: str) -> None:
    found = version.find(url)
    if found is not None:
        version.refuse_newer(found, url)
    if found == version.REVISIONS[-1]:
        return
    engine = engines.make_engine(url)
    config = _config()
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
