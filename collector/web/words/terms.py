"""The closed lists of words as people read them: verdicts, flags, reasons why a test does not count, states."""

from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString

from collector.web.language.i18n import later, say, say_many

Words = Mapping[str, LazyString]

ALL: Final = later("All")
ENOUGH: Final = later("Enough data to judge")

# From the worst to the best to look at: the order of every bar and legend.
VERDICT_ORDER: Final = ("BELOW", "BORDERLINE", "MEETS", "INSUFFICIENT", "NOT_TESTABLE")
VERDICTS: Final[Words] = {
    "BELOW": later("Below"),
    "BORDERLINE": later("Borderline"),
    "MEETS": later("Meets"),
    "INSUFFICIENT": later("Not enough data"),
    "NOT_TESTABLE": later("Not testable"),
    "NONE": later("No verdict yet"),
}
# The class that gives the colour and the name of the shape in the sprite.
VERDICT_CLASS: Final[Mapping[str, str]] = {
    "BELOW": "below",
    "BORDERLINE": "border",
    "MEETS": "meets",
    "INSUFFICIENT": "insuf",
    "NOT_TESTABLE": "nott",
    "NONE": "insuf",
}

# Lists of schools at the end of a period, beside those by verdict.
PROGRESS_LISTS: Final[Words] = {
    **VERDICTS,
    "NONE": later("No verdict in the period"),
    "FELL": later("Newly below"),
    "RECOVERED": later("Newly recovered"),
}

# What judged schools typically get of their contract.
CONTRACTS: Final[Words] = {
    "known": later("With a contract"),
    "under": later("Under 80\u00a0% of the contract"),
    "middle": later("80 to 95\u00a0% of the contract"),
    "full": later("95\u00a0% of the contract or more"),
}

# What stands in a column of an export, as the dictionary says it.
COLUMN_TYPES: Final[Words] = {
    "text": later("text"),
    "integer": later("whole number"),
    "number": later("number"),
    "boolean": later("true or false"),
    "time": later("time"),
    "day": later("date"),
    "json": later("JSON"),
}

SEVERITIES: Final[Words] = {"mild": later("Mild"), "serious": later("Serious"), "severe": later("Severe")}

FLAG_KINDS: Final[Words] = {
    "below_target": later("Too slow for teaching"),
    "not_reporting": later("Not reporting"),
    "low_availability": later("Line goes down"),
    "poor_quality": later("Slow to respond"),
    "data_quality": later("Data in doubt"),
    "site_unreachable": later("Site cannot be opened"),
    "other_network": later("Another network than paid for"),
}
FLAG_STATES: Final[Words] = {
    "open": later("Open"),
    "recovering": later("Recovering"),
    "closed": later("Closed"),
    "retracted": later("Taken back"),
}
FLAG_EVENTS: Final[Words] = {
    "watching": later("First judged below"),
    "calmed": later("No longer below, before a flag opened"),
    "opened": later("Flag opened"),
    "recovering": later("Recovering"),
    "relapsed": later("Recovery starts again"),
    "reopened": later("Below again"),
    "closed": later("Flag closed"),
    "closed_by_person": later("Closed by a person"),
    "retracted": later("Flag taken back: with late data, or by the target that holds now, it does not stand"),
}

# Why a person closed a flag: `domain.casework.CloseReason`.
CLOSE_REASONS: Final[Words] = {
    "mended": later("the line was mended"),
    "contract_changed": later("the line or the contract was changed"),
    "passing": later("a known cause that passes: works, power, weather"),
    "not_the_line": later("not the line: the school’s Wi-Fi or PC"),
    "wrong_data": later("the target, the roll or the registry was wrong"),
    "accepted": later("known and accepted: nothing better can be had now"),
    "elsewhere": later("dealt with in another flag"),
    "other": later("another reason, in the note"),
}
# What a button asks for: `domain.casework.Deed`.
DEEDS: Final[Words] = {
    "taken": later("Take it"),
    "given": later("Give to…"),
    "released": later("Give it back"),
    "acknowledged": later("Mark as seen"),
    "snoozed": later("Snooze…"),
    "woken": later("Bring it back"),
    "note": later("Note…"),
    "ticket": later("Ticket number…"),
    "closed": later("Close…"),
}

EXCLUSIONS: Final[Words] = {
    "failed": later("the test failed"),
    "manual": later("started by hand"),
    "out_of_hours": later("outside school hours"),
    "closed_day": later("no school that day"),
    "not_assigned": later("the PC was not of this school"),
    "too_short": later("too short to trust"),
    "other_server": later("another server or engine"),
    "other_network": later("another network"),
    "vpn": later("through a VPN"),
    "busy_host": later("the PC was busy"),
    "busy_line": later("other traffic on the line"),
    "time_unsure": later("its time is unsure"),
    "suppressed": later("a day that is not judged"),
    "retracted": later("taken back"),
}

# Why a test is not one of the thirty that prove what a line gives: `domain.proof.Unfit` and `Spare`.
PROOF_REASONS: Final[Words] = {
    **EXCLUSIONS,
    "not_by_cable": later("by Wi-Fi or mobile network, not by cable"),
    "link_unknown": later("nobody knows whether by cable, or how fast its port is"),
    "slow_port": later("the port of the PC is too slow to show the contract"),
    "cut_short": later("it ended before the line was seen full: the line may be faster"),
    "class_hours": later("in school hours, when others use the line"),
    "other_contract": later("another contract was in force that day"),
    "spare_of_day": later("its day has its ten, or it is too near to another test"),
    "spare_day": later("its day has no ten, or other days are taken"),
}
HOURS: Final[Words] = {"outside": later("outside school hours"), "all": later("at any hour")}

FAILURES: Final[Words] = {
    "dns": later("names were not resolved"),
    "connect_timeout": later("the server did not answer"),
    "connect_refused": later("the server refused"),
    "unreachable": later("no way to the server"),
    "tls_untrusted": later("the certificate is not trusted"),
    "tls_clock": later("the PC's clock is wrong for the certificate"),
    "portal": later("a sign-in page stood in the way"),
    "proxy_auth": later("the proxy wants a password"),
    "http_status": later("the server answered with a refusal"),
    "server_busy": later("the server was busy"),
    "token_refused": later("the permission was refused"),
    "protocol": later("the answer was not understood"),
    "stalled": later("the line stood still"),
    "reset": later("the connection was cut"),
    "client_limited": later("the PC could not keep up"),
    "disk": later("the disk was full"),
    "power_cut": later("the power went off"),
    "cancelled": later("it was stopped"),
    "budget": later("the data allowance was used up"),
    "lease_busy": later("another PC was testing"),
    "metered": later("the connection costs by volume"),
    "busy_line": later("the line was busy"),
    "paused": later("testing is paused"),
    "closed": later("outside school hours"),
}

DEVICE_STATES: Final[Words] = {
    "active": later("Active"),
    "pending": later("Waiting for approval"),
    "revoked": later("Retired"),
}
MEDIA: Final[Words] = {
    "ethernet": later("cable"),
    "wifi": later("Wi-Fi"),
    "cellular": later("mobile"),
    "vpn": later("VPN"),
    "unknown": later("unknown"),
}
# What a computer could reach, as its diary says.
DIARY_STATES: Final[Words] = {
    "ok": later("the Internet"),
    "collector_down": later("the Internet, but not our server"),
    "dns_fail": later("no name server"),
    "no_internet": later("the school's router, and nothing beyond"),
    "portal": later("a page to sign in at, or a filter"),
    "no_gateway": later("not the school's router"),
    "link_down": later("nothing: no cable and no Wi-Fi"),
    "asleep": later("asleep"),
    "off": later("switched off"),
}
# Whether an enrolment token still admits PCs that nobody knows.
TOKEN_STATES: Final[Words] = {
    "valid": later("Admits PCs"),
    "exhausted": later("Used up"),
    "expired": later("Expired"),
    "revoked": later("Ended"),
}
COMMAND_LINE: Final = later("command line")  # who did something, where no person signed in

ROLES: Final[Words] = {
    "admin": later("administrator"),
    "operator": later("operator"),
    "analyst": later("analyst"),
    "viewer": later("viewer"),
}

TECHNOLOGIES: Final[Words] = {
    "fibre": later("fibre"),
    "dsl": later("DSL"),
    "cable": later("television cable"),
    "cellular": later("mobile network"),
    "radio": later("radio"),
    "satellite": later("satellite"),
    "other": later("something else"),
}
COUNTED: Final[Words] = {
    "students_peak_shift": later("pupil of the largest shift"),
    "students_total_per_shift": later("pupil of a shift"),
    "students_total": later("pupil"),
    "staff": later("member of staff"),
    "users": later("pupil and member of staff"),
}
TARGET_KINDS: Final[Words] = {
    "published": later("A published target"),
    "fixed": later("One speed for each school"),
    "pupils": later("So much for each pupil"),
    "contract": later("What the contract promises"),
    "wider": later("As the wider place has it"),
}
PROFILE_KINDS: Final[Words] = {
    "official": later("official"),
    "recommendation": later("recommendation"),
    "programme": later("programme"),
    "historic": later("historic"),
    "custom": later("our own"),
}
VERSION_STATES: Final[Words] = {
    "in_force": later("in force"),
    "to_come": later("to come"),
    "replaced": later("replaced"),
    "undone": later("taken back"),
}


def word_of(words: Words, key: str | None) -> str:
    """Return the word for a key of a closed list; a key of a newer version is shown as it is."""
    if key is None:
        return str(say("unknown"))
    return str(words.get(key, key))


def pupils(count: int | None, shown: str) -> str:
    """Return `486 pupils`.

    Args:
        count: On the roll; None means unknown.
        shown: The count as it is written in the page's language.
    """
    if count is None:
        return str(say("roll unknown"))
    return str(say_many("%(shown)s pupil", "%(shown)s pupils", count, shown=shown))
