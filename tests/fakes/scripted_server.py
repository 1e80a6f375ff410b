"""A server on loopback that says what a test tells it to: foreign test points, portals, broken and hostile ones."""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from agent.net import http1, websocket
from agent.net.http1 import BodyReader, HeadReader, RequestHead
from agent.net.websocket import Opcode, Receiver

MIB = 1 << 20
PAGE = b"<!doctype html><title>Welcome</title><form>Please sign in</form>"


@dataclass
class Visit:
    """One request with its connection."""

    head: RequestHead
    sock: socket.socket
    rest: bytes  # came after the head already

    def answer(self, status: int, body: bytes = b"", kind: str = "", *headers: tuple[str, str]) -> None:
        fields = [("Content-Length", str(len(body))), *headers]
        if kind:
            fields.append(("Content-Type", kind))
        self.sock.sendall(http1.format_response(status, fields) + body)

    def read_body(self) -> int:
        """Read the whole body; return its length."""
        body = BodyReader.of_request(self.head)
        data = self.rest
        used = body.feed(memoryview(data))
        self.rest = data[used:]
        while not body.is_done:
            data = self.sock.recv(1 << 16)
            if not data:
                raise ConnectionError
            used = body.feed(memoryview(data))
            self.rest = data[used:]
        return body.received


Script = Callable[[Visit], bool]  # returns whether the connection lives on


class ScriptedServer:
    """Calls `script` for every request, each connection in a thread; `seen` counts `METHOD /path`."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.seen: Counter[str] = Counter()
        self._socks: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._is_open = True

    def __enter__(self) -> "ScriptedServer":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.vanish()
        for thread in self._threads:
            thread.join(5)

    def vanish(self) -> None:
        """Cut every connection and take no more."""
        self._is_open = False
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._socks):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while self._is_open:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._socks.add(sock)
            if not self._is_open:  # it came while everything was cut
                sock.close()
                return
            self._start(self._serve, sock)

    def _serve(self, plain: socket.socket) -> None:
        rest = b""
        sock = plain
        if self._tls:
            try:
                is_there = bool(plain.recv(1, socket.MSG_PEEK))
            except OSError:
                is_there = False
            if not is_there:  # a probe that is gone already
                plain.close()
                return
            sock = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self._socks.add(sock)
        with suppress(OSError, http1.HttpError, websocket.UpgradeError), sock:
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            while True:
                reader = HeadReader()
                after = reader.feed(rest) if rest else None
                while after is None:
                    data = sock.recv(1 << 16)
                    if not data:
                        return
                    after = reader.feed(data)
                head = http1.parse_request(reader.head)
                self.seen[f"{head.method} {head.path}"] += 1
                visit = Visit(head, sock, after)
                if not self._script(visit):
                    return
                rest = visit.rest


def foreign_librespeed(prefix: str = "") -> Script:
    """A LibreSpeed server as others run it: whole MiB, empty answers, nothing of ours."""
    block = bytes(range(256)) * 4096

    def script(visit: Visit) -> bool:
        path = visit.head.path
        if path == f"{prefix}/garbage.php":
            count = int(visit.head.query.get("ckSize", "4"))
            fields = [("Content-Type", "application/octet-stream"), ("Transfer-Encoding", "chunked")]
            visit.sock.sendall(http1.format_response(200, fields))
            for _ in range(count):
                visit.sock.sendall(http1.chunk(block))
            visit.sock.sendall(http1.LAST_CHUNK)
        elif path == f"{prefix}/empty.php":
            if visit.head.method == "POST":
                visit.read_body()
            visit.answer(200, b"", "text/html; charset=UTF-8")
        else:
            visit.answer(404, b"<h1>Not found</h1>", "text/html")
        return True

    return script


def foreign_ndt7(visit: Visit) -> bool:
    """An ndt7 server without TCPInfo that ends a direction after some MB, and sends no Close."""
    if not visit.head.path.startswith("/ndt/v7/"):
        visit.answer(404)
        return True
    if not visit.head.headers.get("upgrade"):
        visit.answer(426)
        return True
    accept = websocket.check_upgrade(visit.head, "net.measurementlab.ndt.v7")
    visit.sock.sendall(websocket.server_handshake(accept, "net.measurementlab.ndt.v7"))
    if visit.head.path.endswith("download"):
        message = websocket.frame_header(Opcode.BINARY, MIB) + bytes(MIB)
        while True:
            visit.sock.sendall(message)
            visit.sock.sendall(websocket.frame(Opcode.PING, b"1"))
    receiver = Receiver(expects_mask=True)
    data = visit.rest
    told = 0
    while True:
        for message in receiver.feed(memoryview(data)):
            if message.opcode is Opcode.PING:
                visit.sock.sendall(websocket.frame(Opcode.PONG, message.payload))
        if receiver.binary_bytes - told > 20_000:
            told = receiver.binary_bytes
            text = b'{"AppInfo":{"NumBytes":%d},"Test":"upload","New":[1]}' % told
            visit.sock.sendall(websocket.frame(Opcode.TEXT, text))
        data = visit.sock.recv(1 << 16)
        if not data:
            return False


def portal(visit: Visit) -> bool:
    """A login page for every address."""
    visit.answer(200, PAGE, "text/html")
    return False


def redirect(visit: Visit) -> bool:
    """A redirection to a login page."""
    visit.answer(302, b"", "", ("Location", "http://portal.invalid/"))
    return False


def status(code: int) -> Script:
    """The same status for every address."""

    def script(visit: Visit) -> bool:
        visit.answer(code, b"no", "text/plain")
        return False

    return script


def silent(visit: Visit) -> bool:
    """Nothing, for as long as the client waits."""
    return bool(visit.sock.recv(1 << 16))


def hang_up(visit: Visit) -> bool:
    """The end of the connection."""
    return False


def garbled(visit: Visit) -> bool:
    """Something that is not HTTP."""
    visit.sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")
    return False
