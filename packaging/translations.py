"""Texts of the pages: find them in the code, bring the catalogues up to date, compile them.

`python packaging/translations.py` reads every message of `collector/web`, adds new ones to each `messages.po` (empty,
to be translated), drops those that nobody says any more, and writes `messages.mo`, which is what the pages read.
"""

import io
from datetime import datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

COLLECTOR = Path(__file__).parent.parent / "collector"
WEB = COLLECTOR / "web"
# What says sentences without knowing the reader's language.
SPEAKERS = (WEB, COLLECTOR / "registry", COLLECTOR / "domain", COLLECTOR / "notify")
# Each with the locale whose plural forms and tag its catalogue carries.
LANGUAGES = {"es": "es", "pt": "pt_BR", "fr": "fr"}
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {"templates/**.html": {"trimmed": "false", "newstyle_gettext": "true", "encoding": "utf-8"}}
_WORDS = {"say": None, "say_many": (1, 2), "later": None, "_": None, "gettext": None, "ngettext": (1, 2)}
_WORDS |= {"ShapeError": None, "Said": None, "CellError": None, "OpeningError": None, "WorkbookError": None}


def template() -> Catalog:
    """Return every message that the code says, in the order of the files."""
    found = Catalog(charset="utf-8")
    for place in SPEAKERS:
        for name, _line, message, _comments, _context in extract_from_dir(
            place, _METHODS, _OPTIONS, _WORDS, directory_filter=lambda path: not path.endswith("__pycache__")
        ):
            found.add(message, locations=[(name, 0)])
    return found


def po_path(language: str) -> Path:
    """Return where the translations of a language are written."""
    return WEB / "translations" / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """Return the translations of a language."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=LANGUAGES[language], charset="utf-8")
    return read_po(io.BytesIO(path.read_bytes()), locale=LANGUAGES[language])


def compiled(catalog: Catalog) -> bytes:
    """Return what `messages.mo` has to hold."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def _name(catalog: Catalog, language: str, made_at: object) -> None:
    """Give the file a heading that says whose it is and does not change with every run."""
    catalog.fuzzy = False
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Enlace", "1", ""
    catalog.last_translator, catalog.language_team = "", ""
    catalog.header_comment = f"# Enlace: the pages in {language}."
    if isinstance(made_at, datetime):
        catalog.creation_date = catalog.revision_date = made_at


def main() -> None:
    """Bring every language up to date and say what is missing."""
    for language in LANGUAGES:
        catalog = read(language)
        made_at = catalog.revision_date
        catalog.update(template(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        _name(catalog, language, made_at)
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=120, omit_header=False, sort_output=True, no_location=True)
        path.with_suffix(".mo").write_bytes(compiled(read(language)))
        missing = [message.id for message in catalog if message.id and not is_complete(message.string)]
        print(f"{language}: {len(catalog)} messages, {len(missing)} without translation")


def is_complete(string: str | tuple[str, ...] | list[str]) -> bool:
    """Return whether every plural form is there."""
    return all(string) if isinstance(string, list | tuple) else bool(string)


if __name__ == "__main__":
    main()
