"""How many tests of a proof some schools have, as `proof.prove` counts them; each question is asked once for all."""

from collections.abc import Sequence
from datetime import timedelta

from collector.domain.proof import Hours, is_in_class_hours
from collector.evaluate import proof
from collector.evaluate.inputs import SchoolInputs
from collector.evaluate.proof import Rules, Wanted
from collector.store.queries import campaigns, schools
from collector.store.queries.pages import proof_rows
from collector.store.queries.pages.proof_rows import ProofRow
from collector.store.unit import Snapshot


def counts(snapshot: Snapshot, rules: Rules, wanted: Sequence[Wanted]) -> dict[str, int]:
    """Return how many of its thirty tests each of some schools has, by code; schools that nobody knows are left out.

    Args:
        snapshot: The database.
        rules: Of the deployment.
        wanted: A few schools, each with its period.
    """
    found = schools.by_code(snapshot, [one.code for one in wanted])
    inputs = proof.inputs_of(snapshot, list(found.values()), rules)
    spans = {}
    for one in wanted:
        if (known := inputs.get(one.code)) is not None:
            spans[one.code] = known.start_ms(one.first), known.start_ms(one.last + timedelta(days=1))
    rows = proof_rows.cable_rows(snapshot, spans)
    going_on = campaigns.current_of(snapshot, list(spans), max((one.now_ms for one in wanted), default=0))
    counted = {}
    for one in wanted:
        if one.code in spans:
            known = inputs[one.code]
            timely = [row for row in rows.get(one.code, ()) if not _is_in_class(row, known, one.hours)]
            counted[one.code] = proof.choose(timely, known, found[one.code], one, going_on.get(one.code)).count
    return counted


def _is_in_class(row: ProofRow, inputs: SchoolInputs, hours: Hours) -> bool:
    """Return what holds of most tests: that they do not count is enough here, and why costs ten times as much."""
    started_ms = row.measured.started_ms
    return is_in_class_hours(hours, inputs.at(inputs.local_day(started_ms)), started_ms)
