"""Which server is measured against: addresses, lists, the choice among several, the name in the record."""
