"""What people see of measurements and of the agent's state: short tables, plain sentences."""

import json
import shutil
import sys
import textwrap
from typing import TextIO

from agent.commands.limits_of import Limit, limit_of
from agent.wire.details import UsedUp
from agent.wire.records import Direction, Loaded, Measurement
from agent.wire.vocabulary import Confidence, FailureCode, Phase, RttMethod, Status

MBIT = 1_000_000  # bits
MB = 1_000_000  # bytes

FAILURES: dict[FailureCode, str] = {
    FailureCode.DNS: "The name server does not know the test point's address, or does not answer.",
    FailureCode.CONNECT_TIMEOUT: "The test point does not answer.",
    FailureCode.CONNECT_REFUSED: "Nothing listens at the test point's address.",
    FailureCode.UNREACHABLE: "There is no way to the test point from here.",
    FailureCode.TLS_UNTRUSTED: "The test point's certificate is not trusted: a filter may be reading along.",
    FailureCode.TLS_CLOCK: "The test point's certificate is not valid at this computer's date: check the clock.",
    FailureCode.PORTAL: "This is not a test point, a web page came: a login page (captive portal) may be in the way; "
    "open a browser and sign in.",
    FailureCode.PROXY_AUTH: "The proxy asks for a login.",
    FailureCode.HTTP_STATUS: "The test point answered with an error.",
    FailureCode.SERVER_BUSY: "The test point takes no test from here now: try again in a few minutes.",
    FailureCode.TOKEN_REFUSED: "The test point refuses this test's permission: test again for a new one.",
    FailureCode.PROTOCOL: "What answers at this address does not speak a test point's language.",
    FailureCode.STALLED: "The data stopped coming.",
    FailureCode.RESET: "The connection was cut.",
    FailureCode.CLIENT_LIMITED: "This computer was too busy to measure.",
    FailureCode.DISK: "There is no room to store the measurement.",
    FailureCode.CANCELLED: "The test was interrupted.",
    FailureCode.BUDGET: "A data budget of the day or the month is used up, this computer's own or the school's.",
    FailureCode.PAUSED: "The operator has paused testing.",
    FailureCode.METERED: "This connection is paid by the byte: no test was made.",
    FailureCode.BUSY_LINE: "Other programs keep the line busy: no test was made.",
    FailureCode.LEASE_BUSY: "Another computer of the school is testing: try again in a few minutes.",
    FailureCode.POWER_CUT: "The computer went off while it was measuring.",
    FailureCode.CLOSED: "The school is closed: no test was made.",
}


# What a test point gives as its reason, and what that means; the first that stands in the failure's detail.
REFUSALS: tuple[tuple[str, str], ...] = (
    ("test point wants", "This test point is not open to everybody: enrol this computer, or name another test point."),
    ("expired", "The permission to test was too old: test again, and if that does not help, the test point's clock may "
    "be wrong."),
    ("signature", "The test point does not know the collector that permitted this test: tell the operator."),
    ("used up", "What the collector permitted for this test is used up: test again later."),
    ("another address", "The permission was given out for another way to the test point: a proxy or a second line may "
    "be in use; test again."),
)  # fmt: skip


# By the failure's detail, or by the refusal's word.
BUDGETS: dict[str, str] = {
    UsedUp.CAP: "The data cap of this test is too small for a figure: nothing was sent.",
    UsedUp.DAY: "This computer's data budget of the day is used up.",
    UsedUp.MONTH: "This computer's data budget of the month is used up.",
    UsedUp.SCHOOL: "The school's data budget of the day or the month, which this computer shares with "
    "the school's others, is used up.",
}
PROBES: dict[RttMethod, str] = {
    RttMethod.UDP_ECHO: "UDP",
    RttMethod.TCP_CONNECT: "TCP connect",
    RttMethod.WS_PING: "WebSocket ping",
    RttMethod.ICMP: "ping",
}
LIMITS: dict[Limit, str] = {
    Limit.WIFI: "Wi-Fi",
    Limit.LAN: "this computer's cable or port",
    Limit.LINE: "the line",
    Limit.SHARED_LINE: "the line, shared with other programs of this computer",
    Limit.SERVER: "the test point",
    Limit.CAP: "the data cap",
    Limit.COMPUTER: "this computer",
    Limit.UNKNOWN: "not known: the line was never seen full",
}
_CAUSES: dict[Limit, str] = {
    Limit.WIFI: "the Wi-Fi{link} limits the {side}",
    Limit.LAN: "this computer's cable or port{link} limits the {side}",
    Limit.SERVER: "the test point ended the {side} early",
    Limit.CAP: "the data cap ended the {side} early",
    Limit.COMPUTER: "this computer did not keep up with the {side}",
    Limit.UNKNOWN: "the line was never seen full by the {side}",
}
_MOST_HALF_WIDTH_PCT = 50.0  # a figure that may be half or one and a half of itself is no figure to two places


def rounded(value: float) -> str:
    """Return a number to three places that count, so that 64 kbit/s are not 0.1 Mbit/s."""
    places = next((places for limit, places in ((99.95, 0), (9.995, 1), (0.9995, 2)) if value >= limit), 3)
    return f"{value:.{places}f}"


def counted(count: int, one: str) -> str:
    """Return a number with its noun, which is given in the singular."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def size(size_bytes: int) -> str:
    """Return an amount of data, in kB where it is less than a megabyte."""
    return f"{size_bytes / 1000:.0f} kB" if size_bytes < MB else f"{rounded(size_bytes / MB)} MB"


def measurement_lines(record: Measurement) -> list[tuple[str, str]]:
    """Return the lines of a measurement's table; what was not measured has none."""
    lines = [(name, _speed(side)) for name, side in (("Download", record.download), ("Upload", record.upload)) if side]
    if record.idle is not None and record.idle.rtt_ms is not None:
        method = f"  by {PROBES[record.idle.method]}" if record.idle.method else ""
        lines.append(("Latency, idle", f"{record.idle.rtt_ms:.1f} ms{method}"))
    if record.loaded is not None:
        lines += _loaded(record.loaded)
    if record.idle is not None and record.idle.loss_pct is not None and record.idle.n:
        lines.append(("Loss, idle", f"{record.idle.loss_pct:.3g} % of {counted(record.idle.n, 'probe')}"))
    sides = [side for side in (record.download, record.upload) if side is not None]
    spent = [side.bytes if side.wire_bytes_est is None else side.wire_bytes_est for side in sides]
    if any(size_bytes is not None for size_bytes in spent):
        lines.append(("Data used", size(sum(size_bytes or 0 for size_bytes in spent))))
    if sides and record.server is not None and record.server.host and record.engine is not None:
        lines.append(("Test point", f"{_cut(record.server.host, 40)}  by {record.engine.name}"))
    return lines + _limits(record)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _speed(side: Direction) -> str:
    if side.lower_bound:
        return f"at least {rounded(side.bps / MBIT)} Mbit/s"
    figure, width_pct = f"{rounded(side.bps / MBIT)} Mbit/s", side.half_width_pct
    if width_pct is None:
        return figure
    return f"{figure}  ± {max(width_pct, 1.0):.0f} %" if width_pct <= _MOST_HALF_WIDTH_PCT else f"{figure}  (rough)"


def _loaded(loaded: Loaded) -> list[tuple[str, str]]:
    told = [
        f"{value:.{0 if value >= 10 else 1}f} ms ({name})"
        for name, value in (("download", loaded.download_rtt_ms), ("upload", loaded.upload_rtt_ms))
        if value is not None
    ]
    if not told:
        return []
    grade = f"  grade {loaded.grade}" if loaded.grade else ""
    rough = "  (few probes)" if loaded.confidence is Confidence.LOW else ""
    return [("Latency, loaded", ", ".join(told) + grade + rough)]


def _limits(record: Measurement) -> list[tuple[str, str]]:
    """Return what limits the figures: in one line, or in one for each direction where they differ."""
    found = {phase: limit_of(record, phase) for phase in (Phase.DOWNLOAD, Phase.UPLOAD)}
    told = [(phase, LIMITS[limit] + _link(record, limit)) for phase, limit in found.items() if limit is not None]
    if len({text for _, text in told}) == 1:
        return [("Limited by", told[0][1])]
    return [("" if position else "Limited by", f"{text} ({phase})") for position, (phase, text) in enumerate(told)]


def _link(record: Measurement, limit: Limit) -> str:
    around = record.surroundings
    if limit not in (Limit.WIFI, Limit.LAN) or around is None or not around.link_bps:
        return ""
    return f" of {rounded(around.link_bps / MBIT)} Mbit/s"


def sentence(record: Measurement) -> str:
    """Return in one plain sentence what a measurement means."""
    if record.failure is not None:
        code = record.failure.code
        text = FAILURES.get(code, f"The test failed ({code}).")
        said = record.failure.detail
        if code is FailureCode.TOKEN_REFUSED:
            text = next((meaning for words, meaning in REFUSALS if words in said), text)
        if code is FailureCode.BUDGET and said in BUDGETS:
            text, said = BUDGETS[said], ""  # the sentence says it all
        text += f" ({said})" if said else ""
        if record.download is not None and record.status is not Status.INTERRUPTED:
            return f"The download was measured, the rest was not. {text}"
        return text
    if record.download is None or record.upload is None:
        return "Only one direction was measured."
    speeds = f"{_said(record.download)} down and {_said(record.upload)} up"
    causes = _causes(record)
    return f"This line carries {speeds}{': ' if causes else ''}{causes}."


def _said(side: Direction) -> str:
    return f"{'at least ' if side.lower_bound else ''}{rounded(side.bps / MBIT)} Mbit/s"


def _causes(record: Measurement) -> str:
    """Return why the line may be faster than the figures, "" where nothing but the line limited them."""
    found: dict[Limit, list[Phase]] = {}
    for phase in (Phase.DOWNLOAD, Phase.UPLOAD):
        limit = limit_of(record, phase)
        if limit in _CAUSES:
            found.setdefault(limit, []).append(phase)
    told = []
    for limit, phases in found.items():
        side = phases[0] if len(phases) == 1 else "download and upload"
        told.append(_CAUSES[limit].format(side=side, link=_link(record, limit)))
    return ", and ".join(told)


def error_json(sentence_: str, exit_code: int) -> str:
    """Return the one JSON object that stands for a command that measured nothing."""
    return json.dumps({"error": {"sentence": sentence_, "exit_code": int(exit_code)}})


def table(rows: list[tuple[str, str]]) -> None:
    """Print names and values."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(printable(f"{name:<{width}}  {value}".rstrip(), sys.stdout.encoding))


def printable(text: str, encoding: str | None) -> str:
    """Return a text with the one sign that not every console has in two that it has."""
    try:
        "±".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return text.replace("±", "+/-")
    return text


def wrapped(text: str, stream: TextIO) -> str:
    """Return a sentence for a stream: on a terminal its lines end between words."""
    if not stream.isatty():
        return text
    width = max(20, shutil.get_terminal_size().columns - 1)
    return "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))
