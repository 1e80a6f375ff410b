"""Details of a failure that this agent writes and reads again itself, to tell a person more; each stands here once."""

from enum import StrEnum


class UsedUp(StrEnum):
    """Whose data budget it was that left no room for a test."""

    CAP = "this test's cap"
    DAY = "this computer's day"
    MONTH = "this computer's month"
    SCHOOL = "the school's day or month"  # that all its computers share; the collector does not say which of the two
