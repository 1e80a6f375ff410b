"""A database of its own for every test that asks for one, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.open import Store
from tests.fakes import postgres
from tests.fakes.collector_world import FakeClock
from tests.fakes.databases import Database, Files, OnServer

# Whose tests run on both engines each time; those of the others run on PostgreSQL among the deep ones.
_WHOLE = ("store/", "intake/", "evaluate/", "publish/", "registry/", "web/api/")
_PAGES = ("lists", "quality", "progress", "providers", "map", "flags_inbox")
ON_BOTH = (*_WHOLE, "test_jobs.py", "test_operator_commands.py", *(f"web/pages/test_{name}.py" for name in _PAGES))
SLOW = ("evaluate/test_replay.py",)
HERE = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames:
        return
    if metafunc.definition.get_closest_marker("sqlite"):
        metafunc.parametrize("database", ["sqlite"], indirect=True)
        return
    module = metafunc.definition.path.relative_to(HERE).as_posix()
    always = module.startswith(ON_BOTH) and module not in SLOW
    server = pytest.param("postgresql", marks=() if always else pytest.mark.deep)
    metafunc.parametrize("database", ["sqlite", server], indirect=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="session")
def on_server() -> Iterator[OnServer]:
    if postgres.programs() is None:
        pytest.skip("no PostgreSQL: tests/tools.sh installs it")
    with postgres.running() as server:
        databases = OnServer(server)
        yield databases
        databases.close()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "postgresql":
        found: OnServer = request.getfixturevalue("on_server")
        return found
    files: Files = request.getfixturevalue("files")
    files.place = tmp_path / "data"
    return files


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    made = database.empty()
    yield made
    made.close()
