"""What an operator does from the command line: each deed one transaction, written into the audit log."""

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.wire import forms, outfile, tokens
from agent.wire.vocabulary import DeviceState, ExitCode
from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.intake import approval, invitations
from collector.intake.approval import Seen
from collector.intake.invitations import Terms
from collector.intake.keyring import make_key, read_ring
from collector.ports import Ports
from collector.publish import export
from collector.registry import annotate, importer, imports, undo
from collector.registry.plan import ImportReport, report_of
from collector.store import locks
from collector.store.open import Store, create
from collector.store.queries import audit, devices, facts, keys
from collector.store.queries import imports as stored_imports
from collector.store.queries import tokens as stored_tokens
from collector.store.queries.audit import AuditEntry
from collector.store.queries.devices import Device, DeviceKey
from collector.store.queries.imports import Import
from collector.store.queries.keys import StoredKey
from collector.store.queries.tokens import Token
from collector.store.unit import Snapshot, UnitOfWork

_SOME = 8
_ID_OF = {"device": "device", "token": "token_id"}

Named = TypeVar("Named", Device, Token)


@dataclass(frozen=True)
class Made:
    """What `init` found or made."""

    is_new: bool
    public_key: str  # of the collector, base64url


@dataclass(frozen=True)
class Output:
    """A file that a command writes, as a person named it."""

    path: Path
    kept: Collection[Path] = ()  # files and folders of the deployment's own, where it may not lie

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write it, as a whole.

        Raises:
            CollectorError: If it cannot be written there.
        """
        export.write_file(self.path, pieces, kept=self.kept)


def init(where: Path | str, ports: Ports) -> Made:
    """Make database, keys and epoch; doing it again changes nothing.

    Raises:
        CollectorError: If the place cannot be written, or the database was written by a newer version.
    """
    store = create(where)
    try:
        with store.unit() as unit:
            locks.hold(unit, ("init",))
            is_new = not keys.list_keys(unit)
            now_ms = ports.clock.now_ms()
            if is_new:
                make_key(unit, ports.randomness, now_ms)
                note(unit, ports, "init", "deployment")
            if facts.find_fact(unit, facts.STORE_EPOCH) is None:
                facts.set_fact(unit, facts.STORE_EPOCH, ports.randomness.token_bytes(16).hex())
            unit.commit()
        return Made(is_new, forms.b64url(read_ring(store).current.public_key))
    finally:
        store.close()


def note(unit: UnitOfWork, ports: Ports, action: str, subject: str, detail: str | None = None) -> None:
    """Write a deed of the command line into the audit log."""
    now_ms = ports.clock.now_ms()
    audit_id = forms.uuid7(now_ms, ports.randomness.token_bytes(10))
    audit.add_entry(unit, AuditEntry(audit_id, now_ms, audit.COMMAND_LINE, action, subject, detail))


def create_token(store: Store, ports: Ports, school: str, *, max_devices: int, days: int) -> str:
    """Return a new enrolment token; only the hash of its secret is kept.

    Args:
        store: The database.
        ports: Clock and randomness.
        school: The code of the school that it admits to.
        max_devices: How many computers may come with it.
        days: For how long; 0 makes one that has expired already.

    Raises:
        CollectorError: If there is no such school.
    """
    terms = Terms(max_devices, days, audit.COMMAND_LINE)
    with store.unit() as unit:
        require_school(unit, school)
        token = invitations.make(unit, ports, invitations.collector_key(unit), school, terms)
        note(unit, ports, "token.create", school, terms.words())
        unit.commit()
    return str(token)


def require_school(snapshot: Snapshot, code: str) -> None:
    """Refuse a code that no school has.

    Raises:
        CollectorError: With the nearest codes.
    """
    if devices.find_school_name(snapshot, code) is not None:
        return
    near = difflib.get_close_matches(code, devices.list_school_codes(snapshot), n=3, cutoff=0.5)
    hint = (
        f"Did you mean {', '.join(near)}?" if near else "Import it first with `enlace-collector schools import FILE`."
    )
    raise CollectorError(f"There is no school with the code {code}.", do=hint, exit_code=ExitCode.USAGE)


def list_devices(store: Store, school: str | None) -> list[Device]:
    """Return all devices, or a school's.

    Raises:
        CollectorError: If there is no such school.
    """
    with store.reader() as snapshot:
        if school is not None:
            require_school(snapshot, school)
        return devices.list_devices(snapshot, school)


def list_waiting_keys(store: Store, device: Device) -> list[DeviceKey]:
    """Return the keys of a device that wait for a person, the newest first."""
    with store.reader() as snapshot:
        return devices.list_waiting_keys(snapshot, device)


def approve_device(store: Store, ports: Ports, device: str, key_id: str | None = None) -> tuple[Device, bool]:
    """Let a pending device, or a device's pending key, count; return it and whether anything waited.

    Args:
        store: The database.
        ports: Clock and randomness.
        device: Its id, or the beginning of it.
        key_id: The key that is meant, or the beginning of it; needed where more than one waits.

    Raises:
        CollectorError: If there is no such device or waiting key, it is revoked, or nobody said which key.
    """
    with store.unit() as unit:
        found = _require_device(unit, device)
        if found.state == DeviceState.REVOKED:
            raise CollectorError(
                f"Device {found.device} is revoked.", do="Enrol the computer again.", exit_code=ExitCode.REFUSED
            )
        waiting = devices.list_waiting_keys(unit, found)
        if key_id is None and not waiting and found.state == DeviceState.ACTIVE:
            return found, False
        key = _choose_key(found, waiting, key_id)
        approval.approve(unit, Seen(found.device, key.key_id if key else None), ports.clock.now_ms())
        note(unit, ports, "device.approve", found.device, f"key={key.key_id}" if key else None)
        unit.commit()
        return devices.find_device(unit, found.device) or found, True


def _choose_key(device: Device, waiting: list[DeviceKey], key_id: str | None) -> DeviceKey | None:
    """Return the only waiting key that is meant; None where a device without keys waits."""
    meant = waiting if key_id is None else [key for key in waiting if key_id and key.key_id.startswith(key_id)]
    if len(meant) == 1 or (key_id is None and not waiting):
        return meant[0] if meant else None
    listed = ", ".join(f"{key.key_id} of {forms.format_time(key.added_ms)}" for key in waiting) or "none"
    if key_id is None:
        text = f"{len(waiting)} keys of device {device.device} wait, name the right one with --key: {listed}."
    else:
        text = f"{key_id} is not one waiting key of device {device.device}; these wait: {listed}."
    raise CollectorError(text, exit_code=ExitCode.REFUSED)


def revoke_device(store: Store, ports: Ports, device: str) -> Device:
    """Take nothing more from a device.

    Raises:
        CollectorError: If there is no such device.
    """
    with store.unit() as unit:
        found = _require_device(unit, device)
        if found.state != DeviceState.REVOKED:
            devices.revoke(unit, found.device, ports.clock.now_ms())
            note(unit, ports, "device.revoke", found.device)
        unit.commit()
        return devices.find_device(unit, found.device) or found


def _require_device(unit: UnitOfWork, text: str) -> Device:
    """Return the device of that id, or the only one whose id begins so."""
    exact = devices.find_device(unit, text)
    if exact is not None:
        return exact
    return _only([one for one in devices.list_devices(unit) if one.device.startswith(text)], text, "device")


def _only(begins: list[Named], text: str, kind: str) -> Named:
    """Return the only one whose id begins so."""
    if len(begins) == 1 and text:
        return begins[0]
    if begins and text:
        some = ", ".join(getattr(one, _ID_OF[kind]) for one in begins[:_SOME])
        raise CollectorError(
            f"{len(begins)} {kind}s begin with {text}: {some}.", do="Give more of it.", exit_code=ExitCode.USAGE
        )
    raise CollectorError(
        f"There is no {kind} {text}.", do=f"See `enlace-collector {kind} list`.", exit_code=ExitCode.USAGE
    )


def list_tokens(store: Store, school: str | None) -> list[Token]:
    """Return all tokens, or a school's, the newest first.

    Raises:
        CollectorError: If there is no such school.
    """
    with store.reader() as snapshot:
        if school is not None:
            require_school(snapshot, school)
        return stored_tokens.list_tokens(snapshot, school)


def revoke_token(store: Store, ports: Ports, text: str) -> Token:
    """End a token, named by its id, the beginning of it, or the token itself.

    Raises:
        CollectorError: If there is no such token.
    """
    with store.unit() as unit:
        found = _require_token(unit, text)
        if found.revoked_ms is None:
            stored_tokens.revoke_token(unit, found.token_id, ports.clock.now_ms())
            note(unit, ports, "token.revoke", found.school, found.token_id)
        unit.commit()
    return found


def _require_token(unit: UnitOfWork, text: str) -> Token:
    try:
        found = stored_tokens.find_token(unit, tokens.parse_enrol_token(text).secret_hash())
    except ValueError:
        begins = [one for one in stored_tokens.list_tokens(unit) if one.token_id.startswith(text)]
        return _only(begins, text, "token")
    if found is None:
        raise CollectorError(
            "This token was not made here.", do="See `enlace-collector token list`.", exit_code=ExitCode.USAGE
        )
    return found


def list_keys(store: Store) -> list[StoredKey]:
    """Return the collector's signing keys, the current one first."""
    with store.reader() as snapshot:
        return keys.list_keys(snapshot)


def rotate_key(store: Store, ports: Ports) -> str:
    """Make a new signing key the current one and return its public key, base64url.

    Old keys go on answering the devices that pinned them; those learn the new one from their next settings.
    """
    with store.unit() as unit:
        made = make_key(unit, ports.randomness, ports.clock.now_ms())
        facts.raise_settings_version(unit)
        note(unit, ports, "key.rotate", made.key_id)
        unit.commit()
    return forms.b64url(made.public_key)


def defaults_of_token(config: CollectorConfig, max_devices: int | None, days: int | None) -> tuple[int, int]:
    """Return cap and days of a token, the configuration's where the command line does not say."""
    return (
        config.token_devices if max_devices is None else max_devices,
        config.token_days if days is None else days,
    )


def import_file(
    store: Store,
    config: CollectorConfig,
    ports: Ports,
    file: Path,
    *,
    kind: str,
    dry_run: bool,
    annotated: Output | None,
) -> ImportReport:
    """Bring the schools, or the days of calendars, of a file in, and write that into the history.

    Args:
        store: The database.
        config: Its default zone.
        ports: Clock and randomness.
        file: CSV or XLSX.
        kind: `plan.SCHOOLS` or `plan.CALENDAR`.
        dry_run: Only say what would be done.
        annotated: Where to write the file with a column that says what is wrong.

    Raises:
        CollectorError: If the file as a whole cannot be used, or the other one cannot be written.
    """
    source = imports.read(importer.read_source(file), str(file))
    with store.unit() as unit:
        by = imports.Deed(audit.COMMAND_LINE, ports, config.default_timezone)
        found, identity = imports.bring(unit, source, file.name, str(file), by, kind=kind, dry_run=dry_run)
        remarked = [annotate.annotated(found, str)] if annotated is not None else []
        if annotated is not None and not outfile.is_stream(annotated.path):
            annotated.write(remarked)
        report = report_of(found, dry_run=dry_run, import_id=identity)
        if not dry_run:
            detail = f"added={report.added} changed={report.changed} refused={report.refused_rows}"
            note(unit, ports, f"{kind}.import", imports.shown_name(file.name), detail)
            unit.commit()
    if annotated is not None and outfile.is_stream(annotated.path):
        annotated.write(remarked)
    return report


def list_imports(store: Store) -> list[Import]:
    """Return the newest imports first."""
    with store.reader() as snapshot:
        return stored_imports.list_imports(snapshot, 200)


def undo_import(store: Store, config: CollectorConfig, ports: Ports, text: str, *, dry_run: bool) -> undo.Undo:
    """Take an import back as far as nothing was changed later.

    Raises:
        CollectorError: If there is no such import, or it does not hold.
    """
    with store.unit() as unit:
        one = imports.require(unit, text)
        if dry_run:
            planned = undo.plan_undo(unit, one) if one.state == stored_imports.APPLIED else None
        else:
            planned = undo.undo(unit, one, None, imports.Deed(audit.COMMAND_LINE, ports, config.default_timezone))
        if planned is None:
            raise CollectorError(f"Import {one.import_id} was undone already.", exit_code=ExitCode.REFUSED)
        if not dry_run:
            note(unit, ports, f"{one.kind}.undo", one.file_name, f"import={one.import_id} kept={len(planned.kept)}")
            unit.commit()
    return planned


def export_table(store: Store, table: str, form: str, output: Output) -> None:
    """Write a table to a file, which appears when it is whole, or to standard output.

    Raises:
        CollectorError: If there is no such table or format, or the file cannot be written.
    """
    with store.reader() as snapshot:
        output.write(export.iter_export(snapshot, table, form))
