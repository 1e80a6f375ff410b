"""One import taken back: each field that is still as the import left it gets its old value, the others are named."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.wire import forms
from collector.domain.said import Said
from collector.registry import calendars, importer
from collector.registry.imports import REGISTRY, Deed, as_changes, write
from collector.registry.plan import SCHOOLS, WHOLE, Change, Line, Value
from collector.store import locks
from collector.store.queries import imports, schools
from collector.store.queries.imports import APPLIED, UNDONE, Import, StoredChange
from collector.store.unit import Snapshot, UnitOfWork

Fields = Mapping[str, Value]


@dataclass(frozen=True)
class Kept:
    """Something that stays, and why."""

    subject: str
    field: str  # empty: the whole row
    reason: Said


@dataclass
class Undo:
    """What taking an import back would do."""

    lines: list[Line] = field(default_factory=list)  # fields that get their old value, rows that come back
    removed: dict[str, Fields] = field(default_factory=dict)  # rows that the import made
    kept: list[Kept] = field(default_factory=list)

    @property
    def fields(self) -> int:
        """How many fields get their old value."""
        return sum(len(line.changes) for line in self.lines if not line.is_new)

    @property
    def restored(self) -> int:
        """How many rows come back that the import had removed."""
        return sum(line.is_new for line in self.lines)

    def digest(self) -> str:
        """Return what tells this one from any other."""
        content = [
            sorted(self.removed),
            [[line.subject, line.is_new, [[c.field, c.before, c.after] for c in line.changes]] for line in self.lines],
            [[one.subject, one.field] for one in self.kept],
        ]
        return forms.sha256hex(json.dumps(content, ensure_ascii=True).encode())


def plan_undo(snapshot: Snapshot, one: Import) -> Undo:
    """Return what taking an import back would do now."""
    changes = imports.list_changes(snapshot, one.import_id)
    now = _now(snapshot, one.kind, {change.subject for change in changes})
    made = [change.subject for change in changes if change.field == WHOLE and change.after is not None]
    in_use = imports.codes_in_use(snapshot, made) if one.kind == SCHOOLS else set()
    undo = Undo()
    fields: dict[str, list[Change]] = {}
    for change in changes:
        if change.field == WHOLE:
            _whole(undo, change, now.get(change.subject), in_use)
            continue
        before, after = _value(change.before), _value(change.after)
        current = now.get(change.subject)
        if current is None:
            undo.kept.append(Kept(change.subject, change.field, Said("it is not there any more")))
        elif current.get(change.field) != after:
            undo.kept.append(Kept(change.subject, change.field, Said("it was changed later")))
        else:
            fields.setdefault(change.subject, []).append(Change(change.field, after, before))
    for subject, some in fields.items():
        undo.lines.append(Line(0, subject, str(now[subject].get("name") or subject), False, tuple(some)))
    return undo


def _whole(undo: Undo, change: StoredChange, current: Fields | None, in_use: set[str]) -> None:
    """Plan for a row that the import made or removed."""
    if change.after is None:
        if current is not None:
            undo.kept.append(Kept(change.subject, WHOLE, Said("there is one again")))
            return
        old = _values(change.before)
        some = tuple(Change(name, None, value) for name, value in old.items())
        undo.lines.append(Line(0, change.subject, str(old.get("name") or change.subject), True, some))
    elif current is None:
        undo.kept.append(Kept(change.subject, WHOLE, Said("it is not there any more")))
    elif {name: value for name, value in current.items() if value is not None} != {
        name: value for name, value in _values(change.after).items() if value is not None
    }:
        undo.kept.append(Kept(change.subject, WHOLE, Said("it was changed later")))
    elif change.subject in in_use:
        undo.kept.append(Kept(change.subject, WHOLE, Said("it has devices, tokens or measurements")))
    else:
        undo.removed[change.subject] = current


def _now(snapshot: Snapshot, kind: str, subjects: set[str]) -> dict[str, Fields]:
    if kind == SCHOOLS:
        return {code: importer.fields_of(one) for code, one in schools.by_code(snapshot, subjects).items()}
    days = schools.list_calendar_days(snapshot)
    return {
        calendars.subject_of(*key): {"kind": day.kind, "note": day.note}
        for key, day in days.items()
        if calendars.subject_of(*key) in subjects
    }


def _value(text: str | None) -> Value:
    found: Value = json.loads(text) if text is not None else None
    return found


def _values(text: str | None) -> Fields:
    found: Fields = json.loads(text or "{}")
    return found


def undo(unit: UnitOfWork, one: Import, seen: str | None, deed: Deed) -> Undo | None:
    """Take an import back as far as that goes; the caller commits. The undoing is an import of its own.

    Args:
        unit: The transaction to write in.
        one: The import.
        seen: The digest of what was shown; None does what can be done now.
        deed: Who does it.

    Returns:
        What was done; None where it would not be what was shown, or the import is not one that holds.
    """
    locks.hold(unit, (REGISTRY,))
    found = imports.find_import(unit, one.import_id)  # somebody else may have taken it back since it was read
    if found is None or found.state != APPLIED:
        return None
    planned = plan_undo(unit, one)
    if seen is not None and planned.digest() != seen:
        return None
    now_ms = deed.ports.clock.now_ms()
    _remove(unit, one.kind, planned.removed)
    write(unit, one.kind, planned.lines, deed)
    identity = forms.uuid7(now_ms, deed.ports.randomness.token_bytes(10))
    entry = Import(
        import_id=identity,
        kind=one.kind,
        state=APPLIED,
        file_name=one.file_name,
        file_hash=one.file_hash,
        made_ms=now_ms,
        made_by=deed.actor,
        applied_ms=now_ms,
        added=planned.restored,
        changed=len(planned.lines) - planned.restored + len(planned.removed),
        unchanged=0,
        refused=len(planned.kept),
        undoes=one.import_id,
    )
    imports.add_import(unit, entry, None)
    imports.add_changes(unit, identity, as_changes(planned.lines, planned.removed))
    imports.change_import(unit, one.import_id, state=UNDONE)
    return planned


def _remove(unit: UnitOfWork, kind: str, removed: Mapping[str, Fields]) -> None:
    if kind == SCHOOLS:
        imports.remove_schools(unit, removed)
    else:
        calendars.remove_days(unit, removed)
