"""The dictionary says something about every column that is exported, and nothing about others."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from collector.publish import dictionary
from collector.store.queries import export_shapes, exports

ROOT = Path(__file__).parents[3]
CONTRACT = {
    "measurements": (
        "rid device school kind status started_at started_at_raw time_quality received_at download_bps upload_bps "
        "idle_rtt_ms votes exclusion detail"
    ),
    "evaluations": (
        "school profile metric day n days n_effective a_lo a_hi lower upper verdict state target_bps"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", dictionary.TABLES)
def test_every_column_of_the_file_is_described_in_every_language(name: str) -> None:
    described = [dictionary.table(name, language) for language in dictionary.LANGUAGES]
    assert len({words.title for words in described}) > 1
    for column, english, *others in zip(exports.columns(name), *(words.columns for words in described), strict=True):
        assert english.type == column.kind.value, column.name
        for said in (english, *others):
            assert said.name == column.name
            assert said.meaning
            assert said.empty
            assert "{" not in said.meaning
        # A list of words that files hold is the same but for "or".
        assert all(other.meaning != english.meaning for other in others), column.name
        if not column.is_nullable:
            assert english.empty == "Never empty", column.name
        for unit, ending in (("bit/s", "_bps"), ("ms", "_ms"), ("%", "_pct"), ("s", "_s"), ("Mbit/s", "_mbps")):
            assert (english.unit == unit) == column.name.endswith(ending) or english.unit != unit, column.name


@pytest.mark.parametrize("name", dictionary.TABLES)
def test_every_column_of_the_table_is_in_the_file_or_hidden_on_purpose(name: str) -> None:
    in_file = {column.name for column in exports.columns(name)}
    for column in export_shapes.SHAPES[name].table.columns:
        endings = {column.name, column.name.removesuffix("_ms") + "_at", column.name.replace("_raw_ms", "_at_raw")}
        assert endings & in_file or column.name in export_shapes.SHAPES[name].hidden, column.name


def test_nothing_is_described_that_is_not_exported() -> None:
    content = tomllib.loads((files("collector.publish") / "dictionary.toml").read_text("utf-8"))
    for name in dictionary.TABLES:
        assert set(content[name]) <= {column.name for column in exports.columns(name)}


@pytest.mark.parametrize("name", CONTRACT)
def test_the_columns_that_others_rely_on_are_there(name: str) -> None:
    assert set(CONTRACT[name].split()) <= {column.name for column in exports.columns(name)}


def test_the_page_in_the_documentation_is_the_one_that_would_be_made_now() -> None:
    assert (ROOT / "docs" / "data-dictionary.md").read_text("utf-8") == dictionary.markdown()


def test_a_language_without_words_of_its_own_reads_english() -> None:
    assert dictionary.tables("de") == dictionary.tables("en")


@pytest.mark.parametrize("language", ["pt", "fr"])
def test_a_file_of_a_language_has_no_sentence_that_nobody_says(language: str) -> None:
    content = tomllib.loads((files("collector.publish") / "dictionary.toml").read_text("utf-8"))
    said = {
        words["en"]
        for entries in content.values()
        for entry in entries.values()
        for words in (entry, entry.get("null", entry))
    }
    assert set(dictionary._words_of(language)) == said
