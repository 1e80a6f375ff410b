"""A test point whose connections run CUBIC, as most servers' do, and the home that speedtest-cli asks first.

`python -m bench.contest.point_end ADDRESS PORT`; the home listens on port 80 of the same address.
"""

import http.server
import signal
import sys
import threading

from collector.testpoint.options import TestpointOptions
from collector.testpoint.server import serve

# What speedtest.net answers, cut to what speedtest-cli reads; lengths and threads are those it is given there.
CONFIG = b"""<?xml version="1.0" encoding="UTF-8"?>
<settings><client ip="10.77.0.1" lat="0.0" lon="0.0" isp="none"/>
<server-config threadcount="4" ignoreids=""/>
<download testlength="10" threadsperurl="4"/>
<upload testlength="10" ratio="5" maxchunkcount="50" threads="2"/></settings>
"""


class Home(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONFIG)))
        self.end_headers()
        self.wfile.write(CONFIG)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


def main() -> int:
    address, port = sys.argv[1], int(sys.argv[2])
    home = http.server.ThreadingHTTPServer((address, 80), Home)
    threading.Thread(target=home.serve_forever, daemon=True).start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    options = TestpointOptions(host=address, port=port, congestion_control="cubic")
    serve(options, stop=stop, on_ready=lambda tcp, udp: print(f"Test point, TCP {tcp}, UDP {udp}", flush=True))
    home.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
