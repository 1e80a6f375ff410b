"""Headers that every page answers with, in one place."""

from typing import Final

from flask import Flask, Response, request

# No script or style but our own files, nothing from anybody else, in no frame of anybody else.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_YEAR_S = 365 * 86_400


def install(app: Flask, pages: frozenset[str]) -> None:
    """Set the headers on answers of pages and static files; what devices call has its own."""

    @app.after_request
    def _set(response: Response) -> Response:
        if request.endpoint == "static":
            if response.status_code in (200, 304) and "v" in request.args:
                response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
        elif request.endpoint is None or request.blueprint in pages:
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers.add("Vary", "Cookie, Accept-Language")
        else:
            return response
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"
        return response
