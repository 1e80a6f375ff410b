"""Run the benchmarks and print their tables: `python -m bench [NAME ...]`."""

import importlib
import sys
from pathlib import Path

from bench.machine import describe

HERE = Path(__file__).parent
NOT_BENCHMARKS = {"__main__", "machine"}


def names() -> list[str]:
    """Return the benchmarks, each a module with a `main`."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS | {"__init__"})


def main() -> int:
    known = names()
    wanted = sys.argv[1:] or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no benchmark {unknown[0]}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    print(describe())
    for name in wanted:
        print(f"\n## {name}\n", flush=True)
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
