"""A MiB that cannot be compressed, the same in every run."""

import random

RANDOM_MIB = random.Random(7).randbytes(1 << 20)
