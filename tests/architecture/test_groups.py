"""Tests that need the computer's attention, or share something slow to make, run one after the other in one process."""

import pytest

pytest_plugins = ["pytester"]


def test_tests_of_one_group_stay_together(pytester: pytest.Pytester) -> None:
    """A pytest-xdist that does not know its pytest ignores groups without a word."""
    pytester.makepyfile(
        """
        import os, pytest
        from pathlib import Path

        @pytest.mark.xdist_group("line")
        @pytest.mark.parametrize("n", range(6))
        def test_one(n):
            with Path("seen").open("a") as file:
                file.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
        """
    )
    done = pytester.runpytest_subprocess("-n", "2", "--dist", "loadgroup", "-p", "no:randomly", "-q")
    done.assert_outcomes(passed=6)
    assert len(set((pytester.path / "seen").read_text().split())) == 1
