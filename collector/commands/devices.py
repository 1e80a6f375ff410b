"""Commands about devices, tokens that let them in, and the collector's keys. Hung under the command line by `cli`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from agent.wire import forms
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
    _add_token(cli, anywhere, ports)
    _add_device(cli, anywhere, ports)
    _add_key(cli, anywhere, ports)


def _add_token(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @cli.group()
    @anywhere
    def token() -> None:
        """Words that let computers enrol."""

    @token.command("create")
    @click.option("--school", required=True, help="Code of the school that it admits to.")
    @click.option(
        "--devices", "--max-devices", "max_devices", type=click.IntRange(1, 10_000), help="How many computers."
    )
    @click.option("--days", type=click.IntRange(0, 365), help="For how long.")
    @anywhere
    @click.pass_obj
    def token_create(given: Given, school: str, max_devices: int | None, days: int | None) -> None:
        """Make an enrolment token; it stands alone on the last line."""
        from collector import operate
        from collector.registry.plan import counted

        max_devices, days = operate.defaults_of_token(given.config(), max_devices, days)
        made = operate.create_token(given.store(), ports(), school, max_devices=max_devices, days=days)
        room, time = counted(max_devices, "computer"), counted(days, "day")
        click.echo(f"For school {school}, up to {room}, {time}. It is shown only now:")
        click.echo(made)

    @token.command("list")
    @click.option("--school", help="Only of this school.")
    @anywhere
    @click.pass_obj
    def token_list(given: Given, school: str | None) -> None:
        """List tokens: id, school, state, devices of how many, end. The token itself was shown once only."""
        from collector import operate
        from collector.intake.invitations import state_of

        now_ms = ports().clock.now_ms()
        for one in operate.list_tokens(given.store(), school):
            words = (one.token_id, one.school, state_of(one, now_ms), f"{one.used}/{one.max_devices}")
            click.echo("  ".join((*words, forms.format_time(one.expires_ms))))

    @token.command("revoke")
    @click.argument("token_id", metavar="TOKEN")
    @anywhere
    @click.pass_obj
    def token_revoke(given: Given, token_id: str) -> None:
        """Let nobody else enrol with a token, named by its id or by itself; devices that came with it stay."""
        from collector import operate

        found = operate.revoke_token(given.store(), ports(), token_id)
        click.echo(f"Token {found.token_id} of school {found.school} is revoked.")


def _add_device(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @cli.group()
    @anywhere
    def device() -> None:
        """Installed agents."""

    @device.command("list")
    @click.option("--school", help="Only of this school.")
    @anywhere
    @click.pass_obj
    def device_list(given: Given, school: str | None) -> None:
        """List devices: id, school, state, last contact, keys that wait for approval and since when."""
        from collector import operate

        for one in operate.list_devices(given.store(), school):
            contact = forms.format_time(one.last_contact_ms) if one.last_contact_ms is not None else "never"
            waiting = operate.list_waiting_keys(given.store(), one)
            keys = ", ".join(f"{key.key_id} of {forms.format_time(key.added_ms)}" for key in waiting)
            waits = f"  {len(waiting)} waiting: {keys}" if waiting else ""
            click.echo(f"{one.device}  {one.school}  {one.state}  {contact}{waits}")

    @device.command("approve")
    @click.argument("device_id", metavar="DEVICE")
    @click.option("--key", "key_id", metavar="KEY", help="The waiting key that is meant.")
    @anywhere
    @click.pass_obj
    def device_approve(given: Given, device_id: str, key_id: str | None) -> None:
        """Let a pending device, or its waiting key, count, from its enrolment on."""
        from collector import operate

        found, has_waited = operate.approve_device(given.store(), ports(), device_id, key_id)
        if not has_waited:
            click.echo(f"Nothing of device {found.device} waits for approval; nothing is changed.")
            return
        click.echo(f"Device {found.device} of school {found.school} is {found.state}.")

    @device.command("revoke")
    @click.argument("device_id", metavar="DEVICE")
    @anywhere
    @click.pass_obj
    def device_revoke(given: Given, device_id: str) -> None:
        """Take nothing more from a device."""
        from collector import operate

        found = operate.revoke_device(given.store(), ports(), device_id)
        click.echo(f"Device {found.device} of school {found.school} is {found.state}.")


def _add_key(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @cli.group()
    @anywhere
    def key() -> None:
        """The collector's own signing keys."""

    @key.command("list")
    @anywhere
    @click.pass_obj
    def key_list(given: Given) -> None:
        """List keys, the current one first: id, public key, since when."""
        from collector import operate

        for one in operate.list_keys(given.store()):
            state = "current" if one.retired_ms is None else "old"
            click.echo(f"{one.key_id}  {state}  {one.public_key}  {forms.format_time(one.created_ms)}")

    @key.command("rotate")
    @anywhere
    @click.pass_obj
    def key_rotate(given: Given) -> None:
        """Make a new key the current one; devices that know an old key are told the new one under the old."""
        from collector import operate
        from collector.intake.keyring import read_ring
        from collector.serve import publish_access_keys

        store = given.store()
        public_key = operate.rotate_key(store, ports())
        publish_access_keys(given.deployment().data, tuple(key.public_key for key in read_ring(store).keys))
        click.echo("Servers that run use the new key within a minute. Tokens and devices of the old keys stay valid.")
        click.echo(f"Collector key: {public_key}")
