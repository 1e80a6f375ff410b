"""What can be odd about tests, computers and entries of the registry, in words, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import LazyString

from collector.store.queries.pages.quality import AsideRow, DeviceIssue, SchoolIssue
from collector.web.language.i18n import later
from collector.web.words.registry_words import CHECKS


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
    *(Issue(check.value, "school", *said) for check, said in CHECKS.items()),
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
