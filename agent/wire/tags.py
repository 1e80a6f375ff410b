"""Tags of a record that this agent writes and reads again itself; each stands in one place."""

CLIENT_LIMITED = "client_limited"
GATEWAY_SLOWER = "_gateway_slower_ms="  # behind a direction's name, before milliseconds
CROSS_TRAFFIC = "_cross_traffic="  # likewise, before per cent
