"""Two network namespaces, client and server, with an emulated line between them.

    with Lab(profiles.ALL["dsl"], seed=1) as lab:
        lab.popen_server(["iperf3", "-s"])
        lab.run_client(["iperf3", "-c", lab.server_address])
        lab.account.truth("upload", began_s, time.monotonic())

The namespaces have no names: they belong to the emulator's process and to what runs in them, and are gone with these.
The emulator ends when this process does, however that ends, and ends everything in its namespaces first.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.netlab.account import Account, Totals
from tests.netlab.build import NoNetlabError, emulator, why_not
from tests.netlab.links import NUMBERS, Direction, Profile

Word = str | Path
SYSCTLS: Mapping[str, str] = {
    "net.ipv4.tcp_no_metrics_save": "1",  # nothing is learned from the transfer before
    "net.ipv4.tcp_rmem": "4096 131072 33554432",
    "net.ipv4.tcp_wmem": "4096 16384 33554432",
}
MEMORY = Path("/dev/shm")  # the account is no work for a disk
_IPV4 = Path("/proc/sys/net/ipv4")
_SET_UP = """set -e
ip link set lo up
ip link set line txqueuelen 10000 mtu 1500 addrgenmode none
ip addr add "$1/30" dev line
ip -6 addr add "$3/126" dev line nodad 2>/dev/null || true
ip link set line up
ip route add default via "$2"
ip -6 route add default via "$4" 2>/dev/null || true
shift 4
for setting; do
  path=/proc/sys/$(echo "${setting%%=*}" | tr . /)
  echo "${setting#*=}" > "$path"
done
"""


def congestion_controls() -> set[str]:
    """Return the kernel's congestion controls; asks for BBR's module if it is not there."""
    available = _IPV4 / "tcp_available_congestion_control"
    if "bbr" not in available.read_text().split():
        subprocess.run(["modprobe", "tcp_bbr"], capture_output=True, check=False)
    return set(available.read_text().split())


def _allow(congestion: str) -> None:
    """Let namespaces have this default: the kernel only gives them what the whole machine allows to everybody."""
    if congestion not in congestion_controls():
        raise NoNetlabError(f"this kernel has no congestion control named {congestion}")
    allowed = _IPV4 / "tcp_allowed_congestion_control"
    names = allowed.read_text().split()
    if congestion not in names:
        allowed.write_text(" ".join([*names, congestion]))


class Lab:
    """A line and its two ends; a context manager."""

    client_address = "10.77.0.1"
    server_address = "10.77.0.2"
    client_address6 = "fd77::1"
    server_address6 = "fd77::2"

    def __init__(
        self,
        profile: Profile,
        *,
        seed: int = 1,
        client_congestion: str = "cubic",
        server_congestion: str = "cubic",
        sysctls: Mapping[str, str] | None = None,
    ) -> None:
        """Describe it; nothing happens before it is entered.

        Args:
            profile: The line.
            seed: Decides loss, jitter, and where a repeating schedule of rates is entered.
            client_congestion: Default congestion control of the client's side; a socket may still choose its own.
            server_congestion: The same of the server's.
            sysctls: More settings of both namespaces, by name.
        """
        self.profile = profile
        self._seed = seed
        self._congestion = {"client": client_congestion, "server": server_congestion}
        self._sysctls = {**SYSCTLS, **(sysctls or {})}
        self._emulator: subprocess.Popen[str] | None = None
        self._children: list[subprocess.Popen[Any]] = []
        self._namespaces: dict[str, str] = {}
        self._account: Account | None = None

    def __enter__(self) -> Self:
        if reason := why_not():
            raise NoNetlabError(reason)
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def account(self) -> Account:
        """The emulator's own account; stays readable when the laboratory is closed."""
        assert self._account is not None, "the laboratory is not open"
        return self._account

    def counters(self) -> dict[Direction, Totals]:
        """Return what each direction has been offered and has delivered, dropped and lost so far."""
        return {direction: self.account.totals(direction) for direction in NUMBERS}

    def unread_packets(self) -> int:
        """Return the packets that the kernel dropped before the emulator saw them: 0, or the account is not whole."""
        return sum(self._device_dropped(side) for side in self._namespaces)

    @property
    def emulator_pid(self) -> int:
        """The process of the line."""
        assert self._emulator is not None, "the laboratory is not open"
        return self._emulator.pid

    def emulator_cpu_s(self) -> float:
        """Return the processor time of the emulator so far; the receiving kernel's work is part of it."""
        fields = Path(f"/proc/{self.emulator_pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run_client(
        self, words: Sequence[Word], *, timeout_s: float = 120, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the client's side; its output is in the result."""
        return self._run("client", words, timeout_s, **more)

    def run_server(
        self, words: Sequence[Word], *, timeout_s: float = 120, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the server's side; its output is in the result."""
        return self._run("server", words, timeout_s, **more)

    def popen_client(self, words: Sequence[Word], **more: Any) -> "subprocess.Popen[Any]":
        """Start a command on the client's side; it ends with the laboratory at the latest."""
        return self._popen("client", words, **more)

    def popen_server(self, words: Sequence[Word], **more: Any) -> "subprocess.Popen[Any]":
        """Start a command on the server's side; it ends with the laboratory at the latest."""
        return self._popen("server", words, **more)

    def close(self) -> None:
        """End everything that runs in the namespaces, and the namespaces."""
        for child in self._children:
            if child.poll() is None:
                child.kill()
        if self._emulator is not None:
            assert self._emulator.stdin is not None
            self._emulator.stdin.close()
            try:
                self._emulator.wait(10)
            except subprocess.TimeoutExpired:
                self._emulator.kill()
                self._emulator.wait()
            if self._emulator.stdout:
                self._emulator.stdout.close()
        self._end_children()
        if self._emulator is not None and self._account is not None:
            self._account.keep(time.monotonic())
        self._emulator = None

    def _start(self) -> None:
        self._emulator = subprocess.Popen([emulator()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told, answer = self._emulator.stdin, self._emulator.stdout
        assert told is not None
        assert answer is not None
        # Both sides have the file open before its name is gone: whoever is killed, nothing is left in the directory.
        with tempfile.TemporaryDirectory(prefix="netlab-", dir=MEMORY if MEMORY.is_dir() else None) as directory:
            path = Path(directory) / "account"
            told.write("\n".join([f"account {path}", *self.profile.settings(self._seed), "go", ""]))
            told.flush()
            self._namespaces = self._read_ready(answer)
            self._account = Account(path)
        addresses = [self.client_address, self.server_address, self.client_address6, self.server_address6]
        self._set_up("client", addresses)
        self._set_up("server", [addresses[1], addresses[0], addresses[3], addresses[2]])

    def _read_ready(self, answer: IO[str]) -> dict[str, str]:
        words = answer.readline().split()
        if len(words) != 3 or words[0] != "ready":
            raise NoNetlabError("the emulator did not start; its own words are above")
        assert self._emulator is not None
        home = f"/proc/{self._emulator.pid}/fd"
        return {"client": f"{home}/{words[1]}", "server": f"{home}/{words[2]}"}

    def _set_up(self, side: str, addresses: list[str]) -> None:
        _allow(self._congestion[side])
        settings = {**self._sysctls, "net.ipv4.tcp_congestion_control": self._congestion[side]}
        words = [f"{name}={value}" for name, value in settings.items()]
        done = self._run(side, ["sh", "-c", _SET_UP, "sh", *addresses, *words], 20)
        if done.returncode:
            raise NoNetlabError(f"the {side}'s namespace could not be set up: {done.stderr.strip()}")

    def _enter(self, side: str, words: Sequence[Word]) -> list[Word]:
        return ["nsenter", f"--net={self._namespaces[side]}", "--", *words]

    def _run(self, side: str, words: Sequence[Word], timeout_s: float, **more: Any) -> subprocess.CompletedProcess[str]:
        options: dict[str, Any] = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **more}
        return subprocess.run(self._enter(side, words), timeout=timeout_s, check=False, **options)

    def _popen(self, side: str, words: Sequence[Word], **more: Any) -> "subprocess.Popen[Any]":
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, **more}
        child = subprocess.Popen(self._enter(side, words), **options)
        self._children.append(child)
        return child

    def _device_dropped(self, side: str) -> int:
        shown = self._run(side, ["cat", "/proc/net/dev"], 20).stdout
        fields = next(row for row in shown.splitlines() if row.strip().startswith("line:")).partition(":")[2].split()
        return int(fields[11])

    def _end_children(self) -> None:
        for child in self._children:
            child.wait()
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe:
                    pipe.close()
        self._children.clear()
