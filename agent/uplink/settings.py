"""What the collector wants of its devices; the last word is kept, for the days without a collector."""

import msgspec

from agent.uplink.exchange import Exchange, Reply
from agent.uplink.servertime import ReadState, State
from agent.wire import headers, signing
from agent.wire.answers import SettingsAnswer

PATH = "/settings/v1"
DEADLINE_S = 20.0
STORED = "settings"  # key of the durable state


def fetch(exchange: Exchange) -> SettingsAnswer | Reply:
    """Return the collector's settings, or the reply where there are none to have."""
    reply = exchange.call(signing.Word.SETTINGS, PATH, b"{}", media=headers.JSON_MEDIA, deadline_s=DEADLINE_S)
    if not reply.signed or reply.status != 200:
        return reply
    try:
        return msgspec.json.decode(reply.body, type=SettingsAnswer)
    except msgspec.MsgspecError:
        return Reply(signed=True)


def keep(state: State, settings: SettingsAnswer) -> None:
    """Keep the settings durably."""
    state.set_state(STORED, msgspec.json.encode(settings).decode())


def stored(state: ReadState) -> SettingsAnswer | None:
    """Return the last settings; None = never had any, or of a form that this version does not know."""
    try:
        return msgspec.json.decode(state.get_state(STORED) or "null", type=SettingsAnswer | None)
    except msgspec.MsgspecError:
        return None
