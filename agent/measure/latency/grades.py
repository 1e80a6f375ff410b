"""Scores of latency under load, worked out from the round trips that a record keeps. Pure, and versioned.

A score is never all that is kept: a record has the round trips with their number, and whoever wants other limits
works them out again. The letter in a record is of `VERSION`; other limits mean another version, not another letter.
"""

from agent.wire.vocabulary import Confidence, Grade

VERSION = "increase-1"
# Increase over idle in ms below which a letter holds: the limits that the web's tests of bufferbloat use (DSLReports,
# Waveform).
LIMITS = ((5.0, Grade.A_PLUS), (30.0, Grade.A), (60.0, Grade.B), (200.0, Grade.C), (400.0, Grade.D))
# Congestion controls that go on until a packet is lost, and so fill whatever buffer there is; "windows" is that
# system's own choice (CUBIC, before Windows 10 1709 Compound TCP). BBR and the like keep queues short on purpose:
# that a line shows no queue under them says nothing of its buffer.
FILLS_BUFFERS = {"cubic", "reno", "bic", "htcp", "illinois", "scalable", "highspeed", "windows"}


def grade(increase_ms: float) -> Grade:
    """Return the letter for an increase of the median round trip over idle, ms."""
    return next((letter for limit_ms, letter in LIMITS if increase_ms < limit_ms), Grade.F)


def may_grade(confidence: Confidence, congestion_controls: list[str | None]) -> bool:
    """Return whether a load was of a kind that fills a buffer, and lasted.

    Args:
        confidence: Of the round trips; it says how long the line was loaded, and how often it was asked.
        congestion_controls: Of the senders, one per direction that was loaded; a letter needs both directions.
    """
    fills = [each in FILLS_BUFFERS for each in congestion_controls]
    return confidence is not Confidence.LOW and len(fills) == 2 and all(fills)
