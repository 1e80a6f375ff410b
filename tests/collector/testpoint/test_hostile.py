"""Clients that are slow, rude or many: each gets a sentence or a closed connection, and nobody else notices."""

import logging
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.testpoint.conftest import Client, running


@pytest.fixture(scope="module")
def lasting():
    with running(head_timeout_s=0.2) as (port, _):
        yield port


@given(data=st.binary(min_size=1, max_size=200))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_never_break_the_server(lasting, data):
    with Client(lasting) as client:
        client.sock.sendall(data)
        client.sock.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    with Client(lasting) as client:
        assert client.get("/healthz")[0].status == 200


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 17_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 17_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"POST /empty HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /empty HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /empty HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"DELETE /empty HTTP/1.1\r\n\r\n", 405),
        (b"POST /garbage HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
    ],
)
def test_bad_requests_get_one_line_each(point, data, status, caplog):
    caplog.set_level(logging.DEBUG)
    with Client(point) as client:
        client.sock.sendall(data)
        assert client.answer()[0].status == status
        assert client.is_closed()
    assert not [record for record in caplog.records if record.exc_info]
    assert len([record for record in caplog.records if f" {status} " in record.getMessage()]) == 1


def test_a_head_that_dribbles_is_cut_off():
    with running(head_timeout_s=0.1) as (port, _), Client(port) as slow, Client(port) as silent:
        slow.sock.sendall(b"GET / HT")
        assert slow.answer()[0].status == 408
        assert silent.is_closed()


def test_a_body_that_stops_is_cut_off():
    with running(stall_timeout_s=0.1) as (port, _), Client(port) as client:
        client.send("POST", "/empty", ("Content-Length", "1000"), body=b"x")
        assert client.is_closed()


def test_a_reader_that_does_not_read_is_cut_off_and_frees_its_place():
    with running(stall_timeout_s=0.1, max_transfers=1) as (port, _), Client(port) as greedy:
        greedy.send("GET", "/garbage?ckSize=1024")
        greedy.head()
        while True:
            with Client(port) as client:
                if client.get("/garbage?ckSize=1")[0].status == 200:
                    break
        assert greedy.is_closed()


def test_a_transfer_that_takes_too_long_is_cut_off():
    with running(transfer_timeout_s=0.1) as (port, _), Client(port) as client:
        client.send("POST", "/empty", ("Content-Length", "1000"), body=b"x")
        assert client.answer("POST")[0].status == 408


def test_too_many_connections_are_turned_away_with_a_time():
    with running(max_connections_per_address=1, retry_after_s=9) as (port, _), Client(port) as first:
        assert first.get("/healthz")[0].status == 200
        with Client(port) as second:
            head, _, _ = second.answer()
        assert (head.status, head.headers.get("retry-after")) == (503, "9")
        assert first.get("/healthz")[0].status == 200


def test_too_many_transfers_are_turned_away_with_a_time():
    with running(max_transfers=1, retry_after_s=9) as (port, _), Client(port) as first, Client(port) as second:
        first.send("GET", "/garbage?ckSize=1024")
        first.head()
        head, body, _ = second.get("/garbage")
        assert (head.status, head.headers.get("retry-after")) == (503, "9")
        assert b"busy" in body
