"""The words of `enlace-agent`. Each command opens what it needs and says in sentences what came of it."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from agent.commands.console import PROGRAM, agent_version, complain
from agent.errors import EnlaceError
from agent.wire import limits
from agent.wire.settings_file import SettingsError
from agent.wire.vocabulary import DeviceState, ExitCode


class _Place(click.Path):
    """A path; an empty one is a mistake, not the directory in which the command was entered."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("it is empty.", param, ctx)
        return super().convert(value, param, ctx)


class _DataCap(click.ParamType[int]):
    """Bytes of a whole test: as many as a figure needs and a record can say, or 0."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        cap_bytes: int = click.INT.convert(value, param, ctx)
        least = 2 * limits.LEAST_CAP_BYTES
        if cap_bytes and not least <= cap_bytes <= limits.BYTES:
            self.fail(
                f"{value} is outside {least} to {limits.BYTES} bytes: less than {least} leaves no room for a figure,"
                " 0 is all that the budget and the collector leave.",
                param,
                ctx,
            )
        return cap_bytes


def _not_empty(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse what a script gave without its value: "" is not the same as not given."""
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty.")
    return value


_PLACES: list[Callable[..., Any]] = [
    click.option("--config", type=_Place(path_type=Path, dir_okay=False), help="Configuration file (TOML)."),
    click.option("--data", type=_Place(path_type=Path, file_okay=False), help="Data directory."),
]


def _places(command: Callable[..., Any]) -> Callable[..., Any]:
    """Accept --config and --data behind the command too; there they go before the ones in front of it."""

    @functools.wraps(command)
    def placed(*args: Any, config: Path | None, data: Path | None, **kwargs: Any) -> int:
        front = click.get_current_context().find_root().params
        places = (config or front.get("config"), data or front.get("data"))
        code: int = command(places, *args, **kwargs)
        return code

    found: Callable[..., Any] = placed
    for option in reversed(_PLACES):
        found = option(found)
    return found


def execute(words: list[str]) -> int:
    """Run a command line and return its exit code."""
    try:
        with group.make_context(PROGRAM, words) as context:  # not `main`: it has its own idea of a closed pipe
            code = group.invoke(context)
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        if "--json" in words:  # a script reads one object, also of a mistake in its words
            from agent.commands.present import error_json

            print(error_json(_usage(error), ExitCode.USAGE))
        complain(_usage(error))
        return ExitCode.USAGE
    return int(code or 0)


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" Try: {context.command_path} --help" if context is not None else ""
    is_help = isinstance(error, click.exceptions.NoArgsIsHelpError)
    return error.format_message() if is_help else f"{error.format_message()}{hint}"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(agent_version(), prog_name=PROGRAM, message="%(prog)s %(version)s")
@_PLACES[0]
@_PLACES[1]
def group(config: Path | None, data: Path | None) -> None:
    """Measure this computer's connection, keep what was measured, hand it to the school's collector."""


@group.command()
@click.option(
    "--collector",
    "url",
    required=True,
    callback=_not_empty,
    help="The collector's address, e.g. https://collector.example.",
)
@click.option("--token", required=True, callback=_not_empty, help="The school's enrolment token, ENL1-...")
@_places
def enrol(places: tuple[Path | None, Path | None], url: str, token: str) -> int:
    """Make this computer a device of its school."""
    from agent import app

    enrolled = app.enrol(*places, url=url, typed_token=token, version=agent_version())
    school = f"{enrolled.school_name} ({enrolled.school_code})" if enrolled.school_name else enrolled.school_code
    print(f"This computer is now a device of {school}.")
    if enrolled.state == DeviceState.PENDING:
        print("Its measurements are kept but do not count until an operator approves it.")
    return ExitCode.DONE


@group.command()
@_places
def run(places: tuple[Path | None, Path | None]) -> int:
    """Measure from now on, until told to end."""
    from agent import service

    return service.run_daemon(*places, version=agent_version())


@group.command()
@click.option(
    "--server",
    callback=_not_empty,
    help="Test point to measure against, e.g. http://test.example:8801. Needs no enrolment.",
)
@click.option("--engine", type=click.Choice(["auto", "librespeed", "ndt7", "ookla"]), help="How to measure.")
@click.option(
    "--max-bytes", type=_DataCap(), help="Data cap of the whole test, 100000 or more; 0 = what the budget leaves."
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as the last line.")
@click.option("--force", is_flag=True, help="Test even if the collector or the budget says no.")
@_places
def test(
    places: tuple[Path | None, Path | None],
    server: str | None,
    engine: str | None,
    max_bytes: int | None,
    as_json: bool,
    force: bool,
) -> int:
    """Measure now and say what the line carries."""
    from agent.commands import trial

    wish = trial.Wish(server=server, engine=engine, max_bytes=max_bytes, as_json=as_json, force=force)
    return _answering(as_json, lambda: trial.run(*places, wish=wish, version=agent_version()))


@group.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_places
def status(places: tuple[Path | None, Path | None], as_json: bool) -> int:
    """Say how the agent stands: what waits and why, the last test and the next."""
    from agent.commands import state

    return _answering(as_json, lambda: state.show(*places, as_json=as_json))


@group.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_places
def doctor(places: tuple[Path | None, Path | None], as_json: bool) -> int:
    """Look for what is wrong and say what to do about it."""
    from agent.commands import doctor as checks

    return _answering(as_json, lambda: checks.run(*places, as_json=as_json, version=agent_version()))


@group.group()
def spool() -> None:
    """Look at what is stored and not yet delivered."""


@spool.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@_places
def spool_list(places: tuple[Path | None, Path | None], limit: int, as_json: bool) -> int:
    """List stored records, the newest first."""
    from agent.commands import state

    return state.list_spool(*places, limit=limit, as_json=as_json)


@spool.command("export")
@click.argument("file", type=_Place(path_type=Path))
@_places
def spool_export(places: tuple[Path | None, Path | None], file: Path) -> int:
    """Write all stored records to FILE, one JSON object per line; - is the standard output."""
    from agent.commands import state

    return state.export_spool(*places, file=file)


def _answering(as_json: bool, work: Callable[[], int]) -> int:
    """With --json there is one JSON object on the standard output, also when the command fails."""
    if not as_json:
        return work()
    try:
        return work()
    except (EnlaceError, SettingsError) as error:
        from agent.commands.present import error_json

        code = error.exit_code if isinstance(error, EnlaceError) else ExitCode.USAGE
        print(error_json(str(error), code))
        sys.stdout.flush()
        raise
