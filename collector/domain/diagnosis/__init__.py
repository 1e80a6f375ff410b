"""Why a line may be slow: hints from stored tests, each with the rows that support it."""
