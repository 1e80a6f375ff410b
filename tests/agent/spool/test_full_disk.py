"""A disk that is really full, by space and by number of files, and free again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import needed

ROOT = Path(__file__).parents[3]
MAY_UNSHARE = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("unshare") is not None

SCRIPT = """
import sys
from pathlib import Path
from agent.errors import EnlaceError
from agent.spool.store import Spool, open_reader
from tests.agent.spool.records import STUB, fill, measurement
from tests.fakes.agent_world import BOOT, FakeClock, SeededRandomness
from tests.fakes.records import a_rid

mount, fills = Path(sys.argv[1]), sys.argv[2]
data = mount / "data"
spool = Spool.open(data, clock=FakeClock(), randomness=SeededRandomness(), boot_id=BOOT)
fill(spool, 1, 2, 3, 4, 5)
spool.check_room()
spool.mark_running(STUB, a_rid(9), 100)

filler = mount / "filler"
filler.mkdir()
count = 0
try:
    while True:
        with (filler / str(count)).open("wb", buffering=0) as file:
            if fills == "space":
                while True:
                    file.write(bytes(4096))
        count += 1
except OSError:
    pass

def said(call):
    try:
        call()
    except EnlaceError as error:
        return error.sentence
    return ""

assert said(spool.check_room).startswith(f"No space in {data}."), said(spool.check_room)
assert spool.add_ready(measurement(9)), "the marker has held its room"
if fills == "space":
    assert "No space" in said(lambda: [spool.add_ready(measurement(n)) for n in range(100, 400)])
with open_reader(data) as reader:
    assert reader.ledger().is_balanced() and reader.ledger().ready >= 6
    assert reader.list_rows(5)
spool.close()
with open_reader(data) as reader:
    assert reader.ledger().ready >= 6
again = Spool.open(data, clock=FakeClock(), randomness=SeededRandomness(2), boot_id=BOOT)
if fills == "space":  # closing gave back two files, so there is room for a few names again
    assert "No space" in said(again.check_room)

import shutil
shutil.rmtree(filler)
again.check_room()
fill(again, 500)
rids = {row.rid for row in again.next_batch(1000, 10**7)}
assert {a_rid(n) for n in (1, 2, 3, 4, 5, 9, 500)} <= rids
assert again.summary().repaired is None
again.close()
print("whole")
"""


@pytest.mark.netns
@needed.skip_without(needed.NAMESPACES, "" if MAY_UNSHARE else "needs root and unshare to mount")
@pytest.mark.parametrize(("fills", "options"), [("space", "size=2m"), ("files", "size=8m,nr_inodes=40")])
def test_a_full_disk_loses_nothing_and_heals(tmp_path: Path, fills: str, options: str) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    told = subprocess.run(
        ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o "$1" small "$2" && exec "$3" "$4" "$2" "$5"', "sh",
         options, str(mount), sys.executable, str(script), fills],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    if "mount:" in told.stderr:
        needed.lack(needed.NAMESPACES, "mounting is not allowed here")
    assert told.stdout.endswith("whole\n"), told.stderr
