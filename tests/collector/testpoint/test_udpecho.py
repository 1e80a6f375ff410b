"""UDP echo: the same bytes, the same size, never more."""

import socket

import pytest

from collector.testpoint.udpecho import UdpEcho
from tests.collector.testpoint.conftest import PATIENCE_S, running


@pytest.fixture
def client():
    with running() as (_, port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(("127.0.0.1", port))
        yield sock


@pytest.mark.parametrize("size", [1, 64, 512])
def test_small_packets_come_back_as_they_are(client, size):
    client.send(b"x" * size)
    assert client.recv(2000) == b"x" * size


def test_large_and_empty_packets_get_no_answer(client):
    client.send(bytes(513))
    client.send(b"")
    client.send(b"marker")
    assert client.recv(2000) == b"marker"


class FakeSocket:
    def __init__(self, packets):
        self.packets = packets
        self.answers = []

    def recvfrom(self, limit):
        if not self.packets:
            raise BlockingIOError
        data, peer = self.packets.pop(0)
        return data[:limit], peer

    def sendto(self, data, peer):
        self.answers.append((data, peer))


def test_every_address_has_its_rate():
    now = [0.0]
    sock = FakeSocket([(b"x", ("10.0.0.1", 5000))] * 50 + [(b"y", ("10.0.0.2", 5000))])
    echo = UdpEcho(sock, lambda: now[0], packets_per_second=10)
    echo.answer()
    assert [data for data, _ in sock.answers] == [b"x"] * 20 + [b"y"]
    now[0] = 1.0
    sock.packets = [(b"x", ("10.0.0.1", 5000))] * 50
    echo.answer()
    assert len(sock.answers) == 31


def test_services_that_answer_by_themselves_are_not_answered():
    sock = FakeSocket([(b"x", ("10.0.0.1", 7)), (b"x", ("10.0.0.1", 53))])
    UdpEcho(sock, lambda: 0.0, packets_per_second=10).answer()
    assert sock.answers == []


def test_one_turn_is_bounded():
    sock = FakeSocket([(b"x", (f"10.0.{n // 200}.{n % 200}", 5000)) for n in range(1000)])
    UdpEcho(sock, lambda: 0.0, packets_per_second=10).answer()
    assert 0 < len(sock.answers) < 1000
