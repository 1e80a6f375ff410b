"""Commands of the registry beside `schools import`: the calendars. Hung under the command line by `cli`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from agent.wire.vocabulary import ExitCode

if TYPE_CHECKING:
    from collector.ports import Ports
    from collector.registry.importer import ImportReport
    from collector.store.open import Store

Command = TypeVar("Command", bound=Callable[..., Any])


class Given(Protocol):
    """What the command line knows of the deployment."""

    def store(self) -> "Store":
        """Return the open database."""


class Anywhere(Protocol):
    """Gives a command the options that every command takes."""

    def __call__(self, command: Command) -> Command:
        """Return the command with them."""


def add_to(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    """Add the commands.

    Args:
        cli: The command line.
        anywhere: Gives a command the options that every command takes.
        ports: Returns clock and randomness.
    """

    @cli.group()
    @anywhere
    def calendar() -> None:
        """Holidays, closures and extra days of school."""

    @calendar.command("import")
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Only say what would change.")
    @anywhere
    @click.pass_obj
    def calendar_import(given: Given, file: Path, dry_run: bool) -> int:
        """Add and change days from a CSV file with calendar,date,kind,note; rows that are wrong are named.

        What was judged is judged again from the first day that changes, by the next evaluation.
        """
        report = import_file(given.store(), ports(), file, dry_run=dry_run)
        for line in report.lines():
            click.echo(line)
        return ExitCode.FAULT if report.errors else ExitCode.DONE


def import_file(store: "Store", ports: "Ports", file: Path, *, dry_run: bool) -> "ImportReport":
    """Bring the days of a file into the calendars.

    Raises:
        CollectorError: If the file as a whole cannot be used.
    """
    from collector import operate
    from collector.registry.calendars import import_calendar

    with store.unit() as unit:
        report = import_calendar(unit, file, dry_run=dry_run)
        if not dry_run:
            detail = f"added={report.added} changed={report.changed} refused={report.refused_rows}"
            operate.note(unit, ports, "calendar.import", file.name, detail)
            unit.commit()
    return report
