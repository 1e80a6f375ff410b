"""What a thread gets of the processor, as the system says."""

import sys
from pathlib import Path

import pytest

from agent.measure.beside.processor import Spent, spent


def test_the_wait_is_read_from_the_systems_account(tmp_path: Path) -> None:
    account = tmp_path / "schedstat"
    account.write_text("5000000 2500000000 77\n")
    assert spent(account).waited_s == 2.5


@pytest.mark.parametrize("text", [None, "", "5", "a b c"])
def test_where_it_does_not_say_nothing_was_waited(tmp_path: Path, text: str | None) -> None:
    account = tmp_path / "schedstat"
    if text is not None:
        account.write_text(text)
    assert spent(account).waited_s == 0.0


def test_shares_of_a_time() -> None:
    assert Spent(3.0, 5.0).shares(Spent(2.0, 3.0), 4.0) == (0.25, 0.5)
    assert Spent(2.0, 3.0).shares(Spent(2.0, 3.0), 0.0) == (0.0, 0.0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no such account")
def test_this_computer_says_something() -> None:
    before = spent()
    assert spent().waited_s >= before.waited_s >= 0.0
