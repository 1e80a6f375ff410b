"""The conditions of each school-day, once the verdicts stand: each writer works its days out, then the fold runs.

A writer that fails is logged and tried again by the next run; the others, and the fold of what is there, go on.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from collector.domain.calendars import local_day
from collector.domain.conditions import ConditionKind
from collector.errors import StorageError
from collector.evaluate import availability, conditions, heard, networks, outages_learnt, silence, sites, turns
from collector.evaluate.inputs import Deployment
from collector.ports import Ports
from collector.store.open import Store

LOG = logging.getLogger(__name__)

Writer = Callable[[Store, Deployment, int], None]  # with the collector's time, UTC milliseconds

# Each writes the days of one or more conditions into `condition_days` (`conditions.write_days`) and commits.
WRITERS: Final[Mapping[str, Writer]] = {
    "availability": availability.write,
    "outages": outages_learnt.write,  # from the days that the one before it writes
    "silence": silence.write,
    "sites": sites.write,
    "networks": networks.write,
    "heard": heard.write,  # counts PCs for pages; no condition follows from it
}


def observe(
    store: Store, deployment: Deployment, ports: Ports, writers: Mapping[str, Writer] | None = None
) -> list[str]:
    """Write the days of every condition, then bring all flags by conditions in line with them.

    Args:
        store: The open database.
        deployment: What holds for all schools.
        ports: The clock.
        writers: Who writes the days, by name; None: all that there are.

    Returns:
        The names of those that failed.
    """
    now_ms = ports.clock.now_ms()
    failed = []
    for name, write in (WRITERS if writers is None else writers).items():
        try:
            write(store, deployment, now_ms)
        except StorageError:
            raise
        except Exception:  # one condition's fault must not keep the others from being judged
            LOG.exception("evaluate.condition_failed", extra={"condition": name})
            failed.append(name)
    if not failed:  # whoever's turn it was has it again
        with store.unit() as unit:
            turns.note(unit, now_ms)
            unit.commit()
    conditions.fold_all(store, ConditionKind, local_day(now_ms, ZoneInfo(deployment.default_timezone)))
    return failed
