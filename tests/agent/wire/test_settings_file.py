"""A mistake in the configuration is one sentence; nothing falls back to a default in silence."""

import os
import tracemalloc
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from agent.wire.answers import ProbeSite
from agent.wire.records import Bound
from agent.wire.settings_file import SettingsError, read_table


class Table(msgspec.Struct, frozen=True, kw_only=True):
    port: Annotated[int, Bound(1, 65535)] = 8000
    name: str = "x"
    share: Annotated[float, Bound(0, 1)] | None = None
    servers: list[str] = msgspec.field(default_factory=list)
    sites: list[ProbeSite] = msgspec.field(default_factory=list)
    language: Literal["en", "es"] = "en"
    open: bool = False


def read(path: Path, content: bytes | str) -> Table:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, "agent", Table)


def test_no_file_is_the_defaults() -> None:
    assert read_table(None, "agent", Table) == Table()


@pytest.mark.parametrize(
    "content",
    [
        "[agent]\nport = 1\n",
        "\ufeff[agent]\nport = 1\n",
        "[agent]\r\nport = 1\r\n",
        "[collector]\nport = 1\n[agent]\nport = 1\n",
    ],
)
def test_what_windows_tools_write_is_read(tmp_path: Path, content: str) -> None:
    assert read(tmp_path / "c.toml", content).port == 1


def test_single_quotes_keep_a_windows_path(tmp_path: Path) -> None:
    assert read(tmp_path / "c.toml", "[agent]\nname = 'C:\\temp\\new'").name == "C:\\temp\\new"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[agent]\nprot = 1", "has no key prot. Did you mean port?"),
        ("[agent]\nport = 1\n[testpoint]\nprot = 1", "[testpoint] has no key prot. Did you mean port?"),
        ("[agnet]\nport = 1", "no table [agnet]. Did you mean agent?"),
        ("[agent]\nport = '1'", "port must be a whole number, not a text: write it without quotes."),
        ("[agent]\nport = 'x'", "port must be a whole number, not a text."),
        ("[agent]\nport = 1.5", "port must be a whole number, not the number 1.5."),
        ("[agent]\nport = 2026-11-25", "port must be a whole number, not a date or a time of day."),
        ("[agent]\nname = 1", "name must be a text in quotes, not the number 1."),
        ("[agent]\nshare = 'x'", "share must be a number, not a text."),
        ("[agent]\nservers = [1]", "servers, number 1, must be a text in quotes, not the number 1."),
        ("[agent]\nsites = [{name = 'a'}]", "sites, number 1, lacks url."),
        ("[agent]\nsites = [{name = 'a', ulr = 'b'}]", "sites, number 1, has no key ulr. Did you mean url?"),
        ("[agent]\nsites = ['a']", "must be a table {name = ..., url = ...}, not a text."),
        ("[agent]\nlanguage = 'eng'", 'language = "eng" is none of those there are. Did you mean en?'),
        ("[agent]\nlanguage = 'u:p@h'", "(not shown: it contains a login)"),
        ("[agent]\nlanguage = 1", "language must be one of en, es in quotes, not the number 1."),
        ("[agent]\nopen = 'true'", "open must be true or false, not a text: write it without quotes."),
        ("[agent]\nport = true", "port must be a whole number, not true."),
        ("[agent]\nport = 0", "port = 0 is outside 1 to 65535"),
        ("[agent]\nport = -5", "port = -5 is outside 1 to 65535"),
        ("[agent]\nshare = 1.5", "share = 1.5 is outside 0 to 1"),
        ("[agent]\nshare = nan", "share = nan is outside"),
        ("[agent]\nport = 1\nport = 2", "overwrite"),
        ("agent = 5", "agent is a table"),
        ("[agent]\nname = \"C:\\Users\\x\"", "single quotes"),
        ('[agent]\nname = "C:\\temp\\new"', "control character"),
        ('[agent]\nservers = ["a\\tb"]', "control character"),
        ("[agent]\nservers = 'a'", "servers must be a list in [ ], not a text."),
        (b"\xff\xfe[\x00a\x00", "UTF-16; save it as UTF-8"),
        (b"[agent]\nname = 'S\xe3o'", "not UTF-8"),
        ("[agent\n", "line 1"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_that_names_the_file(tmp_path: Path, content: bytes | str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path / "c.toml", content)
    sentence = str(caught.value)
    assert said in sentence
    assert "c.toml" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[agent]\nport = 1\nname = 'x'\nport = 2\n", "port stands there a second time"),
        ("[agent]\nport = 1\nport = 2", "port stands there a second time"),
        ("[agent]\nname = 'a'\nname = '''\nb\n'''\n", "name stands there a second time"),
        ("[agent]\n[agent]\n", "each table stands there once"),
        ("[agent]\nport = " + "[" * 100_000, "too long or too deep"),
        ("[agent]\nport = " + "1" * 100_000, "too long or too deep"),
        ('[agent]\n"a\\u000a\\u001bb" = 1\n', "no key a??b."),
        ("[agent]\n" + "a" * 10_000 + " = 1\n", "aaa..."),
        ("[" + "a" * 10_000 + "]\n", "aaa..."),
        ("#" * 300_000, "more than 256 kB"),
    ],
    ids=range(10),
)
def test_what_is_too_much_or_twice_is_one_short_sentence(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path / "c.toml", content)
    sentence = str(caught.value)
    assert said in sentence and sentence.endswith(".")
    assert "\n" not in sentence and len(sentence) < 400 + len(str(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices with a path")
def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe without a writer would be waited for, and /dev/zero never ends."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_table(path, "agent", Table)


def test_a_huge_file_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)  # a hole: costs no disk
    tracemalloc.start()
    try:
        with pytest.raises(SettingsError, match="more than 256 kB"):
            read_table(path, "agent", Table)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        read_table(tmp_path / "none.toml", "agent", Table)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_table(tmp_path, "agent", Table)
