"""Static files with their content in their address, so that browsers may keep them for a year."""

import gzip
import hashlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from flask import Flask, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

_FOLDER = Path(__file__).parents[1] / "static"
_TEXTS: Final = (".css", ".js", ".json", ".svg")


@cache
def version_of(name: str) -> str:
    """Return the first digits of the SHA-256 of a static file."""
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a static file; it changes whenever the file does."""
    return _address_of(request.root_path, name)


@cache
def _address_of(root: str, name: str) -> str:
    """Return the address below a root, made once: a list asks for the picture of its signs hundreds of times."""
    return url_for("static", filename=name, v=version_of(name))


def icon(name: str, class_: str = "icon") -> Markup:
    """Return a sign of the sprite, which says nothing to who does not see it."""
    return _icon_at(asset("sprite.svg"), name, class_)


@lru_cache(maxsize=500)
def _icon_at(sprite: str, name: str, class_: str) -> Markup:
    return Markup('<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
        class_, sprite, name
    )


@cache
def version_of_folder(name: str) -> str:
    """Return the first digits of the SHA-256 over all files of a folder of static files."""
    found = hashlib.sha256()
    for path in sorted((_FOLDER / name).iterdir()):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:12]


@cache
def names_in(folder: str, ending: str) -> tuple[str, ...]:
    """Return the static files of a folder that end so, in the order of their names."""
    return tuple(f"{folder}/{path.name}" for path in sorted((_FOLDER / folder).glob(f"*{ending}")))


@cache
def _packed(name: str) -> bytes:
    return gzip.compress((_FOLDER / name).read_bytes(), compresslevel=9, mtime=0)


def fill_packed(response: Response, packed: bytes) -> Response:
    """Put a compressed body into an answer; who takes no compressed one gets it unpacked."""
    if request.accept_encodings["gzip"]:
        response.headers["Content-Encoding"] = "gzip"
        response.set_data(packed)
    else:
        response.set_data(gzip.decompress(packed))
    return response


def install(app: Flask) -> None:
    """Send static texts compressed: outlines and scripts of the map are a third then."""

    @app.after_request
    def _compress(response: Response) -> Response:
        name = (request.view_args or {}).get("filename", "")
        if request.endpoint != "static" or response.status_code != 200 or not name.endswith(_TEXTS):
            return response
        response.headers.add("Vary", "Accept-Encoding")
        if request.accept_encodings["gzip"] and "Range" not in request.headers:
            response.close()  # the file: what is sent is kept in memory
            response.direct_passthrough = False
            etag, _ = response.get_etag()
            fill_packed(response, _packed(name))
            if etag:
                response.set_etag(f"{etag}-gzip")
                response.make_conditional(request)
        return response
