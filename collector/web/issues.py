"""What can be odd about tests, computers and entries of the registry, in words, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import LazyString

from collector.store.queries.pages_quality import AsideRow, DeviceIssue, SchoolIssue
from collector.web.i18n import later


@dataclass(frozen=True)
class Issue:
    """One kind of oddity."""

    key: str
    kind: str  # test | device | school: what its rows are
    title: LazyString
    cure: LazyString


ASIDE: Final = "aside"
ROW_OF: Final[Mapping[str, type]] = {"test": AsideRow, "device": DeviceIssue, "school": SchoolIssue}

_ALL: Final = (
    Issue(ASIDE, "test", later("Tests set aside"), later("They are kept and shown, but no verdict rests on them.")),
    Issue(
        "clock",
        "device",
        later("Clock wrong by more than 5 minutes"),
        later("Their times are corrected. Set the clock or its battery right, so that certificates work too."),
    ),
    Issue(
        "conflicts",
        "device",
        later("The same test sent twice with other content"),
        later("The first one counts, the other is kept apart. Look for a copied disk."),
    ),
    Issue(
        "rolled_back",
        "device",
        later("Restores itself at every start"),
        later("It forgets what it was told. Keep the agent's folder out of the restore, or install it on another PC."),
    ),
    Issue(
        "new_store",
        "device",
        later("Began a new store of tests"),
        later("The old one was damaged, deleted or restored. What had not been sent from it may be lost."),
    ),
    Issue(
        "copied",
        "device",
        later("Copied from another PC"),
        later("Both have keys of their own now. Prepare images so that each PC enrols by itself."),
    ),
    Issue(
        "lost",
        "device",
        later("Gave up tests"),
        later("Its own count says so: too old, no room, refused or a copy. Read its log with the command doctor."),
    ),
    Issue(
        "quarantined",
        "device",
        later("Sent what this collector could not take in"),
        later("The fault is ours and the bytes are kept. Report it with the version of the agent."),
    ),
    Issue(
        "no_place",
        "school",
        later("No coordinates"),
        later("They are missing on the map. Fill latitude and longitude."),
    ),
    Issue(
        "zero_place", "school", later("At 0, 0 in the sea"), later("Somebody wrote zero for unknown: leave it empty.")
    ),
    Issue(
        "same_place",
        "school",
        later("At one place with another school of the same level"),
        later("Within about 110 m: perhaps one school was entered twice."),
    ),
    Issue("no_area", "school", later("No district"), later("They are in no district's figures. Fill the column area.")),
    Issue(
        "no_roll",
        "school",
        later("Roll unknown"),
        later("Their target is the least of the profile. Fill students_total."),
    ),
    Issue(
        "odd_roll",
        "school",
        later("Roll of none, or of more than 10,000"),
        later("Targets by pupil are wrong then. Mend students_total."),
    ),
    Issue(
        "no_provider",
        "school",
        later("No provider"),
        later("They are in no row of the providers. Fill the column provider."),
    ),
    Issue(
        "no_contract",
        "school",
        later("Contract unknown"),
        later("Nobody can say whether they get what is paid for. Fill contract_download_mbps."),
    ),
    Issue(
        "odd_contract",
        "school",
        later("Contract of nothing, or above 10,000 Mbit/s"),
        later("Perhaps it was written in kbit/s. Mend contract_download_mbps."),
    ),
    Issue(
        "contract_of_nothing",
        "school",
        later("A contract without a technology"),
        later("Providers are compared by technology. Fill the column technology."),
    ),
)
ISSUES: Final[Mapping[str, Issue]] = {issue.key: issue for issue in _ALL}

# Their rows are lists of schools by verdict.
THIN: Final = Issue(
    "INSUFFICIENT",
    "verdict",
    later("Too few tests for a verdict"),
    later("A verdict takes 12 valid tests on 5 school days. Install a second PC, or leave one switched on."),
)
NO_VERDICT: Final = Issue(
    "NONE",
    "verdict",
    later("No verdict at all"),
    later("No school day with a valid test so far, or no target. Enrol a PC."),
)
