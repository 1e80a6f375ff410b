"""Progress: one line that rewrites itself on a terminal, plain lines elsewhere, nothing beside a record."""

import io
from collections.abc import Callable

import pytest

from agent.commands import live
from agent.commands.live import COLUMNS, Live
from agent.measure.session import Progress
from agent.wire.vocabulary import Phase


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


def at(phase: Phase, elapsed_s: float, bps: float, note: str = "") -> Progress:
    return Progress(phase, elapsed_s, round(bps * elapsed_s / 8), bps, note)


def watched(stream: io.StringIO, hand: Callable[[], float], *, shown: bool = True) -> Live:
    return Live(shown=shown, stream=stream, now_s=hand)


def ten_seconds(watch: Live, hand: Hand) -> None:
    watch.show(at(Phase.LATENCY, 0.0, 0.0))
    for phase, bps in ((Phase.DOWNLOAD, 8_000_000.0), (Phase.UPLOAD, 64_000.0)):
        for tenth in range(50):
            hand.at_s += 0.1
            watch.show(at(phase, (tenth + 1) / 10, bps))


def test_a_terminal_has_one_line_that_is_wiped_at_the_end() -> None:
    terminal, hand = Terminal(), Hand()
    with watched(terminal, hand) as watch:
        ten_seconds(watch, hand)
    told = terminal.getvalue()
    assert "\n" not in told and "\x1b" not in told  # no colour, no control of the cursor: any console will do
    assert "download   8.00 Mbit/s   2.0 s  2.00 MB" in told
    assert "upload    0.064 Mbit/s   5.0 s    40 kB" in told
    drawn = [piece for piece in told.split("\r") if piece]
    assert all(len(piece) < COLUMNS for piece in drawn)
    assert drawn[-1].strip() == "" and len(drawn[-1]) == len(drawn[-2])
    assert len(drawn) > 90


def test_a_shorter_line_leaves_nothing_of_the_longer_one_before() -> None:
    terminal, hand = Terminal(), Hand()
    with watched(terminal, hand) as watch:
        watch.show(at(Phase.PREFLIGHT, 0.0, 0.0, "the test point is busy: waiting 12 s " + "x" * 200))
        assert len(terminal.getvalue().rpartition("\r")[2]) == COLUMNS - 1
        hand.at_s += 1
        watch.show(at(Phase.LATENCY, 0.0, 0.0))
        assert terminal.getvalue().rpartition("\r")[2] == "latency ...".ljust(COLUMNS - 1)


def test_elsewhere_there_are_plain_lines_every_few_seconds() -> None:
    plain, hand = io.StringIO(), Hand()
    with watched(plain, hand) as watch:
        ten_seconds(watch, hand)
    lines = plain.getvalue().splitlines()
    assert lines[0] == "latency ..."
    assert [line.split()[0] for line in lines[1:]] == ["download"] * 3 + ["upload"] * 3
    assert "5.0 s" in lines[3] and "5.0 s" in lines[6], "each phase ends with what it came to"
    assert "\r" not in plain.getvalue()


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_beside_a_record_there_is_nothing(stream: io.StringIO) -> None:
    hand = Hand()
    with watched(stream, hand, shown=False) as watch:
        ten_seconds(watch, hand)
    assert stream.getvalue() == ""


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal, hand = Terminal(), Hand()
    with watched(terminal, hand) as watch:
        ten_seconds(watch, hand)
    assert "\r" not in terminal.getvalue() and terminal.getvalue().endswith("\n")


def test_a_watcher_who_goes_does_not_end_the_measurement() -> None:
    class Gone(Terminal):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    hand = Hand()
    with watched(Gone(), hand) as watch:
        ten_seconds(watch, hand)


def test_a_line_before_anything_has_come() -> None:
    assert live.line(at(Phase.DOWNLOAD, 0.0, 0.0)) == "download ..."
    assert "..." in live.line(Progress(Phase.DOWNLOAD, 0.5, 10_000, 0.0))


def test_what_is_asked_before_a_test_says_nothing_above_a_refusal() -> None:
    stream = io.StringIO()
    with watched(stream, Hand()) as watch:
        watch.show(at(Phase.PREFLIGHT, 0.0, 0.0))
    assert stream.getvalue() == ""
