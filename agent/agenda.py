"""When the next test is due: the collector's windows on the collector's time, or this computer's own guess."""

from agent.config import AgentConfig
from agent.ports import Ports


class NextTest:
    """placeholder"""

    def __init__(self, config: AgentConfig, ports: Ports, state: object) -> None:
        self._config, self._ports = config, ports

    def in_s(self) -> float:
        return self._ports.randomness.uniform(0.5, 1.5) * (self._config.test_interval_s or 3600)

    def is_paused(self) -> bool:
        return False
