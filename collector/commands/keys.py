"""Commands about the keys of programs. Hung under the command line by `cli`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from agent.wire.forms import format_time
from collector.commands.common import Anywhere, Given

if TYPE_CHECKING:
    from collector.ports import Ports


def add_to(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    """Add the commands.

    Args:
        cli: The command line.
        anywhere: Gives a command the options that every command takes.
        ports: Returns clock and randomness.
    """

    @cli.group("api-key")
    @anywhere
    def api_key() -> None:
        """Keys with which programs take rows away."""

    _add_create(api_key, anywhere, ports)
    _add_list(api_key, anywhere, ports)
    _add_revoke(api_key, anywhere, ports)


def _add_create(api_key: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @api_key.command("create")
    @click.argument("name")
    @click.option("--label", required=True, help="What it is for.")
    @click.option("--area", "areas", multiple=True, help="Only this of what the person sees; may be given again.")
    @click.option("--days", type=click.IntRange(1, 3660), help="It ends after so many; else when it is revoked.")
    @anywhere
    @click.pass_obj
    def create(given: Given, name: str, label: str, areas: tuple[str, ...], days: int | None) -> None:
        """Make a key that sees and may what the person NAME may; it is printed alone on the last line, only now."""
        from collector import api_keys

        key, secret = api_keys.create_key(given.store(), ports(), name, label, areas=areas, days=days)
        click.echo(f"Key {key.key_id} of {name}. Send it as `Authorization: Bearer KEY` to /api/v1/measurements.csv.")
        click.echo(secret)


def _add_list(api_key: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @api_key.command("list")
    @anywhere
    @click.pass_obj
    def list_(given: Given) -> None:
        """List keys: id, whose, whether good, since when, last use, what for, and areas if they have some."""
        from collector import api_keys

        for one in api_keys.list_keys(given.store(), ports().clock.now_ms()):
            used = "never" if one.key.used_ms is None else format_time(one.key.used_ms)
            words = (one.key.key_id, one.owner, one.standing, format_time(one.key.created_ms), used, one.key.label)
            click.echo("  ".join((*words, *one.key.areas)))


def _add_revoke(api_key: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @api_key.command("revoke")
    @click.argument("key_id", metavar="KEY")
    @anywhere
    @click.pass_obj
    def revoke(given: Given, key_id: str) -> None:
        """Let a key, named by its id or by itself, open nothing any more."""
        from collector import api_keys

        found = api_keys.revoke_key(given.store(), ports(), key_id)
        click.echo(f"Key {found.key_id} ({found.label}) is revoked.")
