"""What an unwanted answer means."""

import json

import pytest

from agent.measure import faults
from agent.net.http1 import parse_response
from agent.wire.vocabulary import FailureCode, Phase


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


REASONS = [
    b'{"status":403,"detail":"expired access token: ask the collector for a new lease"}',
    b'{"status":403,"detail":"the bytes of this access token are used up: ask the collector for a new lease"}',
]


@pytest.mark.parametrize("body", REASONS)
def test_the_reason_of_a_refusal_travels(body: bytes) -> None:
    head = parse_response(b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json")
    fault = faults.of_status(head, "tp.example", body)
    assert json.loads(body)["detail"] in fault.as_failure(Phase.UPLOAD).detail


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"detail":7}', b'{"detail":"\xff"}', b'{"status":403}'])
def test_a_refusal_without_a_readable_reason_is_still_one(body: bytes) -> None:
    head = parse_response(b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json")
    assert faults.of_status(head, "tp.example", body).detail.endswith("(HTTP 403)")
