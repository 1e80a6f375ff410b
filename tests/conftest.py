"""What holds for every test: no example has a time limit, because how long one takes is the machine's affair.

A test's name stands in the environment of the programs that it starts, which the kernel bounds: hostile texts of any
length are values of tests, never their names.
"""

import pytest
from hypothesis import settings

LONGEST_NAME = 200

settings.register_profile("enlace", deadline=None)
settings.load_profile("enlace")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Return the name of a long value, None where pytest's own will do."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_NAME:
        return f"{argname} of {len(val)}"
    return None
