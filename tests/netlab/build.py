"""Compiles the emulator at its first use, into the user's cache, named after its sources."""

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = ("emulator.c", "line.c", "segments.c", "netlab.h")
FLAGS = ("-O2", "-Wall", "-Wextra")


class NoNetlabError(Exception):
    """This machine cannot run the network laboratory; the text says what is missing."""


def emulator() -> Path:
    """Return the compiled emulator.

    Raises:
        NoNetlabError: There is no compiler, or it does not accept the sources.
    """
    digest = hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in SOURCES) + repr(FLAGS).encode())
    built = _cache() / f"netlab-{digest.hexdigest()[:16]}"
    if not built.exists():
        _compile(built)
    return built


@functools.cache
def why_not() -> str:
    """Return why the laboratory cannot run here, in one sentence; empty if it can."""
    for name in ("ip", "nsenter"):
        if shutil.which(name) is None:
            return f"the network laboratory needs `{name}`, which is not installed"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "the network laboratory makes network namespaces and must run as root"
    if not Path("/dev/net/tun").exists():
        return "the network laboratory needs /dev/net/tun, which this system does not have"
    try:
        checked = subprocess.run([emulator(), "--check"], capture_output=True, text=True, timeout=20)
    except NoNetlabError as error:
        return str(error)
    return f"the network laboratory cannot be set up here: {checked.stderr.strip()}" if checked.returncode else ""


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(base) / "enlace-netlab"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        cache = Path(tempfile.gettempdir()) / f"enlace-netlab-{os.getuid()}"
        cache.mkdir(mode=0o700, exist_ok=True)
    return cache


def _compile(target: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoNetlabError("the network laboratory needs a C compiler (`cc`), which is not installed")
    sources = [str(HERE / name) for name in SOURCES if name.endswith(".c")]
    unfinished = target.with_suffix(f".{os.getpid()}")  # two test processes may build at once
    done = subprocess.run([compiler, *FLAGS, "-o", unfinished, *sources], capture_output=True, text=True)
    if done.returncode:
        raise NoNetlabError(f"the emulator does not compile: {done.stderr.strip()[:500]}")
    unfinished.replace(target)
