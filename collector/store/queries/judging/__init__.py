"""What the evaluation reads and writes, and what it keeps for the pages."""
