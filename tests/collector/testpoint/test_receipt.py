"""Receipts over the network: what was counted, however the connections ended, signed, and the same every time."""

import json
import socket
import struct
import sys

import pytest

from agent.net.websocket import Opcode
from agent.wire import forms, receipts
from agent.wire.receipts import Receipt
from collector.testpoint import keyfile
from tests.collector.testpoint.conftest import Client, Socket, running
from tests.collector.testpoint.test_admission import FAR_MS, KEY, token

RID = "01a20da9-0003-7000-8000-000000000001"


def key_of(port: int) -> bytes:
    with Client(port) as client:
        said = json.loads(client.get("/enlace/v1/key")[1])
    assert said["server"] == "tp1"
    return forms.unb64url(said["public_key"], 32)


def receipt_of(port: int, query: str) -> str:
    with Client(port) as client:
        head, body, _ = client.get(f"/enlace/v1/receipt?{query}")
    assert head.status == 200
    text = json.loads(body)["receipt"]
    assert isinstance(text, str)
    return text


def read(port: int, query: str) -> Receipt:
    return receipts.read(receipt_of(port, query), [key_of(port)])


def cut(sock: socket.socket) -> None:
    """End with RST, as an agent does that has seen enough."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_it_says_what_moved(point: int) -> None:
    with Socket(point, f"/ndt/v7/download?bytes=300000&test={RID}") as client:
        list(client.messages())
        client.put(Opcode.CLOSE, b"\x03\xe8")
        assert client.is_closed()
    with Client(point) as client:
        client.send("POST", f"/empty?test={RID}", ("Content-Length", "50000"), body=bytes(50_000))
        client.answer("POST")
    said = read(point, f"test={RID}")
    assert (said.test, said.lease_id, said.server, said.address) == (RID, None, "tp1", "127.0.0.0/24")
    assert (said.download_bytes, said.upload_bytes) == (300_000, 50_000)
    assert said.download_ms < 60_000


def test_it_is_the_same_every_time_and_ends_the_test(point: int) -> None:
    with Client(point) as client:
        client.get(f"/garbage?bytes=1000&test={RID}")
    assert receipt_of(point, f"test={RID}") == receipt_of(point, f"test={RID}")
    with Client(point) as client:
        head, body, _ = client.get(f"/garbage?bytes=1000&test={RID}")
    assert (head.status, body) == (403, b"test ended: it has its receipt\n")
    for target in ("/enlace/v1/receipt?test=unknown", "/enlace/v1/receipt"):
        with Client(point) as client:
            assert client.get(target)[0].status == 404


LATE_BYTES = 2 * 65_536  # a receiver may let two segments, of the loopback's size, wait for their acknowledgement


@pytest.mark.skipif(sys.platform != "linux", reason="what the peer acknowledged is known on Linux only")
def test_a_download_that_was_cut_counts_what_was_acknowledged() -> None:
    with running(ndt7_duration_s=20) as (port, _):
        client = Socket(port, f"/ndt/v7/download?test={RID}")
        while client.receiver.binary_bytes < 2_000_000:
            list(client.receiver.feed(memoryview(client.more())))
        seen = client.receiver.binary_bytes
        cut(client.sock)
        said = read(port, f"test={RID}")
    assert said.download_bytes >= seen - LATE_BYTES
    assert said.download_bytes <= seen + (8 << 20)  # what the two kernels held


def test_an_upload_that_was_cut_counts_what_came() -> None:
    with running(ndt7_duration_s=20) as (port, _):
        client = Socket(port, f"/ndt/v7/upload?test={RID}&interval_ms=10")
        client.put(Opcode.BINARY, bytes(100_000))
        while True:
            message = client.until(Opcode.TEXT)
            if json.loads(message.payload)["AppInfo"]["NumBytes"] == 100_000:
                break
        cut(client.sock)
        assert read(port, f"test={RID}").upload_bytes == 100_000


def test_a_token_brings_its_lease_into_it() -> None:
    text = token(exp_ms=FAR_MS)["access_token"]
    with running(open=False, public_keys=(bytes(KEY.verify_key),)) as (port, _):
        with Client(port) as client:
            client.get(f"/garbage?bytes=1000&test={RID}&access_token={text}")
        with Client(port) as client:
            assert client.get(f"/enlace/v1/receipt?test={RID}")[0].status == 401
        with Client(port) as client:
            assert client.get(f"/enlace/v1/receipt?test=other&access_token={text}")[0].status == 403
        said = read(port, f"test={RID}&access_token={text}")
    assert (said.test, said.lease_id, said.download_bytes) == (RID, "l1", 1000)


def test_the_key_outlives_the_process(tmp_path) -> None:
    path = tmp_path / "point" / "receipt.key"
    keys = []
    for _ in range(2):
        with running(receipt_key_file=path) as (port, _):
            keys.append(key_of(port))
    assert keys[0] == keys[1]
    assert keyfile.read_public_keys(path.with_suffix(".pub")) == (keys[0],)
    assert path.stat().st_mode & 0o077 == 0
    with running() as (port, _):
        assert key_of(port) != keys[0]


def test_a_damaged_key_is_said_and_nobody_stops_measuring(tmp_path, caplog) -> None:
    path = tmp_path / "receipt.key"
    path.write_text("nonsense")
    with running(receipt_key_file=path) as (port, _), Client(port) as client:
        assert client.get("/garbage?bytes=10")[0].status == 200
    assert "holds no key" in caplog.text
    assert path.read_text() == "nonsense"


def test_a_receipt_cannot_be_posted_for(point: int) -> None:
    with Client(point) as client:
        client.send("POST", "/enlace/v1/receipt", ("Content-Length", "0"))
        assert client.answer("POST")[0].status == 405
