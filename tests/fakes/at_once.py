"""Several things at the same moment."""

import threading
from collections.abc import Callable


def at_once(*deeds: Callable[[], object]) -> None:
    """Do several things at the same moment and wait for all of them."""
    ready, faults = threading.Barrier(len(deeds)), list[BaseException]()

    def run(deed: Callable[[], object]) -> None:
        try:
            ready.wait(30)
            deed()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
