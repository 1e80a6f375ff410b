"""What a test costs beside its transfers: counted piece by piece, and told to whoever keeps the budget."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.daemon.allowance import HANDSHAKES, Carried, before_bytes, may_cost, spent_bytes
from agent.measure import receipt, session
from agent.measure.attempt import Progress
from agent.measure.beside import interception
from agent.measure.beside.aside import CONNECTION_BYTES, TLS_BYTES, Aside
from agent.measure.servers.addresses import Target
from agent.measure.wirecost import OVERHEAD_BYTES
from agent.schedule.budget import Allowance
from agent.wire.answers import ServerEntry
from agent.wire.records import Measurement
from agent.wire.vocabulary import EngineName, Phase
from tests.agent.measure.world import plan, ports
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer, Visit

NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED
CAP = {"max_bytes_download": 2_000_000, "max_bytes_upload": 500_000}
PADDING = 30_000


def run(url: str, engine: EngineName, **more: object) -> tuple[Measurement, Carried]:
    carried = Carried(None)
    return session.run(plan(url, engine, **{**CAP, **more}), ports(), on_progress=carried), carried


def test_connections_probes_and_bytes_are_added_up() -> None:
    aside = Aside()
    aside.connected(Target("a.example", 80, False, ""), 2)
    aside.connected(Target("a.example", 443, True, ""))
    aside.connected(Target("a.example", 443, True, ""), 0)
    assert aside.bytes == 3 * CONNECTION_BYTES + TLS_BYTES
    aside.probed(10, 60)
    assert aside.bytes == 3 * CONNECTION_BYTES + TLS_BYTES + 1_200
    aside.moved(10_000)
    assert aside.bytes > 3 * CONNECTION_BYTES + TLS_BYTES + 11_200


@pytest.mark.parametrize(
    ("spent", "cap", "room"),
    [(0, 100_000, 100_000), (OVERHEAD_BYTES, 100_000, 100_000), (24_000, 100_000, 80_000), (10**6, 100_000, 50_000),
     (10**6, 0, 0)],
)  # fmt: skip
def test_a_cap_pays_for_what_was_not_set_aside(spent: int, cap: int, room: int) -> None:
    aside = Aside()
    aside.bytes = spent
    assert aside.room(cap) == room


def test_a_usual_test_costs_its_connection_and_its_probes_beside() -> None:
    with ScriptedServer(scripted.foreign_ndt7) as server:
        record, carried = run(server.url, NDT7)
    assert record.failure is None
    assert 20 * 2 * 28 < carried.aside_bytes < 20_000
    sides = (record.download.wire_bytes_est or 0) + (record.upload.wire_bytes_est or 0)  # type: ignore[union-attr]
    assert spent_bytes(record, carried) >= sides + carried.aside_bytes


def listing(url: Callable[[], str]) -> Callable[[Visit], bool]:
    libre = scripted.foreign_librespeed()

    def script(visit: Visit) -> bool:
        if not visit.head.path.endswith("servers.json"):
            return libre(visit)
        visit.answer(200, json.dumps([{"server": url(), "name": "x" * PADDING}]).encode(), "application/json")
        return True

    return script


def test_a_list_of_servers_is_counted() -> None:
    with ScriptedServer(listing(lambda: server.url)) as server:
        record, carried = run(f"{server.url}/servers.json", LIBRESPEED)
    assert record.failure is None
    assert PADDING < carried.aside_bytes < PADDING + 30_000
    assert (record.download.bytes or 0) <= CAP["max_bytes_download"] - PADDING + OVERHEAD_BYTES  # type: ignore[union-attr]


def test_a_list_that_leads_nowhere_is_counted_too() -> None:
    with ScriptedServer(listing(lambda: "http://127.0.0.1:1")) as server:
        record, carried = run(f"{server.url}/servers.json", LIBRESPEED)
    assert record.download is None
    assert spent_bytes(record, carried) == carried.aside_bytes > PADDING


def test_the_choice_of_the_nearest_is_counted() -> None:
    def cost(*urls: str) -> int:
        entries = tuple(ServerEntry(id=url, engine=NDT7, url=url) for url in urls)
        carried = run(urls[0], NDT7, servers=entries)[1]
        return carried.aside_bytes

    with ScriptedServer(scripted.status(500)) as one, ScriptedServer(scripted.status(500)) as other:
        alone = cost(one.url)
        assert cost(one.url, other.url) > alone


def test_the_look_for_opened_tls_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(scripted.status(500)) as server:
        plain = run(server.url, NDT7)[1].aside_bytes
        monkeypatch.setattr(interception, "is_intercepted", lambda _address: False)
        looked = run(server.url, NDT7)[1].aside_bytes
    assert looked >= plain + CONNECTION_BYTES


def test_a_receipt_without_an_upload_to_carry_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(visit: Visit) -> bool:
        if visit.head.path == "/ndt/v7/upload":
            visit.answer(503)
            return False
        return scripted.foreign_ndt7(visit)

    with ScriptedServer(script) as server:
        without = run(server.url, NDT7)[1].aside_bytes
        monkeypatch.setattr(receipt, "of_test", lambda *_: receipt.Asked(None, 1_000_000))
        record, carried = run(server.url, NDT7)
    assert record.upload is None
    assert carried.aside_bytes > 900_000 > without


def test_what_is_told_again_is_told_once_only() -> None:
    told: list[Progress] = []
    carried = Carried(told.append)
    for bytes_so_far in (700, 900, 900):
        carried(Progress(Phase.LATENCY, 0.0, 0, 0.0, aside_bytes=bytes_so_far))
    assert (carried.aside_bytes, carried.wire_bytes(), len(told)) == (900, 900, 3)


def test_what_a_test_may_cost_until_its_first_transfer() -> None:
    usual = plan("http://tp.example", NDT7)
    assert before_bytes(usual) == OVERHEAD_BYTES
    assert before_bytes(plan("https://tp.example", NDT7)) == OVERHEAD_BYTES + HANDSHAKES * TLS_BYTES
    assert before_bytes(plan("http://tp.example/servers.json", LIBRESPEED)) is None  # nobody knows how long it is
    assert before_bytes(replace(usual, engine=EngineName.OOKLA)) is None


def test_a_direction_that_begins_sets_aside_what_was_needed_before_it() -> None:
    carried = Carried(None)
    allowed = Allowance(600_000, 500_000, 1_100_000)
    carried(Progress(Phase.LATENCY, 0.0, 0, 0.0, aside_bytes=500))
    assert may_cost(allowed, carried, Phase.DOWNLOAD) == 600_000
    carried(Progress(Phase.LATENCY, 0.0, 0, 0.0, aside_bytes=OVERHEAD_BYTES + 700))
    assert may_cost(allowed, carried, Phase.DOWNLOAD) == 600_700  # more than a cap sets aside
    assert may_cost(Allowance(0, 500_000, 500_000), carried, Phase.DOWNLOAD) is None
