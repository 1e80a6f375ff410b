"""docs/method.md says what the code does: its words, its tables, its example."""

import re
from pathlib import Path

import pytest

from collector.domain.inference import effective_size, wilson
from collector.domain.words import Exclusion, Verdict
from tests.collector.domain.simulator import table
from tests.collector.domain.test_inference import CUT_OFFS

METHOD = (Path(__file__).parents[3] / "docs" / "method.md").read_text("utf-8")


def test_every_exclusion_has_its_sentence_in_the_order_of_the_rule() -> None:
    assert re.findall(r"^\| `(\w+)` \| [A-Z].+\. \|$", METHOD, re.MULTILINE) == [word.value for word in Exclusion]


def test_every_verdict_is_explained() -> None:
    assert set(re.findall(r"^\| ([A-Z_]+) \|", METHOD, re.MULTILINE)) == {word.value for word in Verdict}


@pytest.mark.parametrize("n_e", sorted({row[0] for row in CUT_OFFS}))
def test_the_cut_offs_are_printed_as_they_are(n_e: int) -> None:
    cells = [f"{below} / {'never' if meets is None else meets}" for n, _, below, meets in CUT_OFFS if n == n_e]

    assert f"| {n_e} | {' | '.join(cells)} |" in METHOD


def test_the_worked_example_is_right() -> None:
    n_e = effective_size(44, 10, 0.3)
    low, high = wilson(13 / 44, n_e), wilson(19 / 44, n_e)

    assert f"= {n_e:.1f} effective tests" in METHOD
    assert f"L = {low.lower:.1%}, U = {low.upper:.1%}".replace("%", " %") in METHOD
    assert f"U(a_hi) = {high.upper:.1%} and U(a_lo) = {low.upper:.1%}".replace("%", " %") in METHOD
    assert low.upper < 0.5 <= high.upper


@pytest.mark.deep
def test_the_table_of_terms_is_the_one_that_the_code_prints() -> None:
    assert table(1000, 1) in METHOD
