"""What people do about flags in words: as news after it is done, as a line of a history, as a reason why not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from collector.domain.casework import Deed
from collector.domain.criterion import DEFAULT
from collector.evaluate import casework as work
from collector.evaluate.casework import Refusal
from collector.store.queries import casework
from collector.store.queries.casework import StoredAct
from collector.store.unit import Snapshot
from collector.web.desk import Desk
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.people import access
from collector.web.words import terms


@dataclass(frozen=True)
class News:
    """The message after something was done."""

    title: Markup
    text: Markup
    undo: str = ""  # the batch that can be taken back


_TITLES: Final[Mapping[str, Callable[[StoredAct], Markup]]] = {
    Deed.TAKEN: lambda act: say("Taken by %(name)s", name=act.user_name),
    Deed.GIVEN: lambda act: say("Given to %(to)s by %(name)s", to=act.value, name=act.user_name),
    Deed.RELEASED: lambda act: say("Given back by %(name)s: nobody’s again", name=act.user_name),
    Deed.ACKNOWLEDGED: lambda act: say("Seen by %(name)s", name=act.user_name),
    Deed.SNOOZED: lambda act: say(
        "Snoozed by %(name)s until %(day)s", name=act.user_name, day=present.weekday_day(act.value)
    ),
    Deed.WOKEN: lambda act: say("Brought back by %(name)s", name=act.user_name),
    Deed.CLOSED: lambda act: (
        say("Closed by %(name)s: %(reason)s", name=act.user_name, reason=terms.word_of(terms.CLOSE_REASONS, act.value))
        if act.value
        else say("Closed by %(name)s", name=act.user_name)
    ),
    Deed.TICKET: lambda act: (
        say("Ticket %(number)s, written down by %(name)s", number=act.value, name=act.user_name)
        if act.value
        else say("Ticket number taken off by %(name)s", name=act.user_name)
    ),
    Deed.UNDONE: lambda act: say("Undone by %(name)s", name=act.user_name),
}


def title(act: StoredAct) -> Markup:
    """Return who did what."""
    made = _TITLES.get(act.action)
    return made(act) if made is not None else say("Note by %(name)s", name=act.user_name)


_ONE: Final[Mapping[str, Callable[[StoredAct], tuple[Markup, Markup]]]] = {
    Deed.TAKEN: lambda _act: (say("Taken."), say("The flag is yours; it stays open until the line is good.")),
    Deed.GIVEN: lambda act: (say("Given."), say("The flag belongs to %(to)s now.", to=act.value)),
    Deed.RELEASED: lambda _act: (say("Given back."), say("The flag is nobody’s again.")),
    Deed.ACKNOWLEDGED: lambda _act: (
        say("Marked as seen."),
        say("The flag stays open; who deals with it stays the same."),
    ),
    Deed.SNOOZED: lambda act: (say("Snoozed."), say("It comes back on %(day)s.", day=present.weekday_day(act.value))),
    Deed.WOKEN: lambda _act: (say("Brought back."), say("The flag stands among the open ones again.")),
    Deed.CLOSED: lambda _act: (
        say("Closed."),
        say_many(
            "For %(num)s day no new flag opens for this school.",
            "For %(num)s days no new flag opens for this school.",
            DEFAULT.quiet_days,
        ),
    ),
    Deed.TICKET: lambda _act: (say("Saved."), say("The ticket number stands with the flag.")),
    Deed.NOTE: lambda _act: (say("Saved."), say("The note stands in the history.")),
    Deed.UNDONE: lambda _act: (say("Undone."), say("The history shows both.")),
}
_MANY: Final[Mapping[str, Callable[[int], Markup]]] = {
    Deed.TAKEN: lambda num: say_many("%(num)s flag taken.", "%(num)s flags taken.", num),
    Deed.GIVEN: lambda num: say_many("%(num)s flag given.", "%(num)s flags given.", num),
    Deed.RELEASED: lambda num: say_many("%(num)s flag given back.", "%(num)s flags given back.", num),
    Deed.ACKNOWLEDGED: lambda num: say_many("%(num)s flag marked as seen.", "%(num)s flags marked as seen.", num),
    Deed.SNOOZED: lambda num: say_many("%(num)s flag snoozed.", "%(num)s flags snoozed.", num),
    Deed.WOKEN: lambda num: say_many("%(num)s flag brought back.", "%(num)s flags brought back.", num),
    Deed.CLOSED: lambda num: say_many("%(num)s flag closed.", "%(num)s flags closed.", num),
    Deed.TICKET: lambda num: say_many(
        "Ticket number saved with %(num)s flag.", "Ticket number saved with %(num)s flags.", num
    ),
    Deed.NOTE: lambda num: say_many("Note saved with %(num)s flag.", "Note saved with %(num)s flags.", num),
    Deed.UNDONE: lambda num: say_many("Undone on %(num)s flag.", "Undone on %(num)s flags.", num),
}


def news(snapshot: Snapshot, parts: Desk, batch_id: str) -> News | None:
    """Return what a form has done, None where no form did anything by that name.

    Args:
        snapshot: The database.
        parts: The clock.
        batch_id: As the address names it: `nothing` where no flag was chosen, `kept` where nothing could be undone.
    """
    if batch_id == "nothing":
        return News(say("Nothing was chosen."), say("Tick one flag or more first."))
    if batch_id == "kept":
        text = say("Only who did something can undo it, once and within a day. Nothing was changed.")
        return News(say("Not undone."), text)
    given = casework.batch(snapshot, batch_id) if batch_id else []
    if not given or given[0].action not in _ONE:
        return None
    person = access.person()
    undone = casework.undone_in(snapshot, given)
    can_undo = person is not None and work.may_undo(given, undone, person.name, parts.now_ms)
    if len(given) == 1:
        first, text = _ONE[given[0].action](given[0])
    else:
        first, text = _MANY[given[0].action](len(given)), Markup("")
    return News(first, text, batch_id if can_undo else "")


def refusal(refused: Refusal, parts: Desk) -> Markup:
    """Return why a flag was left as it is."""
    if refused.subject is None:
        return say("This flag is not there any more.")
    if refused.why == "settled":
        return say("This flag has ended: it can only get a note or a ticket number.")
    if not refused.since:
        return say("This flag has changed since the page was loaded.")
    zone = parts.zone_of(refused.subject.timezone)
    did = [
        say("%(what)s (%(when)s)", what=title(act), when=present.moment(act.at_ms, zone, parts.now_ms))
        for act in refused.since[-3:]
    ]
    return say("Since you opened this page: %(what)s.", what=escape(present.semicolon()).join(did))


def ask(deed: str, count: int) -> Markup:
    """Return the question before many flags are changed at once."""
    questions: Mapping[str, Callable[[int], Markup]] = {
        Deed.TAKEN: lambda num: say_many("Take %(num)s flag", "Take %(num)s flags", num),
        Deed.GIVEN: lambda num: say_many("Give %(num)s flag to somebody", "Give %(num)s flags to somebody", num),
        Deed.RELEASED: lambda num: say_many("Give %(num)s flag back", "Give %(num)s flags back", num),
        Deed.ACKNOWLEDGED: lambda num: say_many("Mark %(num)s flag as seen", "Mark %(num)s flags as seen", num),
        Deed.SNOOZED: lambda num: say_many("Snooze %(num)s flag", "Snooze %(num)s flags", num),
        Deed.WOKEN: lambda num: say_many("Bring %(num)s flag back", "Bring %(num)s flags back", num),
        Deed.NOTE: lambda num: say_many("Add a note to %(num)s flag", "Add a note to %(num)s flags", num),
        Deed.TICKET: lambda num: say_many(
            "Write a ticket number to %(num)s flag", "Write a ticket number to %(num)s flags", num
        ),
    }
    made = questions.get(deed)
    return say_many("Close %(num)s flag", "Close %(num)s flags", count) if made is None else made(count)


def is_undone(act: StoredAct, acts: Sequence[StoredAct]) -> bool:
    """Return whether a deed of a flag was taken back."""
    return any(other.action == Deed.UNDONE and other.value == act.action_id for other in acts)
