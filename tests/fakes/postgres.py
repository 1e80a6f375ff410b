"""A real PostgreSQL server for tests: in a temporary directory, on a socket of its own, gone with the test session.

What it acknowledges it may forget when the machine stops: no test asks for that, and waiting for the disk is most of
what a test would do. Texts sort by a language there, as on most servers of the world, so that a statement that leans
on the order of bytes is found out.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

DEBIAN = Path("/usr/lib/postgresql")
USER = "enlace"
START_S = 600  # bounds a failure only
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}
_INIT = ("-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions", "--locale=C.UTF-8")
_LANGUAGES_SINCE = 15


def programs() -> Path | None:
    """Return the directory of PostgreSQL's programs, the newest if there are several, None where there is none."""
    found = [path for path in DEBIAN.glob("*/bin") if (path / "initdb").exists() and path.parent.name.isdigit()]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


class Server:
    """A running server."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def url(self, name: str) -> str:
        """Return the address of one of its databases, as an operator writes it."""
        return f"postgresql://{USER}@/{name}?host={quote(str(self.socket))}"

    def has(self, name: str) -> bool:
        """Return whether there is a database of this name."""
        with psycopg.connect(self.url("postgres")) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        return found is not None

    def create(self, name: str, template: str = "template1") -> str:
        """Make a database, the copy of another one to which nobody is connected, and return its address."""
        self._do(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Delete a database and end who is still connected."""
        self._do(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _do(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running(more: dict[str, str] | None = None, kept: Path | None = None) -> Iterator[Server]:
    """Run a server.

    Args:
        more: Settings of its configuration file.
        kept: Where its data stay, and are found again; None: it begins with no databases but its own.
    """
    where = programs()
    assert where is not None, "no PostgreSQL: tests/tools.sh installs it"
    place = Path(tempfile.mkdtemp(prefix="enlace-pg-"))  # short: a socket's path has 107 characters at most
    data, owner = kept or place / "data", _owner()
    data.mkdir(parents=True, exist_ok=True)
    for path in (place, data):
        if owner is not None:
            os.chown(path, owner.pw_uid, owner.pw_gid)
    process: subprocess.Popen[bytes] | None = None
    try:
        if not (data / "PG_VERSION").exists():
            _run([where / "initdb", "-D", data, "-U", USER, *_INIT, *_language(where)], owner, place)
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, **(more or {})}.items()]
        with (place / "log").open("wb") as log:
            words = [str(where / "postgres"), "-D", str(data), "-k", str(place), *settings]
            process = subprocess.Popen(words, stdout=log, stderr=log, cwd=place, **_as(owner))
        server = Server(place)
        _wait(server, process, place / "log")
        yield server
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # SIGTERM would wait for clients, and a test that failed has left some
            process.wait(START_S)
        shutil.rmtree(place, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Return the user that the server runs as where we are root, which it refuses to be."""
    if os.getuid() != 0:
        return None
    known = {one.pw_name: one for one in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _as(owner: pwd.struct_passwd | None) -> dict[str, object]:
    return {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _language(where: Path) -> list[str]:
    """Return the words that make texts sort as in Spanish; an older server knows only what the system has."""
    version = where.parent.name
    if version.isdigit() and int(version) < _LANGUAGES_SINCE:
        return []
    return ["--locale-provider=icu", "--icu-locale=es"]


def _run(words: Sequence[object], owner: pwd.struct_passwd | None, place: Path) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, cwd=place, timeout=START_S, **_as(owner))
    assert done.returncode == 0, done.stderr.decode()


def _wait(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until_s = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None and time.monotonic() < until_s, log.read_text(errors="replace")
            time.sleep(0.02)
