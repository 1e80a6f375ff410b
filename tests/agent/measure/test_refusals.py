"""Our own test point refuses: the reason that it gives is the one that a person reads."""

import pytest

from agent.commands import present
from agent.measure import session
from agent.wire import tokens
from agent.wire.tokens import AccessClaims
from agent.wire.vocabulary import EngineName, FailureCode
from tests.agent.measure import world
from tests.fakes.collector import KEY, OTHER_KEY
from tests.fakes.open_testpoint import open_testpoint

DO = {"test point wants": "enrol", "expired": "clock", "signature": "operator", "malformed": "test again"}
ENGINES = [EngineName.NDT7, EngineName.LIBRESPEED]


LONG_AGO_MS, YEAR_2100_MS = 1_000, 4_102_444_800_000  # whatever the clock of the test point says


def a_token(exp_ms: int = YEAR_2100_MS, max_bytes: int = 0, key: object = KEY) -> str:
    claims = AccessClaims(school="00123", lease_id="l", exp_ms=exp_ms, max_bytes=max_bytes, jti="j")
    return tokens.make_access_token(key, claims)  # type: ignore[arg-type]  # one of the two keys


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (None, "test point wants"),
        (a_token(LONG_AGO_MS), "expired"),
        (a_token(key=OTHER_KEY), "signature"),
        ("nonsense", "malformed"),
    ],
    ids=["none", "expired", "other key", "nonsense"],
)
def test_a_refused_permission_says_why(engine: EngineName, token: str | None, reason: str) -> None:
    with open_testpoint(open=False, public_keys=(bytes(KEY.verify_key),)) as url:
        plan = world.plan(url, engine, access_token=token, max_bytes_download=300_000, max_bytes_upload=300_000)
        record = session.run(plan, world.ports())
    assert record.failure is not None and record.failure.code is FailureCode.TOKEN_REFUSED
    assert record.failure.detail is not None and reason in record.failure.detail
    said = present.sentence(record)
    assert reason in said and DO[reason] in said


@pytest.mark.parametrize("engine", ENGINES)
def test_a_permission_that_is_used_up_by_the_download_keeps_the_download(engine: EngineName) -> None:
    with open_testpoint(open=False, public_keys=(bytes(KEY.verify_key),)) as url:
        token = a_token(max_bytes=200_000)
        plan = world.plan(url, engine, access_token=token, max_bytes_download=400_000, max_bytes_upload=400_000)
        record = session.run(plan, world.ports())
    assert record.upload is None and record.failure is not None
    if record.failure.code is FailureCode.TOKEN_REFUSED:
        assert record.failure.detail is not None and "used up" in record.failure.detail
        assert "used up" in present.sentence(record)
