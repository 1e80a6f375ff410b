"""Run inside a network namespace of its own: speedtest-cli, its home as it expects it, a shaped line, the test point.

speedtest-cli asks www.speedtest.net for its configuration before it talks to a private server; /etc/hosts of this
namespace sends it to 127.0.0.2, where a few lines answer. Prints what speedtest-cli printed.
"""

import http.server
import subprocess
import sys
import threading

from collector.demo.line import ShapedLine, parse_line
from tests.collector.testpoint.conftest import running

CONFIG = b"""<?xml version="1.0" encoding="UTF-8"?>
<settings><client ip="127.0.0.1" lat="0.0" lon="0.0" isp="none"/>
<server-config threadcount="2" ignoreids=""/>
<download testlength="3" threadsperurl="2"/><upload testlength="3" ratio="3" maxchunkcount="20" threads="2"/></settings>
"""


class Home(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONFIG)))
        self.end_headers()
        self.wfile.write(CONFIG)

    def log_message(self, *_):
        pass


def main():
    spec = parse_line(sys.argv[1])
    home = http.server.ThreadingHTTPServer(("127.0.0.2", 80), Home)
    threading.Thread(target=home.serve_forever, daemon=True).start()
    shape = {"down_bps": spec.down_bps, "up_bps": spec.up_bps, "rtt_ms": spec.rtt_ms}
    with running() as (port, _), ShapedLine("127.0.0.1", port, **shape) as line:
        url = f"http://127.0.0.1:{line.port}/"
        done = subprocess.run([sys.executable, "-m", "speedtest", "--mini", url, "--json"], timeout=100)
    home.shutdown()
    home.server_close()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
