"""What is told to whom: decided from stored facts, written into the outbox, sent by mail and webhook."""
