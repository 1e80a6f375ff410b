"""The command that makes backups. Hung under the command line by `cli`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.wire.vocabulary import ExitCode
from collector.commands.common import Anywhere, Given, Place

if TYPE_CHECKING:
    from collector.ports import Ports

KEEP = 7


def add_to(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    """Add the command.

    Args:
        cli: The command line.
        anywhere: Gives a command the options that every command takes.
        ports: Returns clock and randomness.
    """

    @cli.command()
    @click.argument("folder", type=Place(path_type=Path))
    @click.option(
        "--keep", type=click.IntRange(1, 10_000), default=KEEP, show_default=True, help="How many stay; older ones go."
    )
    @anywhere
    @click.pass_obj
    def backup(given: Given, folder: Path, keep: int) -> int:
        """Write a backup of the database into FOLDER, also while `serve` runs.

        It appears under its name only when it is whole and was checked. It holds the keys of this collector: keep it as
        you keep the database. Exit codes: 0 it is made; 1 it could not be, and older ones are as they were; 2 there is
        no database, or pg_dump is missing.
        """
        from datetime import UTC, datetime

        from collector.store import backup as backups

        outside = ports()
        stamp = datetime.fromtimestamp(outside.clock.now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        store = given.store()
        store.close()  # it was opened to know that there is one, and of this version
        made = backups.make(store.url, folder, stamp, outside.randomness.token_bytes(16).hex(), keep=keep)
        dropped = f" {made.dropped} older deleted." if made.dropped else ""
        click.echo(f"{made.path}: {made.size_bytes / 1e6:,.1f} MB, checked.{dropped}")
        return ExitCode.DONE
