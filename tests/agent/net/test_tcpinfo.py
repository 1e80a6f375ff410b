"""The kernel's account of a connection, and its absence."""

import socket
import struct
import sys

import pytest

from agent.net import tcpinfo


@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
        with client, peer:
            yield client, peer


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is read on Linux only")
def test_both_sides_account_for_the_bytes(pair):
    client, peer = pair
    client.sendall(bytes(5000))
    left = 5000
    while left:
        left -= len(peer.recv(left))
    info = tcpinfo.read(peer)
    assert info is not None
    assert info.bytes_received == 5000
    sent = tcpinfo.read(client)
    assert sent is not None
    assert sent.rtt_us is not None


def test_a_closed_socket_has_no_account(pair):
    client, _ = pair
    client.close()
    assert tcpinfo.read(client) is None
    assert tcpinfo.read_bbr(client) is None


def test_a_short_structure_of_an_old_kernel_leaves_members_out():
    raw = bytearray(104)
    struct.pack_into("=I", raw, 68, 1234)
    info = tcpinfo.decode(bytes(raw))
    assert info is not None
    assert info.rtt_us == 1234
    assert info.bytes_acked is None
    assert tcpinfo.decode(b"") is None


def test_a_minimum_not_yet_measured_is_unknown():
    raw = bytearray(232)
    struct.pack_into("=I", raw, 148, 0xFFFFFFFF)
    info = tcpinfo.decode(bytes(raw))
    assert info is not None
    assert info.min_rtt_us is None


def test_an_unknown_algorithm_changes_nothing(pair):
    client, _ = pair
    before = tcpinfo.congestion_control(client)
    assert tcpinfo.set_congestion_control(client, "no-such-thing") == before
