"""What an unwanted answer means."""

import pytest

from agent.measure import faults
from agent.net.http1 import parse_response
from agent.wire.vocabulary import FailureCode


@pytest.mark.parametrize(
    ("status", "media", "code"),
    [
        ("200 OK", "text/html", FailureCode.PORTAL),
        ("200 OK", "application/json", FailureCode.PORTAL),
        ("302 Found", "text/html", FailureCode.PORTAL),
        ("511 Network Authentication Required", "text/html", FailureCode.PORTAL),
        ("401 Unauthorized", "text/plain", FailureCode.TOKEN_REFUSED),
        ("407 Proxy Authentication Required", "text/plain", FailureCode.PROXY_AUTH),
        ("503 Service Unavailable", "text/plain", FailureCode.SERVER_BUSY),
        ("404 Not Found", "text/html", FailureCode.HTTP_STATUS),
        ("500 Internal Server Error", "text/html", FailureCode.HTTP_STATUS),
    ],
)
def test_a_status_where_a_test_should_begin(status: str, media: str, code: FailureCode) -> None:
    head = parse_response(f"HTTP/1.1 {status}\r\nContent-Type: {media}".encode())
    assert faults.of_status(head, "tp.example").code is code
