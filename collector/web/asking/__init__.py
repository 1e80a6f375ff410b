"""What a reader asks of a list: filters in its address, views under names, its rows as a file."""
