"""The contract between agent and collector: records, vocabulary, codec, signing, answers, limits.

Imports neither of the two programs; the collector imports of the agent's tree only this package.
"""
