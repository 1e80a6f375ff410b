"""What happens by the clock: the evaluation, notices, looking at itself, and forgetting what need not be kept."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler

from agent.wire import shapes
from collector.config import CollectorConfig, TestpointConfig
from collector.errors import CollectorError
from collector.evaluate import hazards, networks, outages, run
from collector.evaluate.inputs import reference_of
from collector.notify import decide, sending, watch
from collector.notify.decide import OutageSource
from collector.notify.settings import NotifyConfig, smtp_password
from collector.ports import Clock, Ports
from collector.real.hooks import HttpPoster
from collector.real.host import RealHost
from collector.real.mail import SmtpMailer
from collector.real.networks import NetworksFile
from collector.store.open import Store
from collector.store.queries import forgetting, users
from collector.store.queries.notices.outages import known_outages

LOG = logging.getLogger(__name__)

TIDY_EVERY_H = 6
HAZARDS_EVERY_MIN = 2  # who was heard in an open hazard
NOTICES = "notices"
NOTICE_EVERY_S = 60
SEND_EVERY_S = 20
WATCH_AT_S = 5  # of each minute: it is taken when it is over
NOTICE_AT_S = 10
FAILURES_KEPT_MS = 7 * 86_400_000
LOOK_AT_CLOCK_S = 30.0
CLOCK_STEP_MS = 60_000


def run_jobs(
    store: Store,
    config: CollectorConfig,
    testpoint: TestpointConfig,
    ports: Ports,
    stop: threading.Event,
    notify: NotifyConfig | None = None,
) -> None:
    """Run the jobs until `stop` is set; a job that is under way may finish its current transaction.

    Args:
        store: The open database.
        config: How often.
        testpoint: The deployment's first server: the series that is judged.
        ports: Clock and randomness.
        stop: Ends it.
        notify: How people are told; None: as shipped.
    """
    shapes.build_all()
    offset_ms = ports.clock.now_ms() - ports.clock.mono_ms()
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None})

    def add(name: str, job: Callable[[], object], trigger: str = "interval", **when: float) -> None:
        scheduler.add_job(partial(_guard, name, job), trigger, id=name, **when)

    for name, seconds, job in notice_jobs(store, config, testpoint, ports, notify or NotifyConfig()):
        if name == NOTICES:  # soon after the watch: what it found is told within the same minute
            add(name, job, "cron", second=NOTICE_AT_S)
        else:
            add(name, job, seconds=seconds)
    scheduler.start()  # people are told also while the first evaluation takes long
    look_up = partial(look_up_networks, store, config, ports)
    judge = partial(evaluate, store, config, testpoint, ports)
    _guard("networks", look_up)
    judge()
    every_s = config.evaluate_every_min * 60
    add("hazards", partial(hazards.renew_open, store, ports, config.default_timezone), minutes=HAZARDS_EVERY_MIN)
    add("networks", look_up, seconds=every_s)
    scheduler.add_job(judge, "interval", seconds=every_s, id="evaluate")
    add("tidy", partial(tidy, store, ports), hours=TIDY_EVERY_H)
    add("outages", partial(outages.watch, store, config, ports), "cron", second=WATCH_AT_S)
    follow_clock(scheduler, ports.clock, stop, offset_ms)
    scheduler.shutdown(wait=False)


def follow_clock(scheduler: BackgroundScheduler, clock: Clock, stop: threading.Event, offset_ms: int) -> None:
    """Let every job come by the new time whenever somebody sets this computer's clock, until `stop` is set.

    The scheduler keeps the moment of each job's next turn. A clock that is put back by a day would let them all rest
    for a day, and nobody would be told of anything.

    Args:
        scheduler: With its jobs.
        clock: By whose monotonic time a step of the other is seen.
        stop: Ends it.
        offset_ms: Between the two clocks when the first job got its turn.
    """
    while not stop.wait(LOOK_AT_CLOCK_S):
        before_ms, offset_ms = offset_ms, clock.now_ms() - clock.mono_ms()
        if abs(offset_ms - before_ms) > CLOCK_STEP_MS:
            LOG.warning("clock.set", extra={"by_s": (offset_ms - before_ms) / 1000})
            for job in scheduler.get_jobs():
                job.modify(next_run_time=datetime.fromtimestamp(clock.now_ms() / 1000, UTC))


def evaluate(store: Store, config: CollectorConfig, testpoint: TestpointConfig, ports: Ports) -> None:
    """Judge what is new; a fault is logged and the next turn comes."""
    _guard("evaluate", lambda: _evaluate(store, config, testpoint, ports))


def _evaluate(store: Store, config: CollectorConfig, testpoint: TestpointConfig, ports: Ports) -> None:
    report = run.evaluate(store, config, ports, reference=reference_of(testpoint.id))
    LOG.info("evaluation.done", extra={"schools": report.schools, "days": report.days, "failed": len(report.failed)})


def look_up_networks(store: Store, config: CollectorConfig, ports: Ports) -> None:
    """Note on which networks computers were seen, where the operator supplies a file of networks."""
    if config.networks_file:
        with NetworksFile(Path(config.networks_file)) as known:
            networks.look_up(store, config, ports, known)


def tidy(store: Store, ports: Ports) -> None:
    """Forget wrong passwords of last week, and what else need not be kept."""
    now_ms = ports.clock.now_ms()
    with store.unit() as unit:
        users.prune_failures(unit, now_ms - FAILURES_KEPT_MS)
        forgetting.forget(unit, now_ms)
        outages.forget(unit, now_ms)
        unit.commit()


def notice_jobs(
    store: Store,
    config: CollectorConfig,
    testpoint: TestpointConfig,
    ports: Ports,
    notify: NotifyConfig,
    known: OutageSource = known_outages,
) -> list[tuple[str, float, Callable[[], None]]]:
    """Return what is done about notices: each job with its name and how often, in seconds.

    Mail and webhooks are jobs of their own, so that a server that hangs keeps nothing else.
    """
    url = testpoint.public_url or f"http://{testpoint.host}:{testpoint.port}"
    host = RealHost(Path(config.data or "."), url)
    mailer = SmtpMailer(notify, smtp_password())
    poster = HttpPoster(notify.webhook_timeout_s, may_be_private=notify.webhook_private)

    def tell() -> None:
        watch.watch(store, config, notify, ports, host)
        decide.decide(store, config, notify, ports, known)

    return [
        (NOTICES, NOTICE_EVERY_S, tell),
        ("mail", SEND_EVERY_S, lambda: _done(sending.send_mail(store, config, notify, ports, mailer))),
        ("webhooks", SEND_EVERY_S, lambda: _done(sending.send_hooks(store, config, ports, poster))),
    ]


def _done(done: sending.Round) -> None:
    if done.sent or done.failed:
        LOG.info("notices.sent", extra={"sent": done.sent, "failed": done.failed})


def _guard(name: str, job: Callable[[], object]) -> None:
    try:
        job()
    except CollectorError as error:
        LOG.error("job.failed", extra={"job": name, "reason": error.sentence})
    except Exception:
        LOG.exception("job.failed", extra={"job": name})
