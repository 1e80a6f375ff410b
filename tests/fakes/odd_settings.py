"""Values that a person may write behind any key of the configuration file, and what an answer to them must not be."""

import json
import re
from pathlib import Path

from hypothesis import strategies as st

FIXED = (
    "true", "0", "-1", "1.5", "nan", "-inf", "1e300", "9" * 400, '""', '"x"', '"5"', '"true"', '"auto "', '"a b@c:d/e"',
    f'"{"x" * 5_000}"', '"http://u:S3nh@c.example"', '"../../etc/passwd"', '"\\u2028"', '"\\n"', "'C:\\x'", "[]", "[1]",
    '["x"]', '[["x"]]', "{}", "{ x = 1 }", '[{ name = "a" }]', '[{ name = "a", url = 5 }]', "2026-11-25", "07:30:00",
    "2026-11-25T07:30:00Z",
)  # fmt: skip

SECRET = "S3nh"
_MOST_CHARS = 700
_FOREIGN_WORDS = re.compile(r"Expected|`|msgspec|Traceback|\bstr\b|\bint\b|\barray\b|object")


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_scalars = st.one_of(
    st.booleans().map(lambda value: str(value).lower()),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(lambda value: repr(value) if "e" not in repr(value) else f"{value:e}"),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="`"), max_size=80).map(_text),
)
VALUES = st.recursive(
    st.one_of(st.sampled_from(FIXED), _scalars),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda many: f"[{', '.join(many)}]"),
        st.dictionaries(st.sampled_from(["name", "url", "x"]), inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=4,
)


def written(folder: Path, table: str, key: str, value: str) -> Path:
    """Write a configuration with one key."""
    path = folder / "config.toml"
    path.write_text(f"[{table}]\n{key} = {value}\n", encoding="utf-8")
    return path


def check_sentence(sentence: str, path: Path, key: str) -> None:
    """Hold a refusal against what a person can do something with: our own words, one line, file and key, no login."""
    said = sentence.replace(str(path), "FILE")
    assert sentence.startswith(str(path)) and key in said
    assert said.endswith((".", "?")) and len(said) < _MOST_CHARS and said.isprintable()
    assert not _FOREIGN_WORDS.search(said), said
    assert SECRET not in said
