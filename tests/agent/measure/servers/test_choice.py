"""Which of several servers is measured against, and what becomes of a busy one."""

import socket
import threading

import pytest

from agent.measure import busy, session
from agent.measure.faults import WorldError
from agent.measure.servers import addresses, choice
from agent.net.loop import Loop
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName, FailureCode, Status, Trigger
from tests.agent.measure.world import plan, ports
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer

NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED
CAP = {"max_bytes_download": 3_000_000, "max_bytes_upload": 1_000_000}
A, B, C, D = (("a", 1), ("b", 1), ("c", 1), ("d", 1))


@pytest.mark.parametrize(
    ("rtt_ms", "order"),
    [
        ({A: 40, B: 20}, [B, A]),
        ({A: 24, B: 20}, [A, B]),  # as near: as named
        ({A: 300, B: 251, C: 900}, [A, B, C]),
        ({A: 900, B: 20, C: 60, D: 22}, [B, D, C, A]),
        ({B: 20}, [B]),  # the others are dead
    ],
)
def test_the_nearest_first_but_no_jumping_between_equals(rtt_ms, order):
    assert choice.ranked([A, B, C, D], {place: value / 1000 for place, value in rtt_ms.items()}) == order


def entries(*urls):
    return [ServerEntry(id=url, engine=engine, url=url) for engine in (NDT7, LIBRESPEED) for url in urls]


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def dead():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_a_single_place_costs_no_probe(loop, dead):
    both = entries(dead)
    assert choice.nearest_first(both, loop) == both


def test_dead_places_are_left_out_and_engines_stay_together(loop, dead):
    with ScriptedServer(scripted.hang_up) as one, ScriptedServer(scripted.hang_up) as other:
        found = choice.nearest_first(entries("http://nowhere.invalid", dead, one.url, other.url), loop)
    assert {entry.url for entry in found} == {one.url, other.url}
    assert [entry.engine for entry in found] == [NDT7, LIBRESPEED] * 2


def test_where_nobody_answers_the_test_says_why(loop, dead):
    named = entries(dead, dead.replace("127.0.0.1", "127.0.0.2"))
    assert {entry.url for entry in choice.nearest_first(named, loop)} == {entry.url for entry in named}


def test_a_choice_can_be_called_off(loop):
    with ScriptedServer(scripted.hang_up) as one, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(deaf.getsockname())
        with pytest.raises(WorldError) as caught:
            choice.nearest_first(
                entries(one.url, f"http://127.0.0.1:{deaf.getsockname()[1]}"), loop, is_cancelled=lambda: True
            )
        for sock in waiting:
            sock.close()
    assert caught.value.code is FailureCode.CANCELLED


def test_the_next_one_is_measured_when_the_first_is_dead(dead):
    with ScriptedServer(scripted.foreign_ndt7) as server:
        record = session.run(plan(server.url, servers=tuple(entries(dead, server.url)), **CAP), ports())
    assert record.failure is None
    assert record.server.id == server.url


# Busy -------------------------------------------------------------------------------------------------------------


def busy_for(times, wait, then=scripted.foreign_ndt7):
    """A server that asks the first so many tests to come back; it knows tests by their first request."""
    left = [times]

    def script(visit):
        if not visit.head.path.startswith("/ndt/v7/download"):
            return then(visit)
        with guard:
            refuse = left[0] > 0
            left[0] -= refuse
        if refuse:
            visit.answer(503, b"all places are taken\n", "text/plain", ("Retry-After", str(wait)))
            return False
        return then(visit)

    guard = threading.Lock()
    return script


def run(url, **more):
    said = []
    record = session.run(plan(url, NDT7, **{**CAP, **more}), ports(), on_progress=lambda step: said.append(step.note))
    return record, [note for note in said if note]


def test_a_person_s_test_waits_and_says_so():
    with ScriptedServer(busy_for(4, 1)) as server:
        record, notes = run(server.url)
    assert record.failure is None
    assert notes[0] == "the test point is busy: waiting 1 s"


def test_nobody_waits_longer_than_a_person_would():
    with ScriptedServer(busy_for(1000, 45)) as server:
        record, notes = run(server.url)
    assert (record.status, record.failure.code) == (Status.FAILED, FailureCode.SERVER_BUSY)
    assert "all places are taken" in record.failure.detail
    assert "45 s" in record.failure.detail
    assert notes == []
    assert busy.come_back_s(record) == 45.0


def test_the_daemon_s_test_gives_the_time_back_at_once():
    with ScriptedServer(busy_for(1000, 7)) as server:
        record, notes = run(server.url, trigger=Trigger.WINDOW)
        assert server.seen["GET /ndt/v7/download"] == 4  # one try
    assert notes == []
    assert busy.come_back_s(record) == 7.0


def test_the_next_server_is_asked_while_the_first_is_busy():
    with ScriptedServer(busy_for(1000, 300)) as full, ScriptedServer(scripted.foreign_ndt7) as free:
        named = addresses.servers_from_url(full.url, NDT7) + addresses.servers_from_url(free.url, NDT7)
        record, _ = run(full.url, servers=named, trigger=Trigger.WINDOW)
    assert record.failure is None
    assert record.server.id == free.url.removeprefix("http://")
    assert busy.come_back_s(record) is None


def test_a_wait_can_be_called_off():
    cancelled = threading.Event()
    with ScriptedServer(busy_for(1000, 20)) as server:

        def follow(step):
            if step.note:
                cancelled.set()

        record = session.run(plan(server.url, NDT7, **CAP), ports(), on_progress=follow, cancelled=cancelled)
    assert (record.status, record.failure.code) == (Status.INTERRUPTED, FailureCode.CANCELLED)


def test_an_upload_that_is_refused_for_now_is_waited_for_and_the_download_kept():
    is_free, said = threading.Event(), []

    def script(visit):
        is_upload = visit.head.path.endswith("upload") and server.seen["GET /ndt/v7/download"]
        if is_upload and not is_free.is_set():  # pings have a connection of their own: no counting tells which is which
            visit.answer(503, b"", "", ("Retry-After", "1"))
            return False
        return scripted.foreign_ndt7(visit)

    def follow(step):
        if step.note:
            said.append(step.note)
            is_free.set()

    with ScriptedServer(script) as server:
        record = session.run(plan(server.url, NDT7, **CAP), ports(), on_progress=follow)
    assert record.failure is None
    assert record.upload.bps > 0
    assert said[0] == "the test point is busy: waiting 1 s"
    assert server.seen["GET /ndt/v7/download"] == 4


@pytest.mark.parametrize(("status", "code"), [(503, FailureCode.SERVER_BUSY), (403, FailureCode.TOKEN_REFUSED)])
@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_a_download_is_kept_when_the_upload_is_refused(engine, status, code):
    libre = scripted.foreign_librespeed()

    def script(visit):
        is_upload = visit.head.path.endswith("upload") or visit.head.method == "POST"
        if is_upload and (server.seen["GET /ndt/v7/download"] or server.seen["GET /garbage.php"]):
            visit.answer(status, b"", "", ("Retry-After", "600"))
            return False
        return (scripted.foreign_ndt7 if engine is NDT7 else libre)(visit)

    with ScriptedServer(script) as server:
        record = session.run(plan(server.url, engine, **CAP), ports())
    assert record.download.bps > 0
    assert record.upload is None
    assert record.failure.code is code
    assert busy.come_back_s(record) == (600.0 if status == 503 else None)


def test_patience_is_used_up_by_all_waits_together():
    patience = busy.Patience(Trigger.MANUAL)
    fault = WorldError(FailureCode.SERVER_BUSY, "busy", retry_after_s=12.0)
    assert [patience.wait_s(fault) for _ in range(3)] == [12.0, 12.0, None]
    assert patience.wait_s(WorldError(FailureCode.RESET, "cut")) is None
    assert patience.come_back_s is None
    patience.note(fault)
    patience.note(WorldError(FailureCode.SERVER_BUSY, "busy"))
    assert patience.come_back_s == 12.0
    at_once = WorldError(FailureCode.SERVER_BUSY, "busy", retry_after_s=0.0)
    assert [patience.wait_s(at_once) for _ in range(8)].count(1.0) == 6
    assert busy.Patience(Trigger.WINDOW).wait_s(at_once) is None
