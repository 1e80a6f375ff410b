"""The walk of one measurement, by real processes: a school computer, its collector, and what a person sees."""

import csv
import io
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.world import World, wait_for

pytestmark = pytest.mark.xdist_group("e2e")


def test_one_measurement_walks_from_the_computer_to_the_export(world: World) -> None:
    walk(world)
    assert world.rows("SELECT votes, exclusion FROM measurements WHERE trigger = 'manual'") == [(0, "manual")]


def test_it_walks_the_same_way_where_the_collector_is_on_postgresql(world_on_server: World) -> None:
    walk(world_on_server)
    rows = world_on_server.rows("SELECT votes, exclusion FROM measurements WHERE trigger = 'manual'")
    assert rows == [(False, "manual")]
    assert not list(world_on_server.data.glob("*.sqlite3"))


def walk(world: World) -> None:
    world.start_serve()
    world.enrol()
    done = world.agent("test", "--json", "--max-bytes", "300000")
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["status"] == "ok"
    world.start_daemon()
    wait_for(lambda: world.rows("SELECT 1 FROM measurements WHERE rid = ?", record["rid"]), "the measurement is stored")
    (row,) = world.rows("SELECT school, trigger, download_bps FROM measurements WHERE rid = ?", record["rid"])
    assert row == ("00123", "manual", record["download"]["bps"])
    exported = list(csv.DictReader(io.StringIO(world.collector("export", "measurements", "--format", "csv"))))
    mine = [one for one in exported if one["rid"] == record["rid"]]
    assert [one["download_bps"] for one in mine] == [str(record["download"]["bps"])]
    assert mine[0]["school"] == "00123"
    world.collector("evaluate")


def test_what_was_measured_while_the_collector_was_away_arrives_once(world: World) -> None:
    server = world.start_serve()
    world.enrol()
    world.stop(server)
    world.start_open_testpoint()
    rids = {json.loads(world.agent("test", "--json").stdout.splitlines()[-1])["rid"] for _ in range(3)}
    told = world.status()
    assert told["waiting"] == 3
    assert told["why"], told
    world.start_serve()
    world.start_daemon()
    wait_for(lambda: len(world.rows("SELECT rid FROM measurements WHERE trigger = 'manual'")) == 3, "three stored")
    assert {rid for (rid,) in world.rows("SELECT rid FROM measurements WHERE trigger = 'manual'")} == rids


def test_commands_work_beside_the_daemon_and_a_second_daemon_does_not_start(world: World) -> None:
    world.start_serve()
    world.enrol()
    daemon = world.start_daemon()
    wait_for(lambda: world.rows("SELECT 1 FROM measurements"), "the daemon's first measurement")
    wait_for(lambda: world.status()["waiting"] == 0, "nothing waits any more")
    world.agent("spool", "list")
    second = world.agent("run", expect=5)
    assert second.stderr.count("\n") == 1
    assert daemon.poll() is None
    assert world.stop(daemon) == 0


def test_a_test_without_enrolment_stores_nothing_and_a_missing_server_is_exit_3(world: World) -> None:
    world.start_open_testpoint()
    url = f"http://127.0.0.1:{world.open_testpoint}"
    record = json.loads(world.agent("test", "--server", url, "--json", data="bare").stdout.splitlines()[-1])
    assert record["kind"] == "measurement"
    assert not (world.root / "bare" / "spool.sqlite3").exists()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = world.agent("test", "--server", f"http://127.0.0.1:{taken.getsockname()[1]}", data="bare", expect=3)
    assert gone.stderr.strip().count("\n") == 0
    assert gone.stderr.strip()


class Portal(BaseHTTPRequestHandler):
    """Answers 200 and `{}` to everything, as a login page in the way does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"{}"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 -- the name that http.server looks for

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def portal(world: World) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", world.port), Portal, bind_and_activate=False)
    server.allow_reuse_address = True
    yield server
    server.server_close()


def test_a_portal_changes_nothing_in_the_spool(world: World, portal: ThreadingHTTPServer) -> None:
    server = world.start_serve()
    world.enrol()
    world.stop(server)
    world.start_open_testpoint()
    world.agent("test", "--json")
    before = world.spool("SELECT rid, body FROM rows ORDER BY rid")
    portal.server_bind()
    portal.server_activate()
    threading.Thread(target=portal.serve_forever, daemon=True).start()
    daemon = world.start_daemon()
    wait_for(lambda: "portal" in json.dumps(world.status()["why"]), "status says portal")
    world.stop(daemon)
    portal.shutdown()
    after = dict(world.spool("SELECT rid, body FROM rows WHERE state = 'ready'"))
    assert all(after.get(rid) == body for rid, body in before)
