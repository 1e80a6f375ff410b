"""A simulated term of a country through the shipped watch: the table of docs/method.md on outages.

`python -m bench.outages [schools] [days] [seed]` from the root prints it for a country of another size.
"""

import sys
import time

from tests.collector.domain.outages.term import run, table

SCHOOLS, DAYS, SEED = 12_000, 60, 15


def main(schools: int = SCHOOLS, days: int = DAYS, seed: int = SEED) -> None:
    """Print the table."""
    start = time.process_time()
    print(table(run(schools, days, seed)))
    print(f"\n{time.process_time() - start:.0f} s of one core.")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*given, *(SCHOOLS, DAYS, SEED)[len(given) :])
