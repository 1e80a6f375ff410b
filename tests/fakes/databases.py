"""Databases for tests, on either engine: empty for each test, or as something filled it once."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from collector.store.open import Store, create
from collector.store.tables.catalogue import METADATA
from tests.fakes.empty_store import empty_store
from tests.fakes.postgres import Server

Fill = Callable[[Store], object]


class Database(Protocol):
    """Gives one test its database; asked again, it may be the same one, emptied."""

    def empty(self) -> Store:
        """Return a store with this version's tables and nothing in them."""

    def filled(self, fill: Fill) -> Store:
        """Return a store as `fill` leaves an empty one; it is called once in a session."""


class Files:
    """SQLite: a file for each test, made or copied."""

    def __init__(self, kept: Path) -> None:
        self._kept, self._by_fill = kept, dict[Fill, Path]()
        self.place = kept  # of the test that runs

    def empty(self) -> Store:
        return empty_store(self.place)

    def filled(self, fill: Fill) -> Store:
        if fill not in self._by_fill:
            self._by_fill[fill] = self._kept / f"filled-{len(self._by_fill)}"
            made = empty_store(self._by_fill[fill])
            fill(made)
            made.close()
        shutil.copytree(self._by_fill[fill], self.place)
        return Store.open(self.place)


class OnServer:
    """PostgreSQL: one database for all tests, emptied by a statement: making one for each takes much longer.

    What filled it once stays beside the tables, in a schema of its own.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.create("tests")
        create(self.url).close()
        self._connection = psycopg.connect(self.url, autocommit=True)
        self._by_fill = dict[Fill, str]()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def bare(self) -> Iterator[str]:
        """Yield the URL of a database without any tables."""
        yield self._server.create("bare")
        self._server.drop("bare")

    def empty(self) -> Store:
        self._connection.execute(  # what a test that failed holds on to must not keep the next one waiting
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        self._do_to_all("DELETE FROM {table}")
        return Store.open(self.url)

    def filled(self, fill: Fill) -> Store:
        store = self.empty()
        if fill not in self._by_fill:
            fill(store)
            self._by_fill[fill] = name = f"filled_{len(self._by_fill)}"
            self._connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            self._do_to_all("CREATE TABLE {kept} AS SELECT * FROM {table}", name)
        else:
            self._do_to_all("INSERT INTO {table} SELECT * FROM {kept}", self._by_fill[fill])
        return store

    def _do_to_all(self, statement: str, schema: str = "public") -> None:
        each = [
            sql.SQL(statement).format(table=sql.Identifier("public", name), kept=sql.Identifier(schema, name))
            for name in METADATA.tables
        ]
        self._connection.execute(sql.SQL("; ").join(each))
