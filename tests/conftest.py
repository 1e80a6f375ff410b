"""What holds for every test: no example has a time limit, because how long one takes is the machine's affair.

The order is another one each time, but for the few that take long alone: they begin before the others, so that no
worker is left with one of them when the rest is done. Those of a group begin earlier still: pytest-xdist deals out
large groups first.

A test's name stands in the environment of the programs that it starts, which the kernel bounds: hostile texts of any
length are values of tests, never their names.

Thousands of tests are hundreds of thousands of objects that stay: Python does not look through them for garbage while
they are gathered, nor again after that. What a test makes is looked through as ever.
"""

import gc
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.fakes import in_memory

LONGEST_NAME = 200

GARBAGE_AT = 10_000  # objects

in_memory.use()

settings.register_profile("enlace", deadline=None)
settings.load_profile("enlace")

# What takes ten seconds and more, most of them waiting, and belongs to no large group.
LONG = (
    "tests/netlab/test_diary_states.py",
    "tests/packaging/test_built_agent.py",
    "tests/architecture/test_wheel.py",
    "tests/architecture/test_mutations.py",
    "tests/collector/evaluate/test_replay.py",
    "tests/collector/testpoint/test_foreign.py",
    "tests/collector/web/pages/test_registry_fuzz.py",
    "tests/e2e/test_kill.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those that take long begin first; the order of the others stays as chance has made it."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Gather the tests without a look for garbage, and count all that is there then as wanted."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE_AT)
        gc.enable()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Return the name of a long value, None where pytest's own will do."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_NAME:
        return f"{argname} of {len(val)}"
    return None
