"""What applications have in common, worked out once in a process: nearly every test of a page makes one of its own.

An application compiles the address of each of its pages to a function, which is nine tenths of the time that making it
takes, and each template when it is first drawn. What comes out follows from the address and from the template alone; an
address that has places with defaults is left to the library.
"""

from collections.abc import Callable
from typing import ClassVar

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
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


class Compiled(BytecodeCache):
    """Templates that some application of this process has compiled."""

    _codes: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a template that is known; a bucket leaves one of another source."""
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template."""
        self._codes[bucket.key] = bucket.bytecode_to_string()


def use() -> None:
    """Let every application of this process know them."""
    Flask.url_rule_class = KnownRule
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Compiled()}
