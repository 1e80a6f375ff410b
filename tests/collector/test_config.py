"""What a person may write into [collector] and [testpoint], and what they are told when it is wrong."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire import settings_keys
from agent.wire.vocabulary import ExitCode
from collector.config import CollectorConfig, TestpointConfig, data_directory, database, load_collector, load_testpoint
from collector.errors import CollectorError
from collector.notify.settings import NotifyConfig
from tests.fakes import odd_settings

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_equals_the_defaults() -> None:
    assert load_collector(EXAMPLE) == CollectorConfig()
    assert load_testpoint(EXAMPLE) == TestpointConfig()


@pytest.mark.parametrize(("table", "kind"), [("collector", CollectorConfig), ("testpoint", TestpointConfig)])
def test_the_example_names_every_key(table: str, kind: type[msgspec.Struct]) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").split(f"[{table}]")[1].split("\n[")[0]
    named = {line.split("=")[0].strip() for line in text.splitlines() if "=" in line and not line.startswith("#")}
    assert named == set(kind.__struct_fields__)


def test_without_a_file_the_defaults_hold() -> None:
    assert load_collector(None) == CollectorConfig()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[collector]\nprot = 1\n", "port"),
        ("[collector]\nport = 70000\n", "outside 0 to 65535"),
        ('[collector]\nport = "8480"\n', "port must be a whole number, not a text: write it without quotes"),
        ("[collector]\nbusy_retry_s = 0\n", "outside 1 to 3600"),
        ('[collector]\ndefault_timezone = "Barbados"\n', "not a time zone"),
        ('[collector]\ndefault_timezone = "../etc/passwd"\n', "not a time zone"),
        ('[collector]\npublic_url = "foo"\n', "not an address"),
        ('[collector]\npublic_url = "ftp://enlace.example"\n', "not an address"),
        ('[collector]\npublic_url = "https://"\n', "not an address"),
        ('[collector]\npublic_url = "https://enlace.example:99999"\n', "not an address"),
        ('[collector]\npublic_url = "https://[::1"\n', "not an address"),
        ('[collector]\npublic_url = "https://enlace example/"\n', "not an address"),
        ('[testpoint]\npublic_url = "tp.example:8481"\n', "not an address"),
        ('[collector]\nreceipt_keys = ["no key"]\n', "[collector] receipt_keys has something that is no public key"),
        ('[collector]\ntrusted_proxy = "proxy.local"\n', "not an address"),
        ('[collector]\npublic_url = "https://u:S3nh@enlace.example"\n', "contains a login"),
        ('[collector]\npublic_url = "https://:S3nh@enlace.example"\n', "contains a login"),
        ('[collector]\npublic_url = "https://a..b"\n', "cannot have that name"),
        ('[collector]\nhost = ""\n', "[collector] host"),
        ('[collector]\nhost = "127.0.0.1:80"\n', "no address to listen on"),
        ('[collector]\nhost = "http://127.0.0.1"\n', "no address to listen on"),
        ('[collector]\ndatabase_url = "mysql://u:S3nh@h/d"\n', "[collector] database_url"),
        ('[collector]\ndatabase_url = "/srv/enlace.sqlite3"\n', "postgresql://user@host/name"),
        ('[collector]\ndatabase_url = "postgresql://u:S3nh@h:abc/d"\n', "[collector] database_url"),
        ("[collector]\ntest_bytes = 0\n", "test_bytes = 0 is outside 250000"),
        ('[testpoint]\ncollector_keys = ["abc"]\n', "[testpoint] collector_keys has something that is no public key"),
        ("[testpoint]\nport = 0\n", "port = 0 is outside 1 to 65535"),
        ('[collector]\ndata = " "\n', "[collector] data is blank"),
        ('[collector]\nnetworks_file = " "\n', "[collector] networks_file is blank"),
        ('[testpoint]\nid = ""\n', "[testpoint] id"),
        (f'[testpoint]\nid = "{"x" * 65}"\n', "1 to 64"),
        ('[testpoint]\nhost = "tp.example:8481"\n', "[testpoint] host"),
        ("[collecter]\n", "collector"),
        ("[testpoint]\nopne = true\n", "open"),
        ("port = \n", "config.toml"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(CollectorError) as raised:
        load_testpoint(path) if "testpoint" in text else load_collector(path)
    assert said in raised.value.sentence and "S3nh" not in raised.value.sentence
    assert "\n" not in raised.value.sentence
    assert raised.value.exit_code is ExitCode.USAGE


KEYS = [
    *(("collector", key) for key in CollectorConfig.__struct_fields__),
    *(("testpoint", key) for key in TestpointConfig.__struct_fields__),
]


def refused_in_our_words(folder: Path, table: str, key: str, value: str) -> None:
    """Load a table with one key: it is good, or one sentence and exit 2."""
    path = odd_settings.written(folder, table, key, value)
    try:
        load_testpoint(path) if table == "testpoint" else load_collector(path)
    except CollectorError as error:
        odd_settings.check_sentence(error.sentence, path, key)
        assert error.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_whatever_stands_behind_a_key_is_taken_or_refused_in_our_words(tmp_path: Path, table: str, key: str) -> None:
    for value in odd_settings.FIXED:
        refused_in_our_words(tmp_path, table, key, value)


@given(place=st.sampled_from(KEYS), value=odd_settings.VALUES)
def test_anything_behind_any_key(tmp_path_factory: pytest.TempPathFactory, place: tuple[str, str], value: str) -> None:
    refused_in_our_words(tmp_path_factory.getbasetemp(), *place, value)


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    text = '[collector]\ntrusted_proxy = "10.0.0.5"\npublic_url = "https://enlace.example:8443/x/"\n'
    assert load_collector(written(tmp_path, text)).public_url == "https://enlace.example:8443/x/"


@pytest.mark.parametrize("place", ["file", "file/below", "file/far/below", "x" * 300, "dangling"])
def test_what_can_be_no_directory_is_a_wrong_configuration(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for flag, config in ((tmp_path / place, CollectorConfig()), (None, CollectorConfig(data=str(tmp_path / place)))):
        with pytest.raises(CollectorError) as raised:
            data_directory(flag, config)
        assert raised.value.exit_code is ExitCode.USAGE
        assert "--data" in raised.value.sentence
    assert data_directory(tmp_path / "new" / "below", CollectorConfig()) == tmp_path / "new" / "below"


def test_what_the_other_program_does_with_its_table_is_its_affair(tmp_path: Path) -> None:
    path = written(tmp_path, '[agent]\nengine = "iperf"\n')
    assert load_collector(path) == CollectorConfig()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[agent]\nday_byte = 5\n", "[agent] has no key day_byte. Did you mean day_bytes?"),
        ("[notify]\nsmtp_hots = 1\n", "[notify] has no key smtp_hots. Did you mean smtp_host?"),
        ("[testpoint]\nopne = true\n", "[testpoint] has no key opne. Did you mean open?"),
    ],
)
def test_a_misspelt_key_of_any_table_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(CollectorError) as raised:
        load_collector(path)
    assert raised.value.sentence == f"{path}: {said}"
    assert raised.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("table", "kind"), [("collector", CollectorConfig), ("testpoint", TestpointConfig), ("notify", NotifyConfig)]
)
def test_the_agent_knows_the_names_of_our_keys(table: str, kind: type[msgspec.Struct]) -> None:
    assert settings_keys.KEYS[table] == kind.__struct_fields__


def test_the_flag_goes_before_the_table_and_the_environment_names_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CollectorConfig(data="/srv/enlace")
    monkeypatch.delenv("ENLACE_DATABASE_URL", raising=False)
    assert data_directory(tmp_path, config) == tmp_path
    assert data_directory(None, config) == Path("/srv/enlace")
    assert data_directory(None, CollectorConfig()).name == "enlace-collector"
    assert database(tmp_path, config) == tmp_path
    monkeypatch.setenv("ENLACE_DATABASE_URL", "postgresql://u:p@h/d")
    assert database(tmp_path, config) == "postgresql://u:p@h/d"
    monkeypatch.setenv("ENLACE_DATABASE_URL", "mysql://u:S3nh@h/d")
    with pytest.raises(CollectorError, match="ENLACE_DATABASE_URL is no address of a database") as raised:
        database(tmp_path, config)
    assert "S3nh" not in raised.value.sentence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[collector]\nprofile = "x"', "not a target profile"),
        ('[collector]\ndefault_language = "xx"', "default_language"),
        ('[testpoint]\nhost = "0.0.0.0"', "public_url"),
    ],
)
def test_what_could_only_fail_later_is_refused_at_the_start(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(content)
    with pytest.raises(CollectorError, match=said) as caught:
        load_collector(path)
        load_testpoint(path)
    assert caught.value.exit_code == 2
