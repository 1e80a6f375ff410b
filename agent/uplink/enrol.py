"""How a computer becomes a device: the token's pin, then the signature, then the store (CONTRACTS 2).

The order matters: until the pin fits, the answer may come from anyone between here and the collector.
"""

import logging
from dataclasses import dataclass

import msgspec

from agent.errors import EnlaceError
from agent.ports import MachineFacts, Ports
from agent.uplink import decide, identity
from agent.uplink.decide import Silence
from agent.uplink.exchange import HttpAnswer, Transport, retry_after_s
from agent.uplink.identity import Identity
from agent.wire import answers, forms, headers, signing, tokens
from agent.wire.answers import EnrolAnswer, EnrolRequest, Problem
from agent.wire.vocabulary import ExitCode, RefusalCode

LOG = logging.getLogger(__name__)

PATH = "/enrol/v1/device"
DEADLINE_S = 45.0

_REFUSALS: dict[RefusalCode, tuple[str, str]] = {
    RefusalCode.TOKEN_UNKNOWN: ("The collector does not know this token.", "Copy it again, or ask for a new one."),
    RefusalCode.TOKEN_EXPIRED: ("This token has expired.", "Ask the operator for a new one."),
    RefusalCode.TOKEN_EXHAUSTED: (
        "This token has already enrolled as many computers as it may.",
        "Ask the operator for a new one.",
    ),
    RefusalCode.TOKEN_REVOKED: ("This token has been withdrawn.", "Ask the operator for a new one."),
}
# Refusals of this computer, not of its token: somebody at the collector can lift them, so the daemon may ask again.
_NOT_THIS_COMPUTER: dict[RefusalCode, tuple[str, str]] = {
    RefusalCode.DEVICE_BLOCKED: ("This computer was taken out of use at the collector.", "Ask whoever runs it."),
    RefusalCode.OTHER_MACHINE: (
        "The collector knows this computer's key from another computer.",
        "Ask whoever runs the collector; with another data directory (--data) this computer gets a key of its own.",
    ),
    RefusalCode.KEY_REVOKED: ("The collector has withdrawn this computer's key.", "Ask whoever runs the collector."),
    RefusalCode.UNKNOWN_DEVICE: ("The collector does not know this computer.", "Ask whoever runs the collector."),
    RefusalCode.BAD_SIGNATURE: (
        "The collector does not accept this computer's signature.",
        "Update the agent or ask the operator.",
    ),
    RefusalCode.ENVELOPE: ("The collector cannot read this enrolment.", "Update the agent or ask the operator."),
    RefusalCode.TOO_LARGE: ("The collector cannot read this enrolment.", "Update the agent or ask the operator."),
}
_NOT_NOW: dict[RefusalCode, tuple[str, str]] = {
    RefusalCode.OVERLOAD: ("The collector has too much to do.", "Try again in a few minutes."),
    RefusalCode.MAINTENANCE: ("The collector is being worked on.", "Try again in a few minutes."),
    RefusalCode.STORAGE: ("The collector has no room left.", "Tell the operator, and try again later."),
}
_DETAIL_CHARS = 200
_NOT_ENROLLED = "This computer is not enrolled."
_NOTHING_STORED = "Nothing was stored."
_AS_BEFORE = "This computer stays enrolled as it was before."


class EnrolRefusedError(EnlaceError):
    """The collector does not take this computer; nothing else but a person starts it again."""


@dataclass(frozen=True)
class Enrolled:
    """What enrolment brought; the identity is not stored yet."""

    identity: Identity
    answer: EnrolAnswer


def read_token(typed: str) -> tokens.EnrolToken:
    """Return the token that a person typed or pasted.

    Raises:
        EnlaceError: If it is none; the text is not repeated, it may be a secret.
    """
    try:
        return tokens.parse_enrol_token(typed)
    except ValueError as error:
        sentence = str(error)
        raise EnlaceError(f"{sentence[0].upper()}{sentence[1:]}.", exit_code=ExitCode.USAGE) from error


def begin(
    ports: Ports, facts: MachineFacts, token: tokens.EnrolToken, collector_url: str, existing: Identity | None
) -> Identity:
    """Return the identity to enrol with.

    The same collector on the same computer keeps its key: typing the command twice changes nothing, nor does a token
    of the collector's next key, which it announced under its old one. Another collector must not be able to tell that
    it is the same device, so it gets another key.
    """
    if existing is not None and token.pin in (existing.pin, *map(signing.pin_of, existing.trusted_keys)):
        if identity.compare(existing, facts) is identity.Machine.CLONE:
            return identity.successor(ports.randomness, facts, existing, token=str(token), collector_url=collector_url)
        return msgspec.structs.replace(existing, token=str(token), collector_url=collector_url)
    return identity.make(ports.randomness, facts, token=str(token), pin=token.pin, collector_url=collector_url)


def enrol(
    transport: Transport,
    ports: Ports,
    candidate: Identity,
    *,
    agent_version: str,
    was_enrolled: bool = False,
) -> Enrolled:
    """Ask the collector to take this computer.

    Args:
        transport: Moves the bytes.
        ports: Randomness for the batch id, host facts, clock.
        candidate: The identity to enrol, with token and address.
        agent_version: Of this program.
        was_enrolled: The computer is a device already, and stays what it is if this comes to nothing.

    Returns:
        The identity with the device's name and the collector's key, for the caller to store.

    Raises:
        EnrolRefusedError: If the collector says no, in words, exit code 4.
        EnlaceError: If it cannot be reached or is not who the token names, exit code 3.
    """
    try:
        return _ask(transport, ports, candidate, agent_version)
    except EnlaceError as error:
        if was_enrolled and error.means in (_NOT_ENROLLED, _NOTHING_STORED):
            error.means = _AS_BEFORE
        raise


def _ask(transport: Transport, ports: Ports, candidate: Identity, agent_version: str) -> Enrolled:
    facts = ports.host.machine_facts()
    request = EnrolRequest(
        token=candidate.token,
        public_key=forms.b64url(candidate.public_key),
        machine_hash=candidate.machine_hash,
        hostname_hash=identity.hostname_hash(candidate.pin, facts.hostname),
        os=facts.os[:200],
        agent_version=agent_version,
        replaces=candidate.replaces,
    )
    body = answers.encode(request)
    batch = forms.uuid4(ports.randomness.token_bytes(16))
    text = signing.enrol_text(batch, body)
    sent = {
        headers.BATCH: batch,
        headers.SIGNATURE: signing.sign(candidate.signing_key, text),
        "Content-Type": headers.JSON_MEDIA,
    }
    url = candidate.collector_url.rstrip("/") + PATH
    answer = transport.post(url, sent, body, deadline_s=DEADLINE_S)
    if isinstance(answer, Silence):
        raise _unreachable(candidate.collector_url, decide.words(answer, None, signed=False, code=None))
    return _believe(candidate, batch, answer, ports.clock.now_ms())


class _KeyTold(msgspec.Struct):
    status: int
    collector_key: str | None = None
    device: str | None = None


def _believe(candidate: Identity, batch: str, answer: HttpAnswer, now_ms: int) -> Enrolled:
    try:
        told = msgspec.json.decode(answer.body, type=_KeyTold)
        key = forms.unb64url(told.collector_key or "", signing.PUBLIC_KEY_BYTES)
    except (msgspec.MsgspecError, ValueError) as error:
        raise _not_signed(candidate, answer, now_ms) from error
    if signing.pin_of(key) != tokens.parse_enrol_token(candidate.token).pin:
        raise EnlaceError(
            f"What answers at {shown_url(candidate.collector_url)} is not the collector that this token is for.",
            means=_NOTHING_STORED,
            do="Check the address and the last group of the token; if both are right, someone is between this computer"
            " and the collector.",
            exit_code=ExitCode.NETWORK,
        )
    device = (told.device or "-") if told.status == 200 else "-"
    signature = next((value for name, value in answer.headers.items() if name.lower() == "enlace-signature"), "")
    text = signing.answer_text(device, batch, signing.key_id(key), answer.body)
    if not signing.is_signed(key, text, signature):
        raise _not_signed(candidate, answer, now_ms)
    if told.status != 200:
        raise _refused(answer.body)
    return _read_enrolled(candidate, answer.body)


def _read_enrolled(candidate: Identity, body: bytes) -> Enrolled:
    try:
        answer = msgspec.json.decode(body, type=EnrolAnswer)
        if not forms.is_device(answer.device):
            raise msgspec.ValidationError("device")
    except msgspec.MsgspecError as error:
        raise EnlaceError(
            "The collector's answer cannot be read.",
            means="It may be of another version.",
            do="Update the agent or ask the operator.",
            exit_code=ExitCode.NETWORK,
        ) from error
    enrolled = msgspec.structs.replace(
        candidate,
        device=answer.device,
        state=answer.state,
        collector_keys=[answer.collector_key],
        replaces=None,
        school_code=answer.school.code,
        school_name=answer.school.name,
    )
    return Enrolled(enrolled, answer)


def _refused(body: bytes) -> EnlaceError:
    """Return a signed refusal in words, with the collector's own where ours are not the whole of it."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.MsgspecError:
        return EnlaceError(
            "The collector does not enrol this computer, for a reason that this version does not know.",
            means=_NOT_ENROLLED,
            do="Update the agent or ask the operator.",
            exit_code=ExitCode.REFUSED,
        )
    if problem.code in _REFUSALS:
        what, to_do = _REFUSALS[problem.code]
        return EnrolRefusedError(what, means=_NOT_ENROLLED, do=to_do, exit_code=ExitCode.REFUSED)
    if problem.code in _NOT_NOW:
        what, to_do = _NOT_NOW[problem.code]
        return EnlaceError(what, means=_NOT_ENROLLED, do=to_do, exit_code=ExitCode.NETWORK)
    what, to_do = _NOT_THIS_COMPUTER[problem.code]
    return EnlaceError(what, do=f"{to_do}{_said(problem.detail)}", exit_code=ExitCode.REFUSED)


def _said(detail: str) -> str:
    """Return the collector's own words, on one line and of a length that a person reads; "" = it has none."""
    shown = "".join(char if char.isprintable() else " " for char in detail).strip()
    if len(shown) > _DETAIL_CHARS:
        shown = f"{shown[: _DETAIL_CHARS - 3]}..."
    return f" The collector says: {shown}" if shown else ""


def _not_signed(candidate: Identity, answer: HttpAnswer, now_ms: int) -> EnlaceError:
    words = decide.words(None, answer.status, signed=False, code=None)
    wait_s = retry_after_s(answer.headers, now_ms)
    return _unreachable(candidate.collector_url, words, f" Try again in {wait_s:.0f} s." if wait_s else "")


def _unreachable(url: str, words: str, when: str = "") -> EnlaceError:
    return EnlaceError(
        f"The collector at {shown_url(url)} cannot be reached: {words}.",
        means=_NOT_ENROLLED,
        do=f"Check the address and the connection, then enter the command again.{when}",
        exit_code=ExitCode.NETWORK,
    )


def shown_url(url: str) -> str:
    """Return an address without a login in it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
