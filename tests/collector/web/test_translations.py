"""Every sentence of the pages is there in every language, in the file that pages read."""

import ast
import gettext
import importlib.util
import io
import re
from pathlib import Path
from types import ModuleType

import pytest
from babel import Locale

from collector.web.language import i18n

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "collector" / "web" / "templates"
# Words that are the same in every language: the product, commands, units.
SAME = {"Enlace", "Mbit/s", "dBm", "s", "enlace-collector", "schools", "import", "FILE", "FILE.csv", "token", "create"}
SAME |= {"school", "CODE", "export", "measurements", "format", "csv", "o", "measurements.csv", "dry-run"}
SAME |= {"curl", "H", "Authorization", "Bearer", "KEY", "verify", "key"}
SAME |= {"enlace-agent", "run", "status"}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations_tool", ROOT / "packaging" / "translations.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keys(catalog: object) -> set[object]:
    return {
        tuple(message.id) if isinstance(message.id, list | tuple) else message.id
        for message in catalog  # type: ignore[attr-defined]
        if message.id
    }


def test_every_message_has_its_translation_and_no_other_is_kept(tool: ModuleType) -> None:
    said = keys(tool.template())
    assert len(said) > 300
    for language in tool.LANGUAGES:
        catalog = tool.read(language)
        assert keys(catalog) == said
        assert [message.id for message in catalog if message.id and not tool.is_complete(message.string)] == []
        assert [message.id for message in catalog if message.id and message.fuzzy] == []


def test_no_sentence_hides_in_a_string_that_is_put_together(tool: ModuleType) -> None:
    """The search for messages does not look into f-strings, so what is said there would stay English."""
    for place in tool.SPEAKERS:
        for path in place.rglob("*.py"):
            inside = (
                part
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.JoinedStr)
                for part in ast.walk(node)
            )
            said = [part.func.id for part in inside if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)]
            assert not set(said) & set(tool._WORDS), path


def test_what_pages_read_is_what_was_translated(tool: ModuleType) -> None:
    for language in tool.LANGUAGES:
        compiled = tool.po_path(language).with_suffix(".mo").read_bytes()
        assert compiled == tool.compiled(tool.read(language)), "run python packaging/translations.py"


def test_the_languages_of_the_catalogues_are_those_of_the_pages(tool: ModuleType) -> None:
    assert {"en", *tool.LANGUAGES} == set(i18n.LANGUAGES)


def test_plural_forms_are_those_of_the_locale(tool: ModuleType) -> None:
    for language in tool.LANGUAGES:
        read = gettext.GNUTranslations(io.BytesIO(tool.po_path(language).with_suffix(".mo").read_bytes()))
        for count in (0, 1, 2, 5, 21, 101):
            is_one = Locale.parse(language).plural_form(count) == "one"
            said = read.ngettext("%(num)s day", "%(num)s days", count)
            assert (said == read.ngettext("%(num)s day", "%(num)s days", 1)) == is_one, (language, count)


def test_a_missing_an_unsure_and_a_half_translation_are_found(tool: ModuleType) -> None:
    catalog = tool.Catalog(locale="fr")
    for string in ("", ("un", ""), ["", ""]):
        catalog.add(("one", "many") if string else "one", string)
        assert not tool.is_complete(string)
    assert tool.is_complete("un") and tool.is_complete(("un", "deux"))
    kept = tool.read_po(io.BytesIO(b'#, fuzzy\nmsgid "School"\nmsgstr "Ecole"\n'), locale="fr")
    assert [message.fuzzy for message in kept if message.id] == [True]


def test_signs_stand_as_each_language_sets_them(tool: ModuleType) -> None:
    for language in tool.LANGUAGES:
        for message in tool.read(language):
            for string in message.string if isinstance(message.string, tuple | list) else [message.string]:
                if not message.id:
                    continue
                assert "\u2014" not in string, string
                if language == "fr":
                    assert not re.search(r" [:;?!»]|« |[a-zé]'[a-zéèê]", string), string


def test_places_for_values_are_the_same_in_every_language(tool: ModuleType) -> None:
    place = re.compile(r"%\([a-z_]+\)s|%%|</?b>|%")
    for language in tool.LANGUAGES:
        for message in tool.read(language):
            if not message.id:
                continue
            ids = list(message.id) if isinstance(message.id, list | tuple) else [message.id]
            strings = list(message.string) if isinstance(message.string, list | tuple) else [message.string]
            # The form for one too: its English may be said alone as well, and then has no other values.
            for said, string in zip(ids, strings, strict=True):
                assert set(place.findall(string)) == set(place.findall(said)), string


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_says_anything_untranslated(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", text, flags=re.DOTALL)
    text = re.sub(r' class="[a-z ]*"', "", text)
    spoken = re.findall(r'\s(?:title|alt|placeholder|aria-label|data-l)="([^"]*)"', text)
    spoken += re.sub(r"<[^>]*>", " ", text).split("\n")
    said = {word for part in spoken for word in re.findall(r"[^\W\d_][\w.\-/]*", re.sub(r"&\w+;", " ", part))}
    assert said <= SAME, said - SAME
