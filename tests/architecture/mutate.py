"""Turns one comparison of a module around, and asks whether its tests notice.

`python -m tests.architecture.mutate [--edges] MODULE.py TESTS...` prints as JSON every mutant that no test noticed.
Each mutant lives in a forked child that has imported nothing of ours yet.
"""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import hypothesis
import hypothesis.strategies
import pytest

ROOT = Path(__file__).parents[2]

Table = dict[type[ast.cmpop], type[ast.cmpop]]

# Each comparison is moved by its edge, and turned into its opposite.
EDGE: Table = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
OPPOSITE: Table = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ALL_PASSED = 0


@dataclass(frozen=True)
class Mutant:
    """One changed comparison."""

    line: int
    before: str
    after: str


def mutants(source: str, tables: Sequence[Table] = (EDGE, OPPOSITE)) -> Iterator[tuple[Mutant, ast.Module]]:
    """Yield each mutant of a source with a tree of its own."""
    for index, node in enumerate(comparisons(ast.parse(source))):
        for position, operator in enumerate(node.ops):
            for table in tables:
                if type(operator) in table:
                    tree = ast.parse(source)
                    changed = comparisons(tree)[index]
                    changed.ops[position] = table[type(operator)]()
                    yield Mutant(node.lineno, ast.unparse(node), ast.unparse(changed)), ast.fix_missing_locations(tree)


def comparisons(tree: ast.Module) -> list[ast.Compare]:
    """Return the comparisons of a module, always in the same order."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another body."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self, origin=str(self.path)) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)  # noqa: S102 -- our own source


def is_noticed(name: str, path: Path, tree: ast.Module, tests: Sequence[str]) -> bool:
    """Return whether a test fails with this mutant; a child that crashes has noticed too."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, Finder(name, path, tree))
        hypothesis.settings.register_profile("mutants", max_examples=50, database=None, derandomize=True)
        hypothesis.settings.load_profile("mutants")
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        options = ["-x", "-q", "-o", "addopts=", "-m", "not deep", "--noconftest", "-p", "no:cacheprovider"]
        os._exit(pytest.main([*options, *tests]))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) != ALL_PASSED


def survivors(
    module: str, tests: Sequence[str], tables: Sequence[Table] = (EDGE, OPPOSITE)
) -> tuple[int, list[Mutant]]:
    """Return how many mutants there were, and those that no test noticed.

    Args:
        module: Path of the module from the root.
        tests: Paths of the tests that should notice.
        tables: The kinds of mutants.
    """
    path = ROOT / module
    source, name = path.read_text("utf-8"), module.removesuffix(".py").replace("/", ".")
    if is_noticed(name, path, ast.parse(source), tests):
        raise SystemExit(f"the tests of {module} fail without any mutant")
    made = list(mutants(source, tables))
    return len(made), [mutant for mutant, tree in made if not is_noticed(name, path, tree, tests)]


if __name__ == "__main__":
    os.chdir(ROOT)
    only_edges = "--edges" in sys.argv
    module_path, *test_paths = [word for word in sys.argv[1:] if word != "--edges"]
    total, alive = survivors(module_path, test_paths, (EDGE,) if only_edges else (EDGE, OPPOSITE))
    print(json.dumps({"mutants": total, "survivors": [asdict(mutant) for mutant in alive]}))
