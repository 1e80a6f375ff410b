"""The job that looks around and writes down what can be reached."""

from dataclasses import dataclass, field

import msgspec
import pytest

from agent.config import AgentConfig
from agent.daemon.lookout import ADDRESSES, BOOK, LightJob
from agent.diary import runs
from agent.ports import WayOut
from agent.spool.store import Spool
from agent.uplink.backoff import Pace
from agent.uplink.decide import Kind, Silence
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import DiaryState as D
from agent.wire.vocabulary import EngineName
from tests.agent.measure.test_light import echo
from tests.fakes import scripted_server as scripted
from tests.fakes.agent_world import FakeHost, fake_ports
from tests.fakes.scripted_server import PAGE, ScriptedServer

DOWN = Kind.COLLECTOR_DOWN


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
