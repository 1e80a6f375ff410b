"""What people may do."""

from enum import StrEnum


class Role(StrEnum):
    """What a person may do; each may all that the ones before it may."""

    VIEWER = "viewer"
    ANALYST = "analyst"  # takes rows away, by the pages or by a program
    OPERATOR = "operator"  # deals with flags
    ADMIN = "admin"
