"""One measurement from beginning to end: surroundings, idle latency, download, upload, record.

The order of `auto`: the nearest server first (`choice`), on each ndt7, then librespeed; or only the engine asked for.
The next one is tried only while no test data have been carried, and never when a web page came: a portal must not be
asked until something on it works. A busy server is waited for as long as a person waits (`busy`). After a download that
worked, the upload may be tried with another engine; the download is never repeated.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.errors import EnlaceError
from agent.measure import busy, receipt
from agent.measure.attempt import Attempt, Progress
from agent.measure.beside import guard, interception
from agent.measure.beside.aside import Aside
from agent.measure.engines.engine import Engine, Job
from agent.measure.engines.librespeed import LibreSpeed
from agent.measure.engines.ndt7 import Ndt7
from agent.measure.engines.ookla import Ookla, order_within
from agent.measure.faults import WorldError
from agent.measure.findings import Around, Begun, Findings
from agent.measure.latency.idle_and_loaded import IDLE_PROBES, measure_idle, wait_for_answers
from agent.measure.plan import Plan
from agent.measure.servers import addresses, choice, directory, locate, named, serverlist
from agent.measure.sockets import dial, streams
from agent.net.loop import Loop
from agent.ports import Ports
from agent.wire.answers import ServerEntry
from agent.wire.records import Failure, Measurement
from agent.wire.vocabulary import EngineName, FailureCode, Phase, Tier

__all__ = ["Plan", "Progress", "run"]

TOTAL_S = 75.0  # for everything: a person waits
# What sends: BBR fills a lossy or long line, where server and kernel let choose it (else their default); a calibration
# loads the line as most of the web does.
BBR, CUBIC = "bbr", "cubic"
ENGINES: dict[EngineName, Callable[[], Engine]] = {EngineName.NDT7: Ndt7, EngineName.LIBRESPEED: LibreSpeed}
# What is wrong with the way to a computer, or with its time for us: its other engines are not tried either.
_SAME_PLACE = {
    FailureCode.DNS,
    FailureCode.CONNECT_TIMEOUT,
    FailureCode.CONNECT_REFUSED,
    FailureCode.UNREACHABLE,
    FailureCode.TLS_UNTRUSTED,
    FailureCode.TLS_CLOCK,
    FailureCode.SERVER_BUSY,
}
# After these no other server and no other engine is tried.
_FINAL = {FailureCode.PORTAL, FailureCode.PROXY_AUTH, FailureCode.CANCELLED, FailureCode.STALLED}


def run(
    plan: Plan,
    ports: Ports,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
) -> Measurement:
    """Measure, and return what came of it.

    Args:
        plan: What to measure.
        ports: The outside world.
        on_progress: Called several times a second.
        cancelled: Set from another thread to stop; the record is then `interrupted`.

    Returns:
        The record; faults of the world are in its `failure`, with what could be measured before.
    """
    session = _Session(plan, ports, on_progress, cancelled)
    try:
        return session.run()
    finally:
        session.close()


class _Session:
    def __init__(
        self,
        plan: Plan,
        ports: Ports,
        on_progress: Callable[[Progress], None] | None,
        cancelled: threading.Event | None,
    ) -> None:
        self._plan = plan
        self._ports = ports
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._loop = Loop()
        self._got = Findings()
        self._aside = Aside()
        self._said = Progress(Phase.PREFLIGHT, 0.0, 0, 0.0)  # last
        self._begin()
        self._patience = busy.Patience(plan.trigger)
        self._foreign: Ookla | None = None
        self._company = guard.Company(ports, self._loop)

    def _begin(self) -> None:
        """Start the time of the measurement."""
        self._begun = Begun(self._ports.clock.now_ms(), self._ports.clock.mono_ms())
        self._until_s = self._loop.now() + TOTAL_S

    def close(self) -> None:
        """Free the sockets."""
        if self._got.idle.prober:
            self._got.idle.prober.close()
        self._loop.close()

    def run(self) -> Measurement:
        """Do one step after the other."""
        try:
            self._got.failure = self._company.before(self._plan, self._is_cancelled, self._say)
            if not self._got.failure:
                self._begin()  # a busy line may have been waited for
                self._measure()
        except WorldError as fault:
            self._fail(fault, Phase.PREFLIGHT if self._got.download is None else Phase.UPLOAD)
        got = self._got
        if got.idle.prober:
            wait_for_answers(got.idle.prober, self._loop)
        got.confirmed = receipt.of_test(got.job, got.download, got.idle.rtt, got.failure)
        self._account()
        got.engine = named.engine_of(got.server, ENGINES)
        got.come_back_s = self._patience.come_back_s
        around = self._company.told(tls_intercepted=got.tls_intercepted, has_proxy=got.has_proxy)
        record = got.record(self._plan, self._begun, self._ports.host, Around(around, self._company.gateway))
        return self._foreign.over(record) if self._foreign else record

    def _account(self) -> None:
        """Say for the last time what all of it has cost beside the transfers."""
        self._count_probes()
        if self._got.confirmed and not (self._got.upload and self._got.upload.direction):
            self._aside.bytes += self._got.confirmed.cost_bytes
        if self._aside.bytes != self._said.aside_bytes:
            self._tell(replace(self._said, note="", begins=False))

    def _count_probes(self) -> None:
        if prober := self._got.idle.prober:
            self._aside.probed(len(prober.rounds()), prober.wire_bytes)

    def _measure(self) -> None:
        if self._plan.engine is EngineName.OOKLA:
            self._by_speedtest_cli()
            return
        wanted = addresses.in_order(self._plan.servers, self._plan.engine)
        listed = directory.expand(wanted, self._listed)
        entries = choice.nearest_first(listed, self._loop, self._is_cancelled, self._aside)
        if not entries and not self._got.failure:
            raise WorldError(FailureCode.PROTOCOL, "no test point is known for this engine")
        self._download_from(entries)
        if self._got.download and not self._got.failure:
            self._upload_to(entries)

    def _by_speedtest_cli(self) -> None:
        """Let another tool measure; what it says is recorded as what it says."""
        plan = self._plan
        entry = addresses.in_order(addresses.given_or_home(plan.servers, plan.engine), plan.engine)[0]
        order = order_within(plan.max_bytes_download, plan.max_bytes_upload)
        self._foreign = foreign = Ookla(entry, order, self._tell)
        try:
            foreign.run(self._is_cancelled)
        except WorldError as fault:
            self._fail(fault, foreign.phase)

    def _listed(self, entry: ServerEntry) -> Sequence[ServerEntry]:
        """Return the servers that an entry stands for; one that does not answer is passed over for the others."""
        try:
            return directory.resolve(entry, self._connect(entry))
        except WorldError as fault:
            self._fail(fault, Phase.PREFLIGHT)
            if fault.code is FailureCode.CANCELLED:
                raise
            return ()

    def _download_from(self, entries: list[ServerEntry]) -> None:
        """Find the first server that lets us measure, and measure idle latency and download."""
        dead: set[choice.Place] = set()
        for entry in entries:
            place = choice.place_of(entry)
            while place not in dead:
                fault, has_moved = self._download(entry)
                if fault is None or fault.code in _FINAL or has_moved or self._loop.now() > self._until_s:
                    return
                if not self._waits(fault):
                    dead.update([place] if fault.code in _SAME_PLACE else [])
                    break

    def _download(self, entry: ServerEntry) -> tuple[WorldError | None, bool]:
        """Measure idle latency and download; return what went wrong, and whether test data had been carried."""
        self._got.failure = None
        phase = Phase.PREFLIGHT
        attempt: Attempt | None = None
        try:
            job = self._reach(entry)
            phase = Phase.LATENCY
            self._idle(job, entry)
            phase = Phase.DOWNLOAD
            attempt = self._attempt(phase, entry.engine, job, self._aside.room(self._plan.max_bytes_download))
            outcome = self._company.watched(attempt)
        except WorldError as fault:
            self._fail(fault, phase)
            return fault, attempt is not None and attempt.moved_bytes > 0
        self._got.job, self._got.download, self._got.failure = job, outcome, outcome.failure
        return None, True

    def _upload_to(self, entries: list[ServerEntry]) -> None:
        """Measure the upload with the engine that did the download, else with another one of the same computer."""
        first = self._got.server
        if first is None:
            return
        host = addresses.parse_target(first.url).host
        others = [entry for entry in entries if entry.engine is not first.engine and named.host_of(entry) == host]
        said: Failure | None = None  # by the first engine
        for entry in [first, *others]:
            while True:
                fault, has_moved = self._upload(entry)
                said = said or self._got.failure
                if fault and fault.code is not FailureCode.CANCELLED:
                    self._got.failure = said
                if fault is None or fault.code in _FINAL or has_moved or self._loop.now() > self._until_s:
                    return
                if not self._waits(fault):
                    break

    def _upload(self, entry: ServerEntry) -> tuple[WorldError | None, bool]:
        """Measure the upload; return what went wrong, and whether test data had been carried."""
        attempt: Attempt | None = None
        try:
            job = self._got.job if entry is self._got.server and self._got.job else self._reach(entry)
            attempt = self._attempt(Phase.UPLOAD, entry.engine, job, receipt.room(self._plan.max_bytes_upload))
            outcome = self._company.watched(attempt)
        except WorldError as fault:
            self._fail(fault, Phase.UPLOAD)
            return fault, attempt is not None and attempt.moved_bytes > 0
        self._got.upload, self._got.failure, self._got.upload_engine = outcome, outcome.failure, entry.engine
        return None, True

    def _waits(self, fault: WorldError) -> bool:
        """Wait if a busy server has asked for that and somebody has the patience; return whether to ask it again."""
        wait_s = self._patience.wait_s(fault)
        if wait_s is None:
            return False
        self._until_s += wait_s  # the time is the server's, not the test's
        busy.wait(wait_s, self._loop, self._is_cancelled, self._say)
        return True

    def _say(self, note: str) -> None:
        self._tell(Progress(Phase.PREFLIGHT, 0.0, 0, 0.0, note))

    def _reach(self, entry: ServerEntry) -> Job:
        """Connect once, so that what is wrong with the way there is known before anything is measured."""
        if self._got.download is None:
            self._got.server, self._got.address = entry, None
        job = self._connect(entry)
        if self._got.download is None:
            self._got.address = job.address
            self._got.tls_intercepted = interception.is_intercepted(job.address)
            self._aside.connected(job.address.target, int(self._got.tls_intercepted is not None))
        return ENGINES[entry.engine]().prepare(job)

    def _connect(self, entry: ServerEntry) -> Job:
        try:
            target = addresses.parse_target(entry.url)
        except EnlaceError as error:
            raise WorldError(FailureCode.PROTOCOL, error.what) from error
        missed: dict[int, WorldError] = {}
        self._aside.connected(target)
        address, sock = dial.connect_first(dial.resolve(target), dial.Buffers(), missed)
        dial.close_hard(sock)
        self._got.remarks += [f"ipv{one}={fault.code}" for one, fault in missed.items() if one != address.family]
        return Job(
            address=address,
            loop=self._loop,
            random_bytes=self._ports.randomness.token_bytes,
            access_token=self._plan.token_for(entry),
            test=self._plan.rid,
            is_cancelled=self._is_cancelled,
            congestion_control=CUBIC if self._plan.tier is Tier.CALIBRATION else BBR,
            scripts=serverlist.scripts_of(entry),
            aside=self._aside,
            resources=locate.resources_of(entry),
        )

    def _is_cancelled(self) -> bool:
        return self._cancelled is not None and self._cancelled.is_set()

    def _idle(self, job: Job, entry: ServerEntry) -> None:
        self._tell(Progress(Phase.LATENCY, 0.0, 0, 0.0))
        if self._got.idle.prober:
            self._count_probes()
            self._got.idle.prober.close()
        with self._company.idle():
            chance = self._ports.randomness.uniform
            self._got.idle = measure_idle(job, entry.engine, entry.udp_port, chance, IDLE_PROBES)

    def _attempt(self, phase: Phase, engine: EngineName, job: Job, max_bytes: int) -> Attempt:
        plan = self._plan
        rtt = self._got.idle.rtt
        rtt_s = rtt.rtt_ms / 1000 if rtt and rtt.rtt_ms else None
        is_download = phase is Phase.DOWNLOAD
        prior_bps = plan.prior_download_bps if is_download else plan.prior_upload_bps
        wanders = plan.download_wanders if is_download else plan.upload_wanders
        down = self._got.download
        other_bps = down.direction.bps if phase is Phase.UPLOAD and down and down.direction else None
        chosen = streams.choose(rtt, prior_bps, other_bps)
        return Attempt(
            phase=phase,
            engine=ENGINES[engine](),
            job=replace(
                job,
                max_bytes=max_bytes,
                rtt_s=rtt_s,
                connections=chosen.count,
                back_bps=other_bps,
            ),
            prober=self._got.idle.prober,
            prior_bps=None if wanders else prior_bps,
            to_the_end=plan.tier is Tier.CALIBRATION,
            until_s=self._until_s,
            tell=self._tell,
            chosen=chosen,
        )

    def _tell(self, progress: Progress) -> None:
        self._said = replace(progress, aside_bytes=self._aside.bytes)
        if self._on_progress:
            self._on_progress(self._said)

    def _fail(self, fault: WorldError, phase: Phase) -> None:
        self._got.failure = fault.as_failure(phase)
        self._patience.note(fault)
