"""A test that simply lasts, as other tools make it, run inside a namespace with our engines to the end.

`python -m bench.contest.greedy_end URL ENGINE DIRECTION SECONDS CONNECTIONS CONGESTION GRACE_S`; prints the mean
rate after the grace time, as these tools have it, counted where the bytes arrive.
"""

import json
import os
import sys

from agent.measure.engines import librespeed_upload
from agent.measure.engines.engine import Engine, Job
from agent.measure.engines.librespeed import LibreSpeed
from agent.measure.engines.ndt7 import Ndt7
from agent.measure.faults import WorldError
from agent.measure.servers import addresses
from agent.measure.sockets import dial
from agent.net.loop import Loop

BODY_BYTES = 20 << 20  # of an upload, as LibreSpeed's page posts them; ours are small, to be answered soon
ENGINES: dict[str, type[Engine]] = {"ndt7": Ndt7, "librespeed": LibreSpeed}


def mean_bps(points: list[tuple[float, float]], grace_s: float) -> float:
    """Return the mean rate of (seconds, bytes so far) from the first point after the grace time on."""
    first = next((point for point in points if point[0] >= grace_s), points[0])
    last = points[-1]
    return 8 * (last[1] - first[1]) / (last[0] - first[0]) if last[0] > first[0] else 0.0


def main() -> int:
    url, name, direction, seconds, connections, congestion, grace_s = sys.argv[1:]
    engine = ENGINES[name]()
    librespeed_upload.FIRST_BYTES = librespeed_upload.LEAST_BYTES = librespeed_upload.MOST_BYTES = BODY_BYTES
    job = Job(
        address=dial.resolve(addresses.parse_target(url))[0],
        loop=Loop(),
        random_bytes=os.urandom,
        max_s=float(seconds),
        answer_s=float(seconds),
        stall_s=float(seconds),
        connections=int(connections),
        congestion_control=congestion,
    )
    points: list[tuple[float, float]] = []
    note = ""
    try:
        job = engine.prepare(job)
        transfer = engine.download(job) if direction == "download" else engine.upload(job)
        points.extend((each.at_s, each.total_bytes) for each in transfer.samples())
    except WorldError as error:
        note = str(error)
    print(json.dumps({"bps": mean_bps(points, float(grace_s)) if points else None, "note": note}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
