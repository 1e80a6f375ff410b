"""The words of learning sites as people read them: one for a list, one sentence for what it means."""

from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString

from collector.domain.sites import SiteWord
from collector.store.queries.pages.sites import CANNOT
from collector.web.language.i18n import later

WORDS: Final[Mapping[str, LazyString]] = {
    SiteWord.OPEN: later("opens"),
    SiteWord.SLOW: later("slow"),
    SiteWord.BLOCKED: later("blocked"),
    SiteWord.DNS_FAIL: later("name not found"),
    SiteWord.UNREACHABLE: later("not reached"),
}
MEANINGS: Final[Mapping[str, LazyString]] = {
    SiteWord.OPEN: later("The first page came within 5 seconds."),
    SiteWord.SLOW: later("The first page came, after more than 5 seconds."),
    SiteWord.BLOCKED: later(
        "Something else answered in the site’s name: a filter, a login page, another computer, or one with a wrong "
        "certificate."
    ),
    SiteWord.DNS_FAIL: later("The school’s name server does not know the site’s name, or does not answer."),
    SiteWord.UNREACHABLE: later("The site did not answer, or answered that it is out of order."),
}
CHOICES: Final[Mapping[str, LazyString]] = {CANNOT: later("cannot be opened"), **WORDS}
"""What a list of schools may be asked for."""
