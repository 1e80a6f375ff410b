"""Whether somebody between here and the test point opens TLS: a school's filter, an antivirus program.

Such a box has put its own certificate into the operating system's store, so the connection is trusted; but no public
authority vouches for it. So the test point's certificate is checked once more, against the public list that browsers
use (certifi). A test point inside the school's own network may have a certificate of its own house: there nobody knows.
"""

import socket
import ssl
from ipaddress import ip_address

from agent.measure.sockets.dial import Address

LIMIT_S = 4.0


def is_intercepted(address: Address) -> bool | None:
    """Return whether a trusted connection to this address is opened on the way; None = unknown, or no TLS.

    Args:
        address: Of a test point whose certificate the operating system trusts. Costs one more handshake, about 6 kB.
    """
    if not address.target.is_secure or address.proxy is not None:
        return None
    return judged(has_public_chain(address), str(address.sockaddr[0]))


def judged(is_public: bool | None, ip: str) -> bool | None:
    """Return what a certificate means.

    Args:
        is_public: Whether public authorities vouch for it, None = unknown.
        ip: The test point's address.
    """
    if is_public is None or is_public:
        return None if is_public is None else False
    return True if ip_address(ip.partition("%")[0]).is_global else None


def has_public_chain(address: Address) -> bool | None:
    """Return whether public authorities vouch for the certificate; None = it could not be asked for."""
    import certifi  # comes with requests; a quarter of a megabyte that plain test points do not need

    context = ssl.create_default_context(cafile=certifi.where())
    try:
        with socket.socket(address.socket_family, socket.SOCK_STREAM) as plain:
            plain.settimeout(LIMIT_S)
            plain.connect(address.sockaddr)
            with context.wrap_socket(plain, server_hostname=address.target.host):
                return True
    except ssl.SSLCertVerificationError:
        return False
    except (OSError, ValueError):
        return None
