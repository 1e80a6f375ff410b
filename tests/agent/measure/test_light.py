"""A look around: what a few packets say of gateway, name and test point."""

import socket
import threading
from contextlib import contextmanager

import pytest

from agent.measure import light
from agent.measure.latency import gateway
from agent.measure.servers import addresses
from agent.measure.sockets import dial
from agent.net.loop import Loop
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName, FailureCode, RttMethod
from tests.agent.measure.world import ports
from tests.fakes import certificates
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import PAGE, ScriptedServer

NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED


def entry(url, engine=NDT7, udp_port=None):
    return ServerEntry(id="1", engine=engine, url=url, udp_port=udp_port)


@contextmanager
def echo(port=0):
    """A UDP echo; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", port))
        sock.settimeout(0.2)
        is_over = threading.Event()

        def serve():
            while not is_over.is_set():
                try:
                    data, peer = sock.recvfrom(2048)
                    sock.sendto(data, peer)
                except OSError:
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            is_over.set()
            thread.join(5)


def test_an_echo_is_proof_enough():
    with echo() as port, ScriptedServer(scripted.foreign_ndt7) as server:
        sight = light.look([entry(server.url, udp_port=port)], ports(), None)
        assert not server.seen
    assert sight.is_open
    assert (sight.server.method, sight.server.n, sight.server.loss_pct) == (RttMethod.UDP_ECHO, light.PROBES, 0.0)
    assert (sight.fault, sight.dns_ms) == (None, None)


@pytest.mark.parametrize(("engine", "script"), [(NDT7, scripted.foreign_ndt7), (LIBRESPEED, None)])
def test_without_an_echo_one_question_says_who_is_there(engine, script):
    with ScriptedServer(script or scripted.foreign_librespeed()) as server:
        sight = light.look([entry(server.url, engine)], ports(), None)
        assert sum(server.seen.values()) == 1
    assert sight.is_open
    assert sight.server.method is RttMethod.TCP_CONNECT


def page(visit):
    visit.answer(200, PAGE, "text/html")
    return True


def redirection(visit):
    visit.answer(302, b"", "", ("Location", "http://login.example/"))
    return True


def login_required(visit):
    visit.answer(511, PAGE, "text/html")
    return True


@pytest.mark.parametrize("script", [page, redirection, login_required])
@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_a_login_page_answers_in_everybodys_name(script, engine):
    with ScriptedServer(script) as server:
        sight = light.look([entry(server.url, engine)], ports(), None)
    assert sight.fault is FailureCode.PORTAL
    assert not sight.is_open


def test_a_certificate_of_somebody_else(tmp_path):
    context = certificates.server_context(certificates.write(tmp_path))
    with ScriptedServer(scripted.foreign_ndt7, context) as server:
        sight = light.look([entry(server.url)], ports(), None)
    assert sight.fault is FailureCode.TLS_UNTRUSTED
    assert not sight.is_open


def test_a_clock_that_is_wrong_does_not_close_the_line(tmp_path, monkeypatch):
    path = certificates.write(tmp_path, from_year=2001, to_year=2002)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with ScriptedServer(scripted.foreign_ndt7, certificates.server_context(path)) as server:
        sight = light.look([entry(server.url)], ports(), None)
    assert sight.fault is FailureCode.TLS_CLOCK
    assert sight.is_open


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        sight = light.look([entry(f"http://127.0.0.1:{taken.getsockname()[1]}")], ports(), None)
    assert (sight.server, sight.fault) == (None, FailureCode.CONNECT_TIMEOUT)
    assert not sight.is_open


def test_a_name_that_nobody_knows():
    sight = light.look([entry("http://nowhere.invalid:80")], ports(), None)
    assert (sight.server, sight.fault, sight.by_memory) == (None, FailureCode.DNS, False)


def test_the_last_known_address_tells_the_name_server_from_the_line():
    with echo() as port:
        one = entry("http://nowhere.invalid:80", udp_port=port)
        sight = light.look([one], ports(), None, {"nowhere.invalid": ["no address", "127.0.0.1"]})
    assert (sight.fault, sight.by_memory, sight.is_open) == (FailureCode.DNS, True, True)
    silent = light.look([entry("http://nowhere.invalid:9")], ports(), None, {"nowhere.invalid": ["127.0.0.1"]})
    assert (silent.fault, silent.by_memory, silent.is_open) == (FailureCode.DNS, True, False)


def test_a_name_that_is_found_takes_a_time_and_leaves_its_addresses():
    with echo() as port:
        sight = light.look([entry(f"http://localhost:{port}", udp_port=port)], ports(), None)
    assert sight.is_open
    assert sight.dns_ms >= 0
    assert sight.host == "localhost"
    assert "127.0.0.1" in sight.ips


def test_a_broken_family_is_passed_over_for_the_other():
    target = addresses.parse_target("http://x.example")
    six = [dial.Address(target, 6, (f"::{n}", 80, 0, 0)) for n in (1, 2)]
    four = [dial.Address(target, 4, ("127.0.0.1", 80))]
    assert light._one_of_each_family([*six, *four]) == [six[0], four[0]]
    assert light._one_of_each_family(four) == four


def test_an_address_that_is_none_and_no_test_point_at_all():
    assert light.look([entry("nonsense")], ports(), None).fault is FailureCode.PROTOCOL
    assert light.look([], ports(), None) == light.Sight()


# --- the gateway ----------------------------------------------------------------------------------------------------


def test_a_gateway_answers_with_a_refusal_or_an_echo():
    sight = light.look([], ports(), "127.0.0.1")
    assert 0 <= sight.gateway_rtt_ms < 1000
    assert not sight.gateway_is_absent


def looked(prober_of, **more):
    loop = Loop()
    try:
        return prober_of(loop, **more)
    finally:
        loop.close()


def test_refusals_say_nothing_of_loss(monkeypatch):
    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(gateway.Echo, "__init__", forbidden)
    told = looked(lambda loop: gateway.look("127.0.0.1", loop, lambda low, high: low))
    assert (told.rtt.n, told.rtt.loss_pct, told.rtt.method) == (gateway.PROBES, None, RttMethod.ICMP)


def test_a_port_that_is_taken_answers_too(monkeypatch):
    with echo() as port:
        monkeypatch.setattr(gateway, "PORT", port)

        def refusal(loop):
            prober = gateway.Refusal(loop, socket.AF_INET, ("127.0.0.1", port))
            prober.send()
            while prober.rounds()[0].rtt_s is None:
                loop.turn(0.02)
            prober.close()
            return prober

        assert looked(refusal).rounds()[0].rtt_s >= 0


def test_what_is_no_address_is_no_gateway():
    assert looked(lambda loop: gateway.look("router.example", loop, lambda low, high: low)) == gateway.GatewayLook()
