"""The measurement agent: one process on a school computer."""
