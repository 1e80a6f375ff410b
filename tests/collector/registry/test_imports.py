"""The history of imports: what was seen is what is done, and one can be taken back."""

import random
from typing import Any

import pytest

from collector.registry import annotate, csvfile, giga, imports, undo
from collector.registry.imports import Deed, Source
from collector.registry.plan import CALENDAR, SCHOOLS, Plan
from collector.store.open import Store
from collector.store.queries import imports as stored
from collector.store.queries import schools
from collector.store.queries.imports import Import
from collector.store.unit import UnitOfWork
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.school_days import a_registry
from tests.fakes.workbooks import inline

NOON_MS = 1_795_525_509_123  # 24 November 2026
HEADING = "code,name,area,students_total,director"


def deed(now_ms: int = NOON_MS, actor: str = "ana") -> Deed:
    return Deed(actor, fake_ports(FakeClock(now_ms)), "UTC")


def kept(unit: UnitOfWork, one: Import) -> Source:
    source = imports.source_of(unit, one.import_id)
    assert source is not None
    return source


def bring(store: Store, raw: bytes, now_ms: int = NOON_MS, kind: str = SCHOOLS) -> tuple[Plan, Import]:
    with store.unit() as unit:
        plan, identity = imports.bring(
            unit, imports.read(raw), "schools.csv", "The file", deed(now_ms), kind=kind, dry_run=False
        )
        unit.commit()
        return plan, imports.require(unit, identity)


def look(store: Store, raw: bytes) -> tuple[Import, str]:
    with store.unit() as unit:
        one = imports.look_at(unit, imports.read(raw, max_rows=100), "schools.csv", deed(NOON_MS + 7))
        unit.commit()
        return one, imports.plan_file(unit, imports.read(raw)).digest()


def take_back(store: Store, one: Import, now_ms: int = NOON_MS + 9) -> undo.Undo:
    with store.unit() as unit:
        done = undo.undo(unit, one, None, deed(now_ms))
        unit.commit()
    assert done is not None
    return done


def registry(store: Store) -> dict[str, dict[str, Any]]:
    with store.reader() as snapshot:
        found = schools.by_code(snapshot)
    return {
        code: {k: v for k, v in vars(one).items() if k not in ("created_ms", "updated_ms")}
        for code, one in found.items()
    }


def test_what_was_seen_is_what_is_done(store: Store) -> None:
    raw = a_registry("a,Uno,Sur,10,x", "b,Dos,Sur,many,", heading=HEADING)
    one, seen = look(store, raw)
    assert registry(store) == {}
    with store.unit() as unit:
        assert imports.apply(unit, one, kept(unit, one), seen, deed(NOON_MS + 5)) is not None
        unit.commit()
    assert sorted(registry(store)) == ["a"]
    with store.reader() as snapshot:
        done = imports.require(snapshot, one.import_id[:30])
        changes = stored.list_changes(snapshot, one.import_id)
    assert (done.state, done.added, done.refused, done.applied_ms, done.made_by) == (
        "applied",
        1,
        1,
        NOON_MS + 5,
        "ana",
    )
    assert [(change.subject, change.field, change.before) for change in changes] == [("a", "", None)]
    with store.unit() as unit:
        assert imports.apply(unit, done, kept(unit, done), seen, deed()) is None


def test_what_became_another_thing_meanwhile_is_not_done(store: Store) -> None:
    bring(store, a_registry("a,Uno,Sur,10,x", heading=HEADING))
    one, seen = look(store, a_registry("a,Uno,Sur,20,x", heading=HEADING))
    bring(store, a_registry("a,Uno,Sur,15,x", heading=HEADING), NOON_MS + 1)
    before = registry(store)
    with store.unit() as unit:
        assert imports.apply(unit, one, kept(unit, one), seen, deed()) is None
        unit.commit()
    assert registry(store) == before
    with store.unit() as unit:  # looked at again, it is
        again = imports.plan_file(unit, kept(unit, one)).digest()
        assert imports.apply(unit, one, kept(unit, one), again, deed()) is not None


def test_an_import_is_taken_back(store: Store) -> None:
    bring(store, a_registry("a,Uno,Sur,10,x", "c,Tres,Sur,,", heading=HEADING))
    before = registry(store)
    _plan, one = bring(store, a_registry("a,One,Norte,20,", "b,Dos,Sur,5,y", heading=HEADING), NOON_MS + 1)
    assert registry(store) != before
    done = take_back(store, one)
    assert (done.fields, sorted(done.removed), done.kept) == (4, ["b"], [])
    assert registry(store) == before
    with store.reader() as snapshot:
        newest, old = stored.list_imports(snapshot, 2)
    assert (newest.undoes, old.state) == (one.import_id, "undone")
    take_back(store, newest, NOON_MS + 20)  # and the taking back as well
    assert registry(store)["b"]["extra"] == {"director": "y"} and registry(store)["a"]["name"] == "One"


def test_what_was_changed_later_stays_and_is_named(store: Store) -> None:
    bring(store, a_registry("a,Uno,Sur,10,x", heading=HEADING))
    _plan, one = bring(store, a_registry("a,One,Sur,20,", "b,Dos,Sur,5,y", "c,Tres,,,", heading=HEADING), NOON_MS + 1)
    bring(store, a_registry("a,One,30", "b,Dos,6", heading="code,name,students_total"), NOON_MS + 2)
    done = take_back(store, one)
    assert [(kept.subject, kept.field, str(kept.reason)) for kept in done.kept] == [
        ("a", "students_total", "it was changed later"),
        ("b", "", "it was changed later"),
    ]
    found = registry(store)
    assert (found["a"]["name"], found["a"]["students_total"], found["a"]["extra"]) == ("Uno", 30, {"director": "x"})
    assert sorted(found) == ["a", "b"]


def test_a_school_with_a_token_stays(store: Store) -> None:
    from collector.store.queries import tokens

    _plan, one = bring(store, a_registry("a,Uno,Sur,10,x", heading=HEADING))
    with store.unit() as unit:
        tokens.create_token(unit, tokens.Token("t", "h", "a", 1, 0, NOON_MS, None, NOON_MS, "ana"))
        unit.commit()
    done = take_back(store, one)
    assert [str(kept.reason) for kept in done.kept] == ["it has devices, tokens or measurements"]
    assert sorted(registry(store)) == ["a"]


def test_days_of_calendars_are_taken_back(store: Store) -> None:
    heading = "calendar,date,kind,note"
    bring(store, a_registry("default,2026-12-24,holiday,x", heading=heading), kind=CALENDAR)
    with store.reader() as snapshot:
        before = schools.list_calendar_days(snapshot)
    rows = ("default,2026-12-24,closure,", "default,2026-12-25,holiday,Navidad")
    _plan, one = bring(store, a_registry(*rows, heading=heading), NOON_MS + 1, kind=CALENDAR)
    done = take_back(store, one)
    with store.reader() as snapshot:
        assert schools.list_calendar_days(snapshot) == before
    assert (done.fields, len(done.removed), done.kept) == (2, 1, [])


@pytest.mark.parametrize("seed", range(6))
def test_taking_back_in_reverse_order_leads_to_the_beginning(store: Store, seed: int) -> None:
    chance = random.Random(seed)

    def some() -> bytes:
        codes = chance.sample("abcdef", chance.randrange(1, 6))
        few = (("X", "Y"), ("", "S", "N"), ("", "5"), ("", "z"))
        rows = [",".join((code, *(chance.choice(cells) for cells in few))) for code in codes]
        return a_registry(*rows, heading=HEADING)

    states, made = [registry(store)], []
    for step in range(4):
        made.append(bring(store, some(), NOON_MS + step)[1])
        states.append(registry(store))
    for step, one in enumerate(reversed(made)):
        assert take_back(store, one, NOON_MS + 10 + step).kept == []
        states.pop()
        assert registry(store) == states[-1]


ROWS = ("00123,Escuela Ñandú,Sur,10,x", "00124,,Sur,many,", "00125,=Tres,Sur,30,")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_file_comes_back_in_its_form_and_is_taken_again(store: Store, encoding: str, delimiter: str) -> None:
    raw = a_registry(*ROWS, heading=HEADING).decode().replace(",", delimiter).encode(encoding)
    with store.reader() as snapshot:
        plan = imports.plan_file(snapshot, imports.read(raw))
        back = annotate.annotated(plan, str)
        again = imports.plan_file(snapshot, imports.read(back))
    assert (plan.table.form.encoding, plan.table.form.delimiter) == (encoding, delimiter)
    assert again.table.form == plan.table.form
    assert [row.cells[:5] for row in again.table.rows] == [row.cells for row in plan.table.rows]
    assert again.table.headings[-1] == "enlace_problem"
    assert again.table.rows[1].cells[-1] == (
        "name: the name is missing. students_total: 'many' is not a whole number; write it with digits only."
    )
    assert again.digest() == plan.digest()
    with store.reader() as snapshot:  # annotated twice, it has one such column
        third = imports.plan_file(snapshot, imports.read(annotate.annotated(again, str)))
    assert third.table.headings == again.table.headings


def test_a_workbook_comes_back_as_one_and_mended_cells_are_taken(store: Store) -> None:
    raw = inline(("code", "name", "students_total"), ("00123", "Uno", "x"), ("00124", "", "7"))
    with store.reader() as snapshot:
        plan = imports.plan_file(snapshot, imports.read(raw))
        assert [(error.line, annotate.column_of(plan.table, plan, error)) for error in plan.errors] == [(2, 2), (3, 1)]
        assert annotate.annotated(plan, str).startswith(b"PK")
        mended = imports.plan_file(snapshot, imports.read(annotate.mended(plan.table, {(2, 2): "12", (3, 1): "Dos"})))
    assert (mended.errors, mended.added, mended.table.form.suffix) == ([], 2, "xlsx")


def test_a_hint_line_comes_back(store: Store) -> None:
    with store.reader() as snapshot:
        plan = imports.plan_file(snapshot, imports.read(b"sep=;\r\ncode;name\r\n00123;\r\n"))
        back = annotate.annotated(plan, str)
    assert back.startswith(b"sep=;\r\ncode;name;enlace_problem\r\n00123;;name: ")
    assert csvfile.read(back, ["code"]).form == plan.table.form


def test_gigas_columns_are_taken_and_given(store: Store) -> None:
    content = (
        b"school_id_giga,school_id_govt,school_name,latitude,longitude,education_level,admin1,num_students,num_teachers,"
        b"connectivity_type_govt,download_speed_contracted,admin2,num_computers\n"
        b"g-1,00123,Escuela Uno,13.12345,-60.12345,Primary,Norte,120.0,12,fiber,50,Alto,7\n"
        b"g-2,00124,Escuela Dos,113.5,-60.1,Primary,Norte,,,,,,\n"
    )
    plan, _one = bring(store, content)
    assert [(error.column, error.line) for error in plan.errors] == [("latitude", 3)]
    found = registry(store)["00123"]
    wanted = {
        "name": "Escuela Uno", "area": "Norte", "students_total": 120, "staff": 12, "technology": "fiber",
        "contract_download_mbps": 50.0, "education_level": "Primary",
        "extra": {"school_id_giga": "g-1", "admin2": "Alto", "num_computers": "7"},
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    with store.reader() as snapshot:
        heading, row = giga.rows(schools.by_code(snapshot))
        again = imports.plan_file(
            snapshot, imports.read("\n".join(",".join(cells) for cells in (heading, row)).encode())
        )
    given = dict(zip(heading, row, strict=True))
    assert given["school_id_giga"] == "g-1" and given["num_students"] == "120" and given["latitude"] == "13.12345"
    assert (again.errors, again.lines, again.unchanged) == ([], [], 1)


def test_a_fault_names_the_column_as_the_file_does(store: Store) -> None:
    plan, _one = bring(store, b"school_id_govt,school_name,num_students\n1,Uno,many\n")
    assert [error.column for error in plan.errors] == ["num_students"]


def test_a_code_that_lost_its_zeros_is_to_be_looked_at(store: Store) -> None:
    bring(store, a_registry("0301017,Uno,,,", heading=HEADING))
    plan, _one = bring(store, a_registry("301017,Uno,,,", heading=HEADING), NOON_MS + 1)
    assert [str(one) for one in plan.warnings] == [
        "Line 2, column code: '301017' is new, but there is '0301017'. Codes keep their zeros."
    ]


def test_old_files_are_forgotten_and_their_history_is_not(store: Store) -> None:
    for number in range(imports.KEPT_FILES + 5):
        bring(store, a_registry(f"s{number},Uno,,,", heading=HEADING), NOON_MS + number)
    with store.reader() as snapshot:
        kept = [stored.find_file(snapshot, one.import_id) is not None for one in stored.list_imports(snapshot, 100)]
    assert kept == [True] * imports.KEPT_FILES + [False] * 5
