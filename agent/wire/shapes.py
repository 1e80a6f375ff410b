"""What messages look like is worked out while one thread runs, not by whoever happens to read the first one.

msgspec works out a struct when something is first decoded into it, and marks it as done before it is: a second thread
that decodes into it at that moment reads what is not there yet, and the process ends with a segmentation fault. A
collector that was started again has a hundred PCs waiting, whose first batches come at the same moment.
"""

import sys
from collections.abc import Iterator

import msgspec

_OURS = ("agent", "collector")


def build_all() -> None:
    """Work out every struct of ours whose module is loaded; call it before threads decode anything."""
    for shape in _below(msgspec.Struct):
        if shape.__module__.partition(".")[0] in _OURS and shape.__module__ in sys.modules:
            msgspec.json.Decoder(shape)


def _below(shape: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    subclasses: list[type[msgspec.Struct]] = shape.__subclasses__()
    for one in subclasses:
        yield one
        yield from _below(one)
