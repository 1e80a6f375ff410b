"""A computer becomes a device: by a token, once, and again after a reinstallation, but never twice for one key."""

from dataclasses import dataclass, replace

import msgspec

from agent.wire import forms, headers, limits, signing, tokens
from agent.wire.answers import EnrolAnswer, EnrolRequest, SchoolName
from agent.wire.vocabulary import DeviceState, RefusalCode
from collector.intake import admission, answers, authenticity
from collector.intake.answers import Answer, RefusedError
from collector.intake.incoming import Incoming
from collector.intake.keyring import CollectorKey
from collector.intake.parts import Parts
from collector.intake.settings import settings_for
from collector.store.queries import devices, facts
from collector.store.queries import tokens as stored_tokens
from collector.store.queries.devices import Device, DeviceKey
from collector.store.queries.tokens import Token
from collector.store.unit import UnitOfWork

SILENT_MS = 24 * 3_600_000  # a key not heard of for so long gives way to a new one on the same computer
PENDING_KEYS = 5  # of one device; a computer that restores itself makes a new one each day
_LONG_HEX, _TEXT_CHARS = 64, limits.TEXT_CHARS


@dataclass(frozen=True)
class Enrolled:
    """What an enrolment led to."""

    device: Device
    key_state: str  # active | pending


def enrol(incoming: Incoming, parts: Parts) -> Answer:
    """Return the answer to an enrolment; refusals are signed too, by the key that the token names."""
    key = parts.keys.ring().current
    try:
        request = _read(incoming)
        token = _parse_token(request.token)
        key = parts.keys.of_token(token.pin)
        if not authenticity.is_of_new_key(request.public_key, incoming):
            raise RefusedError(RefusalCode.BAD_SIGNATURE, "The new key did not sign this enrolment.")
        if signing.pin_of(key.public_key) != token.pin:  # the computer will not believe us, so it is not let in
            raise RefusedError(RefusalCode.TOKEN_UNKNOWN, "The last group of this token names another collector.")
        with parts.store.unit() as unit:
            now_ms = parts.ports.clock.now_ms()
            enrolled = _Enrolment(unit, incoming, request, parts, now_ms).run(token.secret_hash())
            message = _answer(unit, enrolled, key, parts, now_ms)
            unit.commit()
    except RefusedError as refused:
        return answers.refusal(refused, key, answers.NOBODY, incoming.batch, key.public_key)
    return answers.signed(message, key, enrolled.device.device, incoming.batch)


def _answer(unit: UnitOfWork, enrolled: Enrolled, key: CollectorKey, parts: Parts, now_ms: int) -> EnrolAnswer:
    device = devices.find_device(unit, enrolled.device.device) or enrolled.device
    state = DeviceState.PENDING if enrolled.key_state == DeviceState.PENDING else DeviceState(device.state)
    return EnrolAnswer(
        device=device.device,
        state=state,
        school=SchoolName(code=device.school, name=devices.find_school_name(unit, device.school) or ""),
        ratchet=str(device.ratchet_issued),
        store_epoch=facts.find_fact(unit, facts.STORE_EPOCH) or "",
        server_time_ms=now_ms,
        settings=settings_for(unit, device.school, key, parts, now_ms),
        collector_key=forms.b64url(key.public_key),
    )


def _read(incoming: Incoming) -> EnrolRequest:
    if not forms.is_uuid(incoming.batch):
        raise RefusedError(RefusalCode.ENVELOPE, f"Header {headers.BATCH} is missing or malformed.")
    admission.check_envelope(incoming, headers.JSON_MEDIA)
    try:
        request = msgspec.json.decode(incoming.body, type=EnrolRequest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedError(RefusalCode.ENVELOPE, "The body is no enrolment.") from error
    try:
        forms.unb64url(request.public_key, 32)
    except ValueError as error:
        raise RefusedError(RefusalCode.ENVELOPE, "The public key is not 32 bytes in base64url.") from error
    texts = (request.os, request.agent_version, request.hostname_hash, request.token)
    if any(len(text) > _TEXT_CHARS or "\0" in text for text in texts):
        raise RefusedError(RefusalCode.ENVELOPE, "A text is too long or contains NUL.")
    if not forms.is_hex(request.machine_hash, _LONG_HEX):
        raise RefusedError(RefusalCode.ENVELOPE, "The machine hash is not 64 hexadecimal digits.")
    if request.replaces is not None and not forms.is_device(request.replaces):
        raise RefusedError(RefusalCode.ENVELOPE, "The replaced device has no well-formed name.")
    return request


def _parse_token(text: str) -> tokens.EnrolToken:
    try:
        return tokens.parse_enrol_token(text)
    except ValueError as error:
        raise RefusedError(RefusalCode.TOKEN_UNKNOWN, "This is no token of Enlace.") from error


class _Enrolment:
    """One enrolment inside one transaction."""

    def __init__(self, unit: UnitOfWork, incoming: Incoming, request: EnrolRequest, parts: Parts, now_ms: int) -> None:
        self._unit, self._incoming, self._request = unit, incoming, request
        self._parts, self._now_ms = parts, now_ms
        self._key_id = forms.sha256hex(forms.unb64url(request.public_key, 32))[:16]

    def run(self, secret_hash: str) -> Enrolled:
        """Return the device that the computer is now."""
        token = stored_tokens.lock_token(self._unit, secret_hash)
        if token is None:
            raise RefusedError(RefusalCode.TOKEN_UNKNOWN, "Ask for a token of your school.")
        if token.revoked_ms is not None:
            raise RefusedError(RefusalCode.TOKEN_REVOKED, "Ask for a new token of your school.")
        known = devices.find_by_public_key(self._unit, self._request.public_key)
        if known is not None and known[1].state != DeviceState.REVOKED:
            return self._again(token, *known)
        device = devices.find_by_machine(self._unit, token.school, self._request.machine_hash)
        if device is not None:
            return self._new_key(token, device)
        return self._new_device(token)

    def _again(self, token: Token, device: Device, key: DeviceKey) -> Enrolled:
        """The same key once more: its answer was lost, or somebody entered the command again."""
        self._refuse_blocked(device)
        if device.machine_hash != self._request.machine_hash:
            raise RefusedError(RefusalCode.OTHER_MACHINE, "This key belongs to another computer: make a new one.")
        if device.school != token.school:
            self._require_valid(token)
            device = self._move(device, token.school)
        self._note_facts(device)
        return Enrolled(device, _weaker(device.state, key.state))

    def _move(self, device: Device, school: str) -> Device:
        """Let a device go to another school, whose token it has; what it measured before stays with the old one."""
        if device.state == DeviceState.ACTIVE:
            devices.assign(self._unit, device.device, school, self._now_ms)
        else:
            devices.set_school(self._unit, device.device, school)
        return replace(device, school=school)

    def _new_key(self, token: Token, device: Device) -> Enrolled:
        """The same computer with a new key: at once if the old key agrees or is silent, else after approval."""
        device = devices.lock_device(self._unit, device.device) or device  # before its keys, as a batch holds them
        self._refuse_blocked(device)
        old = [key for key in devices.list_keys_of(self._unit, device.device) if key.state == DeviceState.ACTIVE]
        agrees = any(authenticity.is_of_old_key(key.public_key, self._incoming) for key in old)
        is_silent = all(self._is_silent(key) for key in old)
        at_once = agrees or (is_silent and self._is_valid(token))
        state = DeviceState.ACTIVE if at_once else DeviceState.PENDING
        self._add_key(device.device, state)
        if at_once:
            devices.revoke_other_keys(self._unit, device.device, self._key_id)
        else:
            devices.forget_pending_keys(self._unit, device.device, keep=PENDING_KEYS)
        self._note_facts(device)
        return Enrolled(device, _weaker(device.state, state))

    def _is_silent(self, key: DeviceKey) -> bool:
        return key.last_used_ms is None or self._now_ms - key.last_used_ms >= SILENT_MS

    def _new_device(self, token: Token) -> Enrolled:
        """A computer that is new to the school; one that says it is another's copy waits for approval."""
        if self._is_valid(token) or not self._is_vouched_for(token):
            self._require_valid(token)
            if not stored_tokens.use_token(self._unit, token.token_id):
                raise RefusedError(RefusalCode.TOKEN_EXHAUSTED, "Ask for a new token of your school.")
        elif stored_tokens.count_pending(self._unit, token.token_id) >= token.max_devices:
            raise RefusedError(RefusalCode.TOKEN_EXHAUSTED, "Too many computers of this token wait for approval.")
        device = self._made(token, is_pending=self._request.replaces is not None)
        devices.add_device(self._unit, device)
        self._add_key(device.device, DeviceState.ACTIVE)
        return Enrolled(device, device.state)

    def _is_vouched_for(self, token: Token) -> bool:
        """Return whether a key of the device that this one replaces signed too: its name alone proves nothing."""
        if self._request.replaces is None:
            return False
        original = devices.find_device(self._unit, self._request.replaces)
        if original is None or original.school != token.school or original.state == DeviceState.REVOKED:
            return False
        keys = devices.list_keys_of(self._unit, original.device)
        return any(
            key.state == DeviceState.ACTIVE and authenticity.is_of_old_key(key.public_key, self._incoming)
            for key in keys
        )

    def _made(self, token: Token, *, is_pending: bool) -> Device:
        request = self._request
        return Device(
            device=forms.uuid4(self._parts.ports.randomness.token_bytes(16)),
            school=token.school,
            state=DeviceState.PENDING if is_pending else DeviceState.ACTIVE,
            machine_hash=request.machine_hash,
            hostname_hash=request.hostname_hash,
            os=request.os,
            agent_version=request.agent_version,
            replaces=request.replaces,
            token_id=token.token_id,
            enrolled_ms=self._now_ms,
        )

    def _refuse_blocked(self, device: Device) -> None:
        if device.state == DeviceState.REVOKED:
            raise RefusedError(RefusalCode.DEVICE_BLOCKED, "Ask whoever runs this deployment.")

    def _is_valid(self, token: Token) -> bool:
        return self._now_ms < token.expires_ms and token.used < token.max_devices

    def _require_valid(self, token: Token) -> None:
        if self._now_ms >= token.expires_ms:
            raise RefusedError(RefusalCode.TOKEN_EXPIRED, "Ask for a new token of your school.")
        if token.used >= token.max_devices:
            raise RefusedError(RefusalCode.TOKEN_EXHAUSTED, "Ask for a new token of your school.")

    def _add_key(self, device: str, state: str) -> None:
        devices.add_key(
            self._unit, DeviceKey(device, self._key_id, self._request.public_key, state, self._now_ms, None)
        )

    def _note_facts(self, device: Device) -> None:
        request = self._request
        devices.update_facts(self._unit, device.device, request.hostname_hash, request.os, request.agent_version)


def _weaker(*states: str) -> DeviceState:
    """Return how a device stands: it waits for a person if it, or the key that it has come with, does."""
    return DeviceState.PENDING if DeviceState.PENDING in states else DeviceState.ACTIVE
