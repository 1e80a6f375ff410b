"""The table of docs/method.md: simulated school terms through the shipped judgement.

Run as `python -m bench.verdict [terms] [seed]` from the root; 1,000 terms take some minutes on one core.
"""

import sys

from tests.collector.domain.simulator import table

TERMS, SEED = 1000, 1


def run(terms: int = TERMS, seed: int = SEED) -> str:
    return table(terms, seed)


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:3]]
    print(run(*arguments))
