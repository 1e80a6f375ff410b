"""Commands of the registry: schools and their calendars, from files. Hung under the command line by `cli`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.wire.vocabulary import ExitCode
from collector.commands.common import Anywhere, Given, Place

if TYPE_CHECKING:
    from collector.ports import Ports
    from collector.registry.plan import ImportReport


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
    def schools_import(given: Given, file: Path, dry_run: bool, annotated: Path | None) -> int:
        """Add and change schools from a CSV or XLSX file, ours or Giga's columns.

        Rows that are wrong are named, the others are taken.
        """
        return _import(given, ports, file, dry_run, annotated, "schools")

    @schools.command("history")
    @anywhere
    @click.pass_obj
    def schools_history(given: Given) -> int:
        """List what was imported, when and by whom, the newest first."""
        from agent.wire.forms import format_time
        from collector import operate

        for one in operate.list_imports(given.store()):
            counts = f"added={one.added} changed={one.changed} refused={one.refused}"
            what = f"undoes {one.undoes}" if one.undoes else one.file_name
            when = format_time(one.applied_ms or one.made_ms)
            click.echo(f"{one.import_id} {when} {one.kind} {one.state} {counts} {one.made_by}: {what}")
        return ExitCode.DONE

    @schools.command("undo")
    @click.argument("import_id")
    @click.option("--dry-run", is_flag=True, help="Only say what would change.")
    @anywhere
    @click.pass_obj
    def schools_undo(given: Given, import_id: str, dry_run: bool) -> int:
        """Take one import back; what was changed later stays and is named."""
        from collector import operate

        done = operate.undo_import(given.store(), given.config(), ports(), import_id, dry_run=dry_run)
        for kept in done.kept:
            click.echo(f"{kept.subject}{f', {kept.field}' if kept.field else ''} stays: {kept.reason}.")
        took = "Would take" if dry_run else "Took"
        rows = f"{len(done.removed)} rows that were new, {done.restored} rows that were gone"
        click.echo(f"{took} back: {done.fields} fields, {rows}; {len(done.kept)} stay.")
        return ExitCode.FAULT if done.kept else ExitCode.DONE


def _add_calendar(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @cli.group()
    @anywhere
    def calendar() -> None:
        """Holidays, closures and extra days of school."""

    @calendar.command("import")
    @_of_a_file
    @anywhere
    @click.pass_obj
    def calendar_import(given: Given, file: Path, dry_run: bool, annotated: Path | None) -> int:
        """Add and change days from a CSV or XLSX file with calendar,date,kind,note; rows that are wrong are named.

        What was judged is judged again from the first day that changes, by the next evaluation.
        """
        return _import(given, ports, file, dry_run, annotated, "calendar")


def _import(
    given: Given, ports: "Callable[[], Ports]", file: Path, dry_run: bool, annotated: Path | None, kind: str
) -> ExitCode:
    from agent.wire import outfile
    from collector import operate

    place = given.deployment()
    store = place.open_store()
    report = operate.import_file(
        store,
        place.config,
        ports(),
        file,
        kind=kind,
        dry_run=dry_run,
        annotated=operate.Output(annotated, place.kept(store)) if annotated is not None else None,
    )
    return _tell(report, is_output_taken=annotated is not None and outfile.is_output(annotated))


def _of_a_file(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the words of every import."""
    command = click.option("--dry-run", is_flag=True, help="Only say what would change.")(command)
    command = click.option(
        "--annotated",
        type=Place(path_type=Path),
        help="Write the file there with a column that says what is wrong.",
    )(command)
    return click.argument("file", type=Place(path_type=Path))(command)


def _tell(report: "ImportReport", *, is_output_taken: bool) -> ExitCode:
    for line in report.lines():
        click.echo(line, err=is_output_taken)
    return ExitCode.FAULT if report.errors else ExitCode.DONE
