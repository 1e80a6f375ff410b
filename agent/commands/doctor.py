"""`doctor`: one line a check, with what to do. Every check has its own limit, so that the whole ends by itself."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent import app, statusfile
from agent.commands import present
from agent.config import AgentConfig
from agent.errors import EnlaceError
from agent.ports import Ports
from agent.reading import LAST_ANSWER
from agent.spool.store import open_reader
from agent.uplink import enrol as enrolment
from agent.uplink import identity, proxies, settings
from agent.uplink.exchange import RATCHET, Exchange
from agent.uplink.identity import Identity, IdentityStore
from agent.uplink.servertime import true_now_ms
from agent.wire import headers, signing
from agent.wire.vocabulary import DeviceState, ExitCode

CLOCK_OFF_MS = 120_000
REACH_S = 10.0
_NO_LEDGER = f"{'0' * 32} created=0 acked=0 ready=0 dead=0 dropped=0"  # of a computer that has no spool yet


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    is_good: bool
    what: str
    do: str = ""


def run(config_path: Path | None, data_path: Path | None, *, as_json: bool, version: str) -> int:
    """Print what is well and what is not; exit 1 if anything is not."""
    config, data = app.open_config(config_path, data_path)
    findings = [Finding("configuration", True, "can be read")]
    findings += examine(config, data, app.make_ports(), version=version)
    is_good = all(one.is_good for one in findings)
    if as_json:
        told = [{"check": one.check, "good": one.is_good, "what": one.what, "do": one.do} for one in findings]
        print(json.dumps({"good": is_good, "checks": told}))  # ASCII: whole on any console
    else:
        present.table([(_mark(one), f"{one.check}: {one.what}.{' ' + one.do if one.do else ''}") for one in findings])
    return ExitCode.DONE if is_good else ExitCode.FAULT


def _mark(finding: Finding) -> str:
    return "ok" if finding.is_good else "NOT OK"


def examine(config: AgentConfig, data: Path, ports: Ports, *, version: str) -> list[Finding]:
    """Return all findings, each check guarded for itself."""
    findings: list[Finding] = []
    who: list[Identity] = []
    state: dict[str, str] = {}

    def guard(check: str, look: Callable[[], list[Finding]]) -> None:
        try:
            findings.extend(look())
        except EnlaceError as error:
            findings.append(Finding(check, False, error.what.rstrip("."), error.do))
        except OSError as error:
            findings.append(Finding(check, False, error.strerror or "cannot be looked at"))

    guard("data directory", lambda: _data(data))
    guard("disk", lambda: _disk(data, config))
    guard("identity", lambda: _identity(data, ports, who))
    guard("spool", lambda: _spool(data, state))
    guard("proxy", lambda: _proxy(config, who))
    guard("collector", lambda: _collector(config, ports, who, state))
    guard("test point", lambda: _test_point(config, data))
    guard("clock", lambda: _clock(ports, state))
    guard("daemon", lambda: _daemon(data))
    return findings


def _data(data: Path) -> list[Finding]:
    if not data.is_dir():
        return [Finding("data directory", True, f"{data} is not there yet; enrolment makes it")]
    if not os.access(data, os.W_OK):
        return [Finding("data directory", False, f"{data} cannot be written by this account", "Run as administrator.")]
    return [Finding("data directory", True, str(data))]


def _disk(data: Path, config: AgentConfig) -> list[Finding]:
    free = app.free_bytes(data)
    if free < config.min_free_disk_bytes:
        return [Finding("disk", False, f"only {free / present.MB:.1f} MB are free in {data}", "Make room.")]
    return [Finding("disk", True, f"{free / present.MB:.0f} MB free")]


def _identity(data: Path, ports: Ports, who: list[Identity]) -> list[Finding]:
    found = IdentityStore(data).load()
    if found is None or not found.is_enrolled:
        return [
            Finding(
                "identity", False, "this computer is not enrolled", "enlace-agent enrol --collector URL --token TOKEN"
            )
        ]
    who.append(found)
    if identity.compare(found, ports.host.machine_facts()) is identity.Machine.CLONE:
        return [
            Finding(
                "identity", False, "this disk was copied from another computer", "Restart the agent: it enrols anew."
            )
        ]
    pending = ", waiting for approval" if found.state == DeviceState.PENDING else ""
    return [Finding("identity", True, f"device {found.device} of school {found.school_code}{pending}")]


def _spool(data: Path, state: dict[str, str]) -> list[Finding]:
    spool = open_reader(data)
    try:
        summary, ledger = spool.summary(), spool.ledger()
        for key in (LAST_ANSWER, RATCHET):
            state[key] = spool.get_state(key) or ""
        state["ledger"] = str(ledger)
    finally:
        spool.close()
    if not ledger.is_balanced():
        return [Finding("spool", False, "its counters do not add up", "Report it with `enlace-agent spool export`.")]
    told = f"{summary.waiting} waiting, {summary.dead} set aside"
    return [Finding("spool", True, f"{told}; {summary.repaired.rstrip('.')}" if summary.repaired else told)]


def _proxy(config: AgentConfig, who: list[Identity]) -> list[Finding]:
    url = config.collector_url or (who[0].collector_url if who else "https://collector.example")
    shown = proxies.shown(url, config.proxy)
    return [Finding("proxy", True, f"control traffic goes through {shown}" if shown else "none")]


class _Borrowed:
    """The durable state, read; what a check learns is not kept."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def get_state(self, key: str) -> str | None:
        return self._values.get(key) or None

    def set_state(self, key: str, value: str) -> None:
        self._values[key] = value


def _collector(config: AgentConfig, ports: Ports, who: list[Identity], state: dict[str, str]) -> list[Finding]:
    if not who:
        return []
    from agent.uplink.transport import HttpTransport

    ledger = headers.parse_ledger(state.get("ledger", _NO_LEDGER))
    exchange = Exchange(
        HttpTransport(config.proxy), ports, _Borrowed(state), who[0], ledger=lambda: ledger, url=config.collector_url
    )
    reply = exchange.call(signing.Word.SETTINGS, settings.PATH, b"{}", media=headers.JSON_MEDIA, deadline_s=REACH_S)
    url = enrolment.shown_url(config.collector_url or who[0].collector_url)
    if reply.signed and reply.status == 200:
        return [Finding("collector", True, f"{url} answers and its signature is right")]
    return [Finding("collector", False, f"{url}: {reply.why}", "Measurements are kept until it answers.")]


def _test_point(config: AgentConfig, data: Path) -> list[Finding]:
    from agent.measure.faults import WorldError
    from agent.measure.servers import addresses
    from agent.measure.sockets import dial

    urls = list(config.servers)
    try:
        spool = open_reader(data)
    except EnlaceError:
        told = None
    else:
        told = settings.stored(spool)
        spool.close()
    urls = [server.url for server in told.servers] + urls if told else urls
    if not urls:
        return [Finding("test point", False, "none is known", "Enrol, or name one in the configuration.")]
    try:
        address, sock = dial.connect_first(dial.resolve(addresses.parse_target(urls[0])), dial.Buffers())
    except WorldError as fault:
        return [Finding("test point", False, f"{urls[0]} cannot be reached ({fault.code})", "Look at the firewall.")]
    dial.close_hard(sock)
    return [Finding("test point", True, f"{address.target.host_field} answers")]


def _clock(ports: Ports, state: dict[str, str]) -> list[Finding]:
    true_ms = true_now_ms(_Borrowed(state), ports.clock, ports.host.boot_id())
    if true_ms is None:
        return [Finding("clock", True, "cannot be compared: the collector has not answered since the start")]
    off_ms = ports.clock.now_ms() - true_ms
    if abs(off_ms) > CLOCK_OFF_MS:
        return [
            Finding(
                "clock",
                False,
                f"{off_ms / 1000:+.0f} s off the collector's; measurements are corrected",
                "Set the clock; check the battery on the mainboard.",
            )
        ]
    return [Finding("clock", True, f"{off_ms / 1000:+.1f} s off the collector's")]


def _daemon(data: Path) -> list[Finding]:
    from agent.host.locks import is_agent_running

    if is_agent_running(data):
        told = statusfile.read(data)
        return [Finding("daemon", True, f"running, next test at {told.get('next_test_at') or 'no set time'}")]
    return [Finding("daemon", False, "not running", "Start the service, or `enlace-agent run`.")]
