"""Drills on demonstration data, at any time. Hung under the command line by `cli`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from agent.wire.vocabulary import ExitCode
from collector.commands.common import Anywhere, Given
from collector.errors import CollectorError

if TYPE_CHECKING:
    from collector.ports import Ports


def add_to(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    """Add the commands.

    Args:
        cli: The command line.
        anywhere: Gives a command the options that every command takes.
        ports: Returns clock and randomness.
    """

    @cli.group()
    @anywhere
    def drill() -> None:
        """Rehearse on the invented schools of a demonstration; real schools are left alone."""

    @drill.command("hazard")
    @anywhere
    @click.pass_obj
    def hazard(given: Given) -> int:
        """Begin a hazard on the invented schools of one area, as the button on the page does.

        It suppresses nothing, and every page of it says that it is a drill. Exit codes: 0 it has begun; 2 there is no
        database; 4 no school is invented, or such a drill is open already.
        """
        return _begin_hazard(given, ports())

    @drill.command("outage")
    @click.option("--ours", is_flag=True, help="Nobody reaches the collector, instead of a provider that fails.")
    @anywhere
    @click.pass_obj
    def outage(given: Given, ours: bool) -> int:
        """Let a provider fail for a morning, in a copy of the invented schools and in simulated time.

        The code that watches and tells is the same as in the deployment; of it nothing is changed, and nobody is
        written to. Exit codes: 0 all was as it should; 1 something was not; 2 there is no database; 4 no provider has
        enough invented schools.
        """
        return _rehearse_outage(given, ports(), is_ours=ours)


def _begin_hazard(given: Given, outside: "Ports") -> int:
    from collector import drills

    started = drills.start_hazard_drill(given.store(), given.config(), outside)
    place = f"/hazards/{started.hazard.hazard_id}"
    if not started.is_new:
        raise CollectorError(
            f"A drill over these schools is open already: {place}.",
            do="End it there first.",
            exit_code=ExitCode.REFUSED,
        )
    click.echo(f"Drill: {started.hazard.name}, {started.hazard.schools} invented schools. See {place}.")
    return ExitCode.DONE


def _rehearse_outage(given: Given, outside: "Ports", *, is_ours: bool) -> int:
    import tempfile
    from pathlib import Path

    from collector import drills

    with tempfile.TemporaryDirectory(prefix="enlace-drill-") as place:
        report = drills.outage_drill(given.store(), given.config(), outside, Path(place), is_ours=is_ours)
    for message in report.messages:
        click.echo(message)
    for check in report.checks:
        click.echo(f"{'right' if check.is_right else 'WRONG'}: {check.sentence}")
    return ExitCode.DONE if all(check.is_right for check in report.checks) else ExitCode.FAULT
