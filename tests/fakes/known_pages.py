"""What applications have in common, worked out once in a process: nearly every test of a page makes one of its own.

An application takes the address of each of its pages apart and compiles it to functions, which is nearly all of the
time that making it takes, and it compiles each template when it is first drawn. What comes out follows from the address
and from the template alone; an address that has places with defaults is left to the library.
"""

from typing import Any, ClassVar

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

_BUILDERS = "_build", "_build_unknown"
_known: dict[tuple[object, ...], dict[str, Any]] = {}


class KnownRule(Rule):
    """An address that is taken apart and compiled only if no application of this process had the same one."""

    def compile(self) -> None:
        """Take over what another application made of the address; nothing of it is changed later."""
        assert self.map is not None
        key = (self.rule, self.subdomain, self.host, self.map.host_matching, self.merge_slashes)
        kept = None if self.defaults else _known.get(key)
        if kept is not None:
            self.__dict__.update(kept, arguments=set(kept["arguments"]))
            self.__dict__.update({name: kept[name].__get__(self, None) for name in _BUILDERS})
            return
        super().compile()
        if not self.defaults:
            _known[key] = {name: getattr(self, name) for name in ("_parts", "_trace", "_converters", "arguments")}
            _known[key] |= {name: getattr(self, name).__func__ for name in _BUILDERS}


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
