"""The closed lists of words of the judgement (CONTRACTS 5); each has one sentence per language in the pages."""

from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """What the statistics allow to be said about a school on one day."""

    INSUFFICIENT = "INSUFFICIENT"
    BELOW = "BELOW"
    NOT_TESTABLE = "NOT_TESTABLE"
    BORDERLINE = "BORDERLINE"
    MEETS = "MEETS"


class Exclusion(StrEnum):
    """Why a measurement does not vote; in the order in which the reasons are looked for."""

    FAILED = "failed"
    MANUAL = "manual"
    OUT_OF_HOURS = "out_of_hours"
    CLOSED_DAY = "closed_day"
    NOT_ASSIGNED = "not_assigned"
    TOO_SHORT = "too_short"
    OTHER_SERVER = "other_server"
    OTHER_NETWORK = "other_network"
    VPN = "vpn"
    BUSY_HOST = "busy_host"
    BUSY_LINE = "busy_line"
    TIME_UNSURE = "time_unsure"
    SUPPRESSED = "suppressed"
    RETRACTED = "retracted"


class ObservationValue(StrEnum):
    """What one voting measurement says about the target."""

    ATTAINED = "attained"
    UNKNOWN = "unknown"  # below the target, but the test or the computer could not have shown more
    FAILED = "failed"


class Lack(StrEnum):
    """What is missing before a school can be judged."""

    TESTS = "tests"
    DAYS = "days"
    HALVES = "halves"  # of the opening time: only mornings or only afternoons were seen


class Remedy(StrEnum):
    """What would make a school testable, the cheapest first."""

    LARGER_CAP = "larger_cap"  # let a test move more bytes
    CABLE = "cable"  # instead of Wi-Fi
    FASTER_PORT = "faster_port"  # of the computer or the switch


class FlagState(StrEnum):
    """Where the fold over school days stands."""

    NONE = "none"
    WATCH = "watch"
    OPEN = "open"
    RECOVERING = "recovering"


SPEED: Final = "below_target"
"""The kind of flag that the verdicts give; the others are `conditions.ConditionKind`."""

OPEN_STATES: Final = (FlagState.OPEN.value, FlagState.RECOVERING.value)
"""The states of a flag that has not ended."""


class FlagEventKind(StrEnum):
    """What happened to a flag, or to the watch that comes before it."""

    WATCHING = "watching"  # first BELOW; there is no flag yet
    CALMED = "calmed"  # the watch ended without a flag
    OPENED = "opened"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"  # still recovering, but the count of good evaluations starts again
    REOPENED = "reopened"  # BELOW while recovering: the same flag is open again
    CLOSED = "closed"
    CLOSED_BY_PERSON = "closed_by_person"
    RETRACTED = "retracted"  # by replay: it would no longer have opened


class Severity(StrEnum):
    """How far the typical test is from the target."""

    MILD = "mild"
    SERIOUS = "serious"
    SEVERE = "severe"


class TimeQuality(StrEnum):
    """How the corrected time of a record was found."""

    EXACT = "exact"
    ADJUSTED = "adjusted"
    BOUNDED = "bounded"


class DayKind(StrEnum):
    """How a day of a calendar differs from the weekly opening hours."""

    HOLIDAY = "holiday"
    CLOSURE = "closure"
    OPEN = "open"


class Cut(StrEnum):
    """By what a group of schools is told apart."""

    ALL = "all"
    AREA = "area"
    PROVIDER = "provider"
    CROSSING = "crossing"  # a provider in an area


class OutageLabel(StrEnum):
    """What an outage is put down to."""

    PROVIDER = "provider"
    AREA = "area"
    COLLECTOR = "collector"  # everything fell silent at once: it was not the schools


class OutageState(StrEnum):
    """Where an outage stands."""

    SUSPECTED = "suspected"
    OPEN = "open"
    RECOVERING = "recovering"
    CLOSED = "closed"
    RETRACTED = "retracted"  # what came late shows that there was none


LIVE_OUTAGES: Final = (OutageState.OPEN.value, OutageState.RECOVERING.value)
"""The states of an outage that goes on."""


class Suppression(StrEnum):
    """Why a day is not evaluated."""

    HOLIDAY = "holiday"
    CLOSURE = "closure"
    OUTAGE = "outage"
    HAZARD = "hazard"


class Technology(StrEnum):
    """How a school is connected, as profiles ask for it."""

    FIBRE = "fibre"
    DSL = "dsl"
    CABLE = "cable"
    CELLULAR = "cellular"
    RADIO = "radio"
    SATELLITE = "satellite"
    OTHER = "other"


class Reason(StrEnum):
    """Why a PC is silent (`domain.silence`); in the order in which reasons are looked for."""

    NEVER_HEARD = "never_heard"
    REPLACED = "replaced"  # the same computer measures under a newer identity
    KEY_WAITS = "key_waits"  # it, or a new key of it, waits for a person
    NO_INTERNET = "no_internet"  # by its last words, or because all PCs of the school fell silent together in class
    PORTAL = "portal"  # its last words: a sign-in page stood in the way
    NOT_CONNECTED = "not_connected"  # its last words: no cable, no Wi-Fi, no gateway
    WRONG_CLOCK = "wrong_clock"
    VOLATILE = "volatile"  # it forgets at every start: it may have forgotten its enrolment
    OUTAGE = "outage"  # its school fell silent in an outage of many that goes on
    NETWORK_CHANGED = "network_changed"  # it was heard last on a network that is none of the school's
    SWITCHED_OFF = "switched_off"  # its last message came when the school closed
    AGENT_STOPPED = "agent_stopped"  # it fell silent in class, and others of the school did not
    UNKNOWN = "unknown"
