"""What a person may write into `[notify]`, and what they are told when it is wrong."""

from pathlib import Path

import certifi
import pytest

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.notify import settings
from collector.notify.settings import NotifyConfig, load_notify

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
HOST = 'smtp_host = "mail.example.org"\n'
FROM = 'from_address = "Enlace <enlace@example.org>"\n'


def test_the_example_has_every_key_with_its_default() -> None:
    assert load_notify(EXAMPLE) == NotifyConfig() == load_notify(None)
    text = EXAMPLE.read_text().split("[notify]")[1]
    assert [key for key in NotifyConfig.__struct_fields__ if f"\n{key} = " not in text] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("smtp_hots = 1\n", "Did you mean smtp_host?"),
        ("smtp_port = 0\n", "smtp_port = 0 is outside"),
        ('smtp_security = "ssl"\n', "smtp_security"),
        ('digest_time = "6:30"\n', "no time of day"),
        ('digest_time = "24:00"\n', "no time of day"),
        (HOST, "from_address is no address"),
        (HOST + 'from_address = "Enlace"\n', "from_address is no address"),
        ('smtp_host = "https://mail.example.org"\n' + FROM, "no name of a mail server"),
        (HOST + FROM + 'smtp_user = "me"\nsmtp_security = "none"\n', "without TLS"),
        ("webhook_timeout_s = 0.5\n", "webhook_timeout_s"),
        ("backup_max_h = 0.0\n", "backup_max_h"),
        ('backup_path = " "\n', "backup_path is blank"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "enlace.toml"
    file.write_text(f"[notify]\n{text}")
    with pytest.raises(CollectorError) as error:
        load_notify(file)
    assert words in error.value.sentence and str(file) in error.value.sentence


def test_a_whole_table_is_read(tmp_path: Path) -> None:
    file = tmp_path / "enlace.toml"
    file.write_text(f'[notify]\n{HOST}{FROM}digest_time = "07:05"\n')
    config = load_notify(file)
    assert config.has_mail and config.digest_min == 425


def test_a_file_of_certificates_is_taken_and_one_without_any_is_not(tmp_path: Path) -> None:
    for path in ("", certifi.where()):
        settings.check_ca_file(NotifyConfig(smtp_ca_file=path), "[notify] smtp_ca_file")
    page = tmp_path / "page.pem"
    page.write_text("<html>\n")
    for path, why in ((page, "no certificate in PEM"), (tmp_path / "none", "No such file"), (tmp_path, "a directory")):
        with pytest.raises(CollectorError) as error:
            settings.check_ca_file(NotifyConfig(smtp_ca_file=str(path)), "[notify] smtp_ca_file")
        assert error.value.exit_code == ExitCode.USAGE
        assert error.value.sentence.startswith(f"[notify] smtp_ca_file = {path} cannot be used: ")
        assert why in error.value.sentence


@pytest.mark.parametrize("text", ["a@b.org", "o'neil+x@sub.example.org", "a.b@example"])
def test_mailboxes(text: str) -> None:
    assert settings.is_mailbox(text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@b", "a b@c.d", "a..b@c.d", "a@b@c", "a@b\n", "é@b.org", "a@" + "b" * 300, "a@b c", "<a@b.c>"],
)
def test_what_is_no_mailbox(text: str) -> None:
    assert not settings.is_mailbox(text)
