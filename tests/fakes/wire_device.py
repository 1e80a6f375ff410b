"""A device without a network: makes signed requests and checks signed answers, by the contract's own functions."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nacl.signing import SigningKey

from agent.wire import forms, headers, signing
from agent.wire.headers import Ledger, Sent, SignedHeaders
from agent.wire.signing import Word
from collector import operate
from collector.config import CollectorConfig, TestpointConfig
from collector.intake import batch, enrol, lease, settings
from collector.intake.answers import Answer
from collector.intake.incoming import Incoming
from collector.intake.keyring import KeySource
from collector.intake.parts import Parts
from collector.ports import Ports
from collector.store.open import Store
from tests.fakes.collector_world import FakeClock, SeededRandomness
from tests.fakes.registry_files import import_schools

SCHOOLS = b"code,name,timezone\n00123,Escuela Uno,America/Barbados\nS-2,School Two,\n"
LINEAGE = "cd" * 16


def a_deployment(store: Store, clock: FakeClock, *, seed: int = 1, **config: Any) -> Parts:
    """Return the parts of a deployment with keys and two schools."""
    ports = Ports(clock=clock, randomness=SeededRandomness(seed))
    operate.init(store.url, ports)
    with store.unit() as unit:
        import_schools(unit, SCHOOLS, now_ms=clock.now_ms())
        unit.commit()
    rules = CollectorConfig(**config)
    return Parts(store=store, config=rules, testpoint=TestpointConfig(), ports=ports, keys=KeySource(store, clock))


def a_token(parts: Parts, school: str = "00123", *, max_devices: int = 50, days: int = 14) -> str:
    return operate.create_token(parts.store, parts.ports, school, max_devices=max_devices, days=days)


@dataclass
class WireDevice:
    """One computer."""

    parts: Parts
    token: str
    seed: int = 1
    machine: str = ""
    device: str = "-"
    ratchet: str = headers.NO_RATCHET
    boot_id: str = "ef" * 16
    mono_ms: int = 5_000_000
    clock_error_ms: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = SigningKey(self.seed.to_bytes(32, "big"))
        self.machine = self.machine or forms.sha256hex(b"machine %d" % self.seed)
        self.collector_key = self.parts.keys.ring().current.public_key
        self._batches = 0

    @property
    def public_key(self) -> str:
        return forms.b64url(bytes(self.key.verify_key))

    def next_batch(self) -> str:
        self._batches += 1
        return forms.uuid4(self.seed.to_bytes(8, "big") + self._batches.to_bytes(8, "big"))

    # --- requests ---------------------------------------------------------------------------------------------

    def enrolment(self, *, old_key: SigningKey | None = None, **changes: Any) -> Incoming:
        body = json.dumps(
            {
                "token": self.token, "public_key": self.public_key, "machine_hash": self.machine,
                "hostname_hash": "ab" * 32, "os": "Linux", "agent_version": "0.1.0", **changes,
            }
        ).encode()  # fmt: skip
        batch_id = self.next_batch()
        text = signing.enrol_text(batch_id, body)
        given = {headers.BATCH: batch_id, headers.SIGNATURE: signing.sign(self.key, text)}
        if old_key is not None:
            given[headers.OLD_SIGNATURE] = signing.sign(old_key, text)
        return an_incoming(given, body, headers.JSON_MEDIA)

    def request(self, word: Word, body: bytes, *, passes_ms: int = 1000, **changes: Any) -> Incoming:
        self.mono_ms += passes_ms
        signed = SignedHeaders(
            device=self.device,
            key_id=signing.key_id(bytes(self.key.verify_key)),
            batch=self.next_batch(),
            ratchet=changes.get("ratchet", self.ratchet),
            sent=changes.get("sent") or self.sent(),
            ledger=Ledger(changes.get("lineage", LINEAGE), **self.counts),
            machine=changes.get("machine", self.machine),
            pin=signing.key_id(self.collector_key),
        )
        given = signed.as_mapping()
        given[headers.SIGNATURE] = signing.sign(self.key, signing.request_text(word, signed.values(), body))
        media = headers.BATCH_MEDIA if word is Word.BATCH else headers.JSON_MEDIA
        return an_incoming(given, body, media, changes.get("address", "198.51.100.77"))

    def sent(self) -> Sent:
        return Sent(self.parts.ports.clock.now_ms() + self.clock_error_ms, self.mono_ms, self.boot_id)

    def batch_of(self, items: list[Any], **changes: Any) -> Incoming:
        return self.request(Word.BATCH, packed(items), **changes)

    # --- exchanges --------------------------------------------------------------------------------------------

    def enrol(self, **changes: Any) -> dict[str, Any]:
        incoming = self.enrolment(**changes)
        answer = enrol.enrol(incoming, self.parts)
        told = json.loads(answer.body)
        assert told["status"] == answer.status
        assert self.verifies(answer, incoming, told.get("device", "-")), "the answer's signature is wrong"
        if answer.status == 200:
            self.device, self.ratchet = told["device"], told["ratchet"]
        return dict(told)

    def post(self, items: list[Any], **changes: Any) -> dict[str, Any]:
        told = self.ask(batch.accept, self.batch_of(items, **changes))
        if told["status"] == 200:
            self.ratchet = told["ratchet"]
        return told

    def ask_lease(self, trigger: str = "window", tier: str | None = None, **changes: Any) -> dict[str, Any]:
        wish = {"trigger": trigger, "engines": ["ndt7", "librespeed"]} | ({"tier": tier} if tier else {})
        body = json.dumps(wish).encode()
        return self.ask(lease.ask, self.request(Word.LEASE, body, **changes))

    def ask_settings(self, **changes: Any) -> dict[str, Any]:
        return self.ask(settings.tell, self.request(Word.SETTINGS, b"{}", **changes))

    def ask(self, case: Callable[[Incoming, Parts], Answer], incoming: Incoming) -> dict[str, Any]:
        answer = case(incoming, self.parts)
        told: dict[str, Any] = json.loads(answer.body)
        assert told["status"] == answer.status
        if forms.is_device(incoming.device) and forms.is_uuid(incoming.batch):
            assert self.verifies(answer, incoming, incoming.device), "the answer's signature is wrong"
        return told

    def verifies(self, answer: Answer, incoming: Incoming, device: str) -> bool:
        text = signing.answer_text(device, incoming.batch, signing.key_id(self.collector_key), answer.body)
        return signing.is_signed(self.collector_key, text, answer.headers.get(headers.SIGNATURE, ""))


def an_incoming(
    given: dict[str, str], body: bytes, media: str, address: str | None = "198.51.100.77", encoding: str = ""
) -> Incoming:
    return Incoming(headers=given, media=media, encoding=encoding, body=body, is_cut=False, client_address=address)


def packed(items: list[Any]) -> bytes:
    return gzip.compress(json.dumps({"items": items}).encode(), 1, mtime=0)


def statuses(told: dict[str, Any]) -> list[str]:
    """Return each item's answer, its code in brackets."""
    return [item["status"] + (f"({item['code']})" if "code" in item else "") for item in told["items"]]
