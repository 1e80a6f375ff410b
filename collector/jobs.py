"""What happens by the clock: the evaluation, and forgetting what need not be kept."""

import logging
import threading
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from collector.config import CollectorConfig, TestpointConfig
from collector.errors import CollectorError
from collector.evaluate import outages, run
from collector.evaluate.inputs import reference_of
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries import forgetting, users

LOG = logging.getLogger(__name__)

TIDY_EVERY_H = 6
WATCH_AT_S = 5
FAILURES_KEPT_MS = 7 * 86_400_000


def run_jobs(
    store: Store, config: CollectorConfig, testpoint: TestpointConfig, ports: Ports, stop: threading.Event
) -> None:
    """Run the jobs until `stop` is set; a job that is under way may finish its current transaction.

    Args:
        store: The open database.
        config: How often.
        testpoint: The deployment's first server: the series that is judged.
        ports: Clock and randomness.
        stop: Ends it.
    """
    evaluate(store, config, testpoint, ports)
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None})
    every_s = config.evaluate_every_min * 60
    scheduler.add_job(lambda: evaluate(store, config, testpoint, ports), "interval", seconds=every_s, id="evaluate")
    scheduler.add_job(lambda: _guard("tidy", lambda: tidy(store, ports)), "interval", hours=TIDY_EVERY_H, id="tidy")
    # Some seconds after each minute: a minute is taken when it is over.
    scheduler.add_job(lambda: watch_outages(store, config, ports), "cron", second=WATCH_AT_S, id="outages")
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=False)


def evaluate(store: Store, config: CollectorConfig, testpoint: TestpointConfig, ports: Ports) -> None:
    """Judge what is new; a fault is logged and the next turn comes."""
    _guard("evaluate", lambda: _evaluate(store, config, testpoint, ports))


def _evaluate(store: Store, config: CollectorConfig, testpoint: TestpointConfig, ports: Ports) -> None:
    report = run.evaluate(store, config, ports, reference=reference_of(testpoint.id))
    LOG.info("evaluation.done", extra={"schools": report.schools, "days": report.days, "failed": len(report.failed)})


def watch_outages(store: Store, config: CollectorConfig, ports: Ports) -> None:
    """Look who fell silent together; a fault is logged and the next turn comes."""
    _guard("outages", lambda: _watch_outages(store, config, ports))


def _watch_outages(store: Store, config: CollectorConfig, ports: Ports) -> None:
    outages.watch(store, config, ports)


def tidy(store: Store, ports: Ports) -> None:
    """Forget wrong passwords of last week, and what else need not be kept."""
    now_ms = ports.clock.now_ms()
    with store.unit() as unit:
        users.prune_failures(unit, now_ms - FAILURES_KEPT_MS)
        forgetting.forget(unit, now_ms)
        outages.forget(unit, now_ms)
        unit.commit()


def _guard(name: str, job: Callable[[], None]) -> None:
    try:
        job()
    except CollectorError as error:
        LOG.error("job.failed", extra={"job": name, "reason": error.sentence})
    except Exception:
        LOG.exception("job.failed", extra={"job": name})
