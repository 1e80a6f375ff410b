"""What a person writes for an address, and what can be none."""

import pytest

from agent.wire import addresses


@pytest.mark.parametrize(
    "url",
    [
        "", "c.example", "ftp://c.example", "http://", "http://a..b", "http://.", "http://[::1", "http://c.example:99999",
        "http://c.example:0", f"http://{'x' * 64}.example", "http://c .example", "http://c.example/#x", "http://@c.example",
        "http://:x@c.example", "http://c.example\n", "ws://c.example",
    ],
)  # fmt: skip
def test_what_cannot_be_an_address(url: str) -> None:
    assert addresses.fault(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8800", "https://c.example/enlace/", "http://[::1]:8800", "https://escola-são.example",
        "http://localhost", "HTTPS://C.EXAMPLE.", "http://lab_pc:1",
    ],
)  # fmt: skip
def test_what_can_be_an_address(url: str) -> None:
    assert addresses.fault(url) == ""
    assert addresses.fault("wss://test.example", addresses.HTTP_OR_WEBSOCKET) == ""


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "10.0.0.5", "fe80::1%eth0", "localhost", "tp.example.org"])
def test_what_can_be_listened_on(text: str) -> None:
    assert addresses.is_own(text)


@pytest.mark.parametrize("text", ["", " ", "http://127.0.0.1", "127.0.0.1:80", "[::1]", "a b", "a..b", "a/b", "x\n"])
def test_what_cannot(text: str) -> None:
    assert not addresses.is_own(text)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "[::1]", "localhost", "LOCALHOST.", "0x7f.1", "127.1", "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "１２７.0.0.１", "127。0。0。1",
        "ⓛocalhost", "[::]", "[fe80::1%25eth0]",
    ],
)  # fmt: skip
def test_what_means_another_computer_everywhere_is_known_in_every_dress(host: str) -> None:
    assert not addresses.is_elsewhere(f"http://{host}/")


@pytest.mark.parametrize(
    "host", ["bücher.example:8080", "192.0.2.1", "10.0.0.5", "[2001:db8::1]", "[::ffff:192.0.2.1]"]
)
def test_sites_lie_elsewhere(host: str) -> None:
    assert addresses.is_elsewhere(f"http://{host}/")
