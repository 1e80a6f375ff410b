"""One signed request to the collector and what may be believed of its answer.

Every request of a device but enrolment goes through here: the eight headers, the signature, the check of the answer's
own signature against the keys that this device trusts. What is not signed is never looked into.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Protocol

import msgspec

from agent.ports import Ports
from agent.uplink import decide
from agent.uplink.decide import Decision, Silence
from agent.uplink.identity import Identity
from agent.uplink.servertime import State, remember
from agent.wire import forms, headers, limits, signing
from agent.wire.headers import Ledger, Sent, SignedHeaders

LOG = logging.getLogger(__name__)

RATCHET = "ratchet"  # key of the durable state


class HttpAnswer(Protocol):
    """What came back over HTTP."""

    @property
    def status(self) -> int:
        """Of the response line."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any case."""

    @property
    def body(self) -> bytes:
        """As received."""


class Transport(Protocol):
    """Something that can POST."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, deadline_s: float) -> HttpAnswer | Silence:
        """Return the answer, or why there is none."""


class _Head(msgspec.Struct, frozen=True):
    """What every signed body says of itself."""

    status: int
    code: str | None = None
    retry_after_s: float | None = None
    server_time_ms: int | None = None


@dataclass(frozen=True)
class Reply:
    """What may be believed of one exchange."""

    silence: Silence | None = None
    status: int | None = None  # if signed the one in the body, else the one of HTTP
    signed: bool = False
    code: str | None = None
    wait_s: float | None = None  # what the answer asks to wait, bounded
    body: bytes = b""  # only if signed

    @property
    def decision(self) -> Decision:
        """What it means."""
        return decide.decide(self.silence, self.status, signed=self.signed, code=self.code)

    @property
    def why(self) -> str:
        """Why things wait, in words; "" when all is well."""
        return decide.words(self.silence, self.status, signed=self.signed, code=self.code)


class Exchange:
    """Signed requests in the name of one device."""

    def __init__(
        self,
        transport: Transport,
        ports: Ports,
        state: State,
        identity: Identity,
        *,
        ledger: Callable[[], Ledger],
        url: str = "",
    ) -> None:
        """Make an exchange.

        Args:
            transport: Moves the bytes.
            ports: Clock, randomness, host.
            state: Where the ratchet and the collector's time are kept.
            identity: An enrolled one.
            ledger: Reads the spool's counters in one transaction.
            url: The collector's address if the configuration knows better than the enrolment.
        """
        self._transport, self._ports, self._state = transport, ports, state
        self._identity, self._ledger = identity, ledger
        self._url = (url or identity.collector_url).rstrip("/")

    def call(self, word: signing.Word, path: str, body: bytes, *, media: str, deadline_s: float) -> Reply:
        """Send one signed request and return what may be believed of its answer."""
        signed = self._headers()
        text = signing.request_text(word, signed.values(), body)
        sent = {
            **signed.as_mapping(),
            headers.SIGNATURE: signing.sign(self._identity.signing_key, text),
            "Content-Type": media,
        }
        begun_ms = self._ports.clock.mono_ms()
        answer = self._transport.post(self._url + path, sent, body, deadline_s=deadline_s)
        if isinstance(answer, Silence):
            return Reply(silence=answer)
        if not self._is_ours(signed, answer):
            asked_s = retry_after_s(answer.headers, self._ports.clock.now_ms())
            return Reply(status=answer.status, wait_s=asked_s)
        return self._believe(answer.body, begun_ms)

    def _headers(self) -> SignedHeaders:
        clock, boot_id = self._ports.clock, self._ports.host.boot_id()
        identity, ratchet = self._identity, self._state.get_state(RATCHET) or headers.NO_RATCHET
        return SignedHeaders(
            device=identity.device or "-",
            key_id=signing.key_id(identity.public_key),
            batch=forms.uuid4(self._ports.randomness.token_bytes(16)),
            ratchet=ratchet if headers.is_ratchet(ratchet) else headers.NO_RATCHET,
            sent=Sent(min(max(clock.now_ms(), 0), limits.SAFE_INTEGER), clock.mono_ms(), boot_id),
            ledger=self._ledger(),
            machine=identity.machine_hash,
            pin=signing.key_id(identity.trusted_keys[0]),
        )

    def _is_ours(self, asked: SignedHeaders, answer: HttpAnswer) -> bool:
        signature = next((value for name, value in answer.headers.items() if name.lower() == _SIGNATURE), "")
        return any(
            signing.is_signed(
                key, signing.answer_text(asked.device, asked.batch, signing.key_id(key), answer.body), signature
            )
            for key in self._identity.trusted_keys
        )

    def _believe(self, body: bytes, begun_ms: int) -> Reply:
        try:
            head = msgspec.json.decode(body, type=_Head)
        except msgspec.MsgspecError:
            LOG.warning("answer.unreadable")
            return Reply(signed=True)
        if head.server_time_ms is not None and 0 <= head.server_time_ms <= _LATEST_MS:
            middle_ms = (begun_ms + self._ports.clock.mono_ms()) // 2
            remember(self._state, head.server_time_ms, middle_ms, self._ports.host.boot_id())
        wait_s = None if head.retry_after_s is None else min(max(head.retry_after_s, 0.0), limits.SIGNED_WAIT_S)
        return Reply(status=head.status, signed=True, code=head.code, wait_s=wait_s, body=body)


_LATEST_MS = forms.parse_time("2199-12-31T23:59:59.999Z")
_SIGNATURE = headers.SIGNATURE.lower()


def retry_after_s(given: Mapping[str, str], now_ms: int) -> float | None:
    """Return what an unsigned Retry-After asks for, at most an hour; None where it is absent or no sane value.

    Args:
        given: Headers of the answer.
        now_ms: Unix milliseconds; a date is measured against it.

    Source: RFC 9110 section 10.2.3: whole seconds or a date.
    """
    text = next((value.strip() for name, value in given.items() if name.lower() == "retry-after"), "")
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return min(float(text), limits.UNSIGNED_WAIT_S)
    try:
        wait_s = parsedate_to_datetime(text).timestamp() - now_ms / 1000
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(wait_s, limits.UNSIGNED_WAIT_S) if wait_s > 0 else None
