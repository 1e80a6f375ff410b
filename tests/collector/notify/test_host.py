"""What only this machine knows, and the jobs that ask it."""

import os
import socket
from pathlib import Path

from collector import jobs
from collector.config import CollectorConfig, TestpointConfig
from collector.notify import watch
from collector.notify.settings import NotifyConfig
from collector.real.host import RealHost
from collector.store.open import Store
from tests.fakes import mail_servers
from tests.fakes.collector_world import FakeClock, fake_ports

NOBODY = "http://127.0.0.1:1"


def answer(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def test_disk_backup_and_test_point(tmp_path: Path) -> None:
    host = RealHost(tmp_path, NOBODY)
    found = host.disk()
    assert found is not None and 0 < found[0] <= found[1]
    assert RealHost(tmp_path / "gone", NOBODY).disk() is None
    assert host.modified_ms(str(tmp_path / "gone")) is None and host.modified_ms(str(tmp_path)) is None
    for name, at_s in (("old", 1_000), ("new", 2_000)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (at_s, at_s))
    assert host.modified_ms(str(tmp_path)) == 2_000_000 and host.modified_ms(str(tmp_path / "old")) == 1_000_000
    assert host.answers() is False and host.answers() is None, "it is asked every five minutes"
    with mail_servers.raw(answer) as port:
        assert RealHost(tmp_path, f"http://127.0.0.1:{port}").answers() is True


def test_the_jobs_look_decide_and_send(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    config, point = CollectorConfig(data=str(tmp_path)), TestpointConfig(public_url=NOBODY)
    made = jobs.notice_jobs(store, config, point, fake_ports(clock), NotifyConfig())
    assert [name for name, _, _ in made] == ["notices", "mail", "webhooks"]
    for _, _, job in made:
        job()
    with store.reader() as snapshot:
        signs = watch.read_signs(snapshot)
    assert signs is not None and signs.at_ms == clock.now_ms() and signs.testpoint_seen_ms is None
