"""Whether tests in a browser are offered: where the pages stand beside the intake, which knows test point and keys."""

from typing import Final

from flask import Flask, abort, current_app

from collector.intake.parts import Parts

_EXTENSION: Final = "enlace_intake"


def install(app: Flask, parts: Parts | None) -> None:
    """Make the intake's parts known to the pages."""
    app.extensions[_EXTENSION] = parts


def is_offered() -> bool:
    """Return whether there is a test point to test against."""
    return current_app.extensions.get(_EXTENSION) is not None


def intake_parts() -> Parts:
    """Return the intake's parts, or end with "nothing is here"."""
    found: Parts | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        abort(404)
    return found
