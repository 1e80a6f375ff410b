"""The test point of `serve`: its files, and a collector's new key while it runs. By real processes."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire import forms
from agent.wire.tokens import AccessClaims, make_access_token
from collector.intake.keyring import read_ring
from collector.store.open import Store
from collector.testpoint import keyfile
from tests.collector.test_serve import PROGRAM, Serving, until
from tests.collector.testpoint.conftest import Client


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    found = Serving(tmp_path)
    yield found
    for process in found.running:
        process.terminate()
        process.wait(30)


def token(data: Path) -> str:
    store = Store.open(data)
    key = read_ring(store).current.signing_key
    store.close()
    exp_ms = time.time_ns() // 1_000_000 + 300_000
    return make_access_token(key, AccessClaims(school="00123", lease_id="l", exp_ms=exp_ms, max_bytes=0, jti="j"))


@pytest.mark.xdist_group("e2e")
def test_it_keeps_its_key_and_learns_the_collectors_new_one(serving: Serving) -> None:
    serving.start("serve", "--only", "testpoint")
    until(serving.test_point_answers, "the test point answers")
    with Client(serving.testpoint) as client:
        said = json.loads(client.get("/enlace/v1/key")[1])
    files = serving.data / "testpoint"
    assert [forms.b64url(key) for key in keyfile.read_public_keys(files / "receipt.pub")] == [said["public_key"]]
    words = ["key", "rotate", "--config", str(serving.config), "--data", str(serving.data)]
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    with Client(serving.testpoint) as client:
        head, body, _ = client.get(f"/garbage?bytes=10&access_token={token(serving.data)}")
    assert (head.status, len(body)) == (200, 10)
