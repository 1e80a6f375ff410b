"""Simulated school terms through the shipped judgement: the table of docs/method.md.

`python -m bench.verdict [terms] [seed]` from the root prints it alone; 1,000 terms take some minutes on one core.
"""

import sys

from tests.collector.domain.simulator import table

TERMS, BRIEF_TERMS, SEED = 1000, 100, 1


def main() -> None:
    """Print the table with few terms, as one benchmark among others."""
    print(table(BRIEF_TERMS, SEED))


if __name__ == "__main__":
    terms, seed = (
        int(word) if word else default for word, default in zip([*sys.argv[1:], "", ""][:2], (TERMS, SEED), strict=True)
    )
    print(table(terms, seed))
