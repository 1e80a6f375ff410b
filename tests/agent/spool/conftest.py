"""A spool in a directory of its own, on a fake clock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.spool.rows import Limits
from agent.spool.store import Spool
from tests.fakes.agent_world import BOOT, FakeClock, SeededRandomness


class World:
    """One data directory and the computer around it."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.clock, self.boot_id = directory, FakeClock(), BOOT
        self.randomness = SeededRandomness()
        self.opened: list[Spool] = []

    @property
    def path(self) -> Path:
        return self.directory / "spool.sqlite3"

    def open(self, kept: Limits | None = None) -> Spool:
        spool = Spool.open(
            self.directory, clock=self.clock, randomness=self.randomness, boot_id=self.boot_id, kept=kept
        )
        self.opened.append(spool)
        return spool

    def reboot(self, number: int = 2) -> None:
        self.boot_id, self.clock.mono = f"{number:032x}", 60_000

    def execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Look at, or damage, the file as another program would."""
        with closing(sqlite3.connect(self.path)) as database:
            found = database.execute(statement, values).fetchall()
            database.commit()
            return found

    def close(self) -> None:
        for spool in self.opened:
            spool.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def spool(world: World) -> Spool:
    return world.open()
