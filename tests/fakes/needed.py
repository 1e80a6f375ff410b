"""What tests need beside Python: without it they fail, so that nobody takes a suite for whole that was not.

`ENLACE_TESTS_WITHOUT=postgresql,namespaces` leaves those tests out on purpose.
"""

import os

import pytest

POSTGRESQL, NAMESPACES = "postgresql", "namespaces"


def may_lack(what: str) -> bool:
    """Return whether whoever runs the tests says that they know of it."""
    return what in os.environ.get("ENLACE_TESTS_WITHOUT", "").split(",")


def lack(what: str, why: str) -> None:
    """End a test that cannot be made here: passed over where that was allowed, else failed."""
    if may_lack(what):
        pytest.skip(why)
    pytest.fail(f"{why}; ENLACE_TESTS_WITHOUT={what} leaves such tests out")


def skip_without(what: str, why: str) -> pytest.MarkDecorator:
    """Return the mark of tests that are passed over where something is lacking and that was allowed.

    Args:
        what: One of the words above.
        why: What is lacking; empty: nothing.
    """
    return pytest.mark.skipif(bool(why) and may_lack(what), reason=why)
