"""The catalogue with every table in it: who imports it has them all."""

from collector.store.tables import (
    agent_settings,
    browser_tests,
    devices,
    judgement,
    links,
    measurements,
    outages,
    people,
    proofs,
    registry,
)
from collector.store.tables.base import METADATA

__all__ = [
    "METADATA",
    "agent_settings",
    "browser_tests",
    "devices",
    "judgement",
    "links",
    "measurements",
    "outages",
    "people",
    "proofs",
    "registry",
]
