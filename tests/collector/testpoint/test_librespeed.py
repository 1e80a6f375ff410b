"""LibreSpeed's addresses as foreign clients use them, and the receiver-side counts that only our agent asks for."""

import gzip
import json
import shutil
import subprocess
from itertools import product

import pytest

from agent.net import http1
from tests.collector.testpoint.conftest import Client, running

MIB = 1 << 20


def test_garbage_is_exact_and_incompressible(point):
    with Client(point) as client:
        head, body, is_whole = client.get("/garbage.php?ckSize=1&r=0.123")
        _, other, _ = client.get("/garbage.php?ckSize=1")
    assert (head.status, len(body), is_whole) == (200, MIB, True)
    assert len(gzip.compress(body, 1)) > 0.99 * MIB
    assert body != other


@pytest.mark.parametrize(
    ("query", "mebibytes"),
    [
        *((query, 4) for query in ("", "?ckSize", "?ckSize=", "?ckSize=x", "?ckSize=7x", "?ckSize[]=7", "?cksize=7")),
        *((f"?ckSize={number}", 4) for number in ("0", "000", "-3", "%2B7", "+7", "7.0", "1e3", "0x10", "%D9%A7")),
        *((f"?ckSize={number}", 7) for number in ("7", "007", "0000000000007", "%37")),
        *((f"?ckSize={number}", 1024) for number in ("1024", "1025", "99999", "9" * 10, "1" + "0" * 300)),
    ],
)
def test_chunk_size_is_what_the_reference_server_makes_of_it(point, query, mebibytes):
    with Client(point) as client:
        client.send("GET", "/garbage" + query)
        assert client.head().headers.get("content-length") == str(mebibytes * MIB)


@pytest.mark.parametrize(
    "path", [a + b + c for a, b, c in product(["/", "/backend/"], ["empty", "getIP"], ["", ".php"])]
)
def test_every_alias_answers_any_page(point, path):
    with Client(point) as client:
        head, _, _ = client.get(path + "?cors=true")
    assert head.status == 200
    assert head.headers.get("access-control-allow-origin") == "*"
    assert "no-store" in (head.headers.get("cache-control") or "")


def test_a_preflight_is_allowed(point):
    with Client(point) as client:
        client.send("OPTIONS", "/backend/empty.php", ("Access-Control-Request-Headers", "content-encoding"))
        head, _, _ = client.answer()
    assert head.status == 204
    assert "Content-Encoding" in (head.headers.get("access-control-allow-headers") or "")


def test_a_client_learns_its_address(point):
    with Client(point) as client:
        _, body, _ = client.get("/getIP.php?isp=true&distance=km")
    assert json.loads(body) == {"processedString": "127.0.0.1", "rawIspInfo": ""}


def test_uploads_of_both_framings_are_read_to_the_end_on_one_connection(point):
    body = bytes(300_000)
    with Client(point) as client:
        client.send("POST", "/empty.php", ("Content-Length", str(len(body))), body=body)
        head, text, _ = client.answer("POST")
        assert (head.status, text, head.headers.get("enlace-received")) == (200, b"", "300000")
        chunked = http1.chunk(body[:1000]) + http1.chunk(body[1000:]) + http1.LAST_CHUNK
        client.send("POST", "/backend/empty", ("Transfer-Encoding", "chunked"), body=chunked)
        head, text, _ = client.answer("POST")
        assert (head.status, text, head.headers.get("enlace-received")) == (200, b"", "300000")
        assert client.get("/empty.php")[0].status == 200


def test_nothing_is_answered_before_the_whole_body_came(point):
    with Client(point) as client:
        client.send("POST", "/empty", ("Content-Length", "10"), ("Expect", "100-continue"))
        assert client.head().status == 100
        client.sock.sendall(b"12345")
        client.sock.sendall(b"67890")
        assert client.answer("POST")[0].headers.get("enlace-received") == "10"


def test_two_requests_in_one_packet_are_answered_in_order(point):
    one = http1.format_request("GET", "/garbage?bytes=1000", [("Host", "a")])
    two = http1.format_request("GET", "/getIP", [("Host", "a")])
    with Client(point) as client:
        client.sock.sendall(one + two)
        assert len(client.answer()[1]) == 1000
        assert b"processedString" in client.answer()[1]


def test_our_own_agent_may_ask_for_an_exact_number_of_bytes(point):
    with Client(point) as client:
        assert len(client.get("/garbage?bytes=12345&cc=cubic")[1]) == 12345
    for wrong in ("bytes=0", "bytes=x", "bytes=1000&cc=vegas"):
        with Client(point) as client:
            assert client.get("/garbage?" + wrong)[0].status == 400


def test_the_sender_learns_what_arrived_while_it_sends():
    with running(measure_interval_s=0.01) as (port, _), Client(port) as counts, Client(port) as sender:
        counts.send("GET", "/enlace/v1/received?upload_id=one")
        assert counts.head().status == 200
        lines = iter(_lines(counts))
        assert next(lines) == {"elapsed_us": 0, "received_bytes": 0}
        sender.send("POST", "/empty.php?upload_id=one", ("Content-Length", "50000"), body=bytes(20_000))
        seen = [next(line for line in lines if line["received_bytes"] == 20_000)]
        sender.sock.sendall(bytes(30_000))
        assert sender.answer("POST")[0].headers.get("enlace-received") == "50000"
        sender.send("POST", "/empty.php?upload_id=one", ("Content-Length", "5"), body=b"abcde")
        seen.append(next(line for line in lines if line["received_bytes"] == 50_005))
    assert 0 < seen[0]["elapsed_us"] < seen[1]["elapsed_us"]


def _lines(client):
    reader, body = http1.BodyReader.of_request(_chunked()), bytearray()
    while True:
        data = client.more()
        assert data
        reader.feed(memoryview(data), body)
        *whole, last = bytes(body).split(b"\n")
        body[:] = last
        yield from (json.loads(line) for line in whole)


def _chunked():
    return http1.parse_request(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked")


def test_an_upload_id_has_a_form(point):
    for target in ("/enlace/v1/received", "/enlace/v1/received?upload_id=a%20b", "/enlace/v1/received?upload_id="):
        with Client(point) as client:
            assert client.get(target)[0].status == 400


def test_what_does_not_exist_is_said_in_a_sentence(point):
    with Client(point) as client:
        head, body, _ = client.get("/results/telemetry.php")
    assert head.status == 404
    assert body == b"there is nothing at this address of the test point\n"


def test_health_and_greeting(point):
    with Client(point) as client:
        assert json.loads(client.get("/healthz")[1])["status"] == "ok"
        assert b"test point" in client.get("/")[1]


def test_the_addresses_of_speedtest_mini(point):
    with Client(point) as client:
        assert client.get("/speedtest/upload.php")[1].startswith(b"size=")
        assert client.get("/speedtest/latency.txt?x=1")[1] == b"test=test\n"
        assert len(client.get("/speedtest/random350x350.jpg?x=1.0")[1]) == 245_000
        client.send("POST", "/speedtest/upload.php", ("Content-Length", "7"), body=b"content")
        assert client.answer("POST")[1] == b"size=7"
    with Client(point) as client:
        assert client.get("/speedtest/random9999x9999.jpg")[0].status == 404


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed (tests/tools.sh)")
def test_curl_downloads_and_uploads(point, tmp_path):
    file = tmp_path / "garbage"
    url = f"http://127.0.0.1:{point}"
    subprocess.run(["curl", "-sS", "-o", file, f"{url}/garbage.php?ckSize=1"], check=True, timeout=60)
    data = file.read_bytes()
    assert len(data) == MIB
    assert len(gzip.compress(data)) > 0.99 * MIB
    sent = subprocess.run(
        ["curl", "-sS", "-i", "--data-binary", f"@{file}", f"{url}/empty.php"],
        check=True,
        timeout=60,
        capture_output=True,
    )
    assert b"200 OK" in sent.stdout
    assert b"Enlace-Received: 1048576" in sent.stdout
