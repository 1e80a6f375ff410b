"""Which language a page speaks, and how values are written in it."""
