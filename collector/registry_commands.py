"""Commands of the registry: schools and their calendars, from files. Hung under the command line by `cli`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.wire.vocabulary import ExitCode
from collector.commands import Anywhere, Given

if TYPE_CHECKING:
    from collector.ports import Ports
    from collector.registry.importer import ImportReport


def add_to(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    """Add the commands.

    Args:
        cli: The command line.
        anywhere: Gives a command the options that every command takes.
        ports: Returns clock and randomness.
    """
    _add_schools(cli, anywhere, ports)
    _add_calendar(cli, anywhere, ports)


def _add_schools(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @cli.group()
    @anywhere
    def schools() -> None:
        """The registry."""

    @schools.command("import")
    @_of_a_file
    @anywhere
    @click.pass_obj
    def schools_import(given: Given, file: Path, dry_run: bool) -> int:
        """Add and change schools from a CSV file; rows that are wrong are named, the others are taken."""
        from collector import operate

        return _tell(operate.import_schools(given.store(), given.config(), ports(), file, dry_run=dry_run))


def _add_calendar(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @cli.group()
    @anywhere
    def calendar() -> None:
        """Holidays, closures and extra days of school."""

    @calendar.command("import")
    @_of_a_file
    @anywhere
    @click.pass_obj
    def calendar_import(given: Given, file: Path, dry_run: bool) -> int:
        """Add and change days from a CSV file with calendar,date,kind,note; rows that are wrong are named.

        What was judged is judged again from the first day that changes, by the next evaluation.
        """
        from collector import operate

        return _tell(operate.import_calendar(given.store(), ports(), file, dry_run=dry_run))


def _of_a_file(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the words of every import."""
    command = click.option("--dry-run", is_flag=True, help="Only say what would change.")(command)
    return click.argument("file", type=click.Path(path_type=Path))(command)


def _tell(report: "ImportReport") -> ExitCode:
    for line in report.lines():
        click.echo(line)
    return ExitCode.FAULT if report.errors else ExitCode.DONE
