"""How we judge, from the profile in force and the constants of the rule; and what every column means."""

from flask import Blueprint

from collector.domain.criterion import Criterion
from collector.domain.diagnosis.facts import LIMITS
from collector.publish import dictionary
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language.i18n import language
from collector.web.pages import targets
from collector.web.views import hint_words
from collector.web.words import target_words

BLUEPRINT = Blueprint("method", __name__)


@BLUEPRINT.get("/how-we-judge")
def judge() -> str:
    """Show the rule with its numbers."""
    with desk().store.reader() as snapshot:
        profile = targets.in_force_now(snapshot)
        criterion: Criterion = profile.criterion
        return page(
            "method/judge.html",
            snapshot,
            profile=profile,
            profile_name=target_words.name_of(profile),
            rules=[target_words.rule_words(rule) for rule in profile.rules],
            criterion=criterion,
            limits=LIMITS,
            causes=hint_words.CAUSES,
        )


@BLUEPRINT.get("/columns")
def columns() -> str:
    """Show what every column of every export means."""
    with desk().store.reader() as snapshot:
        return page("method/columns.html", snapshot, tables=dictionary.tables(language()))
