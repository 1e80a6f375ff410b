"""Every sentence of the pages is there in every language, in the file that pages read."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "collector" / "web" / "templates"
# Words that are the same in every language: the product, commands, units.
SAME = {"Enlace", "Mbit/s", "dBm", "s", "enlace-collector", "schools", "import", "FILE", "FILE.csv", "token", "create"}
SAME |= {"school", "CODE", "export", "measurements", "format", "csv", "o", "measurements.csv", "dry-run"}
SAME |= {"curl", "H", "Authorization", "Bearer", "KEY", "verify", "key"}


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


def test_what_pages_read_is_what_was_translated(tool: ModuleType) -> None:
    for language in tool.LANGUAGES:
        compiled = tool.po_path(language).with_suffix(".mo").read_bytes()
        assert compiled == tool.compiled(tool.read(language)), "run python packaging/translations.py"


def test_places_for_values_are_the_same_in_both_languages(tool: ModuleType) -> None:
    place = re.compile(r"%\([a-z_]+\)s|%%|</?b>|%")
    for language in tool.LANGUAGES:
        for message in tool.read(language):
            if not message.id:
                continue
            ids = list(message.id) if isinstance(message.id, list | tuple) else [message.id]
            strings = list(message.string) if isinstance(message.string, list | tuple) else [message.string]
            for string in strings:
                wanted = sorted(set(place.findall(ids[-1])) | {"%(num)s"})
                assert sorted(set(place.findall(string)) | {"%(num)s"}) == wanted, string


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_says_anything_untranslated(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", text, flags=re.DOTALL)
    text = re.sub(r' class="[a-z ]*"', "", text)
    spoken = re.findall(r'\s(?:title|alt|placeholder|aria-label|data-l)="([^"]*)"', text)
    spoken += re.sub(r"<[^>]*>", " ", text).split("\n")
    said = {word for part in spoken for word in re.findall(r"[^\W\d_][\w.\-/]*", re.sub(r"&\w+;", " ", part))}
    assert said <= SAME, said - SAME
