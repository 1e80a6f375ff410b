"""A deployment whose computers really enrol: a country of pages with keys, and labs that come with a token."""

from nacl.signing import SigningKey

from agent.wire import forms
from collector import operate
from collector.config import CollectorConfig, TestpointConfig
from collector.intake.keyring import KeySource
from collector.intake.parts import Parts
from collector.ports import Ports
from collector.store.open import Store
from tests.fakes import pages_world
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.wire_device import WireDevice

URL = "https://enlace.example"


def deployment(store: Store, **settings: object) -> Parts:
    """Return the parts of a deployment over a country that is filled, with keys, at the moment of the country."""
    ports: Ports = fake_ports(FakeClock(pages_world.NOW_MS))
    operate.init(store.url, ports)
    given = {"name": "Calandria Islands", "default_timezone": pages_world.ZONE, "public_url": URL, **settings}
    config = CollectorConfig(**given)  # type: ignore[arg-type]
    return Parts(
        store=store, config=config, testpoint=TestpointConfig(), ports=ports, keys=KeySource(store, ports.clock)
    )


def enrolled(parts: Parts, token: str, seed: int) -> WireDevice:
    """Return a computer that has enrolled with a token."""
    one = WireDevice(parts, token, seed=seed)
    one.enrol(hostname_hash=forms.sha256hex(b"AULA-01"))
    return one


def copies(parts: Parts, original: WireDevice, count: int) -> list[WireDevice]:
    """Return computers whose disks were copied from one that had enrolled: they wait."""
    made = []
    for number in range(count):
        one = WireDevice(parts, original.token, seed=original.seed * 100 + number)
        told = one.enrol(replaces=original.device, hostname_hash=forms.sha256hex(b"AULA-01"))
        assert told["state"] == "pending"
        made.append(one)
    return made


def new_key(one: WireDevice, seed: int) -> str:
    """Let a computer come with another key, as after a reinstallation; return the key's name."""
    one.key = SigningKey(seed.to_bytes(32, "big"))
    one.enrol()
    return forms.sha256hex(bytes(one.key.verify_key))[:16]
