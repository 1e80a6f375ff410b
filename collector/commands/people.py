"""Commands about people: who may sign in, and who did what. Hung under the command line by `cli`."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from agent.wire.forms import format_time
from agent.wire.vocabulary import ExitCode
from collector.commands.common import Anywhere, Given
from collector.domain.roles import Role
from collector.errors import CollectorError

if TYPE_CHECKING:
    from collector.ports import Ports


_A_ROLE = click.Choice([role.value for role in Role])


def add_to(cli: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    """Add the commands.

    Args:
        cli: The command line.
        anywhere: Gives a command the options that every command takes.
        ports: Returns clock and randomness.
    """
    user = _group(cli, anywhere)
    _add_user(user, anywhere, ports)
    _add_list(user, anywhere)
    _add_scope(user, anywhere, ports)
    _add_password(user, anywhere, ports)
    _add_removal(user, anywhere, ports)
    _add_email(user, anywhere, ports)
    _add_audit(cli, anywhere)


def _group(cli: click.Group, anywhere: Anywhere) -> click.Group:
    @cli.group()
    @anywhere
    def user() -> None:
        """People who sign in."""

    return user


def _add_user(user: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @user.command("add")
    @click.argument("name")
    @click.option("--role", type=_A_ROLE, default=Role.VIEWER.value, show_default=True)
    @click.option("--area", "areas", multiple=True, help="What they may see; may be given again. Else the country.")
    @anywhere
    @click.pass_obj
    def user_add(given: Given, name: str, role: str, areas: tuple[str, ...]) -> None:
        """Let somebody sign in; the password comes from the prompt or ENLACE_PASSWORD, else one is made and printed."""
        from collector import people
        from collector.passwords import hash_password

        store = given.store()
        password, made = _password(ports())
        people.add_user(store, ports(), name, role, password, hash_password, areas)
        click.echo(f"{name} may sign in as {people.deed_words(role, areas)}.{made}")


def _add_list(user: click.Group, anywhere: Anywhere) -> None:
    @user.command("list")
    @anywhere
    @click.pass_obj
    def user_list(given: Given) -> None:
        """List people: name, role, since when, where messages go, and of what areas if not of the whole country."""
        from collector import people

        for one in people.list_users(given.store()):
            told = [one.email] if one.email else []
            click.echo("  ".join([one.name, one.role, format_time(one.created_ms), *told, *one.areas]))


def _add_password(user: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @user.command("password")
    @click.argument("name")
    @anywhere
    @click.pass_obj
    def user_password(given: Given, name: str) -> None:
        """Give somebody another password, asked for as by `add`, and sign them out everywhere."""
        from collector import people
        from collector.passwords import hash_password

        store = given.store()
        found = people.require_user(store, name)
        password, made = _password(ports())
        people.set_password(store, ports(), found.name, password, hash_password)
        click.echo(f"{found.name} has another password and is signed out everywhere.{made}")


def _add_removal(user: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @user.command("remove")
    @click.argument("name")
    @anywhere
    @click.pass_obj
    def user_remove(given: Given, name: str) -> None:
        """Let somebody sign in no longer, and sign them out everywhere; what they did stays written down."""
        from collector import people

        found = people.remove_user(given.store(), ports(), name)
        click.echo(f"{found.name} may no longer sign in.")


def _add_email(user: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @user.command("email")
    @click.argument("name")
    @click.argument("address", required=False)
    @anywhere
    @click.pass_obj
    def user_email(given: Given, name: str, address: str | None) -> None:
        """Say where somebody's messages go; without an address: nowhere."""
        from collector import people

        found = people.set_email(given.store(), ports(), name, address)
        click.echo(f"Messages for {found.name} go to {address}." if address else f"{found.name} gets no messages.")


def _add_scope(user: click.Group, anywhere: Anywhere, ports: "Callable[[], Ports]") -> None:
    @user.command("scope")
    @click.argument("name")
    @click.option("--role", type=_A_ROLE, help="Another role.")
    @click.option("--area", "areas", multiple=True, help="All they may see from now on; may be given again.")
    @click.option("--whole-country", is_flag=True, help="They may see everything.")
    @anywhere
    @click.pass_obj
    def user_scope(given: Given, name: str, role: str | None, areas: tuple[str, ...], whole_country: bool) -> None:
        """Say what somebody may do and see, or change it; it holds from their next page on."""
        from collector import people

        if areas and whole_country:
            raise click.UsageError("Give --area or --whole-country, not both.")
        store = given.store()
        if role is None and not areas and not whole_country:
            found = people.require_user(store, name)
        else:
            found = people.set_scope(store, ports(), name, role=role, areas=areas if areas or whole_country else None)
        click.echo(f"{found.name} is {found.role} {people.scope_words(found.areas)}.")


def _add_audit(cli: click.Group, anywhere: Anywhere) -> None:
    @cli.command()
    @click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
    @anywhere
    @click.pass_obj
    def audit(given: Given, limit: int) -> None:
        """List who did what, the newest first."""
        from collector import people

        for one in people.list_deeds(given.store(), limit):
            words = (format_time(one.at_ms), one.actor, one.action, one.subject, one.detail)
            click.echo("  ".join(word for word in words if word))


def _password(ports: "Ports") -> tuple[str, str]:
    """Return a password and, if it was made here, the line that shows it."""
    from collector import people

    password = os.environ.get("ENLACE_PASSWORD", "")
    if not password and sys.stdin.isatty():
        password = click.prompt("Password (empty: one is made)", default="", hide_input=True, show_default=False)
        if password and click.prompt("Again", hide_input=True) != password:
            raise CollectorError("The two passwords differ.", do="Try again.", exit_code=ExitCode.USAGE)
    if password:
        return password, ""
    password = people.new_password(ports)
    return password, f"\nPassword, shown only now: {password}"
