"""One measurement of ours, run inside a namespace with what its command line has no word for: caps and a prior.

`python -m bench.contest.session_end JSON`; prints the record and what the processor did in each direction.
"""

import json
import resource
import sys
import time

from agent import app
from agent.measure import session
from agent.measure.servers import addresses
from agent.wire import codec, forms
from agent.wire.vocabulary import Phase, Tier, Trigger


class Watch:
    """Processor time and wall time of each phase, by the progress that is told."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[float, float]]] = {}

    def __call__(self, progress: session.Progress) -> None:
        self._seen.setdefault(str(progress.phase), []).append((time.monotonic(), time.process_time()))

    def shares(self) -> dict[str, float]:
        """Return the share of a core per direction."""
        found = {}
        for phase in (Phase.DOWNLOAD, Phase.UPLOAD):
            looks = self._seen.get(str(phase), [])
            if len(looks) > 1 and looks[-1][0] > looks[0][0]:
                found[str(phase)] = (looks[-1][1] - looks[0][1]) / (looks[-1][0] - looks[0][0])
        return found


def main() -> int:
    order = json.loads(sys.argv[1])
    if order["to_the_end"]:
        # Ten seconds, but carried by what carries the usual test: only the length is to differ.
        session.CUBIC = session.BBR  # type: ignore[misc]  # a measuring stick, not a part of the product
    ports = app.make_ports()
    plan = session.Plan(
        rid=forms.uuid7(ports.clock.now_ms(), ports.randomness.token_bytes(10)),
        tier=Tier.CALIBRATION if order["to_the_end"] else Tier.CAPACITY,
        trigger=Trigger.MANUAL,
        engine=None,
        servers=addresses.servers_from_url(order["url"], None),
        max_bytes_download=order["caps"]["download"],
        max_bytes_upload=order["caps"]["upload"],
        lease_id=None,
        access_token=None,
        prior_download_bps=order["priors"]["download"],
        prior_upload_bps=order["priors"]["upload"],
        budget=None,
        download_wanders=order["wanders"]["download"],
        upload_wanders=order["wanders"]["upload"],
    )
    watch = Watch()
    record = session.run(plan, ports, on_progress=watch)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    told = {"record": json.loads(codec.encode(record)), "cpu_share": watch.shares(), "peak_mb": peak_mb}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
