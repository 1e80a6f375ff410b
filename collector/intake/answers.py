"""Answers to devices: signed for this device and this request, whatever their status."""

from dataclasses import dataclass, field

from agent.wire import answers, forms, headers, signing
from agent.wire.answers import Message, Problem
from agent.wire.vocabulary import REFUSAL_STATUS, RefusalCode
from collector.intake.keyring import CollectorKey

NOBODY = "-"  # stands for the device in refusals of an enrolment

_TITLES: dict[RefusalCode, str] = {
    RefusalCode.UNKNOWN_DEVICE: "This device is not known here.",
    RefusalCode.OTHER_MACHINE: "This device was enrolled on another computer.",
    RefusalCode.BAD_SIGNATURE: "The signature is not this device's for this request.",
    RefusalCode.KEY_REVOKED: "This key has been replaced or revoked.",
    RefusalCode.DEVICE_BLOCKED: "This device has been revoked.",
    RefusalCode.ENVELOPE: "The request cannot be read.",
    RefusalCode.TOO_LARGE: "The request is too large.",
    RefusalCode.OVERLOAD: "Too many requests at once.",
    RefusalCode.MAINTENANCE: "The collector is not available now.",
    RefusalCode.STORAGE: "The collector has no room left.",
    RefusalCode.TOKEN_UNKNOWN: "This token is not known here.",
    RefusalCode.TOKEN_EXPIRED: "This token has expired.",
    RefusalCode.TOKEN_EXHAUSTED: "This token has been used up.",
    RefusalCode.TOKEN_REVOKED: "This token has been revoked.",
}


class RefusedError(Exception):
    """The request as a whole is refused.

    Attributes:
        code: Why, in a word of the vocabulary.
        detail: One sentence more; nothing of a hostile value is repeated in it.
        retry_after_s: When to try again, None where waiting does not help.
    """

    def __init__(self, code: RefusalCode, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.retry_after_s = code, detail, retry_after_s


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    media: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def signed(message: Message, key: CollectorKey, device: str, batch: str) -> Answer:
    """Return a successful answer, signed for this device and batch."""
    body = answers.encode(message)
    return Answer(200, headers.JSON_MEDIA, body, _signature(key, device, batch, body))


def refusal(
    refused: RefusedError, key: CollectorKey, device: str, batch: str, collector_key: bytes | None = None
) -> Answer:
    """Return a refusal as problem JSON, signed if device and batch are well-formed.

    Args:
        refused: Why.
        key: The key to sign with.
        device: As received, or `NOBODY`.
        batch: As received.
        collector_key: For enrolments: the public key that the answer carries.
    """
    status = REFUSAL_STATUS[refused.code]
    problem = Problem(
        type=f"urn:enlace:problem:{refused.code}",
        title=_TITLES[refused.code],
        status=status,
        code=refused.code,
        detail=refused.detail,
        retry_after_s=refused.retry_after_s,
        collector_key=forms.b64url(collector_key) if collector_key is not None else None,
    )
    body = answers.encode(problem)
    is_nameable = (device == NOBODY or forms.is_device(device)) and forms.is_uuid(batch)
    extra = _signature(key, device, batch, body) if is_nameable else {}
    if refused.retry_after_s is not None:
        extra["Retry-After"] = str(refused.retry_after_s)
    return Answer(status, headers.PROBLEM_MEDIA, body, extra)


def _signature(key: CollectorKey, device: str, batch: str, body: bytes) -> dict[str, str]:
    text = signing.answer_text(device, batch, key.key_id, body)
    return {headers.SIGNATURE: signing.sign(key.signing_key, text)}
