"""Tags of a record that this agent writes and reads again itself; each stands in one place."""

CLIENT_LIMITED = "_client_limited"  # behind a direction's name
CLIENT_LIMITED_SOMEWHERE = "client_limited"  # of records that do not say in which direction
GATEWAY_SLOWER = "_gateway_slower_ms="  # likewise, before milliseconds
CROSS_TRAFFIC = "_cross_traffic="  # likewise, before per cent
