"""Which address of the test point does what."""

from collections.abc import Callable

import msgspec

from agent.net.http1 import RequestHead
from collector.testpoint import librespeed, mini, ndt7, receipt
from collector.testpoint.exchange import Context, Exchange, Link, Reply, answer_head, reply
from collector.testpoint.refusal import RefusedError

Opener = Callable[[RequestHead, Link, Context], Exchange]

GREETING = (
    b"Enlace test point: LibreSpeed at /garbage, /empty, /getIP; ndt7 at /ndt/v7/download and /ndt/v7/upload; "
    b"UDP echo.\n"
)


def _health(head: RequestHead, link: Link, context: Context) -> Exchange:
    body = msgspec.json.encode(
        {"status": "ok", "tests": context.admission.tests, "transfers": context.admission.transfers}
    )
    return reply(link, head, body, "application/json")


def _root(head: RequestHead, link: Link, _context: Context) -> Exchange:
    return reply(link, head, GREETING, "text/plain; charset=utf-8")


def _routes() -> dict[str, Opener]:
    routes: dict[str, Opener] = {
        "/": _root,
        "/healthz": _health,
        "/ndt/v7/download": ndt7.download,
        "/ndt/v7/upload": ndt7.upload,
        "/enlace/v1/received": librespeed.received,
        "/enlace/v1/receipt": receipt.receipt,
        "/enlace/v1/key": receipt.key,
        "/speedtest/upload.php": mini.upload,
        "/speedtest/latency.txt": mini.latency,
    }
    for name, opener in (
        ("garbage", librespeed.garbage),
        ("empty", librespeed.empty),
        ("getIP", librespeed.get_ip),
    ):
        for prefix in ("/", "/backend/"):
            routes[prefix + name] = routes[f"{prefix}{name}.php"] = opener
    return routes


ROUTES = _routes()


def open_exchange(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Return the exchange that a request opens.

    Raises:
        RefusedError: For an address or a method that does not exist here, or one that may not be used now.
        UpgradeError: If a WebSocket was asked for in a wrong way.
    """
    path = "/" + head.path.lstrip("/")  # an address typed with a slash at its end gives two of them
    opener = ROUTES.get(path)
    if opener is None and mini.is_image(path):
        opener = mini.image
    if opener is None:
        raise RefusedError(404, "there is nothing at this address of the test point")
    if head.method == "OPTIONS":
        more = (("Access-Control-Max-Age", "86400"),)
        answer = answer_head(204, 0, "", keeps_alive=head.keeps_alive, more=more)
        return Reply(link, answer, keeps_alive=head.keeps_alive)
    return opener(head, link, context)
