"""What is seen of a PC that waits, in words: its key, its name, and why it waits."""

from zoneinfo import ZoneInfo

from markupsafe import Markup

from collector.store.queries import audit
from collector.store.queries.pages.waiting import Waiting
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.words import terms

_ID = 8  # signs of a device's name that tell it from others, here and on the command line


def fingerprint(one: Waiting) -> str:
    """Return the beginning of the hash of its public key, in groups of four."""
    return " ".join(one.key.key_id[at : at + 4] for at in range(0, 16, 4)) if one.key else present.UNKNOWN


def name_class(one: Waiting) -> Markup:
    """Return whether others of the school are called the same: a lab with one image often is; names are not known."""
    if one.device.hostname_hash is None:
        return Markup("–")
    if one.same_name == 0:
        return say("of its own")
    return say_many("the same as %(num)s other PC here", "the same as %(num)s other PCs here", one.same_name)


def why(one: Waiting, zone: ZoneInfo, now_ms: int) -> Markup:
    """Return why a PC waits."""
    if one.device.state == "active":
        if one.old_used_ms is None:
            return say("This PC is enrolled and came with a new key, while its old one still counts.")
        used = present.ago(one.old_used_ms, now_ms, zone)
        return say(
            "This PC is enrolled and came with a new key, while its old one was still in use (%(when)s): set up anew, "
            "or two PCs that look alike.",
            when=used,
        )
    if one.device.replaces is None:
        return say("It has not been approved yet.")
    if one.original is None:
        return say(
            "It says that it is a copy of a PC that is not known here (%(device)s).", device=one.device.replaces[:_ID]
        )
    if one.original.school != one.device.school:
        return say("It is a copy of %(device)s, a PC of another school.", device=one.original.device[:_ID])
    return say(
        "It is a copy of %(device)s: its disk was copied after that PC was enrolled.", device=one.original.device[:_ID]
    )


def token(one: Waiting, zone: ZoneInfo, now_ms: int) -> Markup:
    """Return with which token it came; empty where that is not known."""
    if one.token is None:
        return Markup("")
    by = terms.COMMAND_LINE if one.token.created_by == audit.COMMAND_LINE else one.token.created_by
    return say(
        "Came with the token of %(when)s (%(who)s).",
        when=present.moment(one.token.created_ms, zone, now_ms),
        who=by or present.UNKNOWN,
    )
