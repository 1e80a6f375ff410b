"""The command `enlace-collector`: parses words, asks one function, prints sentences.

What a command needs is imported when it runs, so that help and version come at once.
"""

import importlib.util
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from agent.wire import outputs, parents
from agent.wire.vocabulary import ExitCode
from collector.commands import backups, devices, drills, keys, packs, people, registry
from collector.commands.common import Command, Given, Place
from collector.errors import CollectorError

if TYPE_CHECKING:
    from collector.notify.settings import NotifyConfig
    from collector.ports import Ports
    from collector.serve import Runner

# Those of `export.FORMATS`: importing what writes them would slow each command.
FORMATS = ("csv", "parquet", "jsonl", "xlsx", "geojson")
NEEDED = ("alembic", "argon2", "flask", "flask_babel", "flask_wtf", "sqlalchemy", "waitress", "xlsxwriter")


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Path | None], None]:
    def keep(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
        given = context.ensure_object(Given)
        if value is not None:
            setattr(given, name, value)

    return keep


def anywhere(command: Command) -> Command:
    """Give a command `--config` and `--data`."""
    path = Place(path_type=Path)
    for flag, name, words in (
        ("--data", "data", "Directory of database and logs."),
        ("--config", "config_path", "The TOML file."),
    ):
        command = click.option(flag, type=path, expose_value=False, callback=_keep(name), help=words)(command)
    return command


def _ports() -> "Ports":
    from collector.real.world import real_ports

    return real_ports()


def _version() -> str:
    try:
        return metadata.version("enlace-connectivity")
    except metadata.PackageNotFoundError:
        return "unknown"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="enlace-collector", message="%(prog)s %(version)s")
@anywhere
def cli() -> None:
    """Collects measurements of schools, judges them, and shows them."""


@cli.command()
@anywhere
@click.pass_obj
def init(given: Given) -> None:
    """Make the database and the keys; again changes nothing."""
    from collector import operate
    from collector.config import database

    deployment = given.deployment()
    made = operate.init(database(deployment.data, deployment.config), _ports())
    click.echo(f"{'Made' if made.is_new else 'There was already'} a deployment in {deployment.data}.")
    click.echo(f"Collector key: {made.public_key}")


@cli.command()
@anywhere
@click.pass_obj
def migrate(given: Given) -> None:
    """Bring the database to this version's tables."""
    from collector.config import database
    from collector.store import engine, version
    from collector.store.open import create

    deployment = given.deployment()
    place = database(deployment.data, deployment.config)
    version.require(engine.url_of(place))  # a mistyped place would get a new one, and the real one stay as it is
    create(place).close()
    click.echo(f"The database has revision {version.REVISIONS[-1]}, the newest.")


@cli.command()
@click.option("--host", help="Address of the web server.")
@click.option("--port", type=click.IntRange(0, 65535), help="Its port; 0 for any free one.")
@click.option("--only", type=click.Choice(["web", "testpoint", "jobs"]), help="Just this part, in this process.")
@click.option("--behind-proxy", is_flag=True, help="A proxy with TLS stands before it.")
@anywhere
@click.pass_obj
def serve(given: Given, host: str | None, port: int | None, only: str | None, behind_proxy: bool) -> int:
    """Run web server, test point and jobs until told to end."""
    from collector import serve as serving
    from collector.notify.settings import load_notify

    deployment = serving.with_words(given.deployment(), host=host, port=port, behind_proxy=behind_proxy)
    notify = load_notify(given.config_path)  # what is wrong with it is said before anything runs
    serving.refuse_unreadable_files(deployment, notify, only)
    return serving.serve(deployment, only, _ports(), _runners(only, notify))


def _runners(only: str | None, notify: "NotifyConfig") -> "dict[str, Runner]":
    """Return what the part runs; only the process of a part loads what the part needs."""
    if only == "web":
        from collector.app import run_web

        return {"web": partial(run_web, notify=notify)}
    if only == "jobs":
        from collector.jobs import run_jobs

        return {"jobs": partial(run_jobs, notify=notify)}
    return {}


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP; 0 for any free one.")
@click.option("--udp-port", type=click.IntRange(0, 65535), help="UDP echo; the same number if not given.")
@anywhere
@click.pass_obj
def testpoint(given: Given, host: str, port: int | None, udp_port: int | None) -> int:
    """Run a test point by hand: open to whoever reaches it."""
    import threading

    from collector import processes
    from collector.config import check_host
    from collector.serve import run_testpoint

    check_host(host, "--host")
    point = given.deployment().testpoint
    port = point.port if port is None else port
    stop = threading.Event()
    processes.stop_on_signals(stop)
    run_testpoint(msgspec.structs.replace(point, host=host, port=port, udp_port=udp_port or 0, open=True), (), stop)
    return ExitCode.DONE


registry.add_to(cli, anywhere, _ports)
people.add_to(cli, anywhere, _ports)
keys.add_to(cli, anywhere, _ports)
devices.add_to(cli, anywhere, _ports)
packs.add_to(cli, anywhere)
drills.add_to(cli, anywhere, _ports)
backups.add_to(cli, anywhere, _ports)


def _day(_context: click.Context, _parameter: click.Parameter, value: datetime | None) -> date | None:
    return value.date() if value else None


@cli.command()
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), callback=_day, help="Treat days up to this one as over.")
@click.option("--from", "from_day", type=click.DateTime(["%Y-%m-%d"]), callback=_day, help="Fold again from this day.")
@anywhere
@click.pass_obj
def evaluate(given: Given, as_of: date | None, from_day: date | None) -> int:
    """Judge what is new, or judge again from a day on."""
    from collector.evaluate import run
    from collector.evaluate.inputs import reference_of
    from collector.registry.plan import counted

    place = given.deployment()
    reference = reference_of(place.testpoint.id)
    report = run.evaluate(
        place.open_store(), place.config, _ports(), as_of=as_of, from_day=from_day, reference=reference
    )
    click.echo(
        f"{counted(report.schools, 'school')} and {counted(report.days, 'school-day')} judged, "
        f"{counted(report.measurements, 'measurement')} seen."
    )
    if report.failed:
        click.echo(f"Not judged because of a fault: {', '.join(report.failed)}.", err=True)
    return ExitCode.FAULT if report.failed else ExitCode.DONE


@cli.command()
@click.argument("table")
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("-o", "--output", type=Place(path_type=Path), default="-", help="File; else standard output.")
@anywhere
@click.pass_obj
def export(given: Given, table: str, form: str, output: Path) -> None:
    """Write a table as a file: measurements, schools, evaluations and more.

    GeoJSON is for schools and outages; Parquet needs DuckDB: enlace-connectivity[parquet].
    """
    from collector import operate

    place = given.deployment()
    store = place.open_store()
    operate.export_table(store, table, form, operate.Output(output, place.kept(store)))


@cli.command()
@click.option("--once", is_flag=True, help="Print the summary and end.")
@click.option("--line", help="Download/upload/delay of the shaped line, for example 8/1/100.")
@click.option("--port", type=click.IntRange(0, 65535), help="Of the pages; any free one if not given.")
@anywhere
@click.pass_obj
def demo(given: Given, once: bool, line: str | None, port: int | None) -> int:
    """Run the whole product on this computer, with a line of known speed and 120 invented schools."""
    from collector.config import CollectorConfig, data_directory
    from collector.demo.run import run_demo

    data = data_directory(given.data, CollectorConfig()) if given.data is not None else None
    return run_demo(data, once=once, line=line, port=port, ports=_ports())


def main(arguments: list[str] | None = None) -> None:
    """Run the command and end the process with the exit code of the contract."""
    outputs.open_closed()
    parents.follow()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without a letter shows another, and nothing stops
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        click.echo("This installation has only the agent. Install enlace-connectivity[collector] to collect.", err=True)
        return ExitCode.USAGE
    try:
        code = cli.main(arguments, prog_name="enlace-collector", standalone_mode=False)
        sys.stdout.flush()
    except CollectorError as error:
        click.echo(error.sentence, err=True)
        return error.exit_code
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        click.echo(_usage(error), err=True)
        return ExitCode.USAGE
    except OSError as error:
        return _world_failed(error)
    except UnicodeEncodeError:
        click.echo("A word or a name has bytes that are not UTF-8: nothing was changed. Write it in UTF-8.", err=True)
        return ExitCode.USAGE
    return code if isinstance(code, int) else ExitCode.DONE


def _usage(error: click.ClickException) -> str:
    """Return what is wrong with the words as one sentence, with the command that tells which are right."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError) or context is None:
        return message
    return f"{message} Try: {context.command_path} --help"


def _world_failed(error: OSError) -> int:
    if error.filename is not None:
        click.echo(f"The system does not let us go on: {error.strerror or error} ({error.filename}).", err=True)
        return ExitCode.FAULT
    if not isinstance(error, BrokenPipeError):  # else whoever read the output has seen enough
        click.echo(f"Cannot write the output ({error.strerror or error}).", err=True)
    outputs.drop()
    return ExitCode.FAULT
