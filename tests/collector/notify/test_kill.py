"""`kill -9` of the process that sends, at any moment: nothing is lost, and a double has the name of the first.

By mail and by webhooks; once through the jobs of `serve`, which starts them again.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import update

from collector.notify import decide, hook_body
from collector.store.open import Store
from collector.store.queries.notices import outbox, webhooks
from collector.store.queries.notices.webhooks import Webhook
from collector.store.tables.notices import NOTICES
from tests.collector.notify.scene import Scene
from tests.collector.notify.test_hooks import Receiver, receiving
from tests.collector.test_serve import Serving
from tests.fakes import mail_servers
from tests.fakes.collector_world import FakeClock
from tests.fakes.mail_servers import Mailbox

# Each life of the process has a clock of a later day: claims of the life before have ended, and retries are due.
# They are forked from a parent that has loaded everything, so that a life begins at once.
_PARENT = """
import os, signal, sys, time
from pathlib import Path
from collector.config import CollectorConfig
from collector.notify import sending
from collector.notify.settings import NotifyConfig
from collector.ports import Ports
from collector.real.hooks import HttpPoster
from collector.real.mail import SmtpMailer
from collector.real.world import RealClock, RealRandomness
from collector.store.open import Store

port, place, kind = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
notify = NotifyConfig(smtp_host="127.0.0.1", smtp_port=port, smtp_security="none",
                      from_address="enlace@example.org", smtp_timeout_s=5)
config = CollectorConfig(public_url="https://enlace.example")

class Later(RealClock):
    def __init__(self, life):
        self.base_ms = 1_795_000_000_000 + life * 86_400_000

    def now_ms(self):
        return self.base_ms + self.mono_ms() % 3_600_000

def live(life):
    ports = Ports(clock=Later(life), randomness=RealRandomness())
    store = Store.open(place)
    while True:
        if kind == "hooks":
            sending.send_hooks(store, config, ports, HttpPoster(5, may_be_private=True))
        else:
            sending.send_mail(store, config, notify, ports, SmtpMailer(notify, ""))
        time.sleep(0.005)

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        live(int(line))
    print(pid, flush=True)
"""


@contextmanager
def lives(port: int, place: Path, kind: str = "mail") -> Iterator[Callable[[int], int]]:
    """Give a function that starts a life of the sending process and returns its number."""
    words = [sys.executable, "-c", _PARENT, str(port), str(place), kind]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as parent:
        assert parent.stdin is not None and parent.stdout is not None
        told, heard = parent.stdin, parent.stdout

        def begin(life: int) -> int:
            told.write(f"{life}\n")
            told.flush()
            return int(heard.readline())

        yield begin
        told.close()


def kill_in_turn(store: Store, times: int, seed: int) -> None:
    count = times * 4
    scene = Scene(store).fill([(f"p{number:03d}", "operator", (), "en") for number in range(count)])
    fill_outbox(scene, [f"user:id-p{number:03d}" for number in range(count)])
    taken = threading.Event()
    mailbox = Mailbox(before_answer=taken.set)
    with mail_servers.serving(mailbox) as port:
        die_often(scene, port, "mail", taken, times, seed)
    check(scene, mailbox, count, times)


def fill_outbox(scene: Scene, readers: list[str]) -> None:
    """Let a test message wait for each reader."""
    scene.clock.now = 1_795_000_000_000
    with scene.store.unit() as unit:
        for reader in readers:
            outbox.add(unit, decide.a_test(reader, "en", "UTC", scene.clock.now))
        unit.commit()


def die_often(scene: Scene, port: int, kind: str, taken: threading.Event, times: int, seed: int) -> None:
    """Kill so many lives, then let one send the rest.

    The moment right after a message was taken, before anybody can know, is met on purpose in half of the lives.
    """
    assert scene.store.path is not None
    chance = random.Random(seed)
    with lives(port, scene.store.path.parent, kind) as begin:
        for life in range(1, times + 1):
            taken.clear()
            pid = begin(life)
            if chance.random() < 0.5:
                taken.wait(10)
            else:
                time.sleep(chance.uniform(0, 0.06))
            os.kill(pid, signal.SIGKILL)
        last = begin(times + 1)
        wait_for(lambda: not any(one.state == "waiting" for one in scene.notices().values()))
        os.kill(last, signal.SIGKILL)


def wait_for(holds: Callable[[], bool], most_s: float = 300) -> None:
    until = time.monotonic() + most_s
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)


def check(scene: Scene, mailbox: Mailbox, count: int, times: int) -> None:
    notices = scene.notices()
    assert {one.state for one in notices.values()} == {"sent"} and len(notices) == count
    names = {f"<{one.notice_id}@example.org>" for one in notices.values()}
    got = Counter(message["Message-ID"] for _, message in mailbox.taken)
    assert set(got) == names, "no notice is lost, and none has a second name"
    doubled = [name for name, seen in got.items() if seen > 1]
    assert len(mailbox.taken) - count <= times and len(doubled) <= times, "at most the one in hand at each kill"
    sent = [one.word for tried in scene.attempts().values() for one in tried].count("sent")
    assert sent == count, "what was doubled is what nobody could know of: one line of the log for each"


# --- webhooks -------------------------------------------------------------------------------------------------------


def post_and_die(store: Store, times: int, seed: int) -> None:
    count = times * 4
    taken = threading.Event()
    receiver = Receiver(on_call=taken.set)
    scene = Scene(store).fill(())
    with receiving(receiver) as url:
        with store.unit() as unit:
            for number in range(count):
                webhooks.add(unit, Webhook(f"h{number:03d}", "desk", url, "s3cret", ("digest",), 0, "ana"))
            unit.commit()
        fill_outbox(scene, [f"webhook:h{number:03d}" for number in range(count)])
        die_often(scene, 0, "hooks", taken, times, seed)
    notices = scene.notices()
    assert {one.state for one in notices.values()} == {"sent"} and len(notices) == count
    got = Counter(headers["Idempotency-Key"] for headers, _body in receiver.calls)
    assert set(got) == {one.notice_id for one in notices.values()}, "no call is lost, and none has a second key"
    assert len(receiver.calls) - count <= times, "at most the one in hand at each kill"
    bodies = {(headers["Idempotency-Key"], body) for headers, body in receiver.calls}
    assert len(bodies) == count, "what is doubled is the same byte by byte"
    for headers, body in receiver.calls:
        assert hook_body.signature("s3cret", headers["Enlace-Timestamp"], body) in headers["Enlace-Signature"]
    sent = [one.word for tried in scene.attempts().values() for one in tried].count("sent")
    assert sent == count, "what was doubled is what nobody could know of: one line of the log for each"


@pytest.mark.sqlite
def test_a_few_kills_lose_no_call_of_a_webhook(store: Store) -> None:
    post_and_die(store, times=4, seed=3)


@pytest.mark.deep
@pytest.mark.sqlite
def test_fifty_kills_lose_no_call_of_a_webhook(store: Store) -> None:
    post_and_die(store, times=50, seed=4)


# --- the jobs of `serve` ---------------------------------------------------------------------------------------------


def jobs_of(process: subprocess.Popen[bytes]) -> psutil.Process | None:
    children = psutil.Process(process.pid).children()
    return next((one for one in children if "jobs" in one.cmdline()), None)


@pytest.mark.deep
@pytest.mark.sqlite
@pytest.mark.xdist_group("e2e")
def test_jobs_that_are_killed_while_they_send_are_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    scene = Scene(Store.open(serving.data), clock=FakeClock(round(time.time() * 1000)))
    count, taken = 40, threading.Event()
    # The thirtieth is the one in whose middle the jobs die: it has been taken, and nobody can know.
    mailbox = Mailbox()
    mailbox.before_answer = lambda: taken.set() if len(mailbox.taken) == 30 and time.sleep(2) is None else None
    scene.fill([(f"p{number:03d}", "operator", (), "en") for number in range(count)])
    with scene.store.unit() as unit:
        for number in range(count):
            outbox.add(unit, decide.a_test(f"user:id-p{number:03d}", "en", "UTC", scene.clock.now_ms()))
        unit.commit()
    try:
        with mail_servers.serving(mailbox) as port:
            with serving.config.open("a", encoding="utf-8") as file:
                file.write(
                    f'[notify]\nsmtp_host = "127.0.0.1"\nsmtp_port = {port}\nsmtp_security = "none"\n'
                    'from_address = "enlace@example.org"\n'
                )
            process = serving.start("serve")
            wait_for(lambda: len(mailbox.taken) == 30)
            first = jobs_of(process)
            assert first is not None
            first.kill()
            wait_for(lambda: states(scene).count("sent") == count - 1)
            again = jobs_of(process)
            assert again is not None and again.pid != first.pid
            assert sorted(states(scene)) == ["sent"] * (count - 1) + ["waiting"], "it is claimed for five minutes"
            with scene.store.unit() as unit:  # they have passed
                unit.connection.execute(update(NOTICES).values(claimed_until_ms=None))
                unit.commit()
            wait_for(lambda: states(scene) == ["sent"] * count)
    finally:
        serving.close()
    got = Counter(message["Message-ID"] for _, message in mailbox.taken)
    tests = {f"<{one.notice_id}@example.org>" for one in scene.notices().values() if one.topic == "test"}
    assert tests <= set(got) and sorted(got[name] for name in tests) == [1] * (count - 1) + [2]
    scene.store.close()


def states(scene: Scene) -> list[str]:
    with scene.store.reader() as snapshot:
        return [one.state for one in outbox.newest(snapshot, 1000) if one.topic == "test"]


# --- mail -----------------------------------------------------------------------------------------------------------


@pytest.mark.sqlite
def test_a_few_kills_lose_nothing(store: Store) -> None:
    kill_in_turn(store, times=4, seed=1)


@pytest.mark.deep
@pytest.mark.sqlite
def test_fifty_kills_lose_nothing(store: Store) -> None:
    kill_in_turn(store, times=50, seed=2)
