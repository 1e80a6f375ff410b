"""The tools that are held against each other: each runs once on a fresh line and says what it read."""

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.daemon import history
from bench.contest.rows import Row
from tests.netlab.account import Account
from tests.netlab.lab import Lab, Word
from tests.netlab.links import Direction, Profile, line
from tests.netlab.measure import BIN, PORT, Ran, iperf3, iperf3_server, our_test, our_test_point, run_tool, serving

ROOT = Path(__file__).parents[2]
NDT7_CLIENT = ROOT / "tests" / "clients" / "ndt7.cjs"
DIRECTIONS: tuple[Direction, ...] = ("download", "upload")
PROBE_BYTES = 84
MB = 1_000_000
PRIOR_S, LEAST_CAP_BYTES, MOST_CAP_BYTES = 2.0, 10 * MB, 100 * MB
TARGET_BPS: Mapping[Direction, float] = {"download": 20e6, "upload": 0.0}
PRIOR_SPREAD = 0.05
EARLIER_S = 1.0
OFFICE = line("office", (50, 20), 20, queue_ms=(100, 100))
"""Where the processor time at 50 Mbit/s is read."""
_LARGE_BYTES = 300

Run = Callable[[Profile, int], list[Row]]


@dataclass(frozen=True)
class Tool:
    """A way to measure a line.

    Attributes:
        name: In files and on the command line.
        label: In tables.
        run: Makes one run with a seed.
        missing: Why it cannot be had here, empty if it can.
        is_ours: Whether the bars are for it.
        short: Label where there is little room.
    """

    name: str
    label: str
    run: Run
    missing: str = ""
    is_ours: bool = False
    short: str = ""

    @property
    def name_in_picture(self) -> str:
        """Return the label, or a shorter one."""
        return self.short or self.label


def earlier(profile: Profile, seed: int) -> dict[Direction, list[float]]:
    """Return what earlier tests read.

    On a steady line its rate, all a few per cent off to the same side; on one whose rate changes what it carried in
    some second of each of them.
    """
    chance = random.Random(f"prior {profile.name} {seed}")
    found: dict[Direction, list[float]] = {}
    for direction in DIRECTIONS:
        link = profile.link(direction)
        aside = chance.uniform(1 - PRIOR_SPREAD, 1 + PRIOR_SPREAD)
        moments_s = [chance.uniform(0, link.repeat_s) for _ in range(history.PRIORS_KEPT)]
        found[direction] = [link.tcp_bps * aside * link.share_of_mean(at_s, EARLIER_S) for at_s in moments_s]
    return found


def priors(profile: Profile, seed: int) -> dict[Direction, float]:
    """Return the history as the agent keeps it: the median of earlier tests."""
    return {direction: history.middle(figures) or 0.0 for direction, figures in earlier(profile, seed).items()}


def default_caps(known_bps: Mapping[Direction, float]) -> dict[Direction, int]:
    """Return the caps that a school gets: 2 s of the faster of history and target, within bounds."""

    def cap(direction: Direction) -> int:
        wanted = PRIOR_S * max(known_bps[direction], TARGET_BPS[direction]) / 8
        return round(min(max(wanted, LEAST_CAP_BYTES), MOST_CAP_BYTES))

    return {direction: cap(direction) for direction in DIRECTIONS}


def idle_ms(profile: Profile) -> float:
    """Return the line's round trip for a small packet."""
    return profile.idle_rtt_ms + sum(PROBE_BYTES * 8 / profile.link(each).mbps / 1e3 for each in DIRECTIONS)


def transfer_bytes(account: Account, direction: Direction, ran: Ran) -> int:
    """Return what was sent in the slots that had a transfer in this direction, not the other one's acknowledgements."""
    slots = account.slots(direction, ran.began_s, ran.ended_s)
    large = [
        each for each in slots if each.offered_packets and each.offered_bytes >= _LARGE_BYTES * each.offered_packets
    ]
    return sum(each.offered_bytes - each.dropped_bytes for each in large)


def make_row(lab: Lab, seed: int, tool: str, direction: Direction, ran: Ran, **more: Any) -> Row:
    """Return a row with what the emulator says of a run."""
    return Row(
        profile=lab.profile.name,
        seed=seed,
        tool=tool,
        direction=direction,
        truth_bps=ran.truth_bps[direction],
        bytes=transfer_bytes(lab.account, direction, ran),
        line_bytes=ran.line_bytes,
        seconds=ran.seconds,
        cpu_s=ran.cpu_s,
        queue_ms=ran.queue_ms[direction],
        **{"peak_mb": ran.peak_mb, "load": os.getloadavg()[0], **more},
    )


# Ours ---------------------------------------------------------------------------------------------------------------


def _record_rows(lab: Lab, seed: int, tool: str, ran: Ran, record: Mapping[str, Any] | None, **more: Any) -> list[Row]:
    told = record or {}
    failure = told.get("failure") or {}
    rtt_ms = (told.get("idle") or {}).get("rtt_ms")
    own_ms = idle_ms(lab.profile)
    caps, shares = more.pop("caps", {}), more.pop("cpu_share", {})
    rows = []
    for direction in DIRECTIONS:
        figure = {name: value for name, value in (told.get(direction) or {}).items() if name != "bins"}
        missing = f"{failure.get('code', '')} {failure.get('detail', '')}".strip() or ran.stderr.strip()[-200:]
        row = make_row(
            lab, seed, tool, direction, ran,
            bps=figure.get("bps"), note="" if figure else missing or "no figure",
            idle_error_ms=None if rtt_ms is None else rtt_ms - own_ms, idle_ms=own_ms, cap_bytes=caps.get(direction, 0),
            cpu_share=shares.get(direction), figure=figure, tags=tuple(told.get("tags") or ()), **more,
        )  # fmt: skip
        rows.append(row)
    return rows


def by_command(profile: Profile, seed: int) -> list[Row]:
    """Run the command that a technician has, without caps and without a history."""
    with Lab(profile, seed=seed) as lab, our_test_point(lab) as url:
        measured = our_test(lab, url)
        return _record_rows(lab, seed, "ours", measured.ran, measured.record)


def by_session(tool: str, *, with_prior: bool, with_caps: bool = False, to_the_end: bool = False) -> Run:
    """Return a run of a session that knows a history, or has caps, or may not stop before ten seconds."""

    def run(profile: Profile, seed: int) -> list[Row]:
        known = priors(profile, seed)
        caps = default_caps(known) if with_caps else dict.fromkeys(DIRECTIONS, 0)
        with Lab(profile, seed=seed) as lab, our_test_point(lab) as url:
            order = {
                "url": url,
                "caps": caps,
                "priors": known if with_prior else dict.fromkeys(DIRECTIONS),
                "wanders": {
                    direction: history.wander(figures) for direction, figures in earlier(profile, seed).items()
                },
                "to_the_end": to_the_end,
            }
            ran = run_tool(lab, _python("session_end", json.dumps(order)), cwd=ROOT)
            told = _last_json(ran)
            more = {"caps": caps, "cpu_share": told.get("cpu_share", {})}
            return _record_rows(lab, seed, tool, ran, told.get("record"), **more)

    return run


def _python(module: str, *words: str) -> list[Word]:
    return [sys.executable, "-m", f"bench.contest.{module}", *words]


def _last_json(ran: Ran) -> dict[str, Any]:
    last = ran.stdout.strip().rpartition("\n")[2]
    return json.loads(last) if last.startswith("{") else {}


# Others -------------------------------------------------------------------------------------------------------------


def by_iperf3(tool: str, seconds: int) -> Run:
    """Return a run of iperf3: one flow of CUBIC, as its defaults are."""

    def run(profile: Profile, seed: int) -> list[Row]:
        rows = []
        for direction in DIRECTIONS:
            with Lab(profile, seed=seed) as lab, iperf3_server(lab):
                bps, ran = iperf3(lab, direction, seconds=seconds)
                rows.append(make_row(lab, seed, tool, direction, ran, bps=bps))
        return rows

    return run


def by_ndt7(profile: Profile, seed: int) -> list[Row]:
    """Run Measurement Lab's own client against our test point, whose ndt7 sends with BBR as theirs does."""
    with Lab(profile, seed=seed) as lab, our_test_point(lab):
        ran = run_tool(lab, ["node", NDT7_CLIENT, f"{lab.server_address}:{PORT}"])
        told = _last_json(ran)
        figures = _ndt7_figures(told)
        note = "; ".join(told.get("errors", [])) or ran.stderr.strip()[-200:]
        return [make_row(lab, seed, "ndt7", each, ran, bps=figures[each], note=note) for each in DIRECTIONS]


def _ndt7_figures(told: Mapping[str, Any]) -> dict[Direction, float | None]:
    """Return what its page shows: of a download the client's last mean, of an upload what the server received."""
    client = (told.get("download") or {}).get("LastClientMeasurement") or {}
    server = (told.get("upload") or {}).get("LastServerMeasurement") or {}
    down = client.get("MeanClientMbps")
    info = server.get("TCPInfo") or {}
    up = 8e6 * info["BytesReceived"] / info["ElapsedTime"] if info.get("BytesReceived") else None
    return {"download": down * 1e6 if down else None, "upload": up}


def by_greedy(tool: str, engine: str, seconds: float, flows: Mapping[Direction, int], grace: Mapping[Direction, float],
              senders: Mapping[Direction, str]) -> Run:  # fmt: skip
    """Return a run of a test that simply lasts, with our engines, for a client that cannot be had."""

    def run(profile: Profile, seed: int) -> list[Row]:
        rows = []
        for direction in DIRECTIONS:
            with Lab(profile, seed=seed) as lab, our_test_point(lab) as url:
                words = [str(seconds), str(flows[direction]), senders[direction], str(grace[direction])]
                ran = run_tool(lab, _python("greedy_end", url, engine, direction, *words), cwd=ROOT)
                told = _last_json(ran)
                note = told.get("note", ran.stderr.strip()[-200:])
                rows.append(make_row(lab, seed, tool, direction, ran, bps=told.get("bps"), note=note))
        return rows

    return run


@contextmanager
def cubic_point(lab: Lab) -> Iterator[str]:
    """Run a test point with CUBIC, and speedtest-cli's home, on the server's side."""
    with serving(lab, _python("point_end", lab.server_address, str(PORT)), "Test point", cwd=ROOT):
        yield f"http://{lab.server_address}:{PORT}/"


def by_speedtest_cli(profile: Profile, seed: int) -> list[Row]:
    """Run speedtest-cli itself against an imitation of Speedtest Mini."""
    with Lab(profile, seed=seed) as lab, cubic_point(lab) as url, tempfile.TemporaryDirectory() as folder:
        hosts = Path(folder) / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{lab.server_address} www.speedtest.net\n")
        steps = (
            f"mount --bind '{hosts}' /etc/hosts && exec '{BIN / 'speedtest-cli'}' --mini '{url}' --json --timeout 30"
        )
        ran = run_tool(lab, ["unshare", "--mount", "sh", "-c", steps])
        told = _last_json(ran)
        note = "" if told else (ran.stderr or ran.stdout).strip()[-200:] or "no figure"
        return [make_row(lab, seed, "speedtest-cli", each, ran, bps=told.get(each), note=note) for each in DIRECTIONS]


def _why_no_ndt7() -> str:
    if not shutil.which("node"):
        return "node is not installed"
    has_package = (NDT7_CLIENT.parent / "node_modules" / "@m-lab" / "ndt7").is_dir()
    return "" if has_package else "the npm package @m-lab/ndt7 is not installed (tests/tools.sh)"


def _why_no(program: str | Path) -> str:
    return "" if shutil.which(str(program)) else f"{Path(program).name} is not installed"


def all_tools() -> dict[str, Tool]:
    """Return the tools by name, in the order of the tables."""
    no_iperf3 = _why_no("iperf3")
    ndt7 = Tool("ndt7", "ndt7 (@m-lab/ndt7)", by_ndt7, short="ndt7")
    if _why_no_ndt7():
        flows, grace = {"download": 1, "upload": 1}, {"download": 0.0, "upload": 0.0}
        senders = {"download": "bbr", "upload": "cubic"}
        ndt7 = Tool("ndt7", "ndt7, 10 s (imitated)", by_greedy("ndt7", "ndt7", 10, flows, grace, senders))
    libre = by_greedy(
        "librespeed", "librespeed", 15, {"download": 6, "upload": 3}, {"download": 1.5, "upload": 3.0},
        {"download": "cubic", "upload": "cubic"},
    )  # fmt: skip
    tools = (
        Tool("ours", "Enlace", by_command, is_ours=True),
        Tool("prior", "Enlace, with a history", by_session("prior", with_prior=True), is_ours=True),
        Tool("caps", "Enlace, default caps", by_session("caps", with_prior=True, with_caps=True), is_ours=True),
        Tool("ten", "Enlace, kept for 10 s", by_session("ten", with_prior=False, to_the_end=True), is_ours=True),
        ndt7,
        Tool("librespeed", "LibreSpeed, 15 s (imitated)", libre, short="LibreSpeed, imitated"),
        Tool(
            "speedtest-cli",
            "speedtest-cli 2.1.3",
            by_speedtest_cli,
            _why_no(BIN / "speedtest-cli"),
            short="speedtest-cli",
        ),
        Tool("iperf3-10", "iperf3, 10 s", by_iperf3("iperf3-10", 10), no_iperf3),
        Tool("iperf3-30", "iperf3, 30 s", by_iperf3("iperf3-30", 30), no_iperf3),
    )
    return {tool.name: tool for tool in tools}
