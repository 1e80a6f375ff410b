"""Why PCs are silent in words: the reason, what it is concluded from, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import LazyString
from markupsafe import Markup

from collector.domain.words import Reason
from collector.store.queries.pages.devices import DeviceRow
from collector.web.language.i18n import later, say, say_many
from collector.web.words.terms import Words


@dataclass(frozen=True)
class Told:
    """What is said of a reason."""

    title: LazyString
    because: LazyString  # what it is concluded from
    do: LazyString  # a verb first, fit for a link
    step: LazyString  # the same as a sentence to the school


TOLD: Final[Mapping[str, Told]] = {
    Reason.NO_INTERNET: Told(
        later("No internet at the school"),
        later("Its last words, or all PCs of the school fell silent together in class: the line, or the power."),
        later("Ask the school whether line and power are there"),
        later("Please look whether the school has power and whether any computer reaches the Internet."),
    ),
    Reason.OUTAGE: Told(
        later("In an outage that goes on"),
        later("It fell silent with many schools of its provider or its area."),
        later("Wait until the outage is over"),
        later("Nothing is to be done at the school: many schools have the same outage."),
    ),
    Reason.NETWORK_CHANGED: Told(
        later("Network changed"),
        later("It was heard last on a network that is none of the school’s. Often: it was taken home, or lent."),
        later("Confirm the network, or ask where the PC is"),
        later("Please tell us where this computer is; if the school has another Internet line now, tell us that."),
    ),
    Reason.SWITCHED_OFF: Told(
        later("Switched off"),
        later("Went off at the end of a school day and has not come back. Often: the PC was moved or unplugged."),
        later("Write to the school"),
        later("Please switch it on and leave it on in school hours; it reports by itself within 15 minutes."),
    ),
    Reason.AGENT_STOPPED: Told(
        later("Agent stopped"),
        later("It fell silent in class, while another PC of the school is heard: not the line."),
        later("Let somebody look at this PC"),
        later("Please restart it and connect it to the network; if it stays silent, call the help desk."),
    ),
    Reason.PORTAL: Told(
        later("A sign-in page stands in the way"),
        later("Its last words: the network asked for a sign-in before it let anything through."),
        later("Let the network admit this PC"),
        later("Please sign in on the network’s page, or have this computer admitted without one."),
    ),
    Reason.NOT_CONNECTED: Told(
        later("Not connected"),
        later("Its last words: no cable, no Wi-Fi, or no router that answered."),
        later("Have cable, Wi-Fi and router checked"),
        later("Please check its cable or Wi-Fi, and whether the router is switched on."),
    ),
    Reason.WRONG_CLOCK: Told(
        later("Wrong clock"),
        later("Its clock is wrong by more than a day: secure connections fail. Often: an empty battery."),
        later("Have the clock set"),
        later("Please set date and time of this computer; its battery may be empty."),
    ),
    Reason.VOLATILE: Told(
        later("Restores itself at every start"),
        later("It forgets what it wrote, and may have forgotten its enrolment."),
        later("Enrol it in the image that it restores"),
        later("This computer restores itself at every start: please have it enrolled in the image that it restores."),
    ),
    Reason.KEY_WAITS: Told(
        later("Waits for approval"),
        later("It, or a new key of it, has not been approved; what it sends is kept and not counted."),
        later("Approve or refuse it"),
        later("Nothing is to be done at the school."),
    ),
    Reason.REPLACED: Told(
        later("Enrolled again"),
        later("The same computer measures under a newer identity."),
        later("Retire the old one"),
        later("Nothing is to be done at the school."),
    ),
    Reason.NEVER_HEARD: Told(
        later("Never heard"),
        later("It was enrolled and has not sent anything since."),
        later("Have the agent started"),
        later("Please switch it on with the network connected; it reports by itself within 15 minutes."),
    ),
    Reason.UNKNOWN: Told(
        later("We do not know"),
        later("It fell silent in class without a last word, and no other PC of the school is heard."),
        later("Call the school"),
        later("Please tell us whether this computer is still in use, and whether it is on."),
    ),
}
STANDINGS: Final[Words] = {"live": later("Live"), "at_risk": later("At risk"), "dropped": later("Dropped off")}


def sentence(row: DeviceRow) -> Markup:
    """Return why one PC is silent, and what that is concluded from; empty for one that is not.

    Args:
        row: The PC.
    """
    if row.reason is None or row.reason not in TOLD:
        return Markup("")
    told = TOLD[row.reason]
    return Markup("<b>{}.</b> {}").format(told.title, _because(row, told))


def _because(row: DeviceRow, told: Told) -> Markup:
    if row.reason == Reason.NO_INTERNET and row.is_together:
        all_of_them = (row.others or 0) + 1
        return say_many(
            "The only PC of the school fell silent in class.",
            "All %(num)s PCs of the school fell silent together in class: the line, or the power.",
            all_of_them,
        )
    if row.reason == Reason.NO_INTERNET:
        return say("Its last words: the school’s network was there, the Internet was not.")
    if row.reason == Reason.AGENT_STOPPED:
        return say_many(
            "It fell silent in class, while %(num)s other PC of the school is heard: not the line.",
            "It fell silent in class, while %(num)s other PCs of the school are heard: not the line.",
            row.others_heard or 0,
        )
    if row.reason == Reason.UNKNOWN and not row.others:
        return say("It fell silent in class without a last word, and the school has no other PC.")
    return Markup("{}").format(told.because)


def step(reason: str | None) -> str:
    """Return what the school can do about a silent PC, as a sentence to it."""
    return str(TOLD[reason].step) if reason is not None and reason in TOLD else ""


def deed(reason: str | None) -> str:
    """Return what is to be done about a silent PC, a verb first; empty for one that is not silent."""
    return str(TOLD[reason].do) if reason is not None and reason in TOLD else ""
