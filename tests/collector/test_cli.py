"""The command as a person or a script meets it, in this process."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.wire.tokens import parse_enrol_token
from collector import cli
from collector.store.open import Store
from collector.store.queries import audit, devices, users
from collector.store.queries.devices import Device, DeviceKey

SCHOOLS = "code,name\n00123,Łódź → 学校\nS-2,São José\n"


class Ran:
    """What a command did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("ENLACE_DATABASE_URL", raising=False)
    monkeypatch.delenv("ENLACE_PASSWORD", raising=False)

    def go(*words: str, data: bool = True) -> Ran:
        given = [*words, "--data", str(tmp_path / "data")] if data else [*words]
        with pytest.raises(SystemExit) as ended:
            cli.main(given)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Ran(int(ended.value.code or 0), out, err)

    return go


@pytest.fixture
def made(run: Any, tmp_path: Path) -> Any:
    """A deployment with two schools."""
    assert run("init").code == 0
    (tmp_path / "schools.csv").write_text(SCHOOLS, encoding="utf-8")
    assert run("schools", "import", str(tmp_path / "schools.csv")).code == 0
    return run


def opened(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "data")


def test_init_is_done_once_and_says_the_key(run: Any) -> None:
    first, second = run("init"), run("init")
    assert (first.code, second.code) == (0, 0)
    assert first.lines[-1] == second.lines[-1]
    assert first.lines[-1].startswith("Collector key: ")
    assert first.lines[0].startswith("Made")
    assert second.lines[0].startswith("There was already")
    assert run("migrate").code == 0


def test_options_may_stand_before_the_command_too(run: Any, tmp_path: Path) -> None:
    assert run("--data", str(tmp_path / "other"), "init", data=False).code == 0
    assert (tmp_path / "other" / "collector.sqlite3").exists()
    assert run("token", "--data", str(tmp_path / "other"), "create", "--school", "x", data=False).code == 2


def test_a_token_stands_alone_on_the_last_line(made: Any, tmp_path: Path) -> None:
    done = made("token", "create", "--school", "00123", "--devices", "3", "--days", "2")
    assert done.code == 0
    assert str(parse_enrol_token(done.lines[-1])) == done.lines[-1]
    store = opened(tmp_path)
    with store.reader() as snapshot:
        assert audit.list_entries(snapshot)[0].action == "token.create"
    store.close()


def test_an_unknown_school_is_said_with_the_nearest(made: Any) -> None:
    done = made("token", "create", "--school", "0123")
    assert done.code == 2
    assert done.out == ""
    assert "00123" in done.err
    assert done.err.count("\n") == 1


def test_a_user_gets_a_password_once(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    done = made("user", "add", "José", "--role", "admin")
    assert done.code == 0
    assert len(done.lines[-1].rpartition(" ")[2]) >= 20
    assert made("user", "add", "josé").code == 2
    monkeypatch.setenv("ENLACE_PASSWORD", "correct horse")
    done = made("user", "add", "ana")
    assert "correct horse" not in done.out + done.err
    monkeypatch.setenv("ENLACE_PASSWORD", "short")
    assert made("user", "add", "eva").code == 2
    store = opened(tmp_path)
    with store.reader() as snapshot:
        assert [(user.name, user.role) for user in users.list_users(snapshot)] == [("ana", "viewer"), ("José", "admin")]
    store.close()


def test_devices_are_listed_approved_and_revoked(made: Any, tmp_path: Path) -> None:
    store = opened(tmp_path)
    with store.unit() as unit:
        for name in ("aa-1", "aa-2"):
            row = Device(device=name, school="00123", state="pending", machine_hash="0" * 64, enrolled_ms=1)
            devices.add_device(unit, row)
        unit.commit()
    store.close()
    assert [line.split()[:3] for line in made("device", "list").lines] == [
        ["aa-1", "00123", "pending"],
        ["aa-2", "00123", "pending"],
    ]
    assert "active" in made("device", "approve", "aa-1").out
    assert "revoked" in made("device", "revoke", "aa-2").out
    assert made("device", "revoke", "aa-2").code == 0
    assert made("device", "approve", "aa-2").code == 4
    again = made("device", "approve", "aa-1")
    assert (again.code, "Nothing of device aa-1 waits" in again.out) == (0, True)
    assert "aa-1, aa-2" in made("device", "revoke", "aa").err
    assert made("device", "revoke", "nothing").code == 2
    assert made("device", "list", "--school", "S-2").out == ""


def test_of_several_waiting_keys_a_person_names_the_one(made: Any, tmp_path: Path) -> None:
    def states() -> dict[str, str]:
        with store.reader() as snapshot:
            return {key.key_id: key.state for key in devices.list_keys_of(snapshot, "aa-1")}

    store = opened(tmp_path)
    with store.unit() as unit:
        row = Device(device="aa-1", school="00123", state="active", machine_hash="0" * 64, enrolled_ms=1)
        devices.add_device(unit, row)
        for number, (name, state) in enumerate((("k1", "active"), ("k2", "pending"), ("k3", "pending"))):
            devices.add_key(unit, DeviceKey("aa-1", name, "x" + name, state, 1000 * number, None))
        unit.commit()
    line = made("device", "list").lines[0]
    assert "2 waiting: k3 of 1970-01-01T00:00:02" in line
    for words in ([], ["--key", "k1"], ["--key", "k"], ["--key", ""]):
        refused = made("device", "approve", "aa-1", *words)
        assert (refused.code, "k3 of" in refused.err, "k2 of" in refused.err) == (4, True, True)
    assert states() == {"k1": "active", "k2": "pending", "k3": "pending"}
    assert made("device", "approve", "aa-1", "--key", "k2").code == 0
    assert states() == {"k1": "revoked", "k2": "active", "k3": "revoked"}
    store.close()


def test_an_import_with_bad_rows_takes_the_others_and_says_so(made: Any, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("code,name,latitude,longitude\nA,Right,1,1\nB,Wrong,95,1\nC,Right,2,1\n")
    dry = made("schools", "import", str(tmp_path / "more.csv"), "--dry-run")
    assert (dry.code, "would be" in dry.out) == (1, True)
    assert len(made("export", "schools", "--format", "jsonl").lines) == 2
    done = made("schools", "import", str(tmp_path / "more.csv"))
    assert done.code == 1
    assert "Line 3" in done.out
    assert "latitude" in done.out
    assert len(made("export", "schools", "--format", "jsonl").lines) == 4
    assert made("schools", "import", str(tmp_path / "none.csv")).code == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "iso-8859-1"])
def test_a_terminal_without_the_letters_shows_others(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    run("init")
    (tmp_path / "schools.csv").write_text(SCHOOLS + "\u0141-3,\n", encoding="utf-8")
    shown = io.BytesIO()
    stream = io.TextIOWrapper(shown, encoding=encoding, write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("ENLACE_PASSWORD", "correct horse")
    assert run("schools", "import", str(tmp_path / "schools.csv")).code == 1
    assert run("user", "add", "Łukasz").code == 0
    assert run("token", "create", "--school", "学校").code == 2
    monkeypatch.undo()
    assert b"2 schools were added" in shown.getvalue()
    store = opened(tmp_path)
    with store.reader() as snapshot:
        assert devices.find_school_name(snapshot, "00123") == "Łódź → 学校"
        assert [user.name for user in users.list_users(snapshot)] == ["Łukasz"]
    store.close()


def test_evaluate_and_export_work_on_an_empty_deployment(made: Any, tmp_path: Path) -> None:
    assert made("evaluate").code == 0
    assert made("export", "measurements").lines[0].startswith("rid")
    target = tmp_path / "out.csv"
    assert made("export", "schools", "-o", str(target)).code == 0
    assert "Łódź → 学校" in target.read_text(encoding="utf-8")
    assert made("export", "nonsense").code == 2
    assert made("export", "schools", "-o", str(tmp_path / "no" / "such" / "x.csv")).code == 2


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="names of Linux")  # noqa: PTH110 -- no path of ours
@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_what_is_said_stays_out_of_a_file_that_is_the_output(
    made: Any, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    usual = made("export", "schools").out
    assert usual.count("\n") == 3
    assert (made("export", "schools", "-o", name).out, (tmp_path / "-").exists()) == (usual, False)
    (tmp_path / "bad.csv").write_text("code,name\n00124,Uno\n00125,\n", encoding="utf-8")
    done = made("schools", "import", str(tmp_path / "bad.csv"), "--annotated", name)
    assert done.code == 1
    assert done.lines[0].split(",")[:2] == ["code", "name"] and len(done.lines) == 3
    assert "Line 3, column name" in done.err and "1 school was added" in done.err


def test_a_file_that_the_output_was_led_into_is_continued(made: Any, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    for _ in range(2):
        with target.open("ab") as out:
            words = ["export", "schools", "-o", str(target), "--data", str(tmp_path / "data")]
            subprocess.run([sys.executable, "-m", "collector", *words], stdout=out, check=True)
    assert target.read_text(encoding="utf-8").count("00123") == 2


@pytest.mark.skipif(os.name != "posix", reason="pipes, devices and sockets of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "directory"])
@pytest.mark.parametrize("what", ["schools", "calendar"])
def test_what_is_no_file_is_not_imported_nor_waited_for(made: Any, tmp_path: Path, kind: str, what: str) -> None:
    place = tmp_path / "place"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made_socket:
            made_socket.bind(os.path.relpath(place))
    else:
        place.mkdir()
    done = made(what, "import", str(place))
    assert (done.code, done.out) == (2, "")
    assert done.err == f"{place} cannot be read (it is a {kind}). Nothing was stored.\n"


def test_a_file_that_is_larger_than_any_registry_is_told_by_its_size(made: Any, tmp_path: Path) -> None:
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(10**12)  # without content: it takes no room
    done = made("schools", "import", str(tmp_path / "huge.csv"))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "has 1000000000000 bytes; at most 64000000 can be read. Nothing was stored. Split it." in done.err


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_what_a_deployment_keeps_is_not_for_others(made: Any, tmp_path: Path) -> None:
    database = tmp_path / "data" / "collector.sqlite3"
    assert database.stat().st_mode & 0o777 == 0o600
    database.chmod(0o664)  # of an earlier version, and a group that the administrator has let in
    assert made("evaluate").code == 0
    assert database.stat().st_mode & 0o777 == 0o660
    open_to_others = [path.name for path in (tmp_path / "data").rglob("*") if path.stat().st_mode & 0o007]
    assert open_to_others == []


@pytest.mark.parametrize(
    "words", [["init"], ["migrate"], ["evaluate"], ["serve"], ["device", "list"], ["demo", "--once"]]
)
def test_a_place_that_is_no_directory_ends_every_command_alike(run: Any, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "file").write_text("")
    done = run(*words, "--data", str(tmp_path / "file" / "x"), data=False)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("is no directory and cannot become one. Give another one with --data.\n")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["evaluate"], ["serve"], ["token", "create", "--school", "x"], ["device", "list"], ["migrate"]]
)
def test_without_a_deployment_one_is_told_to_make_it(run: Any, tmp_path: Path, words: list[str]) -> None:
    done = run(*words)
    assert done.code == 2
    assert "init" in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "data" / "collector.sqlite3").exists()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["nonsense"], "enlace-collector --help"),
        (["serve", "--port", "x"], "enlace-collector serve --help"),
        (["token", "create"], "enlace-collector token create --help"),
        (["evaluate", "--from", "x"], "enlace-collector evaluate --help"),
        (["user", "remove"], "enlace-collector user remove --help"),
    ],
)
def test_wrong_words_are_one_sentence_with_a_hint_and_end_with_2(run: Any, words: list[str], hint: str) -> None:
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(f" Try: {hint}\n")
    assert done.err.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")  # noqa: PTH110 -- of Linux
@pytest.mark.parametrize("words", [["--version"], ["export", "schools"], ["token", "list"], ["init"]])
def test_a_full_disk_behind_the_output_is_said(made: Any, tmp_path: Path, words: list[str]) -> None:
    made("token", "create", "--school", "S-2")
    program = [sys.executable, "-c", "from collector.cli import main; main()", *words]
    data = [] if words == ["--version"] else ["--data", str(tmp_path / "data")]
    with open("/dev/full", "wb") as full:  # noqa: PTH123 -- no path of ours
        done = subprocess.run([*program, *data], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"Cannot write the output (No space left on device).\n"


def test_a_wrong_configuration_is_one_sentence(run: Any, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[collector]\nprot = 1\n")
    done = run("init", "--config", str(tmp_path / "c.toml"))
    assert done.code == 2
    assert "Did you mean port?" in done.err
    assert run("init", "--config", str(tmp_path / "none.toml")).code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["backup", ""],
        ["backup", " "],
        ["verify", ""],
        ["schools", "import", ""],
        ["schools", "import", "schools.csv", "--annotated", ""],
        ["calendar", "import", ""],
        ["export", "schools", "-o", ""],
        ["init", "--data", ""],
        ["--data", " ", "init"],
        ["demo", "--once", "--data", ""],
        ["token", "list", "--config", ""],
    ],
)
def test_an_empty_path_is_not_the_folder_in_which_one_stands(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = run(*words, data=False)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "it is empty" in done.err
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("only", [[], ["--only", "jobs"]])
@pytest.mark.parametrize("what", ["nothing", "a folder", "a page", "a pipe"])
@pytest.mark.parametrize("key", ["[notify]\nsmtp_ca_file", "[collector]\nnetworks_file"])
def test_a_file_of_the_configuration_that_cannot_be_used_is_said_before_anything_runs(
    made: Any, tmp_path: Path, key: str, what: str, only: list[str]
) -> None:
    file = tmp_path / "given"
    if what == "a folder":
        file.mkdir()
    elif what == "a page":
        file.write_text("<html>\n")
    elif what == "a pipe":
        os.mkfifo(file)
    (tmp_path / "c.toml").write_text(f"{key} = '{file}'\n")
    done = made("serve", *only, "--config", str(tmp_path / "c.toml"))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert key.split("\n")[1] in done.err and str(file) in done.err


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
@pytest.mark.parametrize("name", ["testpoint/receipt.key", "logs/new.csv", "write.lock", "c.toml", "link"])
def test_an_export_takes_no_place_of_the_collectors_own(made: Any, tmp_path: Path, name: str) -> None:
    kept = tmp_path / "data" / name
    if name == "c.toml":
        kept = tmp_path / name
    elif name == "link":
        kept = tmp_path / name
        kept.symlink_to(tmp_path / "data" / "testpoint" / "receipt.key")
    for folder in ("testpoint", "logs"):
        (tmp_path / "data" / folder).mkdir(exist_ok=True)
    (tmp_path / "data" / "testpoint" / "receipt.key").write_bytes(b"secret")
    (tmp_path / "c.toml").write_text("[collector]\n")

    def files() -> dict[Path, bytes]:
        found = (path for path in tmp_path.rglob("*") if path.is_file() and "sqlite3" not in path.name)
        return {path: path.read_bytes() for path in found}

    before = files()
    (tmp_path / "bad.csv").write_text("code,name\n00125,\n", encoding="utf-8")
    for words in (["export", "schools", "-o"], ["schools", "import", str(tmp_path / "bad.csv"), "--annotated"]):
        done = made(*words, str(kept), "--config", str(tmp_path / "c.toml"))
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert done.err.startswith(f"{kept} could not be written: this program keeps files of its own there.")
    (tmp_path / "bad.csv").unlink()
    assert files() == before


def test_one_port_is_not_for_two_servers(made: Any, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[testpoint]\nport = 8480\n")
    done = made("serve", "--config", str(tmp_path / "c.toml"))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "[collector] port and [testpoint] port are both 8480" in done.err


@pytest.mark.parametrize("words", [["serve"], ["testpoint"]])
def test_a_host_that_is_none_is_a_mistake_in_the_words(made: Any, words: list[str]) -> None:
    done = made(*words, "--host", "http://127.0.0.1")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "--host" in done.err


def test_plain_http_beyond_this_computer_needs_a_proxy(made: Any) -> None:
    done = made("serve", "--host", "::")
    assert done.code == 2
    assert "--behind-proxy" in done.err


def test_without_the_extra_one_sentence_says_so(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "NEEDED", ("no_such_library",))
    done = run("init")
    assert done.code == 2
    assert "enlace-connectivity[collector]" in done.err


def test_help_and_version_need_no_deployment(run: Any) -> None:
    assert run("--version", data=False).out.startswith("enlace-collector ")
    assert "--devices" in run("token", "create", "--help", data=False).out
    assert "--only" in run("serve", "--help", data=False).out


def test_who_reads_no_further_ends_the_command_quietly(made: Any, tmp_path: Path) -> None:
    program = "from collector.cli import main; main()"
    words = [sys.executable, "-c", program, "export", "schools", "--data", str(tmp_path / "data")]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(os.name != "posix", reason="names are bytes there alone")
def test_names_that_are_no_utf_8_are_kept_as_far_as_they_go_or_refused(made: Any, tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/escuelas-p\xfablicas.csv"))
    file.write_text("code,name\nL1,Uno\n")
    assert made("schools", "import", str(file)).code == 0
    assert "escuelas-pblicas.csv" in made("schools", "history").out
    for words in (["token", "create", "--school", "\udcff"], ["device", "approve", "\udcff"]):
        refused = made(*words)
        assert (refused.code, refused.out) == (2, "")


def test_a_school_that_nobody_knows_is_not_an_empty_list(made: Any) -> None:
    for words in (["device", "list"], ["token", "list"]):
        refused = made(*words, "--school", "00132")
        assert refused.code == 2 and "Did you mean 00123?" in refused.err


def test_a_place_with_too_long_a_name_is_a_mistake_in_the_words(made: Any, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(SCHOOLS)
    refused = made("schools", "import", str(tmp_path / "s.csv"), "--annotated", str(tmp_path / ("x" * 300)))
    assert refused.code == 2 and "the name is too long" in refused.err
