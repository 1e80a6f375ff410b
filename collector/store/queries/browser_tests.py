"""Tests in a browser: begun, finished, listed beside the others of a school; nothing that judges reads them."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update

from collector.store.tables.browser_tests import BROWSER_TESTS
from collector.store.unit import Snapshot, UnitOfWork

_MS_PER_S = 1000


@dataclass(frozen=True)
class BrowserTest:
    """One test; its figures are None until it is done."""

    test_id: str
    school: str
    lease_id: str
    begun_ms: int
    begun_by: str
    cap_bytes: int
    done_ms: int | None = None
    download_bytes: int | None = None
    download_ms: int | None = None
    upload_bytes: int | None = None
    upload_ms: int | None = None
    receipt: str | None = None
    latency_ms: float | None = None
    latency_n: int | None = None

    @property
    def download_bps(self) -> int | None:
        """The average over the whole transfer, bit/s."""
        return _average_bps(self.download_bytes, self.download_ms)

    @property
    def upload_bps(self) -> int | None:
        """The average over the whole transfer, bit/s."""
        return _average_bps(self.upload_bytes, self.upload_ms)


def _average_bps(size_bytes: int | None, length_ms: int | None) -> int | None:
    return round(8 * size_bytes * _MS_PER_S / length_ms) if size_bytes and length_ms else None


_COLUMNS = [BROWSER_TESTS.c[name] for name in BrowserTest.__dataclass_fields__]


def add(unit: UnitOfWork, test: BrowserTest) -> None:
    """Store a test that begins."""
    unit.connection.execute(insert(BROWSER_TESTS).values(**test.__dict__))


def find(snapshot: Snapshot, school: str, test_id: str) -> BrowserTest | None:
    """Return a test of a school."""
    this = (BROWSER_TESTS.c.test_id == test_id) & (BROWSER_TESTS.c.school == school)
    row = snapshot.connection.execute(select(*_COLUMNS).where(this)).first()
    return BrowserTest(*row) if row else None


def count_begun(snapshot: Snapshot, school: str, since_ms: int) -> int:
    """Return how many tests of a school have begun since a moment, done or not."""
    of_school = (BROWSER_TESTS.c.school == school) & (BROWSER_TESTS.c.begun_ms >= since_ms)
    return snapshot.connection.scalar(select(func.count()).select_from(BROWSER_TESTS).where(of_school)) or 0


def finish(unit: UnitOfWork, test: BrowserTest) -> bool:
    """Store the figures of a test that has none yet, and return whether this did it."""
    this = (BROWSER_TESTS.c.test_id == test.test_id) & BROWSER_TESTS.c.done_ms.is_(None)
    done = unit.connection.execute(
        update(BROWSER_TESTS).where(this).values(**test.__dict__).returning(BROWSER_TESTS.c.test_id)
    )
    return done.first() is not None


def newest(snapshot: Snapshot, school: str, limit: int) -> list[BrowserTest]:
    """Return the tests of a school that are done, the newest first."""
    query = (
        select(*_COLUMNS)
        .where(BROWSER_TESTS.c.school == school, BROWSER_TESTS.c.done_ms.is_not(None))
        .order_by(BROWSER_TESTS.c.begun_ms.desc(), BROWSER_TESTS.c.test_id)
        .limit(limit)
    )
    return [BrowserTest(*row) for row in snapshot.connection.execute(query)]
