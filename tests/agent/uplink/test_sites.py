"""The five words for a learning site, each caused by a real peer on loopback."""

from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest

from agent.uplink import sites
from agent.uplink.decide import Silence
from agent.uplink.transport import Answer, HttpTransport
from agent.wire.answers import ProbeSite
from agent.wire.records import Probe
from agent.wire.vocabulary import ProbeState as P
from tests.fakes import certificates, scripted_server
from tests.fakes.scripted_server import ScriptedServer, Visit

PAGE = b"<!doctype html><title>Library</title>" + b"x" * 50_000


def leads_to(target: str) -> Callable[[Visit], bool]:
    def script(visit: Visit) -> bool:
        visit.answer(302, b"", "", ("Location", target))
        return False

    return script


def library(visit: Visit) -> bool:
    body = b"" if visit.head.method == "HEAD" else PAGE
    visit.answer(200, body, "text/html", ("Set-Cookie", "who=you"))
    return False


def look(url: str, *, took_s: tuple[float, ...] = ()) -> Probe:
    """Look with the agent's own transport; `took_s` are readings of the clock, the last one again and again."""
    clock: Iterator[float] = chain(took_s or (0.0,), repeat((took_s or (0.1,))[-1]))
    return sites.look(HttpTransport("none"), ProbeSite(name="Library", url=url), now_s=lambda: next(clock))


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for localhost that this computer trusts."""
    path = certificates.write(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


def test_open_over_tls_with_a_certificate_that_is_trusted(trusted: Path) -> None:
    with ScriptedServer(library, certificates.server_context(trusted)) as server:
        found = look(f"https://localhost:{server.port}/books")
    assert (found.name, found.state) == ("Library", P.OPEN) and found.ms is not None
    assert server.seen == {"HEAD /books": 1}


def test_slow(trusted: Path) -> None:
    with ScriptedServer(library, certificates.server_context(trusted)) as server:
        found = look(f"https://localhost:{server.port}", took_s=(0.0, 0.0, 5.1))
    assert (found.state, found.ms) == (P.SLOW, 5100.0)


def test_blocked_by_a_filter_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    with ScriptedServer(library, certificates.server_context(certificates.write(tmp_path))) as server:
        assert look(f"https://localhost:{server.port}").state is P.BLOCKED
    assert server.seen == {}


@pytest.mark.parametrize(
    "script",
    [
        leads_to("http://portal.invalid/login"),
        leads_to("//blocked.invalid/?url=library"),
        *(scripted_server.status(code) for code in (403, 451, 511)),
    ],
)
def test_blocked_by_a_page_that_is_not_the_site(script: Callable[[Visit], bool]) -> None:
    with ScriptedServer(script) as server:
        assert look(server.url).state is P.BLOCKED


def test_without_dns() -> None:
    assert look("http://library.invalid").state is P.DNS_FAIL


@pytest.mark.parametrize(
    "script", [scripted_server.hang_up, scripted_server.garbled, scripted_server.status(503), leads_to("/again")]
)
def test_unreachable(script: Callable[[Visit], bool]) -> None:
    with ScriptedServer(script) as server:
        assert look(server.url).state is P.UNREACHABLE


def test_gone() -> None:
    with ScriptedServer(library) as server:
        url = server.url
    assert look(url).state is P.UNREACHABLE


def test_silent_until_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "DEADLINE_S", 0.2)
    with ScriptedServer(scripted_server.silent) as server:
        assert look(server.url).state is P.UNREACHABLE


def test_a_redirection_is_followed_on_the_same_computer_alone(trusted: Path) -> None:
    asked: list[str] = []

    def hop(visit: Visit) -> bool:
        asked.append(visit.head.path)
        assert visit.head.headers.get("cookie") is None and visit.head.headers.get("referer") is None
        if visit.head.path == "/":
            return leads_to("/start")(visit)
        return library(visit)

    with ScriptedServer(library, certificates.server_context(trusted)) as secure, ScriptedServer(hop) as plain:
        assert look(f"http://localhost:{plain.port}/").state is P.OPEN
        upgrade = ScriptedServer(leads_to(f"https://localhost:{secure.port}/"))
        with upgrade:
            assert look(f"http://localhost:{upgrade.port}/").state is P.OPEN
        with ScriptedServer(leads_to(f"{plain.url}/elsewhere")) as other:
            assert look(f"http://localhost:{other.port}/").state is P.BLOCKED
    assert asked == ["/", "/start"] and secure.seen == {"HEAD /": 1}


class Told:
    """Answers from a list, and what was asked."""

    def __init__(self, *answers: Answer | Silence) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def look(self, method: str, url: str, headers: object, *, deadline_s: float, most_bytes: int) -> Answer | Silence:
        self.asked.append(url)
        assert 0 < deadline_s <= sites.DEADLINE_S and most_bytes <= 4_000
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("target", "state", "asked"),
    [
        ("https://www.library.example/", P.OPEN, 1),
        ("https://log-in.library.example/", P.OPEN, 1),
        ("https://LIBRARY.example./x", P.OPEN, 2),
        ("https://notlibrary.example/", P.BLOCKED, 1),
        ("https://example/", P.BLOCKED, 1),
        ("https://library.example.filter.example/", P.BLOCKED, 1),
        ("ftp://library.example/", P.OPEN, 1),
    ],
)
def test_a_name_of_the_sites_own_is_its_own_word_and_is_not_contacted(target: str, state: P, asked: int) -> None:
    told = Told(Answer(302, {"Location": target}, b""), Answer(200, {}, b"page"))
    assert sites.look(told, ProbeSite(name="L", url="https://library.example")).state is state
    assert len(told.asked) == asked


@pytest.mark.parametrize(
    ("silence", "state"),
    [
        (Silence.DNS, P.DNS_FAIL),
        (Silence.TLS_UNTRUSTED, P.BLOCKED),
        (Silence.PROXY_LOGIN, P.BLOCKED),
        (Silence.TLS_CLOCK, P.UNREACHABLE),
        (Silence.CONNECT_TIMEOUT, P.UNREACHABLE),
        (Silence.NO_TLS, P.UNREACHABLE),
    ],
)
def test_every_silence_has_a_word(silence: Silence, state: P) -> None:
    found = sites.look(Told(silence), ProbeSite(name="L", url="https://library.example"))
    assert (found.state, found.ms) == (state, None)


def test_any_status_of_the_sites_own_is_open() -> None:
    for status in (200, 204, 304, 401, 404, 429):
        told = Told(Answer(status, {}, b""), Answer(status, {}, b""))
        assert sites.look(told, ProbeSite(name="L", url="https://l.example")).state is P.OPEN


def test_a_site_that_gives_no_head_is_asked_for_its_page() -> None:
    told = Told(Answer(405, {}, b""), Answer(200, {}, b"page"))
    assert sites.look(told, ProbeSite(name="L", url="https://l.example")).state is P.OPEN and len(told.asked) == 2


def test_a_large_page_is_not_fetched(tmp_path: Path) -> None:
    sent: list[int] = []

    def endless(visit: Visit) -> bool:
        if visit.head.method == "HEAD":
            visit.answer(405)
            return True
        visit.sock.settimeout(5)
        visit.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        try:
            for _ in range(10_000):
                sent.append(visit.sock.send(bytes(10_000)))
        except OSError:
            return False
        return False

    with ScriptedServer(endless) as server:
        assert look(server.url).state is P.OPEN
    assert sum(sent) < 10_000_000  # what the sender's own buffers on loopback take; the page has 100 MB
