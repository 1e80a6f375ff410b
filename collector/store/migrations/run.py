"""Brings a database to this version's tables; the only place that knows Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from collector.store import engine as engines
from collector.store import version
from collector.store.writelock import write_lock


def migrate(url: str, to: str = version.REVISIONS[-1]) -> str:
    """Bring the database to the newest revision and return it; doing it again changes nothing.

    Args:
        url: As `engine.url_of` returns it.
        to: Stop at an older revision, as it was when that was the newest.

    Raises:
        CollectorError: If the database was written by a newer version; it is left as it was.
    """
    path = engines.sqlite_path(url)
    if path is None:
        _upgrade(url, to)
    else:
        with write_lock(path.parent / engines.LOCK_NAME):
            _upgrade(url, to)
    return to


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _upgrade(url: str, to: str) -> None:
    found = version.find(url)
    if found is not None:
        version.refuse_newer(found, url)
    if found == to:
        return
    engine = engines.make_engine(url)
    config = _config()
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)
    finally:
        engine.dispose()
