"""The catalogue with every table in it: who imports it has them all."""

from collector.store.tables import (
    agent_settings,
    availability,
    browser_tests,
    devices,
    hazards,
    judgement,
    links,
    measurements,
    notices,
    outages,
    people,
    proofs,
    registry,
    sites,
)
from collector.store.tables.base import METADATA

__all__ = [
    "METADATA",
    "agent_settings",
    "availability",
    "browser_tests",
    "devices",
    "hazards",
    "judgement",
    "links",
    "measurements",
    "notices",
    "outages",
    "people",
    "proofs",
    "registry",
    "sites",
]
