"""A test point in a thread, and the smallest clients that can talk to it."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent.net import http1, websocket
from collector.testpoint import options as settings
from collector.testpoint.server import serve

PROTOCOL = "net.measurementlab.ndt.v7"
PATIENCE_S = 30.0  # only ever waited when something is broken


@contextmanager
def running(**options) -> Iterator[tuple[int, int]]:
    """A test point on free ports: (TCP, UDP)."""
    stop, ports = threading.Event(), queue.Queue()
    thread = threading.Thread(
        target=serve,
        args=(settings.TestpointOptions(**options),),
        kwargs={"stop": stop, "on_ready": lambda tcp, udp: ports.put((tcp, udp))},
    )
    thread.start()
    try:
        yield ports.get(timeout=PATIENCE_S)
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.fixture
def point():
    with running() as (port, _):
        yield port


class Client:
    """A blocking HTTP/1.1 client on one connection."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, method, target, *headers, body=b""):
        head = http1.format_request(method, target, [("Host", "localhost"), *headers])
        self.sock.sendall(head + body)

    def more(self):
        data = self.rest or self.sock.recv(1 << 18)
        self.rest = b""
        return data

    def head(self):
        reader = http1.HeadReader()
        while True:
            data = self.more()
            assert data, "the server closed instead of answering"
            rest = reader.feed(data)
            if rest is not None:
                self.rest = rest
                return http1.parse_response(reader.head)

    def answer(self, method="GET"):
        """(head, body, whether the body is whole)."""
        head = self.head()
        reader, body = http1.BodyReader.of_response(head, method), bytearray()
        while not reader.is_done:
            data = self.more()
            if not data:
                break
            self.rest = data[reader.feed(memoryview(data), body) :]
        return head, bytes(body), reader.finish()

    def get(self, target, *headers):
        self.send("GET", target, *headers)
        return self.answer()

    def is_closed(self):
        """Wait for the end of the connection; whatever comes before is thrown away."""
        try:
            while self.sock.recv(1 << 16):
                pass
        except ConnectionError:
            pass
        return True


class Socket(Client):
    """A blocking WebSocket client."""

    def __init__(self, port, target):
        super().__init__(port)
        request, accept = websocket.client_handshake("localhost", target, nonce=bytes(16), protocol=PROTOCOL)
        self.sock.sendall(request)
        self.upgraded = self.head()
        websocket.check_handshake(self.upgraded, accept, PROTOCOL)
        self.receiver = websocket.Receiver(expects_mask=False)

    def put(self, opcode, payload):
        self.sock.sendall(websocket.frame(opcode, payload, mask=b"abcd"))

    def messages(self):
        """All small messages until a Close or the end."""
        while not self.receiver.is_closed:
            data = self.more()
            if not data:
                return
            yield from self.receiver.feed(memoryview(data))

    def until(self, opcode):
        return next(message for message in self.messages() if message.opcode is opcode)


def measurements(messages):
    return [json.loads(message.payload) for message in messages if message.opcode is websocket.Opcode.TEXT]
