"""One look at a learning site that the operator entered: can it be opened from here, and if not, why not.

The site is asked for the head of its first page, and where it answers that with a refusal, for the beginning of the
page: no cookies, no scripts, no pictures. With TLS that is about 7 kB on the wire, 25 kB where the page is needed, for
a TLS record comes whole or not at all. A redirection is followed within the computer that the operator wrote down and
nowhere else: what lies elsewhere nobody has entered. So a redirection to the same name with `www.` before it, or to a
name below it, is the site's own word and counts as its page; one to any other name is a page that is not the site.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from agent.uplink.decide import Silence
from agent.wire.answers import ProbeSite
from agent.wire.records import Probe
from agent.wire.vocabulary import ProbeState

SLOW_MS = 5_000.0
DEADLINE_S = 15.0
PAGE_BYTES = 4_000
MOST_REDIRECTS = 3

_HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; Enlace learning-site check)", "Accept": "text/html,*/*;q=0.8"}
_REDIRECTS = (301, 302, 303, 307, 308)
# Who forbids, asks for a login to the network, or says that the law forbids: somebody's page, not the site's.
_REFUSALS = (403, 407, 451, 511)
_WORDS: dict[Silence, ProbeState] = {
    Silence.DNS: ProbeState.DNS_FAIL,
    Silence.TLS_UNTRUSTED: ProbeState.BLOCKED,
    Silence.PROXY_LOGIN: ProbeState.BLOCKED,
}


class Page(Protocol):
    """The beginning of what lies at an address."""

    @property
    def status(self) -> int:
        """Of the response line."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any case."""


class Getter(Protocol):
    """Something that can ask for pages."""

    def look(
        self, method: str, url: str, headers: Mapping[str, str], *, deadline_s: float, most_bytes: int
    ) -> Page | Silence:
        """Return the beginning of the answer, or why there is none."""


def look(getter: Getter, site: ProbeSite, *, now_s: Callable[[], float] = time.monotonic) -> Probe:
    """Return what a site does now.

    Args:
        getter: Moves the bytes.
        site: Name and address as the operator wrote them.
        now_s: Some steady clock, seconds.
    """
    begun_s, url, method = now_s(), site.url, "HEAD"
    for _ in range(MOST_REDIRECTS + 2):
        left_s = begun_s + DEADLINE_S - now_s()
        if left_s <= 0:
            break
        told = getter.look(method, url, _HEADERS, deadline_s=left_s, most_bytes=PAGE_BYTES)
        took_ms = round((now_s() - begun_s) * 1000, 1)
        if isinstance(told, Silence):
            return Probe(name=site.name, state=_WORDS.get(told, ProbeState.UNREACHABLE))
        if told.status >= 400 and method == "HEAD":  # not every site gives a head alone, or the same one
            method = "GET"
            continue
        target = _target(url, told)
        if target is None or not _is_same(site.url, target):
            return _judge(site, told, target, took_ms)
        url = target
    return Probe(name=site.name, state=ProbeState.UNREACHABLE)  # too late, or it leads round and round


def _judge(site: ProbeSite, page: Page, target: str | None, took_ms: float) -> Probe:
    if page.status in _REFUSALS or (target is not None and not _is_own(site.url, target)):
        return Probe(name=site.name, state=ProbeState.BLOCKED, ms=took_ms)
    if page.status >= 500:
        return Probe(name=site.name, state=ProbeState.UNREACHABLE)
    return Probe(name=site.name, state=ProbeState.SLOW if took_ms > SLOW_MS else ProbeState.OPEN, ms=took_ms)


def _target(url: str, page: Page) -> str | None:
    """Return where an answer leads; None = nowhere. One that cannot be read leads to nobody's page."""
    if page.status not in _REDIRECTS:
        return None
    location = next((value for name, value in page.headers.items() if name.lower() == "location"), "")
    try:
        return urljoin(url, location) if location else None
    except ValueError:
        return "http://[unreadable]"


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_same(url: str, target: str) -> bool:
    """Return whether an address is on the computer that was written down, over HTTP with TLS or without."""
    return bool(_host(target)) and urlsplit(target).scheme in ("http", "https") and _host(url) == _host(target)


def _is_own(url: str, target: str) -> bool:
    """Return whether an address is the site's own under another name: with `www.` or without it, or a name below."""
    own, other = (_host(one).removeprefix("www.") for one in (url, target))
    return bool(own) and (other == own or other.endswith(f".{own}"))
