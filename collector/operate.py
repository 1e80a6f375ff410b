"""What an operator does from the command line: each deed one transaction, written into the audit log."""

import base64
import difflib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.wire import forms, tokens
from agent.wire.vocabulary import ExitCode
from collector.config import CollectorConfig
from collector.errors import CollectorError
from collector.intake.keyring import make_key, read_ring
from collector.ports import Ports
from collector.publish import export
from collector.registry import importer
from collector.store.open import Store, create
from collector.store.queries import audit, devices, facts, keys, users
from collector.store.queries import tokens as stored_tokens
from collector.store.queries.audit import AuditEntry
from collector.store.queries.devices import Device
from collector.store.queries.tokens import Token
from collector.store.queries.users import User
from collector.store.unit import UnitOfWork

DAY_MS = 86_400_000
PASSWORD_MIN_CHARS = 10
_PASSWORD_BYTES = 15
_SOME = 8


@dataclass(frozen=True)
class Made:
    """What `init` found or made."""

    is_new: bool
    public_key: str  # of the collector, base64url


def init(where: Path | str, ports: Ports) -> Made:
    """Make database, keys and epoch; doing it again changes nothing.

    Raises:
        CollectorError: If the place cannot be written, or the database was written by a newer version.
    """
    store = create(where)
    try:
        with store.unit() as unit:
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
    public_key = read_ring(store).current.public_key
    token = tokens.make_enrol_token(ports.randomness.token_bytes(tokens.SECRET_BYTES), public_key)
    now_ms = ports.clock.now_ms()
    with store.unit() as unit:
        require_school(unit, school)
        row = Token(
            token_id=forms.uuid7(now_ms, ports.randomness.token_bytes(10)),
            secret_hash=token.secret_hash(),
            school=school,
            max_devices=max_devices,
            used=0,
            expires_ms=now_ms + days * DAY_MS,
            revoked_ms=None,
            created_ms=now_ms,
            created_by=audit.COMMAND_LINE,
        )
        stored_tokens.create_token(unit, row)
        note(unit, ports, "token.create", school, f"devices={max_devices} days={days}")
        unit.commit()
    return str(token)


def require_school(unit: UnitOfWork, code: str) -> None:
    """Refuse a code that no school has.

    Raises:
        CollectorError: With the nearest codes.
    """
    if devices.find_school_name(unit, code) is not None:
        return
    near = difflib.get_close_matches(code, devices.list_school_codes(unit), n=3, cutoff=0.5)
    hint = (
        f"Did you mean {', '.join(near)}?" if near else "Import it first with `enlace-collector schools import FILE`."
    )
    raise CollectorError(f"There is no school with the code {code}.", do=hint, exit_code=ExitCode.USAGE)


def new_password(ports: Ports) -> str:
    """Return a random password that can be typed."""
    return base64.b32encode(ports.randomness.token_bytes(_PASSWORD_BYTES)).decode("ascii").lower()


def add_user(store: Store, ports: Ports, name: str, role: str, password: str, hash_of: Callable[[str], str]) -> None:
    """Let a person sign in.

    Raises:
        CollectorError: If somebody has that name, or name or password cannot be used.
    """
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise CollectorError("The name is empty, too long or not printable.", exit_code=ExitCode.USAGE)
    if not PASSWORD_MIN_CHARS <= len(password) <= 1024:
        raise CollectorError(
            f"The password is too short: it needs {PASSWORD_MIN_CHARS} characters.", exit_code=ExitCode.USAGE
        )
    now_ms = ports.clock.now_ms()
    user = User(
        user_id=forms.uuid7(now_ms, ports.randomness.token_bytes(10)),
        name=name.strip(),
        role=role,
        password_hash=hash_of(password),
        language=None,
        created_ms=now_ms,
        disabled_ms=None,
    )
    with store.unit() as unit:
        users.create_user(unit, user)
        note(unit, ports, "user.add", user.name, role)
        unit.commit()


def list_devices(store: Store, school: str | None) -> list[Device]:
    """Return all devices, or a school's."""
    with store.reader() as snapshot:
        return devices.list_devices(snapshot, school)


def approve_device(store: Store, ports: Ports, device: str) -> Device:
    """Let a pending device, or a device's pending key, count.

    Raises:
        CollectorError: If there is no such device, or it is revoked.
    """
    with store.unit() as unit:
        found = _require_device(unit, device)
        if found.state == "revoked":
            raise CollectorError(f"Device {found.device} is revoked.", do="Enrol the computer again.")
        devices.approve(unit, found, ports.clock.now_ms())
        note(unit, ports, "device.approve", found.device)
        unit.commit()
        return devices.find_device(unit, found.device) or found


def revoke_device(store: Store, ports: Ports, device: str) -> Device:
    """Take nothing more from a device.

    Raises:
        CollectorError: If there is no such device.
    """
    with store.unit() as unit:
        found = _require_device(unit, device)
        if found.state != "revoked":
            devices.revoke(unit, found.device, ports.clock.now_ms())
            note(unit, ports, "device.revoke", found.device)
        unit.commit()
        return devices.find_device(unit, found.device) or found


def _require_device(unit: UnitOfWork, text: str) -> Device:
    """Return the device of that id, or the only one whose id begins so."""
    exact = devices.find_device(unit, text)
    if exact is not None:
        return exact
    begins = [one for one in devices.list_devices(unit) if text and one.device.startswith(text)]
    if len(begins) == 1:
        return begins[0]
    if begins:
        some = ", ".join(one.device for one in begins[:_SOME])
        raise CollectorError(
            f"{len(begins)} devices begin with {text}: {some}.", do="Give more of it.", exit_code=ExitCode.USAGE
        )
    raise CollectorError(
        f"There is no device {text}.", do="See `enlace-collector device list`.", exit_code=ExitCode.USAGE
    )


def defaults_of_token(config: CollectorConfig, max_devices: int | None, days: int | None) -> tuple[int, int]:
    """Return cap and days of a token, the configuration's where the command line does not say."""
    return (
        config.token_devices if max_devices is None else max_devices,
        config.token_days if days is None else days,
    )


def import_file(
    store: Store, config: CollectorConfig, ports: Ports, file: Path, *, dry_run: bool
) -> importer.ImportReport:
    """Bring the schools of a file into the registry.

    Raises:
        CollectorError: If the file as a whole cannot be used.
    """
    with store.unit() as unit:
        report = importer.import_schools(
            unit, file, now_ms=ports.clock.now_ms(), dry_run=dry_run, default_timezone=config.default_timezone
        )
        if not dry_run:
            if report.added or report.changed:
                facts.raise_settings_version(unit)
            detail = f"added={report.added} changed={report.changed} refused={report.refused_rows}"
            note(unit, ports, "schools.import", file.name, detail)
            unit.commit()
    return report


def export_table(store: Store, table: str, form: str, output: Path | None) -> None:
    """Write a table to a file, which appears when it is whole, or to standard output.

    Raises:
        CollectorError: If there is no such table or format, or the file cannot be written.
    """
    with store.reader() as snapshot:
        pieces = export.iter_export(snapshot, table, form)
        if output is not None:
            export.write_file(output, pieces)
            return
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
