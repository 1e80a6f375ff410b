"""What we ask of ourselves, each with what was found; a bar that nothing was measured for is shown as such."""

from collections.abc import Iterator, Sequence

from bench.contest import summary
from bench.contest.format import NONE, count, pct, signed
from bench.contest.rows import Row
from bench.contest.tools import DIRECTIONS, OFFICE
from tests.netlab import profiles

Bar = tuple[str, str, str, str]
JUDGED = {profile.name for profile in profiles.JUDGED}
STEADY = {profile.name for profile in profiles.JUDGED if not profile.varies}
SLOW = ("64k", "256k")
OURS = ("ours", "prior", "caps")


def all_bars(rows: Sequence[Row]) -> list[Bar]:
    """Return the rows of the table: what, what is asked, what was found, whether it is met."""
    judged = [row for row in rows if row.profile in JUDGED]
    ours = _tool(judged, "ours")
    return [
        *_errors("all judged lines", ours, (0.025, 0.08)),
        *_errors("steady lines", [row for row in ours if row.profile in STEADY], (0.02, 0.05)),
        *_uploads(judged),
        *_bytes(judged),
        *_idle(ours),
        *_coverage(judged),
        *_caps(judged),
        *_gigabit(ours),
        *_slow(rows),
        *_processor(rows),
    ]


def _tool(rows: Sequence[Row], name: str) -> list[Row]:
    return [row for row in rows if row.tool == name]


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "**not met**"


def _at_most(what: str, bar: float, found: float | None) -> Bar:
    return (what, f"≤ {pct(bar)}", pct(found), NONE if found is None else _verdict(found <= bar))


def _errors(which: str, ours: Sequence[Row], bar: tuple[float, float]) -> Iterator[Bar]:
    for direction in DIRECTIONS:
        found = summary.errors(ours, direction)
        yield _at_most(f"{direction}, {which}: median error", bar[0], found.median)
        yield _at_most(f"{direction}, {which}: p90", bar[1], found.p90)


def _uploads(judged: Sequence[Row]) -> Iterator[Bar]:
    found = summary.errors([row for row in judged if row.tool in OURS], "upload")
    if found.highest is not None:
        what = f"upload, every one of {found.runs} runs: most too high"
        yield (what, "≤ +5.0 %", signed(found.highest), _verdict(found.highest <= 0.05))


def _bytes(judged: Sequence[Row]) -> Iterator[Bar]:
    tests, uploads = summary.bytes_of_tests, summary.bytes_of
    for name, bar in (("ndt7", 6), ("librespeed", 8)):
        theirs = _tool(judged, name)
        shares = (
            (f"bytes of a test for each of {name}'s", bar, summary.ratio(tests(_tool(judged, "ours")), tests(theirs))),
            (
                f"with a history: bytes of an upload for each of {name}'s",
                2 * bar,
                summary.ratio(uploads(_tool(judged, "prior"), "upload"), uploads(theirs, "upload")),
            ),
        )
        for what, parts, found in shares:
            if found is not None:
                yield (what, f"≤ 1/{parts}", f"1/{1 / found:.1f}", _verdict(found <= 1 / parts))


def _idle(ours: Sequence[Row]) -> Iterator[Bar]:
    known = [row for row in ours if row.idle_error_ms is not None and row.direction == "download"]
    if known:
        right = sum(summary.is_idle_right(row) for row in known)
        yield (
            "idle round trip within 2 ms or 5 %",
            "every run",
            count(right, len(known)),
            _verdict(right == len(known)),
        )


def _coverage(judged: Sequence[Row]) -> Iterator[Bar]:
    hits, of = summary.covered(_tool(judged, "ours"), _tool(judged, "ten"))
    if of:
        share = hits / of
        found = f"{count(hits, of)} ({100 * share:.0f} %)"
        yield ("steady lines: the stated half width reaches the 10 s figure", "≥ 85 %", found, _verdict(share >= 0.85))


def _caps(judged: Sequence[Row]) -> Iterator[Bar]:
    known = [row for row in _tool(judged, "caps") if row.cap_bytes]
    if known:
        within = sum(summary.over_cap(row) <= 0 for row in known)
        found = count(within, len(known))
        yield ("never above the cap and what one round trip holds", "every run", found, _verdict(within == len(known)))
        lower = sum(row.is_lower_bound for row in known)
        yield ("default caps: figures that say *at least*", "", f"{count(lower, len(known))}", "")


def _gigabit(ours: Sequence[Row]) -> Iterator[Bar]:
    for direction in DIRECTIONS:
        mine = [row.error for row in ours if row.profile == "gigabit" and row.direction == direction]
        known = [abs(each) for each in mine if each is not None]
        if known:
            yield _at_most(f"900 Mbit/s, {direction}: the worst of {len(known)} runs", 0.05, max(known))


def _slow(rows: Sequence[Row]) -> Iterator[Bar]:
    """Return whether very slow lines are read right, or said to be too slow; never plausible and wrong."""
    for name in SLOW:
        mine = [row for row in rows if row.profile == name and row.tool == "ours"]
        right = sum(row.error is None or row.is_lower_bound or abs(row.error) <= 0.10 for row in mine)
        if mine:
            found = count(right, len(mine))
            yield (f"{name}: within 10 %, or said to be no figure", "every run", found, _verdict(right == len(mine)))


def _processor(rows: Sequence[Row]) -> Iterator[Bar]:
    """Return the share of a core at 50 Mbit/s down and 20 up, in a usual test and in one kept for 10 s."""
    for tool, name in (("prior", "usual test"), ("ten", "10 s test")):
        for direction in DIRECTIONS:
            mine = [row for row in rows if row.profile == OFFICE.name and row.tool == tool]
            shares = [row.cpu_share for row in mine if row.direction == direction and row.cpu_share is not None]
            mbps = OFFICE.link(direction).mbps
            what = f"processor, of a core: {name}, {direction} at {mbps:g} Mbit/s (worst of {len(shares)})"
            if shares:
                yield _at_most(what, 0.10, max(shares))
