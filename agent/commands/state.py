"""`status` and `spool`: looking, without a daemon and beside one. Opens nothing for writing, waits for nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent import statusfile
from agent.commands import present
from agent.commands.console import complain
from agent.config import AgentConfig
from agent.daemon import allowance
from agent.errors import EnlaceError
from agent.ports import Ports
from agent.spool.reader import SpoolReader
from agent.spool.store import open_reader
from agent.spool.told import spool_facts
from agent.uplink import enrol as enrolment
from agent.uplink.contact import NOT_ENROLLED, stored_contact
from agent.uplink.identity import Identity, IdentityStore, Machine, compare
from agent.wire import forms
from agent.wire.vocabulary import DeviceState, ExitCode

COPIED = "this disk was copied from another computer: restart the agent, it then enrols as a computer of its own"
COPIED_SEEN = "this disk was copied from another computer: it enrols as one of its own when the collector answers"
# Waiting has a reason before the first try as well: who looks right after a test asks for it.
NOT_TRIED = "not offered to the collector yet: the agent does so within half a minute"
NOBODY_OFFERS = "no agent runs to hand it over; `enlace-agent run` does"


def read(data: Path, config: AgentConfig, ports: Ports) -> dict[str, Any]:
    """Return how the agent stands: what the daemon last wrote, and what the spool and this computer say right now."""
    from agent.host.locks import is_agent_running

    told = statusfile.read(data)
    told["running"] = is_agent_running(data)
    told["data"] = str(data)
    if not told["running"]:
        for gone in ("next_test_at", "testing_since", "test_held"):
            told[gone] = None
    told["budget"] = None  # what the daemon last wrote may be of yesterday
    _add_spool(data, config, ports, told)
    told.setdefault("waiting", 0)
    _add_identity(data, ports, told)
    told.setdefault("kind", "")
    told.setdefault("why", "")
    if told["waiting"] and not told["why"]:
        told["why"] = NOT_TRIED if told["running"] else NOBODY_OFFERS
    return told


def _add_identity(data: Path, ports: Ports, told: dict[str, Any]) -> None:
    try:
        identity = IdentityStore(data).load()
    except EnlaceError as error:
        told.setdefault("enrolled", False)
        told["copied_disk"], told["identity_problem"] = None, error.sentence
    else:
        _add_known_identity(identity, ports, told)
    if not told["enrolled"]:
        told["kind"], told["why"] = "not_enrolled", NOT_ENROLLED
    if told["copied_disk"]:
        told["why"] = COPIED if told["enrolled"] else COPIED_SEEN


def _add_known_identity(identity: Identity | None, ports: Ports, told: dict[str, Any]) -> None:
    told["enrolled"] = identity is not None and identity.is_enrolled
    is_copy = identity is not None and compare(identity, ports.host.machine_facts()) is Machine.CLONE
    is_mended = identity is not None and identity.replaces is not None and not identity.is_enrolled
    told["copied_disk"] = is_copy or is_mended
    if identity is not None and identity.is_enrolled:
        told["device"], told["device_state"] = identity.device, identity.state
        told["school"] = {"code": identity.school_code, "name": identity.school_name}
        told["collector"] = enrolment.shown_url(identity.collector_url)


def _add_spool(data: Path, config: AgentConfig, ports: Ports, told: dict[str, Any]) -> None:
    try:
        with open_reader(data) as spool:
            told |= spool_facts(spool)
            told["kind"], told["why"] = stored_contact(spool)
            spent = spool.spent(ports.clock, ports.host.boot_id(), ports.host.utc_offset_min())
            told["budget"] = allowance.shown(spent, allowance.caps(config, spool))
    except EnlaceError as error:
        told["spool_problem"] = error.sentence


def show(config_path: Path | None, data_path: Path | None, *, as_json: bool) -> int:
    """Print how the agent stands."""
    from agent import app

    config, data = app.open_config(config_path, data_path)
    told = read(data, config, app.make_ports())
    if as_json:
        print(json.dumps(told))  # ASCII: whole on any console
        return ExitCode.DONE
    present.table(_lines(told))
    return ExitCode.DONE


def _lines(told: dict[str, Any]) -> list[tuple[str, str]]:
    school = told.get("school") or {}
    lines = [("Agent", "running" if told["running"] else "not running")]
    if told.get("enrolled"):
        pending = ", waiting for approval" if told.get("device_state") == DeviceState.PENDING else ""
        lines.append(("School", f"{school.get('name') or ''} ({school.get('code') or '?'}){pending}"))
    waiting = told["waiting"]
    why = f": {told['why']}" if waiting and told["why"] else ""
    lines.append(("Waiting", f"{waiting}{why}"))
    if told.get("copied_disk"):
        lines.append(("Problem", told["why"]))
    elif not waiting and told["why"]:
        lines.append(("Contact", told["why"]))
    lines += [
        (name, str(told[key]))
        for name, key in (
            ("Last contact", "last_contact_at"), ("Testing since", "testing_since"), ("Next test", "next_test_at"),
            ("Test held", "test_held"),
            ("Missed test", "missed_test_at"), ("Repaired", "repaired"), ("Problem", "spool_problem"),
            ("Problem", "identity_problem"),
        )
        if told.get(key)
    ]  # fmt: skip
    lines += _test_lines(told.get("last_test") or {})
    if told.get("dead"):
        lines.append(("Set aside", f"{told['dead']} that the collector cannot take; see `enlace-agent spool list`"))
    step = told.get("clock_change")
    if step:
        lines.append(("Clock", f"was set by {step['by_s']:+.0f} s, noticed at {step['noticed_at']}"))
    if told.get("budget"):
        spent, cap = told["budget"]["day_bytes"] / present.MB, told["budget"]["day_cap_bytes"] / present.MB
        lines.append(("Data today", f"{spent:.1f} of {cap:.0f} MB"))
    return lines


def _test_lines(test: dict[str, Any]) -> list[tuple[str, str]]:
    if not test:
        return []
    speeds = [
        f"{'at least ' if test.get(f'{side}_is_least') else ''}{test[f'{side}_bps'] / present.MBIT:.1f} Mbit/s {word}"
        for side, word in (("download", "down"), ("upload", "up"))
        if test.get(f"{side}_bps") is not None
    ]
    outcome = ", ".join(speeds) or f"{test.get('status')} ({test.get('failure') or 'no figure'})"
    return [("Last test", f"{test.get('started_at')}  {outcome}")]


def list_spool(config_path: Path | None, data_path: Path | None, *, limit: int, as_json: bool) -> int:
    """Print the stored records, the newest first."""
    from agent import app

    _, data = app.open_config(config_path, data_path)
    spool = open_reader(data)
    try:
        rows = spool.list_rows(limit)
    finally:
        spool.close()
    for row in rows:
        told = {
            "seq": row.seq, "rid": row.rid, "kind": row.kind, "state": str(row.state), "tries": row.tries,
            "reason": row.reason, "size_bytes": row.size_bytes, "stored_at": forms.format_time(row.stored_at_ms),
        }  # fmt: skip
        if as_json:
            print(json.dumps(told))
        else:
            print(f"{row.rid}  {row.kind:<11}  {row.state:<7}  {told['stored_at']}  {row.reason or ''}".rstrip())
    if not rows and not as_json:
        print("Nothing is stored.")
    return ExitCode.DONE


def export_spool(config_path: Path | None, data_path: Path | None, *, file: Path) -> int:
    """Write all stored records as JSON lines.

    Raises:
        EnlaceError: If the file cannot be written, or would lie among the agent's own.
    """
    from agent import app
    from agent.wire import outfile

    _, data = app.open_config(config_path, data_path)
    count = 0

    def lines(spool: SpoolReader) -> Iterator[bytes]:
        nonlocal count
        for body in spool.export():
            count += 1
            yield body + b"\n"

    with open_reader(data) as spool:
        try:
            outfile.write(file, lines(spool), kept=[data, *([config_path] if config_path else [])])
        except outfile.NotWrittenError as error:
            raise EnlaceError(error.what, means=error.means, do=error.do, exit_code=error.exit_code) from error
    if outfile.is_output(file):
        complain(f"{present.counted(count, 'record')} written.")
    else:
        print(f"{present.counted(count, 'record')} written to {file}.")
    return ExitCode.DONE
