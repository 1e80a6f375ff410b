"""How a client gets the receipt of its test, and anybody the key that proves it.

`GET /enlace/v1/receipt`, with the same `access_token` and `test` as the test's own requests, answers
`{"receipt": "<text>"}` on any connection, however the others ended: it holds what the test point has counted until
now. It ends the test: what still runs is closed, its place is free, its token is used up. Asking again gives the same.
`GET /enlace/v1/key` answers `{"server", "key_id", "public_key"}`.
"""

import msgspec

from agent.net.http1 import RequestHead
from agent.wire import forms, receipts, signing
from agent.wire.receipts import Receipt
from collector.testpoint.exchange import Context, Exchange, Link, reply
from collector.testpoint.refusal import RefusedError

JSON = "application/json"


def receipt(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Answer the receipt of the test that the query names."""
    _only_get(head)

    def sign(said: Receipt) -> str:
        return receipts.make(context.signing_key, said)

    text = context.admission.receipt(link.address, head.query, sign)
    return reply(link, head, msgspec.json.encode({"receipt": text}), JSON)


def key(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Answer the public key that receipts are signed with."""
    _only_get(head)
    public_key = bytes(context.signing_key.verify_key)
    body = {
        "server": context.options.server_id,
        "key_id": signing.key_id(public_key),
        "public_key": forms.b64url(public_key),
    }
    return reply(link, head, msgspec.json.encode(body), JSON)


def _only_get(head: RequestHead) -> None:
    if head.method not in ("GET", "HEAD"):
        raise RefusedError(405, "this is asked for with GET")
