"""A database of its own for every test that asks for one, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.open import Store
from tests.fakes import known_pages, needed, postgres
from tests.fakes.collector_world import FakeClock
from tests.fakes.databases import Database, Files, OnServer

# Whose tests run on both engines each time: the statements that write, and those that judge. Pages are compared between
# the engines by test_both_engines.py. All others run on PostgreSQL among the deep ones.
ON_BOTH = (
    "store/",
    *(f"intake/test_{name}.py" for name in ("at_once", "batch", "batch_place", "lease", "receipts", "settings")),
    *(f"evaluate/test_{name}.py" for name in ("casework", "conditions", "dated_inputs", "meanwhile", "proof")),
    *(f"registry/test_{name}.py" for name in ("importer", "imports")),
    "publish/test_export.py",
    "test_jobs.py",
    "test_operator_commands.py",
)
HERE = Path(__file__).parent
known_pages.use()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames:
        return
    if metafunc.definition.get_closest_marker("sqlite"):
        metafunc.parametrize("database", ["sqlite"], indirect=True)
        return
    module = metafunc.definition.path.relative_to(HERE).as_posix()
    always = module.startswith(ON_BOTH)
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
        needed.lack(needed.POSTGRESQL, "there is no PostgreSQL (tests/tools.sh installs it)")
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
