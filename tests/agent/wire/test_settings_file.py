"""A mistake in the configuration is one sentence; nothing falls back to a default in silence."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from agent.wire.records import Bound
from agent.wire.settings_file import SettingsError, read_table


class Table(msgspec.Struct, frozen=True, kw_only=True):
    port: Annotated[int, Bound(1, 65535)] = 8000
    name: str = "x"
    share: Annotated[float, Bound(0, 1)] | None = None
    servers: list[str] = msgspec.field(default_factory=list)


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
        "[collector]\nx = 1\n[agent]\nport = 1\n",
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
        ("[agnet]\nport = 1", "no table [agnet]. Did you mean agent?"),
        ("[agent]\nport = '1'", "port: expected int, got str"),
        ("[agent]\nport = true", "port: expected int, got bool"),
        ("[agent]\nport = 0", "port = 0 is outside 1 to 65535"),
        ("[agent]\nport = -5", "port = -5 is outside 1 to 65535"),
        ("[agent]\nshare = 1.5", "share = 1.5 is outside 0 to 1"),
        ("[agent]\nshare = nan", "share = nan is outside"),
        ("[agent]\nport = 1\nport = 2", "overwrite"),
        ("agent = 5", "agent is a table"),
        ("[agent]\nname = \"C:\\Users\\x\"", "single quotes"),
        ('[agent]\nname = "C:\\temp\\new"', "control character"),
        ('[agent]\nservers = ["a\\tb"]', "control character"),
        ("[agent]\nservers = 'a'", "servers: expected array, got str"),
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


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        read_table(tmp_path / "none.toml", "agent", Table)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_table(tmp_path, "agent", Table)
