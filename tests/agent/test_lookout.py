"""The diary's word for what can be reached, and the job that writes it down."""

from dataclasses import dataclass, field

import msgspec
import pytest

from agent.config import AgentConfig
from agent.diary import runs
from agent.lookout import ADDRESSES, BOOK, LightJob, Word, judge
from agent.measure.light import Sight
from agent.ports import WayOut
from agent.spool.store import Spool
from agent.uplink.backoff import Pace
from agent.uplink.decide import Kind, Silence
from agent.wire.answers import ServerEntry
from agent.wire.records import Rtt
from agent.wire.vocabulary import DiaryState as D
from agent.wire.vocabulary import EngineName, FailureCode
from tests.agent.measure.test_light import echo
from tests.fakes import scripted_server as scripted
from tests.fakes.agent_world import FakeHost, fake_ports
from tests.fakes.scripted_server import PAGE, ScriptedServer

RTT = Rtt(rtt_ms=30.0, n=5, loss_pct=0.0)
OPEN = Sight(server=RTT, dns_ms=12.0)
OPEN_BY_ADDRESS = Sight(server=RTT)
CLOSED = Sight(fault=FailureCode.CONNECT_TIMEOUT, dns_ms=12.0)
NAMELESS = Sight(fault=FailureCode.DNS)
WAY = WayOut(has_link=True, has_route=True, gateway="192.0.2.1")
DOWN = Kind.COLLECTOR_DOWN


def word(kind="", silence=None, *, fresh=True):
    return Word(kind, silence, bool(kind), fresh)


CASES = {
    "the collector answers": (OPEN, word(Kind.GOOD), WAY, D.OK),
    "it answers, the test point does not": (CLOSED, word(Kind.GOOD), WAY, D.OK),
    "it refuses: it is there": (CLOSED, word(Kind.REFUSED), WAY, D.OK),
    "no collector, the test point answers": (OPEN, word(), WAY, D.OK),
    "collector down, internet fine": (OPEN, word(DOWN, Silence.CONNECT_TIMEOUT), WAY, D.COLLECTOR_DOWN),
    "its computer refuses": (CLOSED, word(DOWN, Silence.REFUSED), WAY, D.COLLECTOR_DOWN),
    "an unsigned 5xx": (CLOSED, word(DOWN), WAY, D.COLLECTOR_DOWN),
    "its name alone is gone": (OPEN, word(DOWN, Silence.DNS), WAY, D.COLLECTOR_DOWN),
    "no names, test point by its address": (OPEN_BY_ADDRESS, word(DOWN, Silence.DNS), WAY, D.DNS_FAIL),
    "no names, test point remembered": (
        Sight(server=RTT, fault=FailureCode.DNS, by_memory=True),
        word(DOWN, Silence.DNS),
        WAY,
        D.DNS_FAIL,
    ),
    "no names, remembered address silent": (
        Sight(fault=FailureCode.DNS, by_memory=True),
        word(DOWN, Silence.DNS),
        WAY,
        D.NO_INTERNET,
    ),
    "no names, nothing else to try": (NAMELESS, word(DOWN, Silence.DNS), WAY, D.DNS_FAIL),
    "no names, test point's address silent": (
        Sight(fault=FailureCode.CONNECT_TIMEOUT),
        word(DOWN, Silence.DNS),
        WAY,
        D.NO_INTERNET,
    ),
    "a page instead of the collector": (OPEN, word(Kind.PORTAL), WAY, D.PORTAL),
    "a page instead of the test point": (Sight(server=RTT, fault=FailureCode.PORTAL), word(), WAY, D.PORTAL),
    "a foreign certificate": (Sight(server=RTT, fault=FailureCode.TLS_UNTRUSTED), word(), WAY, D.PORTAL),
    "a proxy's login is no portal": (CLOSED, word(Kind.PORTAL, Silence.PROXY_LOGIN), WAY, D.NO_INTERNET),
    "nothing answers": (CLOSED, word(DOWN, Silence.CONNECT_TIMEOUT), WAY, D.NO_INTERNET),
    "nothing answers, not enrolled": (CLOSED, word(), WAY, D.NO_INTERNET),
    "no way out": (CLOSED, word(DOWN, Silence.UNREACHABLE), WayOut(True, False), D.NO_GATEWAY),
    "the gateway is not there": (
        Sight(fault=FailureCode.CONNECT_TIMEOUT, gateway_is_absent=True),
        word(DOWN, Silence.CONNECT_TIMEOUT),
        WAY,
        D.NO_GATEWAY,
    ),
    "no cable": (NAMELESS, word(DOWN, Silence.DNS), WayOut(False, False), D.LINK_DOWN),
    "a modem's line has no gateway": (CLOSED, word(), WayOut(True, True, None), D.NO_INTERNET),
    "nobody knows the way out": (CLOSED, word(), WayOut(), D.NO_INTERNET),
    "a good word of an hour ago": (CLOSED, word(Kind.GOOD, fresh=False), WAY, D.NO_INTERNET),
    "the same, nothing looked at": (Sight(), word(Kind.GOOD, fresh=False), WAY, D.OK),
    "down an hour ago, line open": (OPEN, word(DOWN, fresh=False), WAY, D.COLLECTOR_DOWN),
    "a page an hour ago, line open": (OPEN, word(Kind.PORTAL, fresh=False), WAY, D.OK),
    "a page an hour ago, line closed": (CLOSED, word(Kind.PORTAL, fresh=False), WAY, D.PORTAL),
}


@pytest.mark.parametrize("case", CASES)
def test_the_word(case):
    sight, told, way, state = CASES[case]
    assert judge(sight, told, way) is state


@dataclass
class FakeContact:
    """What the last try left behind."""

    kind: str = ""
    last_silence: Silence | None = None
    is_enrolled: bool = False
    pace: Pace = field(default_factory=Pace)

    def wait_s(self, *, fresh=False):
        return 0.0


@dataclass
class FakeWalk:
    """Asker and handover in one: posts nothing; each heartbeat is a try."""

    contact: FakeContact
    servers: tuple[ServerEntry, ...] = ()

    def known_servers(self, engine):
        return self.servers

    def post(self, *, heartbeat=False):
        self.contact.pace = msgspec.structs.replace(self.contact.pace)


@pytest.fixture
def world(tmp_path):
    host = FakeHost()
    host.way = WayOut(True, True, None)
    ports = fake_ports(host=host)
    spool = Spool.open(tmp_path, clock=ports.clock, randomness=ports.randomness, boot_id=host.boot_id())
    contact = FakeContact()
    walk = FakeWalk(contact)
    job = LightJob(AgentConfig(), ports, walk, walk, contact, spool, is_testing=lambda: False)
    yield job, walk, contact, host, spool
    spool.close()


def entry(url, udp_port=None, engine=EngineName.NDT7):
    return ServerEntry(id="1", engine=engine, url=url, udp_port=udp_port)


def state_of(spool):
    return runs.read_book(spool.get_state(BOOK)).run.state


def test_a_look_is_written_down_and_the_address_kept(world):
    job, walk, _, _, spool = world
    with echo() as port:
        walk.servers = (entry(f"http://localhost:{port}", port),)
        job.run()
    assert job.last["state"] is D.OK
    assert job.last["server_rtt_ms"] >= 0
    assert state_of(spool) is D.OK
    assert "127.0.0.1" in msgspec.json.decode(spool.get_state(ADDRESSES))["localhost"]


def test_a_remembered_address_makes_it_the_name_servers_fault(world):
    job, walk, contact, _, spool = world
    contact.is_enrolled, contact.kind, contact.last_silence = True, DOWN, Silence.DNS
    spool.set_state(ADDRESSES, '{"nowhere.invalid":["127.0.0.1"]}')
    with echo() as port:
        walk.servers = (entry("http://nowhere.invalid:80", port),)
        job.run()
    assert state_of(spool) is D.DNS_FAIL


def test_collector_down_and_internet_fine(world):
    job, walk, contact, _, spool = world
    contact.is_enrolled, contact.kind, contact.last_silence = True, DOWN, Silence.CONNECT_TIMEOUT
    with echo() as port:
        walk.servers = (entry("http://127.0.0.1:9", port),)
        job.run()
    assert state_of(spool) is D.COLLECTOR_DOWN


def test_a_login_page_without_any_collector(world):
    job, walk, _, _, spool = world

    def page(visit):
        visit.answer(200, PAGE, "text/html")
        return True

    with ScriptedServer(page) as server:
        walk.servers = (entry(server.url),)
        job.run()
    assert state_of(spool) is D.PORTAL
    assert spool.get_state(ADDRESSES) is None


@pytest.mark.parametrize(
    ("way", "state"), [(WayOut(False, False), D.LINK_DOWN), (WayOut(True, False), D.NO_GATEWAY), (WayOut(), D.DNS_FAIL)]
)
def test_where_the_way_ends(world, way, state):
    job, walk, _, host, spool = world
    host.way = way
    walk.servers = (entry("http://nowhere.invalid"),)
    job.run()
    assert state_of(spool) is state


def test_broken_memory_is_forgotten(world):
    job, walk, _, _, spool = world
    spool.set_state(ADDRESSES, "{broken")
    with ScriptedServer(scripted.foreign_ndt7) as server:
        walk.servers = (entry(server.url),)
        job.run()
    assert state_of(spool) is D.OK
