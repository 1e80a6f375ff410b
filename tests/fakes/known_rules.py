"""Addresses of the pages, compiled once in a process: nearly every test of a page makes an application of its own.

An application compiles the address of each of its pages to a function, which is nine tenths of the time that making it
takes. What comes out follows from the address and from nothing else, unless an address has places with defaults.
"""

from collections.abc import Callable

from flask import Flask
from werkzeug.routing import Rule

Build = Callable[..., tuple[str, str]]
_known: dict[tuple[object, ...], Build] = {}


class KnownRule(Rule):
    """An address that is compiled only if no application of this process had the same one."""

    def _compile_builder(self, append_unknown: bool = True) -> Build:
        if self.defaults:
            return super()._compile_builder(append_unknown)
        key = (self.rule, tuple(self._trace), append_unknown)
        if key not in _known:
            _known[key] = super()._compile_builder(append_unknown)
        return _known[key]


def use() -> None:
    """Let every application of this process know them."""
    Flask.url_rule_class = KnownRule
