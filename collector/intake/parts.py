"""What every conversation with a device needs, in one hand."""

from collections.abc import Callable
from dataclasses import dataclass, field

from collector.config import CollectorConfig, TestpointConfig
from collector.intake.keyring import KeySource
from collector.intake.receipts import ReceiptBook
from collector.ports import Ports
from collector.store.open import Store


def _idle() -> float:
    return 0.0


@dataclass(frozen=True)
class Parts:
    """The store, the rules, the outside world and the keys."""

    store: Store
    config: CollectorConfig
    testpoint: TestpointConfig
    ports: Ports
    keys: KeySource
    receipts: ReceiptBook = field(default_factory=ReceiptBook)
    load: Callable[[], float] = field(default=_idle)  # share of the places for devices in use, 0 to 1
