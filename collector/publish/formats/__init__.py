"""Formats of files that are more than one line for each row."""
