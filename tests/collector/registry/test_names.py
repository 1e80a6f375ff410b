"""Names are found and sorted the same on every database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.registry.names import fold, order_key


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("A1 ÁNGELA RAMÍREZ", "a1 angela ramirez"),
        ("Escola Érico Veríssimo", "escola erico verissimo"),
        ("COLEGIO  ÑANDÚ ", "colegio nandu"),
        ("Łódź → 学校", "lodz → 学校"),
        ("Straße ﬁne", "strasse fine"),
    ],
)
def test_case_accents_and_blanks_do_not_matter_when_searching(name: str, folded: str) -> None:
    assert fold(name) == folded


def test_names_sort_as_in_spanish() -> None:
    wanted = ["Álamo", "alba", "Écija", "Escuela", "Nube", "Ñandú", "Oasis", "Zapata"]
    assert sorted(set(wanted), key=lambda name: order_key(name, "1")) == wanted


def test_numbers_sort_by_value_and_signs_only_divide() -> None:
    wanted = ["Escuela", "Escuela N.º 2", "Escuela N° 10", "Escuela-nueva", "Escuelas"]
    assert sorted(set(wanted), key=lambda name: order_key(name, "1")) == wanted


@given(st.text(), st.text())
def test_every_name_has_a_key_of_digits_and_equal_names_are_told_apart_by_code(one: str, other: str) -> None:
    assert order_key(one, "a").isdigit()
    assert order_key(one, "a") != order_key(other, "b")
    assert order_key(one, "a") < order_key(one, "b")
