"""One greedy transfer with one engine, run inside a namespace; prints what its estimator would have seen, as JSON.

`python -m tests.netlab.transfer URL download|upload SECONDS STREAMS RTT_S bbr|cubic`
"""

import json
import os
import sys

from agent.measure.engines.engine import Job
from agent.measure.engines.ndt7 import Ndt7
from agent.measure.faults import WorldError
from agent.measure.servers import addresses
from agent.measure.sockets import dial
from agent.net.loop import Loop


def main() -> int:
    url, direction, seconds, streams, rtt_s, congestion_control = sys.argv[1:]
    loop = Loop()
    job = Job(
        address=dial.resolve(addresses.parse_target(url))[0],
        loop=loop,
        random_bytes=os.urandom,
        max_s=float(seconds),
        rtt_s=float(rtt_s),
        connections=int(streams),
        congestion_control=congestion_control,
    )
    engine = Ndt7()
    transfer = engine.download(job) if direction == "download" else engine.upload(job)
    fault = None
    samples = []
    try:
        samples.extend((each.at_s, each.total_bytes, each.delivery_bps) for each in transfer.samples())
    except WorldError as error:
        fault = str(error)
    told = {
        "start_s": transfer.start_s,
        "streams": transfer.streams,
        "congestion_control": transfer.congestion_control,
        "fault": fault,
        "samples": samples,
    }
    print(json.dumps(told))
    return 0 if samples else 3


if __name__ == "__main__":
    sys.exit(main())
