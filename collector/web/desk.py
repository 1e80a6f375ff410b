"""What every page needs in one hand: the store, the configuration, clock and randomness, the profile that is shown."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g

from collector.config import CollectorConfig, TestpointConfig
from collector.domain.judge import METRIC
from collector.domain.scope import NOTHING, Scope
from collector.notify.settings import NotifyConfig
from collector.ports import Ports
from collector.store.open import ScopedStore, Store
from collector.store.queries.pages.schools import Measure
from collector.web.language import present

AS_SHIPPED = NotifyConfig()
_EXTENSION = "enlace_pages"


@dataclass(frozen=True)
class Desk:
    """The parts that pages work with."""

    whole: Store  # for signing in, and for what is of no school: pages take `store`
    config: CollectorConfig
    ports: Ports
    testpoint_id: str = TestpointConfig().id
    notify: NotifyConfig = AS_SHIPPED

    @property
    def store(self) -> ScopedStore:
        """What the person of this request may see of the database; nothing before somebody is let in."""
        found: Scope = g.get("scope", NOTHING)
        return ScopedStore(self.whole, found)

    @property
    def now_ms(self) -> int:
        """The moment of this request."""
        return self.ports.clock.now_ms()

    @property
    def zone(self) -> ZoneInfo:
        """The zone of schools that have none of their own."""
        return ZoneInfo(self.config.default_timezone)

    @property
    def measure(self) -> Measure:
        """Which verdicts pages show."""
        return Measure(self.config.profile, METRIC)

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by HTTPS: cookies then say so."""
        return self.config.behind_proxy or self.config.public_url.startswith("https:")

    def zone_of(self, name: str | None) -> ZoneInfo:
        """Return the zone of a school."""
        return present.zone(name, self.config.default_timezone)


def install(app: Flask, desk: Desk) -> None:
    """Make the parts known to the application."""
    app.extensions[_EXTENSION] = desk


def desk() -> Desk:
    """Return the parts of the application that answers this request."""
    found: Desk = current_app.extensions[_EXTENSION]
    return found
