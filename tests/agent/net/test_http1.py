"""Heads and bodies of HTTP/1.1: exact, at any split, and never more than one sentence about bad bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.net import http1
from agent.net.http1 import BodyReader, HeadReader, HttpError

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20).map(str.strip)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(marks)]


def read_body(reader: BodyReader, parts: list[bytes]) -> tuple[bytes, bytes]:
    kept, rest = bytearray(), b""
    for part in parts:
        used = reader.feed(memoryview(part), kept)
        rest += part[used:]
    return bytes(kept), rest


@given(st.lists(st.tuples(names, values), max_size=8), st.binary(max_size=20), st.lists(st.integers(0, 400)))
def test_a_request_head_comes_back_at_any_split(headers, rest, cuts):
    data = http1.format_request("GET", "/garbage.php?ckSize=1&r=0.5", headers) + rest
    reader, after = HeadReader(), b""
    is_complete = False
    for part in pieces(data, cuts):
        if is_complete:
            after += part
        elif (tail := reader.feed(part)) is not None:
            is_complete, after = True, tail
    head = http1.parse_request(reader.head)
    assert after == rest
    assert (head.method, head.path, head.query) == ("GET", "/garbage.php", {"ckSize": "1", "r": "0.5"})
    assert head.headers.pairs == tuple(headers)


@given(st.binary(max_size=300))
def test_bad_heads_raise_one_kind_of_error(data):
    reader = HeadReader()
    try:
        if reader.feed(data + b"\r\n\r\n") is not None:
            http1.parse_request(reader.head)
    except HttpError as error:
        assert error.status in (400, 431, 505)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET  / HTTP/1.1", 400),
        (b"GET / HTTP/2.0", 400),
        (b"GET / HTTP/1.1\r\nA : b", 400),
        (b"GET / HTTP/1.1\r\n folded: b", 400),
        (b"GET / HTTP/1.1\r\nA: b\0c", 400),
        (b"GET http://[bad/ HTTP/1.1", 400),
        (b"GET /?" + b"&".join(b"a%d=1" % n for n in range(65)) + b" HTTP/1.1", 400),
    ],
)
def test_malformed_requests_are_refused(head, status):
    with pytest.raises(HttpError) as caught:
        http1.parse_request(head)
    assert caught.value.status == status


def test_a_head_has_a_limit_even_without_an_end():
    reader = HeadReader(limit_bytes=100)
    with pytest.raises(HttpError) as caught:
        for _ in range(20):
            reader.feed(b"A: 12345\r\n")
    assert caught.value.status == 431


def test_a_bare_newline_is_refused_at_once():
    with pytest.raises(HttpError):
        HeadReader().feed(b"GET / HTTP/1.1\nHost: a\n\n")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.binary(max_size=9), st.lists(st.integers(0, 400)))
def test_a_chunked_body_comes_back_at_any_split(parts, rest, cuts):
    data = b"".join(http1.chunk(part) for part in parts) + http1.LAST_CHUNK + rest
    head = http1.parse_request(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked")
    reader = BodyReader.of_request(head)
    body, after = read_body(reader, pieces(data, cuts))
    assert (body, after, reader.is_done) == (b"".join(parts), rest, True)
    assert reader.received == len(body)


@given(st.binary(max_size=60), st.binary(max_size=9), st.lists(st.integers(0, 100)))
def test_a_body_of_known_length_leaves_the_rest(body, rest, cuts):
    reader = BodyReader.of_length(len(body))
    assert read_body(reader, pieces(body + rest, cuts)) == (body, rest)
    assert reader.is_done


@given(st.binary(max_size=200))
def test_bad_chunks_raise_one_kind_of_error(data):
    reader = BodyReader.of_request(http1.parse_request(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked"))
    try:
        reader.feed(memoryview(data))
    except HttpError as error:
        assert error.status == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked", 400),
        (b"Content-Length: 3\r\nContent-Length: 4", 400),
        (b"Content-Length: +3", 400),
        (b"Content-Length: 99999999999999999999", 400),
        (b"Transfer-Encoding: gzip, chunked", 501),
    ],
)
def test_ambiguous_lengths_are_refused(fields, status):
    head = http1.parse_request(b"POST / HTTP/1.1\r\n" + fields)
    with pytest.raises(HttpError) as caught:
        BodyReader.of_request(head)
    assert caught.value.status == status


def test_an_answer_without_length_lasts_until_the_end():
    head = http1.parse_response(b"HTTP/1.1 200 OK\r\nConnection: close")
    reader = BodyReader.of_response(head, "GET")
    reader.feed(memoryview(b"abc"))
    assert not reader.is_done
    assert reader.finish()
    assert reader.received == 3


def test_a_cut_answer_is_not_whole():
    reader = BodyReader.of_response(http1.parse_response(b"HTTP/1.1 200 OK\r\nContent-Length: 5"), "GET")
    reader.feed(memoryview(b"abc"))
    assert not reader.finish()


def test_nothing_can_be_smuggled_into_a_head():
    with pytest.raises(ValueError, match="cannot be sent"):
        http1.format_response(200, [("A", "b\r\nC: d")])
    with pytest.raises(ValueError, match="request line"):
        http1.format_request("GET", "/a b", [])


def test_keep_alive_follows_version_and_header():
    assert http1.parse_request(b"GET / HTTP/1.1").keeps_alive
    assert not http1.parse_request(b"GET / HTTP/1.0").keeps_alive
    assert not http1.parse_request(b"GET / HTTP/1.1\r\nConnection: Close").keeps_alive


@pytest.mark.parametrize(
    ("target", "path"),
    [(b"//a/b?x=1", "//a/b"), (b"http://host:1/a?x=1", "/a"), (b"http://host", "/"), (b"/a?x=//b?c", "/a")],
)
def test_targets_of_either_form_are_split(target, path):
    assert http1.parse_request(b"GET " + target + b" HTTP/1.1").path == path
