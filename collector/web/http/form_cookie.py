"""The cookie that holds the tokens of forms: looked for only where a request has a cookie at all."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class FormCookie(SecureCookieSessionInterface):
    """Flask's own, but what sends no cookie costs nothing: devices never do, and come many times a second."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie holds, and nothing where there is none."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)
