import pytest

from agent.measure import grades
from agent.wire.records import Loaded
from agent.wire.vocabulary import Confidence, Grade


def test_letters():
    told = [grades.grade(ms) for ms in (0, 4.9, 5, 29, 59, 199, 399, 400)]
    assert told == [Grade.A_PLUS, Grade.A_PLUS, Grade.A, Grade.A, Grade.B, Grade.C, Grade.D, Grade.F]
    assert grades.VERSION == "increase-1"  # other limits are another version


@pytest.mark.parametrize(
    ("controls", "holds"),
    [
        (["cubic", "cubic"], True),
        (["reno", "windows"], True),
        (["bbr", "cubic"], False),
        (["cubic", None], False),
        (["cubic"], False),
        ([], False),
    ],
)
def test_what_may_be_graded(controls, holds):
    assert grades.may_grade(Confidence.HIGH, controls) is holds
    assert grades.may_grade(Confidence.MEDIUM, controls) is holds
    assert not grades.may_grade(Confidence.LOW, controls)


def test_round_trips_per_minute():
    told = Loaded(download_rtt_ms=100.0, upload_rtt_ms=400.0, confidence=Confidence.HIGH)
    assert grades.trips_per_minute(told) == 150
    assert grades.trips_per_minute(Loaded(download_rtt_ms=100.0, confidence=Confidence.LOW)) is None
    assert grades.trips_per_minute(Loaded(confidence=Confidence.HIGH)) is None
    assert grades.trips_per_minute(None) is None
