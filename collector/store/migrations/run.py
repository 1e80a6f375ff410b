"""Brings a database to this version's tables; the only place that knows Alembic."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

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
    with write_lock(path.parent / engines.LOCK_NAME) if path is not None else _alone(url):
        _upgrade(url, to)
    return to


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """Let nobody else on this server migrate the database meanwhile.

    Another connection than the one that migrates holds the lock, because that one commits every step.
    """
    version.find(url)  # says it in words where the server cannot be reached
    engine = engines.make_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("migrate"))))
            yield
    finally:
        engine.dispose()


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
