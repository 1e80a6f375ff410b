"""Files that are none: each is refused at once, with what it is."""

import os
import socket
import stat
import sys
import threading
from pathlib import Path

import pytest

from agent.wire import infile


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)
    assert infile.read(path, 3_000_000) == b"x" * 3_000_000
    with pytest.raises(infile.TooLargeError) as caught:
        infile.read(path, 2_999_999)
    assert caught.value.size_bytes == 3_000_000
    path.write_text("São", encoding="utf-8")
    assert infile.read_text(path, 10) == "São"
    with pytest.raises(UnicodeDecodeError):
        infile.read_text(path, 10, "ascii")


def test_what_is_not_there_and_what_is_a_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        infile.read(tmp_path / "none", 10)
    with pytest.raises(infile.NotOrdinaryError, match="it is a directory"):
        infile.read(tmp_path, 10)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes, sockets and devices of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_what_has_no_end_is_not_begun(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    else:
        path.symlink_to("/dev/zero")
    for _ in range(2):  # the second time somebody writes into the pipe
        with pytest.raises(infile.NotOrdinaryError, match=f"it is a {kind}"):
            infile.read(path, 10)
        if kind == "pipe":
            writer = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            os.write(writer, b"content")
    assert stat.S_IMODE(path.stat().st_mode)  # and it still lies there


@pytest.mark.skipif(sys.platform == "win32", reason="names of POSIX")
def test_a_file_that_grows_is_read_no_further_than_its_limit(tmp_path: Path) -> None:
    path, is_over = tmp_path / "grows", threading.Event()
    path.write_bytes(b"x")

    def grow() -> None:
        with path.open("ab") as file:
            while not is_over.is_set() and file.tell() < 20_000_000:
                file.write(b"x" * 100_000)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        while path.stat().st_size < 1_000_000:
            assert writer.is_alive()
        with pytest.raises(infile.TooLargeError):
            infile.read(path, 500_000)
    finally:
        is_over.set()
        writer.join()
