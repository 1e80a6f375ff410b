"""A box that opens TLS on the way, and a family of addresses that does not work."""

import pytest

from agent.measure import session
from agent.measure.beside import interception
from agent.measure.servers import addresses
from agent.measure.sockets import dial
from agent.ports import WayOut
from agent.wire.vocabulary import EngineName, FailureCode
from tests.agent.measure.world import plan, ports
from tests.fakes import certificates
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer


def address(url):
    return dial.resolve(addresses.parse_target(url))[0]


@pytest.mark.parametrize(
    ("is_public", "ip", "told"),
    [
        (True, "203.0.113.7", False),
        (False, "8.8.8.8", True),  # trusted here, and by nobody else
        (False, "2001:4860:4860::8888", True),
        (False, "192.168.1.20", None),  # the house's own
        (False, "fe80::1%eth0", None),
        (None, "8.8.8.8", None),
    ],
)
def test_what_a_certificate_means(is_public, ip, told):
    assert interception.judged(is_public, ip) is told


def test_a_certificate_that_only_this_computer_trusts(tmp_path, monkeypatch):
    path = certificates.write(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with ScriptedServer(scripted.foreign_ndt7, certificates.server_context(path)) as server:
        place = address(server.url)
        dial.close_hard(dial.connect(place, dial.Buffers()))  # the operating system's store knows it
        assert interception.has_public_chain(place) is False
        assert interception.is_intercepted(place) is None  # on loopback
        monkeypatch.setattr(interception, "has_public_chain", lambda _: False)
        monkeypatch.setattr(interception, "judged", lambda is_public, ip: not is_public)
        caps = {"max_bytes_download": 2_000_000, "max_bytes_upload": 500_000}
        record = session.run(plan(server.url, EngineName.LIBRESPEED, **caps), ports())
    assert record.surroundings.tls_intercepted is True


def test_without_tls_there_is_nothing_to_open():
    with ScriptedServer(scripted.foreign_ndt7) as server:
        assert interception.is_intercepted(address(server.url)) is None
        assert server.seen.total() == 0
        plain = address(server.url)
        secure = addresses.parse_target(server.url.replace("http", "https"))
        assert interception.has_public_chain(dial.Address(secure, plain.family, plain.sockaddr)) is None


def test_a_family_that_does_not_work_is_named(monkeypatch):
    # ::2 is nobody's address: the kernel has no way to it, or nobody answers; it need not say the same twice.
    codes = (FailureCode.UNREACHABLE, FailureCode.CONNECT_TIMEOUT)
    monkeypatch.setattr(dial, "CONNECT_EACH_S", 0.5)
    with ScriptedServer(scripted.foreign_librespeed()) as server:
        four = address(server.url)
        six = dial.Address(four.target, 6, ("::2", four.sockaddr[1], 0, 0))
        missed = {}
        chosen, sock = dial.connect_first([six, four], dial.Buffers(), missed)
        sock.close()
        assert chosen is four
        assert missed[6].code in codes
        monkeypatch.setattr(dial, "resolve", lambda *_: [six, four])
        record = session.run(
            plan(server.url, EngineName.LIBRESPEED, max_bytes_download=2_000_000, max_bytes_upload=500_000), ports()
        )
    assert record.failure is None
    assert record.server.ip_family == 4
    assert {f"ipv6={code}" for code in codes} & set(record.tags)


def test_the_gateway_is_asked_beside_the_test_point():
    made = ports()
    made.host.way = WayOut(True, True, "127.0.0.1")
    with ScriptedServer(scripted.foreign_ndt7) as server:
        caps = {"max_bytes_download": 2_000_000, "max_bytes_upload": 500_000}
        record = session.run(plan(server.url, EngineName.NDT7, **caps), made)
    assert record.gateway.rtt_ms < 100
    assert record.gateway.method == "icmp"
    assert record.gateway.n > 0
