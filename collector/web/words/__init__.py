"""What pages say: closed lists of words, and whole sentences about verdicts, targets, the map and the registry."""
