"""The two ways out as ports: tests hand in what they like, `collector.real` has the ones with sockets."""

from collections.abc import Mapping
from email.message import EmailMessage
from typing import Protocol

from collector.domain.notice_delivery import Result


class Mailer(Protocol):
    """Hands one message to a mail server."""

    def send(self, message: EmailMessage, to: str) -> Result:
        """Send it to one mailbox and return what became of it; never raises for the world's faults."""


class Poster(Protocol):
    """Posts to a webhook."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Result:
        """Post once and return what became of it; never raises for the world's faults."""
