"""The table [agent]: the example equals the defaults, and whatever is wrong is one sentence."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import app, config
from agent.config import AgentConfig
from agent.schedule import budget
from agent.wire import settings_keys
from agent.wire.settings_file import SettingsError
from tests.fakes import odd_settings

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def test_the_example_loads_and_equals_the_defaults() -> None:
    assert config.load(EXAMPLE) == AgentConfig()


def test_the_example_shows_every_key() -> None:
    assert set(tomllib.loads(EXAMPLE.read_text())["agent"]) == set(AgentConfig.__struct_fields__)


def test_the_collector_knows_the_names_of_our_keys() -> None:
    assert settings_keys.KEYS["agent"] == AgentConfig.__struct_fields__


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "config.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


WRONG = {
    '[agent]\nday_byte = 5\n': ("day_byte", "day_bytes"),
    '[agent]\nday_bytes = "10M"\n': ("day_bytes", "whole number"),
    "[agent]\nday_bytes = -1\n": ("day_bytes", "outside"),
    "[agent]\nmax_bytes_direction = 0\n": ("max_bytes_direction", "outside"),
    "[agent]\nmax_bytes_direction = 249_999\n": ("max_bytes_direction", "250000"),
    '[agent]\nlight_interval_s = "blah"\n': ("light_interval_s", "must be a number, not a text"),
    '[agent]\nengine = "iperf"\n': ("engine", "iperf"),
    "[agnet]\n": ("agnet", "agent"),
    "[collector]\nprot = 1\n": ("[collector] has no key prot", "Did you mean port?"),
    "[notify]\nsmtp_hots = 1\n": ("[notify] has no key smtp_hots", "Did you mean smtp_host?"),
    "day_bytes = 5\n": ("day_bytes", "table"),
    "[agent]\nday_bytes = 5\nday_bytes = 6\n": ("line 3", ""),
    '[agent]\ndata = "C:\\Users\\escola"\n': ("single quotes", ""),
    '[agent]\ndata = "C:\\temp\\new"\n': ("control character", "single quotes"),
    '[agent]\nservers = ["speed.example"]\n': ("servers", "http"),
    '[agent]\ncollector_url = "ws://c.example"\n': ("collector_url", "https://"),
    '[agent]\ncollector_url = "http://c.example:99999"\n': ("collector_url", "no address"),
    '[agent]\ncollector_url = "http://a..b"\n': ("collector_url", "cannot have that name"),
    '[agent]\ncollector_url = "https://c.example?x=1"\n': ("collector_url", "behind ?"),
    '[agent]\nservers = [""]\n': ("servers", "http"),
    "[agent]\nmetered = 1\n": ("metered", "true or false"),
    '[agent]\nproxy = "htp://x"\n': ("proxy", "does not begin with http:// or https://", '"none"'),
    '[agent]\nproxy = "socks5://x:1"\n': ("proxy", "does not begin with http:// or https://"),
    '[agent]\nproxy = "proxy.example:99999"\n': ("proxy", "malformed"),
    '[agent]\nproxy = "http://u:p@h@x"\n': ("proxy", "percent-encoded", "not shown"),
    '[agent]\nproxy = "none "\n': ("proxy", "cannot have that name"),
    "[agent]\nretry_base_s = 100\nretry_cap_s = 50\n": ("retry_base_s = 100 is more than retry_cap_s = 50",),
    "[agent]\nretry_cap_s = 10\n": ("retry_base_s = 30 is more than retry_cap_s = 10",),
    '[agent]\ndata = " "\n': ("data is blank",),
}  # fmt: skip


@pytest.mark.parametrize("content", WRONG)
def test_what_is_wrong_is_one_sentence(content: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    with pytest.raises(SettingsError) as caught:
        config.load(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in WRONG[content]:
        assert word in sentence
    assert str(path) in sentence


def refused_in_our_words(folder: Path, key: str, value: str) -> None:
    """Load a table with one key, through all that a command looks at: it is good, or one sentence and exit 2."""
    path = odd_settings.written(folder, "agent", key, value)
    try:
        app.open_config(path, folder)
    except SettingsError as error:
        odd_settings.check_sentence(str(error), path, key)


@pytest.mark.parametrize("key", AgentConfig.__struct_fields__)
def test_whatever_stands_behind_a_key_is_taken_or_refused_in_our_words(key: str, tmp_path: Path) -> None:
    for value in odd_settings.FIXED:
        refused_in_our_words(tmp_path, key, value)


@given(key=st.sampled_from(AgentConfig.__struct_fields__), value=odd_settings.VALUES)
def test_anything_behind_any_key(tmp_path_factory: pytest.TempPathFactory, key: str, value: str) -> None:
    refused_in_our_words(tmp_path_factory.getbasetemp(), key, value)


@pytest.mark.parametrize("url", ["ftp://aluno:S3nh@x", "https://aluno:S3nh@c.example", "https://S3nh@c.example"])
def test_an_address_with_a_login_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        config.load(written(tmp_path, f'[agent]\ncollector_url = "{url}"\n'))
    assert "S3nh" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf[agent]\nday_bytes = 5\n", b"[agent]\r\nday_bytes = 5\r\n"])
def test_what_windows_editors_write_is_read(content: bytes, tmp_path: Path) -> None:
    assert config.load(written(tmp_path, content)).day_bytes == 5


def test_single_quotes_carry_backslashes(tmp_path: Path) -> None:
    assert config.load(written(tmp_path, "[agent]\ndata = 'C:\\temp\\new'\n")).data == "C:\\temp\\new"


def test_utf_16_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="UTF-16"):
        config.load(written(tmp_path, "[agent]\n".encode("utf-16")))


def test_of_other_tables_only_the_names_of_keys_are_looked_at(tmp_path: Path) -> None:
    assert config.load(written(tmp_path, '[collector]\nport = "anything"\n')) == AgentConfig()


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        config.load(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    "proxy", ["", "none", "http://proxy:3128", "https://u:p%40@proxy.example", "proxy.example:8080"]
)
def test_what_can_be_a_proxy(proxy: str, tmp_path: Path) -> None:
    assert config.load(written(tmp_path, f'[agent]\nproxy = "{proxy}"\n')).proxy == proxy


def test_a_usual_file_that_cannot_be_read_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = tmp_path / "config.toml"
    monkeypatch.setattr(config, "usual_files", lambda: [tmp_path / "none" / "config.toml", usual])
    assert config.load(None) == AgentConfig()
    usual.mkdir()
    with pytest.raises(SettingsError, match="it is a directory"):
        config.load(None)


def test_the_smallest_cap_of_a_direction_still_makes_a_test(tmp_path: Path) -> None:
    least = config.load(written(tmp_path, "[agent]\nmax_bytes_direction = 250_000\n")).max_bytes_direction
    assert least == budget.FEWEST_USEFUL_BYTES
    assert budget.allow(least, least, 2 * least, budget.Caps()) is not None
    assert budget.allow(least - 1, least - 1, 2 * least, budget.Caps()) is None


def test_a_metered_line_has_the_smaller_budget() -> None:
    assert AgentConfig(metered=True).day_cap_bytes == 20_000_000
    assert AgentConfig(metered=True, day_bytes=7).day_cap_bytes == 7
    assert AgentConfig().month_cap_bytes == 4_000_000_000


def test_the_data_directory_goes_by_the_nearest_word(tmp_path: Path) -> None:
    assert config.data_directory(AgentConfig(data="x"), tmp_path) == tmp_path
    assert config.data_directory(AgentConfig(data="x")) == Path("x")
    assert config.data_directory(AgentConfig()).name == "enlace"
