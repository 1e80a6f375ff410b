"""A test that a person makes in a browser: what it may move, and what the test point confirms of it.

What a browser says of its own speed is not believed: figures are those of the test point's signed receipt, kept beside
the school and apart from the measurements of its devices. They are never judged.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from agent.wire import forms, receipts, tokens
from agent.wire.receipts import Claimed, Receipt, Verdict
from agent.wire.tokens import AccessClaims
from collector.intake import rules, settings
from collector.intake.lease import ACCESS_SLACK
from collector.intake.parts import Parts
from collector.store import locks
from collector.store.queries import browser_tests
from collector.store.queries.browser_tests import BrowserTest
from collector.store.unit import Snapshot, UnitOfWork

MOST_BYTES: Final = 30_000_000  # of one test, both directions
LEAST_BYTES: Final = 3_000_000  # with less nothing can be said
PART_OF_DAY: Final = 10  # one test moves so small a part of the school's budget of a day
MOST_A_DAY: Final = 6  # of one school
DAY_MS: Final = 86_400_000
LAST_MS: Final = 600_000  # later nothing is taken in: the access token is long over
ENOUGH_BYTES: Final = 50_000  # of a direction, before it has a speed
_UPLOAD_PART: Final = 3  # of the cap


class Refusal(StrEnum):
    """Why there is no test now, or why one is not stored."""

    PAUSED = "paused"
    BUDGET = "budget"
    ENOUGH = "enough"
    UNKNOWN = "unknown"  # no such test was begun here, it is over, or it was stored already
    UNCONFIRMED = "unconfirmed"  # no receipt of our test point for this test
    NOTHING = "nothing"  # too little has arrived


@dataclass(frozen=True)
class Begun:
    """What the browser is told."""

    test_id: str
    url: str
    access_token: str
    download_bytes: int
    upload_bytes: int


def address(parts: Parts) -> str:
    """Return the address of the test point."""
    return settings.servers(parts)[0].url.rstrip("/")


def cap_bytes(snapshot: Snapshot, parts: Parts, school: str) -> int:
    """Return what one test of a school may move in both directions together."""
    return min(MOST_BYTES, rules.for_school(snapshot, parts.config, school).day_bytes // PART_OF_DAY)


def refusal(snapshot: Snapshot, parts: Parts, school: str) -> Refusal | None:
    """Return why a school may not be tested in a browser now; None where it may."""
    if rules.for_school(snapshot, parts.config, school).paused:
        return Refusal.PAUSED
    if cap_bytes(snapshot, parts, school) < LEAST_BYTES:
        return Refusal.BUDGET
    since_ms = parts.ports.clock.now_ms() - DAY_MS
    return Refusal.ENOUGH if browser_tests.count_begun(snapshot, school, since_ms) >= MOST_A_DAY else None


def begin(unit: UnitOfWork, parts: Parts, school: str, by: str) -> Begun | Refusal:
    """Let a test begin; the caller commits.

    Args:
        unit: The transaction to write in.
        parts: Rules and keys.
        school: Its code.
        by: Who begins it.
    """
    locks.hold(unit, (f"browser test {school}",))
    if (refused := refusal(unit, parts, school)) is not None:
        return refused
    now_ms, random = parts.ports.clock.now_ms(), parts.ports.randomness
    cap = cap_bytes(unit, parts, school)
    test = BrowserTest(
        test_id=forms.uuid7(now_ms, random.token_bytes(10)),
        school=school,
        lease_id=forms.uuid4(random.token_bytes(16)),
        begun_ms=now_ms,
        begun_by=by,
        cap_bytes=cap,
    )
    claims = AccessClaims(
        school=school,
        lease_id=test.lease_id,
        exp_ms=now_ms + tokens.ACCESS_LIFETIME_MS,
        max_bytes=round(cap * ACCESS_SLACK),
        jti=forms.uuid4(random.token_bytes(16)),
    )
    browser_tests.add(unit, test)
    token = tokens.make_access_token(parts.keys.ring().for_test_points.signing_key, claims)
    upload_bytes = cap // _UPLOAD_PART
    return Begun(test.test_id, address(parts), token, cap - upload_bytes, upload_bytes)


def finish(
    unit: UnitOfWork, parts: Parts, school: str, test_id: str, receipt: str, latencies_ms: list[float]
) -> BrowserTest | Refusal:
    """Store what the test point confirms of a test; the caller commits.

    Args:
        unit: The transaction to write in.
        parts: Knows the keys of test points.
        school: Whose test it is said to be.
        test_id: As `begin` gave it.
        receipt: Of the test point.
        latencies_ms: Of single answers, as the browser measured them.
    """
    now_ms = parts.ports.clock.now_ms()
    test = browser_tests.find(unit, school, test_id)
    if test is None or test.done_ms is not None or now_ms - test.begun_ms > LAST_MS:
        return Refusal.UNKNOWN
    read = parts.receipts.read(receipt)
    if isinstance(read, Verdict) or _verdict(read, test, now_ms) is not Verdict.VALID:
        return Refusal.UNCONFIRMED
    down, up = read.download_bytes >= ENOUGH_BYTES, read.upload_bytes >= ENOUGH_BYTES
    if not down and not up:
        return Refusal.NOTHING
    good = sorted(one for one in latencies_ms if 0 < one < 60_000)
    done = replace(
        test,
        done_ms=now_ms,
        download_bytes=read.download_bytes if down else None,
        download_ms=read.download_ms if down else None,
        upload_bytes=read.upload_bytes if up else None,
        upload_ms=read.upload_ms if up else None,
        receipt=receipt,
        latency_ms=good[len(good) // 2] if good else None,
        latency_n=len(good) or None,
    )
    return done if browser_tests.finish(unit, done) else Refusal.UNKNOWN


def _verdict(read: Receipt, test: BrowserTest, now_ms: int) -> Verdict:
    claimed = Claimed(
        rid=test.test_id,
        lease_id=test.lease_id,
        started_ms=test.begun_ms,
        received_ms=now_ms,
        download_bytes=0,
        upload_bytes=0,
    )
    return receipts.compare(read, claimed)
