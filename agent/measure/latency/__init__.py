"""Round trips: how they are timed, when, and what a record says of them."""
