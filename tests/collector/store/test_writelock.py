"""One writer at a time, among threads and among processes."""

import subprocess
import sys
import threading
from pathlib import Path

from collector.store.writelock import write_lock


def test_two_threads_never_hold_it_together(tmp_path: Path) -> None:
    inside, seen = [0], []

    def work() -> None:
        for _ in range(50):
            with write_lock(tmp_path / "write.lock"):
                inside[0] += 1
                seen.append(inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 200


def test_another_process_waits_and_a_dead_one_frees_it(tmp_path: Path) -> None:
    lock = tmp_path / "write.lock"
    program = (
        "import sys, pathlib\n"
        "from collector.store.writelock import write_lock\n"
        "with write_lock(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"held\n"
    got = threading.Event()

    def take() -> None:
        with write_lock(lock):
            got.set()

    waiter = threading.Thread(target=take)
    waiter.start()
    assert not got.is_set()
    child.kill()
    child.wait()
    waiter.join(30)
    assert got.is_set()
    child.stdout.close()
    child.stdin.close()
