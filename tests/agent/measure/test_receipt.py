"""Receipts as an agent gets them: a test names itself everywhere, asks once at the end, and is as good without."""

import socket
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.measure import receipt, session
from agent.measure.attempt import Outcome
from agent.measure.engines.engine import Scripts
from agent.measure.engines.libre_http import address_of
from agent.measure.engines.ndt7_talk import upgrade
from agent.wire import limits, receipts
from agent.wire.receipts import Claimed, Verdict
from agent.wire.records import Measurement
from agent.wire.vocabulary import EngineName, Method, Status
from tests.agent.measure import world
from tests.agent.measure.test_refusals import a_token
from tests.collector.testpoint.conftest import running
from tests.collector.testpoint.test_receipt import key_of
from tests.fakes import scripted_server as scripted
from tests.fakes.collector import KEY
from tests.fakes.scripted_server import ScriptedServer, Visit

ENGINES = [EngineName.NDT7, EngineName.LIBRESPEED]
CAP = 2_000_000


def claimed(record: Measurement, issued_ms: int) -> Claimed:
    assert record.download and record.upload
    return Claimed(
        rid=record.rid,
        lease_id=record.lease_id,
        started_ms=issued_ms,  # the records of these tests have a clock of their own
        received_ms=issued_ms,
        download_bytes=record.download.bytes or 0,
        upload_bytes=record.upload.bytes or 0,
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("is_leased", [True, False], ids=["leased", "open"])
@pytest.mark.parametrize("cap_bytes", [CAP, 0], ids=["cap", "no cap"])
def test_a_measurement_carries_the_receipt_of_what_moved(engine: EngineName, is_leased: bool, cap_bytes: int) -> None:
    lease: dict[str, object] = {"lease_id": "l", "access_token": a_token()} if is_leased else {}
    with running(open=not is_leased, public_keys=(bytes(KEY.verify_key),)) as (port, _):
        caps = {"max_bytes_download": cap_bytes, "max_bytes_upload": cap_bytes}
        record = session.run(world.plan(f"http://127.0.0.1:{port}", engine, **caps, **lease), world.ports())
        keys = [key_of(port)]
    assert record.status is Status.OK
    assert record.receipt is not None
    said = receipts.read(record.receipt, keys)
    assert (said.test, said.lease_id, said.address) == (record.rid, record.lease_id, "127.0.0.0/24")
    assert receipts.compare(said, claimed(record, said.issued_ms)) is Verdict.VALID
    assert record.upload and record.upload.method is Method.RECEIVER
    assert not cap_bytes or (record.upload.bytes or 0) <= receipt.room(cap_bytes)


def test_every_request_names_the_test_but_none_to_a_server_of_a_locate_service() -> None:
    with world.job_for("http://127.0.0.1:1/backend", test="the-rid", access_token="a.b") as job:
        asked = [upgrade(job, "download", {})[0].decode(), address_of(job, "garbage.php", {"ckSize": "1"})]
        asked.append(address_of(job, "", {"upload_id": "u"}, counts=True))
        located = replace(job, resources={"download": "/ndt/v7/download?access_token=theirs"})
        elsewhere = upgrade(located, "download", {})[0].decode()
    assert all("test=the-rid" in each and "access_token=a.b" in each for each in asked)
    assert "the-rid" not in elsewhere
    assert elsewhere.count("access_token") == elsewhere.count("access_token=theirs") == 1


@pytest.mark.parametrize(
    ("engine", "script"),
    [(EngineName.NDT7, scripted.foreign_ndt7), (EngineName.LIBRESPEED, scripted.foreign_librespeed())],
)
def test_a_foreign_server_is_never_asked(engine: EngineName, script: scripted.Script) -> None:
    with ScriptedServer(script) as server:
        record = session.run(
            world.plan(server.url, engine, max_bytes_download=CAP, max_bytes_upload=CAP), world.ports()
        )
    assert record.download is not None
    assert record.receipt is None
    assert not server.seen["GET /enlace/v1/receipt"]


def test_a_server_out_of_a_list_is_not_asked_though_a_permission_was_given() -> None:
    with world.job_for("http://127.0.0.1:1", test="r", access_token="a.b") as job:
        found = Outcome(None, None, 1.0, "bbr", None, is_ours=True)
        assert receipt.of_test(replace(job, scripts=Scripts()), found, None, None) is None
        assert receipt.of_test(replace(job, resources={"download": "/x"}), found, None, None) is None
        assert receipt.of_test(replace(job, test=None), found, None, None) is None
        assert receipt.of_test(job, None, None, None) is None


def test_a_stranger_that_sends_with_a_known_congestion_control_is_not_asked() -> None:
    with world.job_for("http://127.0.0.1:1", test="r") as job:
        assert receipt.of_test(job, Outcome(None, None, 1.0, "bbr", None), None, None) is None
        assert receipt.of_test(job, Outcome(None, None, 1.0, "bbr", None, is_ours=True), None, None) is not None


def _says(status: int, body: bytes) -> Callable[[Visit], bool]:
    def script(visit: Visit) -> bool:
        visit.answer(status, body, "application/json")
        return True

    return script


def _talks_without_end(visit: Visit) -> bool:
    visit.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b'{"receipt": "')
    while True:
        visit.sock.sendall(b"a" * 4096)


@pytest.mark.parametrize(
    "script",
    [
        _says(404, b'{"receipt": "a.b"}'),
        _says(403, b"test ended\n"),
        _says(503, b"busy\n"),
        _says(200, b"<html>Please sign in</html>"),
        _says(200, b'{"receipt": null}'),
        _says(200, b'{"receipt": ""}'),
        _says(200, b'{"receipt": "a\\u0000b"}'),
        _says(200, b'{"receipt": "%s"}' % (b"a" * (limits.RECEIPT_CHARS + 1))),
        _talks_without_end,
        scripted.hang_up,
        scripted.garbled,
        scripted.redirect,
    ],
)
def test_any_fault_means_that_there_is_none_and_it_is_asked_once(script: scripted.Script) -> None:
    with ScriptedServer(script) as server, world.job_for(server.url, test="r") as job:
        asked = receipt.ask(job)
        assert server.seen.total() == 1
    assert asked.text is None
    assert 0 < asked.cost_bytes < receipt.SET_ASIDE_BYTES


def test_who_does_not_answer_or_is_not_there_costs_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt, "LIMIT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with world.job_for(url, test="r") as job:
            assert receipt.ask(job).text is None
    with world.job_for(url, test="r") as job:
        assert receipt.ask(job).text is None


def test_a_cap_leaves_room_for_the_receipt_and_none_stays_none() -> None:
    assert receipt.room(0) == 0
    assert receipt.room(100_000_000) == 100_000_000 - receipt.SET_ASIDE_BYTES
    assert receipt.room(20_000) == 18_000


@pytest.mark.parametrize("engine", ENGINES)
def test_two_agents_at_a_full_test_point_measure_one_after_the_other(engine: EngineName) -> None:
    records: list[Measurement] = []
    notes: list[str] = []

    def measure(url: str) -> None:
        plan = world.plan(url, engine)  # without a cap, so long that the two meet
        records.append(
            session.run(plan, world.ports(), on_progress=lambda told: notes.append(told.note) if told.note else None)
        )

    with running(max_tests=1, retry_after_s=1) as (port, _):
        agents = [threading.Thread(target=measure, args=(f"http://127.0.0.1:{port}",)) for _ in range(2)]
        for agent in agents:
            agent.start()
        for agent in agents:
            agent.join(60)
        keys = [key_of(port)]
    assert [record.failure for record in records] == [None, None], notes
    assert any("busy: waiting" in note for note in notes)
    assert {receipts.read(record.receipt or "", keys).test for record in records} == {record.rid for record in records}
