"""Token, pin, signature, in this order; refusals in words."""

import msgspec
import pytest

from agent.errors import EnlaceError
from agent.uplink import enrol
from agent.uplink.decide import Silence
from agent.wire import forms
from agent.wire.vocabulary import ExitCode, RefusalCode
from tests.fakes import collector as fake
from tests.fakes.agent_world import FakeHost, fake_ports
from tests.fakes.collector import DEVICE, OTHER_KEY, URL, FakeCollector, token_text


def enrolled(collector: FakeCollector, **changes: object) -> enrol.Enrolled:
    ports = fake_ports()
    token = enrol.read_token(token_text())
    candidate = enrol.begin(ports, ports.host.machine_facts(), token, URL, None)
    return enrol.enrol(collector, ports, msgspec.structs.replace(candidate, **changes), agent_version="0.1.0")


def refusal(collector: FakeCollector) -> EnlaceError:
    with pytest.raises(EnlaceError) as caught:
        enrolled(collector)
    return caught.value


def test_a_computer_becomes_a_device() -> None:
    collector = FakeCollector()
    done = enrolled(collector).identity
    assert (done.device, done.school_code, done.state) == (DEVICE, "00123", "active")
    assert done.is_enrolled and done.trusted_keys == [collector.public]


def test_neither_host_name_nor_serial_leaves_the_computer() -> None:
    collector = FakeCollector()
    enrolled(collector)
    facts = FakeHost().machine_facts()
    sent = collector.asked[0].body.decode()
    assert facts.hostname not in sent and facts.disk_serial not in sent and facts.machine_id not in sent


def test_a_collector_with_another_key_is_not_believed() -> None:
    """Its signature is right, for its own key: the token's pin tells them apart."""
    error = refusal(FakeCollector(OTHER_KEY))
    assert error.exit_code is ExitCode.NETWORK and "not the collector that this token is for" in error.sentence
    assert "the last group of the token" in error.sentence


@pytest.mark.parametrize("twist", [fake.wrong_signature, fake.of_another_batch, fake.unsigned(200), fake.unsigned(302)])
def test_an_answer_without_the_right_signature_is_a_portal(twist: fake.Twist) -> None:
    collector = FakeCollector()
    collector.always = twist
    error = refusal(collector)
    assert error.exit_code is ExitCode.NETWORK and "captive portal" in error.sentence


@pytest.mark.parametrize("code", ["token_unknown", "token_expired", "token_exhausted", "token_revoked"])
def test_a_refusal_is_said_in_words(code: str) -> None:
    collector = FakeCollector()
    collector.enrol_refusal = code
    error = refusal(collector)
    assert isinstance(error, enrol.EnrolRefusedError)
    assert error.exit_code is ExitCode.REFUSED and code not in error.sentence and "token" in error.sentence


@pytest.mark.parametrize("silence", Silence)
def test_silence_is_said_in_words(silence: Silence) -> None:
    collector = FakeCollector()
    collector.always = fake.silent(silence)
    assert refusal(collector).exit_code is ExitCode.NETWORK


def test_an_overloaded_collector_is_the_network_not_a_refusal() -> None:
    collector = FakeCollector()
    collector.enrol_refusal = "overload"
    error = refusal(collector)
    assert not isinstance(error, enrol.EnrolRefusedError) and error.exit_code is ExitCode.NETWORK


def test_a_computer_taken_out_of_use_is_told_so_and_is_not_sent_to_try_again() -> None:
    collector = FakeCollector()
    collector.enrol_refusal = "device_blocked"
    error = refusal(collector)
    assert error.exit_code is ExitCode.REFUSED
    assert "taken out of use at the collector. Ask whoever runs it." in error.sentence
    assert "The collector says: device_blocked" in error.sentence and "Try again" not in error.sentence
    assert not isinstance(error, enrol.EnrolRefusedError)  # it can be taken into use again: its token is good


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_has_a_sentence_and_only_those_that_pass_end_like_the_network(code: RefusalCode) -> None:
    collector = FakeCollector()
    collector.enrol_refusal = code
    error = refusal(collector)
    passes = code in (RefusalCode.OVERLOAD, RefusalCode.MAINTENANCE, RefusalCode.STORAGE)
    assert error.exit_code is (ExitCode.NETWORK if passes else ExitCode.REFUSED)
    assert ("ry again" in error.do) == passes
    assert error.what.endswith(".") and code not in error.what


def test_a_refusal_of_a_newer_collector_is_a_refusal() -> None:
    collector = FakeCollector()
    collector.enrol_refusal = "full_moon"
    error = refusal(collector)
    assert error.exit_code is ExitCode.REFUSED and "full_moon" not in error.sentence


@pytest.mark.parametrize("typed", ["", "ENL1", "ENL1-ABC-DEF", token_text()[:-1], token_text() + "A"])
def test_a_mistyped_token_is_not_repeated(typed: str) -> None:
    with pytest.raises(EnlaceError) as caught:
        enrol.read_token(typed)
    assert caught.value.exit_code is ExitCode.USAGE
    assert not typed or typed[5:] == "" or typed[5:] not in caught.value.sentence


def test_typing_the_command_twice_keeps_the_key() -> None:
    collector, ports = FakeCollector(), fake_ports()
    first = enrolled(collector).identity
    token = enrol.read_token(token_text().lower())
    again = enrol.begin(ports, ports.host.machine_facts(), token, URL, first)
    assert again.key == first.key
    assert enrol.enrol(collector, ports, again, agent_version="0").identity.device == first.device


def test_another_collector_gets_another_key() -> None:
    ports = fake_ports(seed=9)
    first = enrolled(FakeCollector()).identity
    other = enrol.begin(ports, ports.host.machine_facts(), enrol.read_token(token_text(OTHER_KEY)), URL, first)
    assert other.key != first.key and other.device is None


def test_a_token_of_the_collectors_next_key_is_the_same_device() -> None:
    """The collector has announced its next key and changed to it; a token made since then names the new one."""
    first = enrolled(FakeCollector()).identity
    keys = [forms.b64url(bytes(OTHER_KEY.verify_key)), *first.collector_keys]
    told = msgspec.structs.replace(first, collector_keys=keys)
    collector, ports = FakeCollector(OTHER_KEY), fake_ports(seed=9)
    again = enrol.begin(ports, ports.host.machine_facts(), enrol.read_token(token_text(OTHER_KEY)), URL, told)
    assert (again.key, again.machine_hash, again.device) == (first.key, first.machine_hash, first.device)
    done = enrol.enrol(collector, ports, again, agent_version="0").identity
    assert done.trusted_keys == [collector.public] and done.key == first.key
