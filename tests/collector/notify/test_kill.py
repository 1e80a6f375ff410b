"""`kill -9` of the process that sends, at any moment: nothing is lost, and a double has the name of the first."""

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

import pytest

from collector.notify import decide
from collector.store.open import Store
from collector.store.queries.notices import outbox
from tests.collector.notify.scene import Scene
from tests.fakes import mail_servers
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
from collector.real.mail import SmtpMailer
from collector.real.world import RealClock, RealRandomness
from collector.store.open import Store

port, place = int(sys.argv[1]), Path(sys.argv[2])
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
def lives(port: int, place: Path) -> Iterator[Callable[[int], int]]:
    """Give a function that starts a life of the sending process and returns its number."""
    words = [sys.executable, "-c", _PARENT, str(port), str(place)]
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
    assert store.path is not None
    chance = random.Random(seed)
    count = times * 4
    scene = Scene(store).fill([(f"p{number:03d}", "operator", (), "en") for number in range(count)])
    scene.clock.now = 1_795_000_000_000
    with store.unit() as unit:
        for number in range(count):
            outbox.add(unit, decide.a_test(f"user:id-p{number:03d}", "en", "UTC", scene.clock.now))
        unit.commit()
    # The moment right after a message was taken, before anybody can know, is met on purpose in half of the lives.
    taken = threading.Event()
    mailbox = Mailbox(before_answer=taken.set)
    with mail_servers.serving(mailbox) as port, lives(port, store.path.parent) as begin:
        for life in range(1, times + 1):
            taken.clear()
            pid = begin(life)
            if chance.random() < 0.5:
                taken.wait(10)
            else:
                time.sleep(chance.uniform(0, 0.06))
            os.kill(pid, signal.SIGKILL)
        last = begin(times + 1)
        until = time.monotonic() + 60
        while any(one.state == "waiting" for one in scene.notices().values()) and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(last, signal.SIGKILL)
    check(scene, mailbox, count, times)


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


@pytest.mark.sqlite
def test_a_few_kills_lose_nothing(store: Store) -> None:
    kill_in_turn(store, times=4, seed=1)


@pytest.mark.deep
@pytest.mark.sqlite
def test_fifty_kills_lose_nothing(store: Store) -> None:
    kill_in_turn(store, times=50, seed=2)
