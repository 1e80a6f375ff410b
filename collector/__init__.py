"""The collector: stores measurements, judges schools, shows the result."""
