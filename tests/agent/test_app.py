"""What the commands refuse before anything moves."""

import os
from pathlib import Path

import pytest

from agent import app
from agent.errors import EnlaceError
from agent.ports import MachineFacts, Ports
from agent.uplink.identity import IdentityStore
from agent.wire.vocabulary import ExitCode
from tests.agent.uplink.test_identity import FACTS, an_identity
from tests.fakes.agent_world import FakeClock, FakeHost, SeededRandomness


def on(facts: MachineFacts) -> Ports:
    return Ports(clock=FakeClock(), randomness=SeededRandomness(), host=FakeHost(facts))


def test_a_copied_disk_does_not_measure_under_the_name_of_another(tmp_path: Path) -> None:
    IdentityStore(tmp_path).save(an_identity(device="d-1"))
    app.refuse_copied_disk(tmp_path, on(FACTS))
    with pytest.raises(EnlaceError, match="copied from another") as caught:
        app.refuse_copied_disk(tmp_path, on(MachineFacts("11" * 16, "X7", "lab-04", "Linux 6.1")))
    assert caught.value.exit_code is ExitCode.REFUSED


def test_a_computer_without_a_name_is_no_copy(tmp_path: Path) -> None:
    app.refuse_copied_disk(tmp_path, on(FACTS))


@pytest.mark.parametrize("place", [os.devnull, "file", "file/below/it"])
def test_a_data_directory_that_is_none_is_one_sentence(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "config.toml").write_text("[agent]\n")
    with pytest.raises(EnlaceError, match="is not a directory") as caught:
        app.open_config(tmp_path / "config.toml", tmp_path / place)
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_data_directory_need_not_be_there_yet(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[agent]\n")
    data = tmp_path / "not" / "yet"
    assert app.open_config(tmp_path / "config.toml", data)[1] == data


@pytest.mark.parametrize("engine", ["librespeed", "ndt7"])
def test_test_points_that_the_engine_does_not_speak_to_are_refused_at_the_start(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "config.toml"
    url = {"librespeed": "ws://test.example", "ndt7": "http://test.example/servers.json"}[engine]
    path.write_text(f'[agent]\nengine = "{engine}"\nservers = ["http://test.example", "{url}"]\n')
    with pytest.raises(EnlaceError, match=f"servers and engine do not fit.*{engine} engine does not speak") as caught:
        app.open_config(path, tmp_path)
    assert caught.value.exit_code is ExitCode.USAGE
    path.write_text(f'[agent]\nservers = ["http://test.example", "{url}"]\n')
    assert app.open_config(path, tmp_path)[0].engine == "auto"
