"""Connections and the bytes that move over them, whatever the protocol."""
