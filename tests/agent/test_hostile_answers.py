"""Rightly signed answers that make no sense: no loop, no crash, nothing decided wrongly."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.uplink.decide import Silence
from agent.uplink.exchange import RATCHET
from agent.wire import forms, headers
from tests.fakes import collector as fake
from tests.fakes.agent_lab import Lab, a_plan
from tests.fakes.collector import FakeCollector

ROWS = 5
OTHER = forms.uuid7(7, bytes([7] * 10))

WORDS = st.sampled_from(["accepted", "duplicate", "rejected", "deferred"])
RIDS = st.sampled_from(["own", "other", "none"])
VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=4), st.just(10**400), st.just(-(10**400)))
TOLD = st.fixed_dictionaries(
    {
        "items": st.lists(st.tuples(WORDS, RIDS), max_size=ROWS + 1),
        "epoch": st.sampled_from(["epoch-1", "epoch-2", "epoch-3"]),
        "version": st.sampled_from(["1", "2", "3"]),
        "right_number": st.booleans(),
    },
    optional=dict.fromkeys(("next_after_s", "max_items", "ratchet", "server_time_ms", "status"), VALUES),
)


def answers(told: dict[str, Any]) -> fake.Twist:
    """Answer every batch with these words, rightly signed."""

    def answer(collector: FakeCollector, asked: fake.Asked, right: fake.FakeAnswer) -> fake.FakeAnswer:
        if not asked.path.startswith("/ingest"):
            return right
        body = json.loads(right.body)
        words = list(told["items"]) or [("accepted", "own")]
        if told["right_number"]:
            words = (words * (ROWS + 1))[: len(asked.items)]
        own = [item["rid"] for item in asked.items] + [None] * ROWS * 2
        rids = [{"own": own[n], "other": OTHER, "none": None}[whose] for n, (_, whose) in enumerate(words)]
        body["items"] = [{"rid": rid, "status": word} for rid, (word, _) in zip(rids, words, strict=True)]
        body |= {"store_epoch": told["epoch"], "settings_version": told["version"]}
        body |= {name: value for name, value in told.items() if name in body} | {"items": body["items"]}
        return collector.sign(asked, 200, body)

    return answer


def batches(lab: Lab) -> int:
    return sum(one.path.startswith("/ingest") for one in lab.collector.asked)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.spool.close()


def test_an_answer_about_other_rows_is_a_failed_contact(lab: Lab) -> None:
    """Half of it fits: without this the half that does not would be sent again and again, without a pause."""
    for number in (1, 2):
        lab.spool.add_ready(lab.measure(a_plan(number), lab.ports))
    told = {"items": [("accepted", "own"), ("accepted", "other")], "epoch": "e", "version": "1", "right_number": True}
    lab.collector.always = answers(told)
    lab.daemon.walk.handover.post(fresh=True)
    assert batches(lab) == 1 and lab.spool.summary().waiting == 2
    status = lab.daemon.status()
    assert (status["kind"], status["failures"]) == ("collector_down", 1) and "does not fit" in status["why"]
    assert lab.daemon.contact.wait_s(fresh=True) >= 1
    lab.collector.always = None
    lab.drive(600)
    assert lab.spool.summary().waiting == 0


def test_two_collectors_that_take_turns_at_one_address_are_no_loop(lab: Lab) -> None:
    """Each answer names another store: all that was handed over is offered again, but not with every answer."""
    for number in range(1, ROWS + 1):
        lab.spool.add_ready(lab.measure(a_plan(number), lab.ports))
    turn = iter(range(10_000))

    def flip(collector: FakeCollector, asked: fake.Asked, right: fake.FakeAnswer) -> fake.FakeAnswer | Silence:
        number = next(turn)
        return answers(
            {"items": [], "epoch": f"epoch-{number}", "version": str(number), "right_number": True}
        )(collector, asked, right)  # fmt: skip

    lab.collector.always = flip
    lab.drive(1_000)
    assert batches(lab) <= 2 * ROWS + 1_000 / 30


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TOLD, min_size=1, max_size=4))
def test_the_number_of_requests_is_bounded_whatever_the_answers_say(script: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        for number in range(1, ROWS + 1):
            lab.spool.add_ready(lab.measure(a_plan(number), lab.ports))
        turn = 0

        def spoil(collector: FakeCollector, asked: fake.Asked, right: fake.FakeAnswer) -> fake.FakeAnswer | Silence:
            nonlocal turn
            turn += 1
            return answers(script[turn % len(script)])(collector, asked, right)

        lab.collector.always = spoil
        for run in range(1, 4):
            before = batches(lab)
            lab.daemon.walk.handover.post(fresh=True, heartbeat=True)
            assert batches(lab) - before <= 1 + 3 * ROWS, f"run {run}"
            assert lab.spool.ledger().is_balanced()
            assert lab.daemon.contact.wait_s(fresh=True) <= 86_400
            lab.clock.advance_s(1)
        assert headers.is_ratchet(lab.collector.asked[-1].headers["Enlace-Ratchet"])
        lab.spool.close()


@pytest.mark.parametrize("wait", [10**400, -1, 1e18, -1e18, 0.5])
def test_a_signed_wait_counts_a_day_at_most(lab: Lab, wait: float) -> None:
    lab.collector.always = fake.refused(503, "overload", retry_after_s=wait)
    lab.daemon.walk.handover.post(heartbeat=True)
    assert 0 < lab.daemon.contact.wait_s(fresh=True) <= 86_400


@pytest.mark.parametrize("wait", ["soon", None, [], {"s": 1}, True])
def test_a_signed_answer_that_cannot_be_read_says_so(lab: Lab, wait: Any) -> None:
    lab.collector.always = fake.refused(503, "overload", retry_after_s=wait)
    lab.daemon.walk.handover.post(heartbeat=True)
    why = lab.daemon.status()["why"]
    assert why and "None" not in why and 0 < lab.daemon.contact.wait_s(fresh=True) <= 86_400


def test_a_ratchet_that_is_none_is_not_presented(lab: Lab) -> None:
    lab.spool.set_state(RATCHET, "5\r\nX: y")
    lab.daemon.walk.handover.post(heartbeat=True)
    assert lab.collector.asked[-1].headers["Enlace-Ratchet"] == headers.NO_RATCHET


@pytest.mark.parametrize("told_ms", [-1, 10**15, 10**400])
def test_a_time_that_no_clock_shows_is_not_kept(lab: Lab, told_ms: int) -> None:
    lab.collector.now_ms = told_ms
    lab.daemon.walk.handover.post(heartbeat=True)
    kept = msgspec.json.decode(lab.spool.get_state("last_answer") or '{"server_time_ms":0}')["server_time_ms"]
    assert 0 <= kept < 7_258_118_400_000


@pytest.mark.parametrize("status", [413, 429])
def test_an_unsigned_refusal_with_rows_waiting_keeps_them_and_waits(lab: Lab, status: int) -> None:
    for number in range(1, 9):
        lab.spool.add_ready(lab.measure(a_plan(number), lab.ports))
    lab.collector.always = fake.unsigned(status, b"<html>no</html>", Retry_After="120")
    lab.daemon.walk.handover.post(fresh=True)
    assert batches(lab) == 1 and lab.spool.summary().waiting == 8
    assert lab.daemon.contact.wait_s(fresh=True) >= 120
    assert lab.daemon.contact.pace.max_items == (50 if status == 413 else 100)
    lab.collector.always = None
    lab.drive(900)
    assert lab.spool.summary().waiting == 0


@pytest.mark.parametrize("value", ["-5", "NaN", "1e9", "inf", "0x10", "soon", "999999999", "Fri, 99 Dec 9999 99:59:59"])
def test_an_odd_retry_after_with_rows_waiting(lab: Lab, value: str) -> None:
    lab.spool.add_ready(lab.measure(a_plan(1), lab.ports))
    lab.collector.always = fake.unsigned(429, b"", Retry_After=value)
    lab.daemon.walk.handover.post(fresh=True)
    assert 1 <= lab.daemon.contact.wait_s(fresh=True) <= 1.5 * 3_600
    assert lab.spool.summary().waiting == 1
