"""The closed lists of words about messages: topics, where one stands, what became of a try, what a mute is about."""

from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString

from collector.domain.notice_delivery import Outcome, State
from collector.domain.notice_rules import Muted, Topic
from collector.web.language.i18n import later

Words = Mapping[str, LazyString]

TOPICS: Final[Words] = {
    Topic.DIGEST: later("Digest of school days"),
    Topic.OUTAGE: later("Outage, at once"),
    Topic.ILLNESS: later("Enlace itself, at once"),
    Topic.TEST: later("Test"),
}
STATES: Final[Words] = {
    State.WAITING: later("Waiting"),
    State.SENT: later("Sent"),
    State.FAILED: later("Not delivered"),
    State.DROPPED: later("Not delivered, seen"),
    State.TAKEN_BACK: later("Not sent, taken back"),
}
OUTCOMES: Final[Words] = {
    Outcome.SENT: later("taken"),
    Outcome.DEFERRED: later("the server says later"),
    Outcome.REFUSED: later("the server does not take this address"),
    Outcome.CONTENT_REFUSED: later("the server does not take this message"),
    Outcome.SILENT: later("no answer in time"),
    Outcome.AWAY: later("the server cannot be reached"),
    Outcome.CUT: later("the server broke the connection off"),
    Outcome.TLS: later("its certificate or its TLS is not to be trusted"),
    Outcome.LOGIN: later("the server does not take our login"),
    Outcome.BUSY: later("the server takes nobody now"),
    Outcome.NOT_ALLOWED: later("an address inside this network, where webhooks may not go"),
    Outcome.REDIRECT: later("it wants us to go elsewhere, which we do not"),
    Outcome.ANSWER: later("another answer than taken"),
    Outcome.NO_ADDRESS: later("there is no address any more"),
    Outcome.GONE: later("they may sign in no more, or the webhook was ended"),
    Outcome.NOT_THEIRS: later("their area or role is another now: what is theirs is written anew"),
    Outcome.UNWANTED: later("they want no more of these, or have muted something in it: the rest is written anew"),
    Outcome.QUIET: later("quiet hours have begun: it goes out when they end"),
    Outcome.UNSAID: later("the message could not be made: look into jobs.log"),
}
ORIGINS: Final[Words] = {
    "shipped": later("as shipped"),
    "deployment": later("for everybody"),
    "role": later("for the role"),
    "person": later("your own choice"),
}
MUTED: Final[Words] = {
    Muted.ALL: later("Everything about schools"),
    Muted.AREA: later("A district"),
    Muted.SCHOOL: later("A school"),
    Muted.KIND: later("A kind of flag"),
}
# By the words of flags in conditions too, which may come before the page of flags knows them.
KINDS: Final[Words] = {
    "below_target": later("Too slow for teaching"),
    "not_reporting": later("Not reporting"),
    "low_availability": later("Line goes down"),
    "poor_quality": later("Slow to respond"),
    "data_quality": later("Data looks wrong"),
    "site_unreachable": later("Learning site cannot be opened"),
    "other_network": later("Another network than the one paid for"),
}
