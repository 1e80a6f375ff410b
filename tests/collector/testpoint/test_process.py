"""The test point as a child process: it says its ports, and ends when it is told to or when it is alone."""

import multiprocessing
import os
import signal
import socket

from collector.testpoint import options as settings
from collector.testpoint.server import open_sockets
from tests.collector.testpoint.conftest import PATIENCE_S, Client
from tests.fakes.testpoint_process import run_process

CONTEXT = multiprocessing.get_context("spawn")


def start(**options):
    ours, childs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=run_process, args=(settings.TestpointOptions(**options), childs), daemon=True)
    process.start()
    childs.close()
    assert ours.poll(PATIENCE_S)
    return process, ours


def test_it_serves_and_ends_on_sigterm():
    process, channel = start()
    port, udp_port = channel.recv()
    assert port == udp_port
    with Client(port) as client:
        assert client.get("/healthz")[0].status == 200
        client.send("GET", "/garbage?ckSize=1024")
        process.terminate()
        process.join(PATIENCE_S)
    assert process.exitcode == 0
    channel.close()
    process.close()


def test_a_taken_port_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, channel = start(port=port)
        assert str(port) in channel.recv()
        process.join(PATIENCE_S)
    assert process.exitcode == 1
    channel.close()
    process.close()


def test_udp_can_have_a_port_of_its_own():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        wanted = probe.getsockname()[1]
    tcp, udp = open_sockets(settings.TestpointOptions(udp_port=wanted))
    with tcp, udp:
        assert udp.getsockname()[1] == wanted


def test_ctrl_c_is_an_orderly_end():
    process, channel = start()
    channel.recv()
    os.kill(process.pid, signal.SIGINT)
    process.join(PATIENCE_S)
    assert process.exitcode == 0
    channel.close()
    process.close()
