"""What others are told of an outage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OutageFact:
    """One regional outage, as whoever writes messages needs it."""

    outage_id: str
    label: str  # provider | area | collector
    area: str  # empty: any
    provider: str
    schools: int  # heard before
    silent: int  # of those
    pupils: int | None
    opened_ms: int
    closed_ms: int | None
    pupil_hours: float | None
    learnt_late: bool  # nobody is woken for it
