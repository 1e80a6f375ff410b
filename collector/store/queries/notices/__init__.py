"""The outbox of notices, who is told what, and the facts that notices are made from."""
