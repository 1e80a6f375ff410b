"""What a school's devices keep to: what is said of the school, else of all schools, else in the configuration.

Beside each value stands which of them said it. Nothing here is asked of the schedule or of a campaign: those say when,
this says how often, for how many bytes, and whether at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from agent.wire.answers import ProbeSite
from collector.config import CollectorConfig
from collector.store.queries import agent_settings
from collector.store.queries.agent_settings import EVERYWHERE, SettingsDecision
from collector.store.unit import Snapshot

PAUSED: Final = "paused"
SITES: Final = "probes"


class Origin(StrEnum):
    """Where a value comes from, the widest first."""

    SHIPPED = "shipped"  # nobody has said anything else
    FILE = "file"
    DEPLOYMENT = "deployment"  # decided on the page, for all schools
    SCHOOL = "school"


class Wishes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of one place; None: as the wider place has it."""

    tests_per_window: int | None = None
    test_bytes: int | None = None  # of one direction of one test
    day_bytes: int | None = None  # of one school
    month_bytes: int | None = None  # of one school
    lease_s: int | None = None
    paused: bool | None = None
    probes: list[ProbeSite] | None = None  # learning sites; only people name them, no file does


_SHIPPED: Final = CollectorConfig()
NAMES: Final = Wishes.__struct_fields__
"""Every setting, in the order of the page."""
OF_SCHOOL: Final = ("tests_per_window", "test_bytes", "day_bytes", "month_bytes", PAUSED)
"""Those that one school may have of its own."""


@dataclass(frozen=True)
class Rules:
    """What holds for a school, and where each value comes from."""

    tests_per_window: int
    test_bytes: int
    day_bytes: int
    month_bytes: int
    lease_s: int
    paused: bool
    probes: list[ProbeSite]
    origins: Mapping[str, Origin]


def for_school(snapshot: Snapshot, config: CollectorConfig, school: str) -> Rules:
    """Return what a school's devices keep to."""
    found = agent_settings.in_force(snapshot, school)
    return combine(config, wishes(found.get(EVERYWHERE)), wishes(found.get(school) if school else None))


def wishes(decision: SettingsDecision | None) -> Wishes:
    """Return what a decision says; without one nothing is said."""
    return wishes_in(decision.said if decision is not None else None)


def wishes_in(said: str | None) -> Wishes:
    """Return what is said, as the database keeps it; None: nothing."""
    return msgspec.json.decode(said, type=Wishes) if said is not None else Wishes()


def stored(said: Wishes) -> str:
    """Return what is said as the database keeps it."""
    return msgspec.json.encode(said).decode()


def combine(config: CollectorConfig, everywhere: Wishes, school: Wishes) -> Rules:
    """Return what holds where these things are said.

    Args:
        config: Of the deployment.
        everywhere: What is said of all schools.
        school: What is said of the school; nothing lets it test while all schools are paused.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for name in NAMES:
        values[name] = [] if name == SITES else getattr(config, name)
        origins[name] = origin_of(config, name)
        for origin, said in ((Origin.DEPLOYMENT, everywhere), (Origin.SCHOOL, school)):
            wish = getattr(said, name)
            if wish is None or (origin is Origin.SCHOOL and name == PAUSED and not wish):
                continue
            if origin is Origin.SCHOOL and name == PAUSED and values[PAUSED]:
                continue  # all are paused: that is said where it was decided
            values[name], origins[name] = wish, origin
    return Rules(**values, origins=origins)


def origin_of(config: CollectorConfig, name: str) -> Origin:
    """Return where a value of the configuration comes from; one that is as shipped needs no file to say so."""
    is_shipped = name == SITES or getattr(config, name) == getattr(_SHIPPED, name)
    return Origin.SHIPPED if is_shipped else Origin.FILE
