"""Which language a page speaks, and whole sentences in it.

English is written in the code; other languages are `translations/<language>/LC_MESSAGES/messages.po`. Messages are our
own words and may hold `<b>`; values are escaped when they are put in.
"""

from collections.abc import Mapping
from typing import Final

from babel.support import Translations
from flask import Flask, g, request
from flask_babel import LazyString, get_locale, get_translations
from markupsafe import Markup, escape

# Offered on every page, by their own names.
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "es": "Español", "pt": "Português", "fr": "Français"}
COOKIE = "enlace_language"


def later(message: str) -> LazyString:
    """Return a sentence that is said in the language of the page that shows it."""
    return LazyString(_told, message)


def _told(message: str) -> str:
    key = (language(), message)
    if key not in _TOLD:
        _TOLD[key] = str(_catalogue().ugettext(message))
    return _TOLD[key]


def choose_language(default: str) -> str:
    """Return the language of this request: the reader's choice, else what the browser asks for, else the default."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    user = getattr(g, "person", None)
    if user is not None and user.language in LANGUAGES:
        return str(user.language)
    # In the reader's own order, whatever the region: `best_match` would give French to who asks for pt-BR and then fr.
    asked = (tag.split("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((code for code in asked if code in LANGUAGES), default)


def install(app: Flask) -> None:
    """Let templates say sentences as `say` does, without the three calls within calls that their own `_` takes."""
    app.jinja_env.globals.update({"_": say, "gettext": say, "ngettext": say_many})


_CATALOGUES: dict[str, Translations] = {}  # Flask-Babel looks for its own, of one language, a thousand times a page
_TOLD: dict[tuple[str, str], str] = {}  # sentences of a language as they stand
_READY: dict[tuple[str, str], str] = {}  # those with places for values
_WHOLE: dict[tuple[str, str], Markup] = {}  # those without any


def _catalogue() -> Translations:
    """Return the messages of the page's language."""
    code = language()
    if code not in _CATALOGUES:
        _CATALOGUES[code] = get_translations()
    return _CATALOGUES[code]


def _bound(message: str) -> str:
    """Return a message in which no line ends between a number and its percent sign."""
    return message.replace(" %%", "\u00a0%%")


def language() -> str:
    """Return the code of the page's language."""
    # Asked for with every number: what Flask-Babel found out for this request is looked at where it keeps it.
    try:
        kept = getattr(g._get_current_object(), "_flask_babel", None)
    except RuntimeError:  # outside of any request
        kept = None
    locale = getattr(kept, "babel_locale", None) or get_locale()
    return locale.language if locale is not None and locale.language in LANGUAGES else "en"


def say(message: str, /, **values: object) -> Markup:
    """Return a sentence in the page's language with the values put in, escaped.

    Args:
        message: The English sentence with named places such as `%(school)s`; a percent sign is written `%%`.
        values: What stands in the places.
    """
    key = (language(), message)
    if not values and key in _WHOLE:
        return _WHOLE[key]
    found = _READY.get(key)
    if found is None:
        found = _READY[key] = _bound(_catalogue().ugettext(message))
    said = _filled(found, values)
    if not values:
        _WHOLE[key] = said
    return said


def say_many(one: str, many: str, count: int, /, **values: object) -> Markup:
    """Return a sentence in the plural form that `count` asks for in the page's language.

    Args:
        one: The English sentence for one.
        many: The English sentence for other numbers.
        count: The number that decides; `%(num)s` where it is not given as a value of its own.
        values: What stands in the places, escaped.
    """
    values.setdefault("num", count)
    return _filled(_bound(_catalogue().ungettext(one, many, count)), values)


def _filled(message: str, values: Mapping[str, object]) -> Markup:
    """Return a message with its values, each escaped: what `Markup` does by a wrapper around each."""
    return Markup(message % {name: escape(value) for name, value in values.items()})  # noqa: S704 -- messages are ours
