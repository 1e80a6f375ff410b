"""Texts of people are no formulas, and come back as they were."""

import pytest

from collector.domain.formulas import escape


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "''@", "=", "+34600", "-"]
)
def test_what_could_be_a_formula_is_a_text(text: str) -> None:
    assert escape(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "1-1", "O'Higgins", "'tis", "'", "a=b", " =1"])
def test_others_stay(text: str) -> None:
    assert escape(text) == escape(text, keeps_numbers=True) == text


def test_a_number_with_its_sign_may_stay() -> None:
    assert [escape(text, keeps_numbers=True) for text in ("-12.5", "+1", "-1,5", "-1+2", "-", "+a", "\n=1")] == [
        "-12.5", "+1", "-1,5", "'-1+2", "'-", "'+a", "'\n=1",
    ]  # fmt: skip
