"""What a request brings, read so that no text of it has a sign that databases refuse."""

from typing import Any

from flask import Flask, Request, abort
from werkzeug.datastructures import ImmutableMultiDict

NUL = "\0"


class _WithoutNul(ImmutableMultiDict[str, Any]):
    """Fields of an address or a form: no name and no text has a NUL, which PostgreSQL knows in no text."""

    def __init__(self, mapping: Any = None) -> None:
        given = ImmutableMultiDict(mapping)
        super().__init__([(_clean(name), _clean(value)) for name, value in given.items(multi=True)])


def _clean(value: Any) -> Any:
    return value.replace(NUL, "") if isinstance(value, str) and NUL in value else value


class _Readable(Request):
    parameter_storage_class = _WithoutNul


def install(app: Flask) -> None:
    """Let every page read requests so; a place in an address that has a NUL is none of ours."""
    app.request_class = _Readable

    @app.url_value_preprocessor
    def _no_such_place(_endpoint: str | None, places: dict[str, Any] | None) -> None:
        if any(isinstance(place, str) and NUL in place for place in (places or {}).values()):
            abort(404)
