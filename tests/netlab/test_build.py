"""The emulator is compiled once, outside the tree; a machine without a compiler is told so."""

import shutil
from pathlib import Path

import pytest

from tests.netlab.build import NoNetlabError, emulator


def test_without_a_compiler_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoNetlabError, match=r"needs a C compiler \(`cc`\), which is not installed"):
        emulator()


@pytest.mark.skipif(not Path("/usr/include/linux").is_dir(), reason="needs Linux headers")
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_it_is_built_once_into_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built = emulator()
    assert built.is_relative_to(tmp_path)
    age = built.stat().st_mtime_ns
    assert emulator() == built
    assert built.stat().st_mtime_ns == age
    assert [path.name for path in built.parent.iterdir()] == [built.name]
