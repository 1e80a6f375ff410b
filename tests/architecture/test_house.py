"""The house keeps its shape: names, sizes, lightness, no foreign addresses."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import agent
import collector

ROOT = Path(__file__).parents[2]
SOURCES = [path for tree in ("agent", "collector") for path in sorted((ROOT / tree).rglob("*.py"))]
MODULE_LINES = 400


def test_packages_are_ours_and_the_recipe_folder_is_no_package() -> None:
    """A stray module called agent, or an __init__ in packaging/, would break installs silently."""
    assert Path(agent.__file__).parent == ROOT / "agent"
    assert Path(collector.__file__).parent == ROOT / "collector"
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_every_folder_of_tests_is_a_package() -> None:
    """Without it, tests/agent would hide the real agent."""
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(one) for one in sorted(folders) if not (one / "__init__.py").exists()] == []


def test_modules_are_of_a_human_size() -> None:
    long = [
        str(path) for path in SOURCES if path.read_text().count("\n") > MODULE_LINES and "versions" not in path.parts
    ]
    assert long == []


def test_init_files_carry_no_logic() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            body = ast.parse(path.read_text()).body
            assert all(isinstance(node, ast.Expr) for node in body), path


def test_nothing_of_the_agent_but_the_wire_is_open_to_the_collector() -> None:
    """import-linter knows what is forbidden; a new module of the agent has to be."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (about,) = [one for one in contracts if one.get("source_modules") == ["collector"]]
    tops = {path.stem for path in (ROOT / "agent").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert set(about["forbidden_modules"]) == {f"agent.{name}" for name in tops - {"__init__", "wire"}}


def test_everything_public_is_explained() -> None:
    """Also asked by ruff; here for functions of the contract, with their arguments' units."""
    for path in (ROOT / "agent" / "wire").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"


def test_no_registry_address_and_no_private_path_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    hosts = re.compile(
        "|".join(
            [
                "py" + r"pi\.org",
                "python" + r"hosted\.org",
                "registry" + r"\.npmjs",
                "deb\\." + "debian",
                "/wo" + "rk/main",
            ]
        )
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".png", ".mo"} or not path.is_file():
            continue
        assert not hosts.search(path.read_text(errors="replace")), name


def test_the_daemon_stays_light() -> None:
    """What the idle service loads: no printing library, no process library, nothing of the collector."""
    pytest.importorskip("agent.daemon.walk")
    code = "import sys, agent.daemon.walk, agent.app; print('\\n'.join(sys.modules))"
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.split()
    )
    assert not loaded & {"rich", "click", "psutil", "speedtest", "flask", "sqlalchemy", "collector"}


def test_the_version_is_one() -> None:
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    from importlib.metadata import version

    assert version("enlace-connectivity") == declared


def test_pages_see_what_their_reader_may_see() -> None:
    """`Desk.whole` is the database without a scope: for what is decided before somebody is let in."""
    allowed = {"access.py", "desk.py", "sign_in.py"}
    using = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "collector" / "web").rglob("*.py"))
        if path.name not in allowed
        and any(
            isinstance(node, ast.Attribute) and node.attr == "whole" for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert using == []
