"""Every word for a failure that the way to a server can produce, each by what causes it."""

import os
import resource
import socket
from contextlib import ExitStack, contextmanager

import pytest

from agent.measure import session
from agent.measure.faults import WorldError
from agent.measure.servers import addresses
from agent.measure.sockets import dial
from agent.wire.vocabulary import EngineName, FailureCode, Phase, Status
from tests.agent.measure.world import plan, ports
from tests.fakes import certificates
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer

NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED
CAP = {"max_bytes_download": 3_000_000, "max_bytes_upload": 1_000_000}


def measure(url, engine=NDT7):
    return session.run(plan(url, engine, **CAP), ports())


def preflight_code(url, engine=NDT7):
    record = measure(url, engine)
    assert record.status is Status.FAILED
    assert record.failure.phase is Phase.PREFLIGHT
    assert record.failure.detail
    assert record.download is None
    return record.failure.code


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """Trust a certificate as the operating system's store would."""

    def trust(path):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        return certificates.server_context(path)

    return trust


@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_a_whole_measurement_over_tls(tmp_path, trusted, engine):
    script = scripted.foreign_ndt7 if engine is NDT7 else scripted.foreign_librespeed()
    with ScriptedServer(script, trusted(certificates.write(tmp_path))) as server:
        record = measure(server.url.replace("https", "wss") if engine is NDT7 else server.url, engine)
    assert record.failure is None
    assert record.server.scheme == ("wss" if engine is NDT7 else "https")
    assert record.download.bytes > 0
    assert record.upload.bytes > 0


def test_a_certificate_that_nobody_vouches_for(tmp_path, trusted):
    with ScriptedServer(scripted.foreign_ndt7, certificates.server_context(certificates.write(tmp_path))) as server:
        trusted(certificates.write(tmp_path, from_year=2021))
        assert preflight_code(server.url) is FailureCode.TLS_UNTRUSTED


@pytest.mark.parametrize(("from_year", "to_year"), [(2001, 2002), (2120, 2150)])
def test_a_certificate_of_another_time_points_to_the_clock(tmp_path, trusted, from_year, to_year):
    path = certificates.write(tmp_path, from_year=from_year, to_year=to_year)
    with ScriptedServer(scripted.foreign_ndt7, trusted(path)) as server:
        assert preflight_code(server.url) is FailureCode.TLS_CLOCK


def test_tls_where_plain_http_is_asked_for(tmp_path):
    context = certificates.server_context(certificates.write(tmp_path))
    with ScriptedServer(scripted.foreign_ndt7, context) as server:
        record = measure(server.url.replace("https", "http"))
    assert record.failure.code in (FailureCode.PROTOCOL, FailureCode.RESET)


@contextmanager
def full_backlog():
    """An address that takes no more connections and says nothing: what a filter that drops packets looks like."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_computer_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(dial, "CONNECT_EACH_S", 0.3)
    with full_backlog() as url:
        assert preflight_code(url) is FailureCode.CONNECT_TIMEOUT


def test_an_address_to_which_there_is_no_way():
    # The broadcast address of the loopback: the kernel has no way for a connection to it.
    assert preflight_code("http://127.255.255.255:80") is FailureCode.UNREACHABLE


def test_a_name_server_that_knows_nothing():
    assert preflight_code("http://nowhere.invalid") is FailureCode.DNS


def test_a_computer_without_room_for_connections():
    address = dial.resolve(addresses.parse_target("http://127.0.0.1:9"))[0]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        with pytest.raises(WorldError) as one:
            dial.connect(address, dial.Buffers())
        with pytest.raises(WorldError) as many:
            dial.connect_many(address, dial.Buffers(), 4)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (one.value.code, many.value.code) == (FailureCode.CLIENT_LIMITED, FailureCode.CLIENT_LIMITED)
