"""Tokens and caps: refused with a status and a sentence, and counted over all connections together."""

import os
import socket
from contextlib import closing

import pytest
from nacl.signing import SigningKey

from agent.net import http1
from agent.wire.tokens import AccessClaims, make_access_token
from collector.testpoint import librespeed
from collector.testpoint import options as settings
from collector.testpoint.admission import Admission
from collector.testpoint.exchange import Context, Link, Outbox, Payload, Uploads
from collector.testpoint.ledger import Direction
from collector.testpoint.refusal import RefusedError
from tests.collector.testpoint.conftest import Client, Socket, measurements, running

KEY = SigningKey(bytes(range(32)))
OTHER_KEY = SigningKey(bytes(32))
DOWN, UP = Direction.DOWNLOAD, Direction.UPLOAD
NOW_MS = 1_764_000_000_000


class Times:
    def __init__(self):
        self.s = 100.0
        self.utc_ms = NOW_MS

    def advance(self, seconds):
        self.s += seconds
        self.utc_ms += round(seconds * 1000)


@pytest.fixture
def times():
    return Times()


def door(times, **options):
    options.setdefault("public_keys", (bytes(KEY.verify_key),))
    return Admission(settings.TestpointOptions(**options), now_s=lambda: times.s, utc_ms=lambda: times.utc_ms)


def token(*, key=KEY, exp_ms=NOW_MS + 300_000, max_bytes=0, jti="j1"):
    claims = AccessClaims(school="00123", lease_id="l1", exp_ms=exp_ms, max_bytes=max_bytes, jti=jti)
    return {"access_token": make_access_token(key, claims)}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 401),
        ({"access_token": "x"}, 403),
        ({"access_token": "é.ü"}, 403),
        (token(key=OTHER_KEY), 403),
        (token(exp_ms=NOW_MS), 403),
    ],
)
def test_without_a_valid_token_nothing_moves(times, query, status):
    with pytest.raises(RefusedError) as caught:
        door(times, open=False).admit("10.0.0.1", query, DOWN)
    assert caught.value.status == status
    assert caught.value.sentence


def test_a_token_is_spent_by_all_its_connections_together(times):
    admission = door(times, open=False)
    one = admission.admit("10.0.0.1", token(max_bytes=1000), DOWN)
    two = admission.admit("10.0.0.2", token(max_bytes=1000), DOWN)
    assert one.take(700) == 700
    assert two.take(700) == 300
    assert one.take(1) == 0
    with pytest.raises(RefusedError) as caught:
        admission.admit("10.0.0.1", token(max_bytes=1000), DOWN)
    assert caught.value.status == 403
    assert admission.admit("10.0.0.1", token(max_bytes=1000, jti="j2"), DOWN).left_bytes == 1000


def test_a_spent_token_stays_spent_until_it_has_expired(times):
    admission = door(times, open=False)
    query = token(max_bytes=10)
    admission.admit("a", query, DOWN).take(10)
    times.advance(299)
    with pytest.raises(RefusedError, match="used up"):
        admission.admit("a", query, DOWN)


def test_zero_means_no_cap(times):
    admission = door(times, open=False, max_bytes_per_address=0)
    assert admission.admit("a", token(max_bytes=0), DOWN).take(10**12) == 10**12


def test_an_address_has_its_bytes_and_gets_them_again(times):
    admission = door(times, max_bytes_per_address=1000, address_window_s=60)
    assert admission.admit("a", {}, DOWN).take(5000) == 1000
    with pytest.raises(RefusedError) as caught:
        admission.admit("a", {}, DOWN)
    assert caught.value.status == 429
    assert caught.value.retry_after_s == 60
    assert admission.admit("b", {}, DOWN).left_bytes == 1000
    times.advance(61)
    assert admission.admit("a", {}, DOWN).left_bytes == 1000


def test_a_full_test_point_names_a_time_to_come_back(times):
    admission = door(times, max_transfers=1, retry_after_s=7)
    first = admission.admit("a", {}, DOWN)
    with pytest.raises(RefusedError) as caught:
        admission.admit("b", {}, DOWN)
    assert (caught.value.status, caught.value.retry_after_s) == (503, 7)
    first.close()
    first.close()
    admission.admit("b", {}, DOWN)
    assert admission.transfers == 1


def test_connections_are_counted_per_address_and_together(times):
    admission = door(times, max_connections_per_address=2, max_connections=3)
    assert [admission.connected("a") for _ in range(3)] == [True, True, False]
    admission.disconnected("a")
    assert admission.connected("b")
    assert not admission.connected("c")


@pytest.fixture
def guarded():
    with running(open=False, public_keys=(bytes(KEY.verify_key),)) as (port, _):
        yield port


FAR_MS = 4_000_000_000_000


def test_over_the_network_a_refusal_is_one_line(guarded):
    for target, status in (
        ("/garbage", 401),
        ("/empty?access_token=abc", 403),
        ("/enlace/v1/received?upload_id=a", 401),
    ):
        with Client(guarded) as client:
            head, body, _ = client.get(target)
        assert head.status == status
        assert head.headers.get("content-type").startswith("text/plain")
        assert body.startswith(b"token ") and body.count(b"\n") == 1


def test_over_the_network_a_token_opens_and_caps(guarded):
    text = token(exp_ms=FAR_MS, max_bytes=150_000)["access_token"]
    with Client(guarded) as client:
        head, body, is_whole = client.get(f"/garbage?ckSize=1&access_token={text}")
        assert (head.status, len(body), is_whole) == (200, 150_000, True)
    with Client(guarded) as client:
        assert client.get(f"/garbage?ckSize=1&access_token={text}")[0].status == 403


def test_over_the_network_a_token_ends_a_websocket_download(guarded):
    text = token(exp_ms=FAR_MS, max_bytes=123_456)["access_token"]
    with Socket(guarded, f"/ndt/v7/download?access_token={text}") as client:
        last = measurements(client.messages())[-1]
    assert last["AppInfo"]["NumBytes"] == client.receiver.binary_bytes == 123_456


def test_an_upload_beyond_the_token_is_refused_before_it_is_sent(guarded):
    text = token(exp_ms=FAR_MS, max_bytes=1000)["access_token"]
    with Client(guarded) as client:
        client.send("POST", f"/empty?access_token={text}", ("Content-Length", "5000"))
        assert client.answer("POST")[0].status == 413


def test_health_needs_no_token(guarded):
    with Client(guarded) as client:
        assert client.get("/healthz")[0].status == 200


def asked(method, target, *headers):
    reader = http1.HeadReader()
    reader.feed(http1.format_request(method, target, [("Host", "a"), *headers]))
    return http1.parse_request(reader.head)


@pytest.fixture
def closed_point(times):
    options = settings.TestpointOptions(open=False, public_keys=(bytes(KEY.verify_key),), max_transfers=1)
    admission = Admission(options, now_s=lambda: times.s, utc_ms=lambda: times.utc_ms)
    return Context(options, admission, Payload(os.urandom, 1024), lambda: times.s, Uploads(), KEY)


@pytest.fixture
def link():
    with closing(socket.socket()) as sock:
        yield Link(sock, "10.0.0.1", Outbox(sock))


def test_whoever_is_refused_takes_no_place_among_the_counted_uploads(closed_point, link):
    for number in range(5_000):
        for open_it, method, target in (
            (librespeed.empty, "POST", f"/empty?upload_id=a{number}"),
            (librespeed.received, "GET", f"/enlace/v1/received?upload_id=b{number}"),
        ):
            with pytest.raises(RefusedError) as caught:
                open_it(asked(method, target, ("Content-Length", "5" if method == "POST" else "0")), link, closed_point)
            assert caught.value.status == 401
    assert closed_point.uploads.by_id == {}
    text = token()["access_token"]
    good = asked("POST", f"/empty?upload_id=good&access_token={text}", ("Content-Length", "5"))
    librespeed.empty(good, link, closed_point).received(memoryview(b"abcde"))
    assert closed_point.uploads.by_id["good"].received_bytes == 5


def test_an_upload_that_cannot_be_counted_gives_its_transfer_back(closed_point, link):
    closed_point.uploads.limit = 0
    text = token()["access_token"]
    with pytest.raises(RefusedError) as caught:
        librespeed.empty(
            asked("POST", f"/empty?upload_id=a&access_token={text}", ("Content-Length", "5")), link, closed_point
        )
    assert caught.value.status == 503
    assert closed_point.admission.transfers == 0
