"""What a request brings, read so that no text of it has a sign that databases refuse or that turns a page round."""

import re
from typing import Any, Final

from flask import Flask, Request, abort
from werkzeug.datastructures import ImmutableMultiDict

NUL = "\0"
_UNWANTED: Final = re.compile("[\0\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _Clean(ImmutableMultiDict[str, Any]):
    """Fields of an address or a form: no name and no text has a NUL, which PostgreSQL knows in no text.

    Nor a mark of direction: it is not seen, and turns round what stands behind it, so that one name passes for another.
    """

    def __init__(self, mapping: Any = None) -> None:
        given = ImmutableMultiDict(mapping)
        super().__init__([(_clean(name), _clean(value)) for name, value in given.items(multi=True)])


def _clean(value: Any) -> Any:
    return _UNWANTED.sub("", value) if isinstance(value, str) else value


class _Readable(Request):
    parameter_storage_class = _Clean


def install(app: Flask) -> None:
    """Let every page read requests so; a place in an address that has a NUL is none of ours."""
    app.request_class = _Readable

    @app.url_value_preprocessor
    def _no_such_place(_endpoint: str | None, places: dict[str, Any] | None) -> None:
        if any(isinstance(place, str) and NUL in place for place in (places or {}).values()):
            abort(404)
