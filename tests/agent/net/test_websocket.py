"""WebSocket frames: what one side writes the other reads, at any split; bad frames end with a code, never a crash."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.net import http1, websocket
from agent.net.websocket import CloseCode, Opcode, ProtocolError, Receiver, UpgradeError

PROTOCOL = "net.measurementlab.ndt.v7"
masks = st.one_of(st.none(), st.binary(min_size=4, max_size=4))


def feed_in_pieces(receiver: Receiver, data: bytes, cuts: list[int]) -> list[websocket.Message]:
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [message for start, end in pairwise(marks) for message in receiver.feed(memoryview(data)[start:end])]


@given(
    st.lists(st.tuples(st.sampled_from(["text", "binary", "ping", "pong"]), st.binary(max_size=300)), max_size=8),
    masks,
    st.lists(st.integers(0, 4000), max_size=20),
)
def test_what_is_written_is_read_at_any_split(items, mask, cuts):
    data, small, bulk = b"", [], 0
    for kind, payload in items:
        opcode = Opcode[kind.upper()]
        if opcode is Opcode.TEXT:
            payload = payload.hex().encode()
        if opcode >= Opcode.CLOSE:
            payload = payload[:125]
        data += websocket.frame(opcode, payload, mask=mask)
        if opcode is Opcode.BINARY:
            bulk += len(payload)
        else:
            small.append((opcode, payload))
    receiver = Receiver(expects_mask=mask is not None)
    messages = feed_in_pieces(receiver, data, cuts)
    assert [(message.opcode, message.payload) for message in messages] == small
    assert receiver.binary_bytes == bulk
    assert receiver.wire_bytes == len(data)


@given(
    st.lists(st.binary(max_size=50), min_size=2, max_size=5),
    masks,
    st.sampled_from([Opcode.TEXT, Opcode.BINARY]),
    st.lists(st.integers(0, 900), max_size=20),
)
def test_control_frames_may_stand_between_fragments(parts, mask, kind, cuts):
    parts = [part.hex().encode() for part in parts]
    data = b""
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        opcode = kind if index == 0 else Opcode.CONTINUATION
        body = part if mask is None else websocket.apply_mask(part, mask)
        data += websocket.frame_header(opcode, len(part), mask=mask, fin=is_last) + body
        if not is_last:
            data += websocket.frame(Opcode.PING, b"p%d" % index, mask=mask)
    receiver = Receiver(expects_mask=mask is not None)
    messages = feed_in_pieces(receiver, data, cuts)
    pings = [message.payload for message in messages if message.opcode is Opcode.PING]
    texts = [message.payload for message in messages if message.opcode is Opcode.TEXT]
    assert pings == [b"p%d" % index for index in range(len(parts) - 1)]
    if kind is Opcode.TEXT:
        assert texts == [b"".join(parts)]
    else:
        assert (receiver.binary_bytes, receiver.binary_messages) == (len(b"".join(parts)), 1)


@given(st.binary(max_size=200), st.booleans(), st.lists(st.integers(0, 200), max_size=10))
def test_random_bytes_only_ever_raise_protocol_errors(data, expects_mask, cuts):
    try:
        feed_in_pieces(Receiver(expects_mask=expects_mask), data, cuts)
    except ProtocolError as error:
        assert error.sentence


def test_a_message_of_sixteen_mebibytes_is_counted_and_one_byte_more_refused():
    receiver = Receiver(expects_mask=False)
    receiver.feed(memoryview(websocket.frame_header(Opcode.BINARY, 1 << 24)))
    block = memoryview(bytes(1 << 20))
    for _ in range(16):
        receiver.feed(block)
    assert (receiver.binary_bytes, receiver.binary_messages) == (1 << 24, 1)
    with pytest.raises(ProtocolError) as caught:
        receiver.feed(memoryview(websocket.frame_header(Opcode.BINARY, (1 << 24) + 1)))
    assert caught.value.code is CloseCode.TOO_BIG


def test_fragments_cannot_add_up_beyond_the_limit():
    receiver = Receiver(expects_mask=False, message_limit_bytes=10)
    receiver.feed(memoryview(websocket.frame_header(Opcode.BINARY, 8, fin=False) + bytes(8)))
    with pytest.raises(ProtocolError):
        receiver.feed(memoryview(websocket.frame_header(Opcode.CONTINUATION, 8)))


@pytest.mark.parametrize(
    "data",
    [
        b"\xc2\x00",  # reserved bit
        b"\x83\x00",  # unknown opcode
        b"\x80\x00",  # continuation of nothing
        b"\x02\x00\x82\x00",  # a message inside a message
        b"\x09\x00",  # fragmented ping
        b"\x89\x7e\x00\x80",  # long ping
        b"\x82\x7e\x00\x7d",  # length not in its shortest form
        b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",  # length with the highest bit
        b"\x82\x80\x00\x00\x00\x00",  # masked, where it must not be
        b"\x88\x01\x00",  # half a close code
        b"\x88\x02" + struct.pack("!H", 1005),  # a code that is never sent
        b"\x81\x01\xff",  # not UTF-8
    ],
)
def test_breaches_of_the_protocol_are_named(data):
    with pytest.raises(ProtocolError):
        Receiver(expects_mask=False).feed(memoryview(data))


def test_a_server_refuses_unmasked_frames():
    with pytest.raises(ProtocolError):
        Receiver(expects_mask=True).feed(memoryview(b"\x82\x00"))


def test_close_carries_its_code_and_ends_reading():
    receiver = Receiver(expects_mask=False)
    data = websocket.close_frame(CloseCode.NORMAL, "ü" * 100) + b"garbage"
    (message,) = receiver.feed(memoryview(data))
    assert message.close_code == 1000
    assert receiver.is_closed
    (empty,) = Receiver(expects_mask=False).feed(memoryview(websocket.frame(Opcode.CLOSE, b"")))
    assert empty.close_code == CloseCode.NO_STATUS


def test_the_example_of_the_standard():
    assert websocket.accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    masked = websocket.frame(Opcode.TEXT, b"Hello", mask=bytes.fromhex("37fa213d"))
    assert masked == bytes.fromhex("818537fa213d7f9f4d5158")


def test_a_handshake_agrees_with_itself():
    request, accept = websocket.client_handshake(
        "localhost:1", "/ndt/v7/download?a=b", nonce=bytes(16), protocol=PROTOCOL
    )
    head = http1.parse_request(request[:-4])
    answer = websocket.server_handshake(websocket.check_upgrade(head, PROTOCOL), PROTOCOL)
    websocket.check_handshake(http1.parse_response(answer[:-4]), accept, PROTOCOL)
    with pytest.raises(UpgradeError):
        websocket.check_handshake(http1.parse_response(answer[:-4]), "other", PROTOCOL)


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"Upgrade: websocket", b"Upgrade: h2c", 426),
        (b"Version: 13", b"Version: 8", 426),
        (PROTOCOL.encode(), PROTOCOL.encode() + b", other", 400),
        (b"AAAAAAAAAAAAAAAAAAAAAA==", b"AAAA", 400),
        (b"GET", b"POST", 405),
    ],
)
def test_a_wrong_upgrade_is_refused_in_words(old, new, status):
    request, _ = websocket.client_handshake("localhost", "/ndt/v7/upload", nonce=bytes(16), protocol=PROTOCOL)
    assert old in request
    with pytest.raises(UpgradeError) as caught:
        websocket.check_upgrade(http1.parse_request(request.replace(old, new)[:-4]), PROTOCOL)
    assert caught.value.status == status
    assert caught.value.sentence
