"""What the groups of commands have in common: each is a module beside this one with an `add_to`, called by `cli`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

if TYPE_CHECKING:
    from collector.config import CollectorConfig
    from collector.serve import Deployment
    from collector.store.open import Store

Command = TypeVar("Command", bound=Callable[..., Any])


class Place(click.Path):
    """A path; an empty one is a mistake, not the folder in which the command was entered."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if not str(value).strip():
            self.fail("it is empty.", param, ctx)
        return super().convert(value, param, ctx)


@dataclass
class Given:
    """What a command is given of the deployment, by `click.pass_obj`: the options that every command takes."""

    config_path: Path | None = None
    data: Path | None = None

    def config(self) -> "CollectorConfig":
        """Return the table `[collector]`."""
        from collector.config import load_collector

        return load_collector(self.config_path)

    def deployment(self) -> "Deployment":
        """Return files and configuration."""
        from collector.config import data_directory, load_testpoint
        from collector.serve import Deployment

        config = self.config()
        return Deployment(self.config_path, data_directory(self.data, config), config, load_testpoint(self.config_path))

    def store(self) -> "Store":
        """Return the open database."""
        return self.deployment().open_store()


class Anywhere(Protocol):
    """Gives a command the options that every command takes, wherever on the line they stand."""

    def __call__(self, command: Command) -> Command:
        """Return the command with them."""
