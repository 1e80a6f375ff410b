"""What the answer to every batch says beside its items, asked in one question."""

from dataclasses import dataclass

from sqlalchemy import ScalarSelect, bindparam, select

from collector.store.queries import facts
from collector.store.queries.agent_settings import EVERYWHERE
from collector.store.tables.agent_settings import AGENT_SETTINGS
from collector.store.tables.people import FACTS
from collector.store.tables.proofs import CAMPAIGNS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class Standing:
    """What holds for a school at the moment of a batch; None: nobody has said or written it."""

    store_epoch: str | None
    settings_counter: str | None
    said_of_all: str | None  # what is decided of all schools' devices, JSON
    said_of_school: str | None
    campaign_id: str | None  # of tests that are asked for now or later


def _fact(name: str) -> ScalarSelect[str]:
    return select(FACTS.c.value).where(FACTS.c.name == name).scalar_subquery()


def _newest_said(place: str | None) -> ScalarSelect[str]:
    where = AGENT_SETTINGS.c.place == (bindparam("school") if place is None else place)
    newest_first = select(AGENT_SETTINGS.c.said).where(where).order_by(AGENT_SETTINGS.c.number.desc())
    return newest_first.limit(1).scalar_subquery()


_STANDING = select(
    _fact(facts.STORE_EPOCH),
    _fact(facts.SETTINGS_VERSION),
    _newest_said(EVERYWHERE),
    _newest_said(None),
    select(CAMPAIGNS.c.campaign_id)
    .where(CAMPAIGNS.c.school == bindparam("school"), CAMPAIGNS.c.until_ms > bindparam("now_ms"))
    .scalar_subquery(),
)


def read_standing(snapshot: Snapshot, school: str, now_ms: int) -> Standing:
    """Return what holds for the devices of a school.

    Args:
        snapshot: The database.
        school: Its code.
        now_ms: Campaigns that ended before are over.
    """
    return Standing(*snapshot.connection.execute(_STANDING, {"school": school, "now_ms": now_ms}).one())
