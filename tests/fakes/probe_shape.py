"""A struct of the product of which it can be told whether msgspec has worked it out."""

import sys
from types import ModuleType
from typing import Any

import msgspec
import pytest


class Probe:
    """A struct whose member is known until `is_built` is asked: who works it out afterwards fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._module = ModuleType("agent.probe")
        self._module.__dict__["Later"] = int
        monkeypatch.setitem(sys.modules, "agent.probe", self._module)
        made: dict[str, Any] = {"__module__": "agent.probe", "__annotations__": {"a": "Later"}}
        kind: Any = type(msgspec.Struct)
        self.shape: Any = kind("Probe", (msgspec.Struct,), made)

    def is_built(self) -> bool:
        """Return whether it was worked out before."""
        del self._module.__dict__["Later"]
        try:
            return bool(msgspec.json.decode(b'{"a":1}', type=self.shape) == self.shape(1))
        except NameError:
            return False
