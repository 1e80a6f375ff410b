"""What the kernel holds of a connection: come and not read, handed over and not acknowledged."""

import array
import socket
import sys

_IS_LINUX = sys.platform == "linux"


def unread_bytes(sock: socket.socket) -> int:
    """Return what has come and was not read yet; 0 where the system does not say."""
    return _ask(sock, "FIONREAD")


def unacked_bytes(sock: socket.socket) -> int:
    """Return what was handed to the kernel and the peer has not acknowledged; 0 where the system does not say."""
    return _ask(sock, "TIOCOUTQ") if _IS_LINUX else 0


def _ask(sock: socket.socket, name: str) -> int:
    if sys.platform == "win32":
        return 0
    import fcntl
    import termios

    answer = array.array("i", [0])
    try:
        fcntl.ioctl(sock.fileno(), getattr(termios, name), answer)
    except (OSError, ValueError):
        return 0
    return answer[0]


def buffer_share(sock: socket.socket) -> float:
    """Return how full the receive buffer is, 0 to about 1; 0 where the system does not say."""
    if not _IS_LINUX:
        return 0.0
    try:
        whole_bytes = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) / 2  # the kernel doubles it for its own use
    except OSError:
        return 0.0
    return unread_bytes(sock) / whole_bytes if whole_bytes else 0.0
