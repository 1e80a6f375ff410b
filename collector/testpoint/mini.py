"""The few addresses by which `speedtest-cli --mini` knows a private server: small, and served by the same exchanges."""

import re

from agent.net.http1 import BodyReader, RequestHead
from collector.testpoint.exchange import Context, Exchange, Link, reply
from collector.testpoint.librespeed import Download, UploadSink
from collector.testpoint.refusal import RefusedError

_IMAGE = re.compile(r"/+speedtest/random([1-9][0-9]{2,3})x\1\.jpg")
_IMAGE_LIMIT_PX = 4000
_BYTES_PER_PIXEL = 2  # about what the original test images weigh


def latency(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Answer the text that is timed."""
    context.admission.check_token(link.address, head.query)
    return reply(link, head, b"test=test\n", "text/plain")


def is_image(path: str) -> bool:
    """Return whether the path names a test image of a size that exists."""
    match = _IMAGE.fullmatch(path)
    return match is not None and int(match[1]) <= _IMAGE_LIMIT_PX


def image(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Open a download of about the weight of the named image; it is random bytes, not a picture."""
    match = _IMAGE.fullmatch(head.path)
    if match is None or head.method != "GET":
        raise RefusedError(404, "there is no such image")
    return Download(head, link, context, _BYTES_PER_PIXEL * int(match[1]) ** 2, "image/jpeg")


def upload(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Open an upload that is answered with its size, or show that this address exists."""
    body = BodyReader.of_request(head)
    if body.is_done:
        context.admission.check_token(link.address, head.query)
        return reply(link, head, b"size=500", "text/plain")
    return MiniSink(head, link, context, body)


class MiniSink(UploadSink):
    """An upload whose answer names its size."""

    def body(self) -> tuple[bytes, str]:
        """Return `size=` and the bytes received."""
        return b"size=%d" % self.received_bytes, "text/plain"
