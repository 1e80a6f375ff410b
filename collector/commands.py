"""What the groups of commands have in common: each is a module `*_commands` with an `add_to`, called by `cli`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collector.config import CollectorConfig
    from collector.serve import Deployment
    from collector.store.open import Store

Command = TypeVar("Command", bound=Callable[..., Any])


class Given(Protocol):
    """What a command is given of the deployment: by `click.pass_obj`, from the options that every command takes."""

    def config(self) -> "CollectorConfig":
        """Return the table `[collector]`."""

    def deployment(self) -> "Deployment":
        """Return files and configuration."""

    def store(self) -> "Store":
        """Return the open database."""


class Anywhere(Protocol):
    """Gives a command the options that every command takes, wherever on the line they stand."""

    def __call__(self, command: Command) -> Command:
        """Return the command with them."""
