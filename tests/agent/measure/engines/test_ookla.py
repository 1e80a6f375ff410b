"""The ookla engine: the real speedtest-cli in its child, offline; what it may cost, how it ends, what is recorded.

speedtest-cli asks www.speedtest.net before anything else. A web proxy on loopback, which the environment prescribes,
leads it to a few lines that answer in its place, over TLS with a certificate of the test's own.
"""

import re
import select
import socket
import sys
import threading
import time
import urllib.error
from contextlib import suppress

import msgspec
import pytest

from agent.errors import EnlaceError
from agent.measure import session
from agent.measure.engines import ookla
from agent.measure.engines.ookla import Ookla
from agent.measure.engines.ookla_child import HOME, PIECE_BYTES, Meter, Order, Told, fault_of
from agent.measure.faults import WorldError
from agent.measure.servers import addresses
from agent.wire.vocabulary import Confidence, EngineName, FailureCode, Phase, Status, StopReason
from tests.agent.measure.world import plan, ports
from tests.fakes import certificates
from tests.fakes.scripted_server import ScriptedServer

OOKLA = EngineName.OOKLA
CONFIG = b"""<?xml version="1.0" encoding="UTF-8"?>
<settings><client ip="127.0.0.1" lat="0.0" lon="0.0" isp="none"/><server-config threadcount="2" ignoreids=""/>
<download testlength="9" threadsperurl="2"/><upload testlength="9" ratio="3" maxchunkcount="20" threads="2"/></settings>
"""
_IMAGE = re.compile(r"/speedtest/random(\d+)x\d+\.jpg")


def mini(visit):
    """A Speedtest Mini server."""
    path = visit.head.path
    if _IMAGE.fullmatch(path):
        visit.answer(200, bytes(2 * int(_IMAGE.fullmatch(path)[1]) ** 2), "image/jpeg")
    elif path == "/speedtest/latency.txt":
        visit.answer(200, b"test=test\n", "text/plain")
    elif path == "/speedtest/upload.php":
        visit.answer(200, b"size=%d" % visit.read_body(), "text/plain")
    else:
        visit.answer(200, b'upload_extension: "php"', "text/plain")
    return True


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Lead www.speedtest.net to a script on loopback; return how to set it, and which hosts were asked for."""
    path = certificates.write(tmp_path, hosts=(HOME,))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    scripts = {"home": lambda visit: bool(visit.answer(200, CONFIG, "text/xml")) or True}
    asked = []

    def proxy(visit):
        assert visit.head.method == "CONNECT"
        asked.append(visit.head.target)
        visit.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with socket.create_connection(("127.0.0.1", inner.port)) as far:
            _pump(visit.sock, far)
        return False

    with (
        ScriptedServer(lambda visit: scripts["home"](visit), certificates.server_context(path)) as inner,
        ScriptedServer(proxy) as outer,
    ):
        monkeypatch.setenv("https_proxy", outer.url)
        yield scripts, asked


def _pump(near, far):
    ends = {near: far, far: near}
    while True:
        for sock in select.select(list(ends), [], [])[0]:
            data = sock.recv(1 << 16)
            if not data:
                return
            ends[sock].sendall(data)


def measure(entries=(), **more):
    caps = {"max_bytes_download": 4_000_000, "max_bytes_upload": 1_000_000}
    return session.run(plan("http://x", engine=OOKLA, servers=entries, **{**caps, **more}), ports())


def test_a_whole_measurement_by_the_real_tool_within_its_caps(home):
    _, asked = home
    with ScriptedServer(mini) as server:
        record = measure(addresses.servers_from_url(server.url, OOKLA))
    assert record.failure is None
    assert (record.engine.name, record.engine.version, record.engine.protocol) == (OOKLA, "2.1.3", "speedtest.net")
    assert record.server.id == f"127.0.0.1:{server.port}"
    for direction, cap in ((record.download, 4_000_000), (record.upload, 1_000_000)):
        assert 0 < direction.bytes < direction.wire_bytes_est <= cap
        assert direction.bps > 0
        assert (direction.stop_reason, direction.lower_bound) == (StopReason.BUDGET, True)
        assert direction.confidence is Confidence.LOW
    assert record.upload.method is None  # nobody has said what arrived
    assert record.idle is None  # its latency is not one of ours
    assert any(tag.startswith("ookla_ping_ms=") for tag in record.tags)
    assert set(asked) == {f"{HOME}:443"}


def test_the_nearest_of_speedtest_net(home):
    scripts, _ = home

    def script(visit):
        if visit.head.path == "/speedtest-servers-static.php":
            url = f"http://127.0.0.1:{server.port}/speedtest/upload.php"
            entry = f'<server url="{url}" lat="1" lon="1" name="N" id="4242"/>'
            body = f"<settings><servers>{entry}</servers></settings>".encode()
            visit.answer(200, body, "text/xml")
        else:
            visit.answer(200, CONFIG if visit.head.path == "/speedtest-config.php" else b"", "text/xml")
        return True

    scripts["home"] = script
    with ScriptedServer(mini) as server:
        record = measure()
    assert record.failure is None
    assert record.server.id == f"{HOME}:4242"
    assert record.surroundings.proxy is not False


def test_its_own_length_is_its_end(home):
    with ScriptedServer(mini) as server:
        (entry,) = addresses.servers_from_url(server.url, OOKLA)
        seen = []
        foreign = Ookla(entry, Order(length_s=1), seen.append)
        foreign.run(lambda: False)
    assert foreign.download.stop_reason is StopReason.TIME
    assert foreign.download.lower_bound is False
    assert Phase.DOWNLOAD in {step.phase for step in seen}
    assert max(step.current_bps for step in seen) > 0


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, FailureCode.TOKEN_REFUSED), (429, FailureCode.SERVER_BUSY), (500, FailureCode.HTTP_STATUS)],
)
def test_what_speedtest_net_refuses(home, status, code):
    scripts, _ = home
    scripts["home"] = lambda visit: bool(visit.answer(status)) or True
    record = measure()
    assert (record.status, record.failure.code) == (Status.FAILED, code)
    assert record.download is None


def test_no_mini_server_is_said_in_words(home):
    with ScriptedServer(lambda visit: bool(visit.answer(404)) or True) as server:
        record = measure(addresses.servers_from_url(server.url, OOKLA))
    assert record.failure.code is FailureCode.PROTOCOL
    assert "speedtest-cli" in record.failure.detail


def test_it_can_be_called_off_and_leaves_nothing_behind(home):
    cancelled = threading.Event()
    with ScriptedServer(mini) as server:
        wish = plan("http://x", engine=OOKLA, servers=addresses.servers_from_url(server.url, OOKLA))
        before = threading.active_count()
        record = session.run(wish, ports(), on_progress=lambda _step: cancelled.set(), cancelled=cancelled)
    assert (record.status, record.failure.code) == (Status.INTERRUPTED, FailureCode.CANCELLED)
    assert record.failure.phase is Phase.DOWNLOAD
    assert threading.active_count() <= before + 60


# The child in other hands -----------------------------------------------------------------------------------------


def scripted_child(code):
    return [sys.executable, "-c", code]


@pytest.fixture
def entry():
    with ScriptedServer(mini) as server:
        yield addresses.servers_from_url(server.url, OOKLA)[0]


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("", "without a word"),
        ("print('nonsense')", "cannot be read"),
        ('print(\'{"event":"fault","code":"dns","detail":"no name"}\')', "no name"),
        ('print(\'{"event":"fault"}\')', ""),
    ],
)
def test_a_child_that_dies_or_babbles(entry, code, word):
    with pytest.raises(WorldError) as caught:
        Ookla(entry, Order(), lambda _step: None, scripted_child(code)).run(lambda: False)
    assert word in caught.value.detail


def test_a_child_that_does_not_end_is_ended(entry, monkeypatch, tmp_path):
    monkeypatch.setattr(ookla, "LIMIT_S", 0.3)
    pid_file = tmp_path / "pid"
    code = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    begun_s = time.monotonic()
    with pytest.raises(WorldError) as caught:
        Ookla(entry, Order(), lambda _step: None, scripted_child(code)).run(lambda: False)
    assert caught.value.code is FailureCode.STALLED
    assert time.monotonic() - begun_s < 60
    if pid_file.exists():
        assert not _is_alive(int(pid_file.read_text()))


def test_a_child_that_takes_no_order_is_ended(entry, tmp_path):
    pid_file = tmp_path / "pid"
    code = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); os.close(0); time.sleep(600)"
    longer_than_a_pipe = msgspec.structs.replace(entry, url=f"{entry.url}/{'x' * 1_000_000}")
    with pytest.raises(WorldError) as caught:
        Ookla(longer_than_a_pipe, Order(), lambda _step: None, scripted_child(code)).run(lambda: False)
    assert caught.value.code is FailureCode.CLIENT_LIMITED
    assert not _is_alive(int(pid_file.read_text()))


def _is_alive(pid):
    import os

    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_child_that_cannot_be_started(entry):
    with pytest.raises(WorldError) as caught:
        Ookla(entry, Order(), lambda _step: None, ["/nowhere/at/all"]).run(lambda: False)
    assert caught.value.code is FailureCode.CLIENT_LIMITED


# Pieces -----------------------------------------------------------------------------------------------------------


def test_the_meter_stops_at_the_cap_and_not_before():
    told = []
    meter = Meter(told.append)
    meter.begin(Phase.DOWNLOAD, 3 * PIECE_BYTES + 5)
    assert [meter.isSet() for _ in range(5)] == [False, False, False, True, True]
    assert meter.is_capped
    meter.begin(Phase.UPLOAD, 0)
    assert not any(meter.isSet() for _ in range(1000))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (urllib.error.HTTPError("u", 503, "", None, None), FailureCode.SERVER_BUSY),
        (RuntimeError(urllib.error.URLError(ConnectionRefusedError(111, "refused"))), FailureCode.CONNECT_REFUSED),
        (RuntimeError(urllib.error.URLError(socket.gaierror(-2, "unknown"))), FailureCode.DNS),
        (RuntimeError(TimeoutError("slow")), FailureCode.CONNECT_TIMEOUT),
        (RuntimeError("any\nthing " * 100), FailureCode.PROTOCOL),
        (RuntimeError(), FailureCode.PROTOCOL),
        (KeyError("client"), FailureCode.PROTOCOL),
    ],
)
def test_what_the_library_raises_has_a_word(error, code):
    fault = fault_of(error)
    assert fault.code is code
    assert fault.detail


def test_the_cost_is_said_before():
    assert "1.25 MB for every Mbit/s" in ookla.cost(0, 0)
    assert "no cap" in ookla.cost(0, 0)
    assert "50 MB down and 25 MB up" in ookla.cost(50 * 10**6, 25 * 10**6)


def test_no_cap_stays_no_cap():
    assert ookla.order_within(0, 0) == Order()
    assert 0 < ookla.order_within(1_000_000, 0).max_bytes_download < 1_000_000


def test_auto_never_asks_a_third_party():
    own = addresses.servers_from_url("http://tp.example", None)
    assert addresses.in_order([addresses.SPEEDTEST_NET, *own], None) == list(own)
    assert addresses.given_or_home(own, None) == own
    assert addresses.given_or_home(own, EngineName.NDT7) == own
    assert addresses.given_or_home((), None) == ()
    assert addresses.given_or_home(own, OOKLA) == (addresses.SPEEDTEST_NET,)
    with pytest.raises(EnlaceError):
        addresses.servers_from_url("wss://tp.example", OOKLA)


def test_events_carry_only_what_they_say():
    assert msgspec.json.encode(Told(event="server", server_id="1")) == b'{"event":"server","server_id":"1"}'
    assert msgspec.json.decode(b'{"event":"done","new":1}', type=Told).event == "done"
