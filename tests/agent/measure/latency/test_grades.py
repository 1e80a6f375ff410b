import pytest

from agent.measure.latency import grades
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
