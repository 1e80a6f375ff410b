"""What the tests of this area share: plans, ports, lines and test points in processes of their own."""

import itertools
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from agent.measure.engines.engine import Job
from agent.measure.servers import addresses
from agent.measure.session import Plan
from agent.measure.sockets import dial
from agent.net.loop import Loop
from agent.ports import Ports
from agent.wire import forms
from agent.wire.vocabulary import EngineName, Tier, Trigger
from collector.testpoint.options import TestpointOptions
from tests.fakes.agent_world import FakeClock, FakeHost, SeededRandomness
from tests.fakes.testpoint_process import run_process

_SEEDS = itertools.count(int.from_bytes(os.urandom(4), "big"))


def ports() -> Ports:
    """A fake world; the random bytes differ from test to test, so that no two share an upload id."""
    return Ports(FakeClock(), SeededRandomness(next(_SEEDS)), FakeHost())


def plan(url: str, engine: EngineName | None = None, **more: object) -> Plan:
    fields: dict[str, object] = {
        "rid": forms.uuid7(1_795_525_509_123, next(_SEEDS).to_bytes(10, "big")),
        "tier": Tier.CAPACITY,
        "trigger": Trigger.MANUAL,
        "engine": engine,
        "servers": addresses.servers_from_url(url, engine),
        "max_bytes_download": 0,
        "max_bytes_upload": 0,
        "lease_id": None,
        "access_token": None,
        "prior_download_bps": None,
        "prior_upload_bps": None,
        "budget": None,
    }
    return Plan(**{**fields, **more})  # type: ignore[arg-type]  # a test's shorthand


@contextmanager
def job_for(url: str, **more: object) -> Iterator[Job]:
    """A job for one engine without a session around it."""
    loop = Loop()
    address = dial.resolve(addresses.parse_target(url))[0]
    try:
        yield Job(address=address, loop=loop, random_bytes=SeededRandomness(next(_SEEDS)).token_bytes, **more)  # type: ignore[arg-type]
    finally:
        loop.close()


@contextmanager
def testpoint(**options: object) -> Iterator[int]:
    """The port of our own test point in a process of its own; `options` are of `TestpointOptions`."""
    context = multiprocessing.get_context("spawn")
    parent, child = context.Pipe()
    told = TestpointOptions(**options)  # type: ignore[arg-type]  # a test's shorthand
    process = context.Process(target=run_process, args=(told, child), daemon=True)
    process.start()
    child.close()
    try:
        assert parent.poll(60)
        yield parent.recv()[0]
    finally:
        process.terminate()
        process.join(10)
        parent.close()


def wait_until(condition: object, limit_s: float = 10.0) -> None:
    """Wait for something that another process or thread does."""
    until_s = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until_s
        time.sleep(0.01)
