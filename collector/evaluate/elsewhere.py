"""Which silent PCs were heard last on a network that is none of their school's: taken home, or another line is in use.

It takes the operator's file of networks (`evaluate.networks`); without one nothing is said.
"""

from collections.abc import Sequence

from collector.domain.networks import Own, is_elsewhere
from collector.evaluate.networks import own_by_provider
from collector.store.queries.judging import contacts
from collector.store.queries.judging.contacts import Contact, SeenOn
from collector.store.unit import Snapshot


def elsewhere(snapshot: Snapshot, silent: Sequence[tuple[str | None, Contact]]) -> set[str]:
    """Return those of some silent PCs that were heard last on a network that is none of their school's.

    Args:
        snapshot: The database.
        silent: Each with the provider of its school.
    """
    seen = contacts.networks_seen(snapshot, sorted({pc.school for _provider, pc in silent}))
    if not seen:
        return set()
    own = own_by_provider(snapshot)
    return {
        pc.device
        for provider, pc in silent
        if _is_elsewhere(seen.get(pc.school, ()), pc.device, own.get(provider or "", Own()))
    }


def _is_elsewhere(seen: Sequence[SeenOn], device: str, own: Own) -> bool:
    newest = max((one.day for one in seen if one.device == device), default="")
    last = {one.asn for one in seen if one.device == device and one.day == newest}
    usual = {one.asn for one in seen if one.in_hours and (one.device != device or one.day < newest)}
    return is_elsewhere(last, usual | own.numbers)
