"""Asking the collector whether this device may test now (CONTRACTS 3)."""

import msgspec

from agent.uplink.exchange import Exchange, Reply
from agent.wire import answers, headers, signing
from agent.wire.answers import LeaseDenied, LeaseGranted, LeaseRequest
from agent.wire.vocabulary import EngineName, Tier, Trigger

PATH = "/lease/v1/test"
DEADLINE_S = 20.0


def ask(
    exchange: Exchange, trigger: Trigger, engines: list[EngineName], tier: Tier = Tier.CAPACITY
) -> LeaseGranted | LeaseDenied | Reply:
    """Return the collector's word, or the reply where it has none to say: then the device decides alone."""
    body = answers.encode(LeaseRequest(trigger=trigger, engines=engines, tier=tier))
    reply = exchange.call(signing.Word.LEASE, PATH, body, media=headers.JSON_MEDIA, deadline_s=DEADLINE_S)
    if not reply.signed or reply.status != 200:
        return reply
    try:
        return answers.read_lease(reply.body)
    except msgspec.MsgspecError:
        return Reply(signed=True)
