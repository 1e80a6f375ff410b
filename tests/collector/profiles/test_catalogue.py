"""Profiles as files: what is shipped, and what a strict reader refuses."""

from datetime import date
from pathlib import Path

import pytest

from collector.domain.targets import Rule, SchoolFacts, When, resolve
from collector.domain.words import Technology
from collector.profiles.catalogue import Catalogue, Direction, ProfileKind, load, read
from collector.profiles.fields import ProfileError

GOOD = """
id = "x-1"
version = "2026-01-01"
kind = "custom"
jurisdiction = "world"
valid_from = 2026-01-01
metric = "download_bps"
names = { en = "X", es = "X", pt = "X", fr = "X" }
source = { organisation = "Ministry", document = "Circular 1" }
criterion = { share = 0.8 }

[[rules]]
per = "users"
rate = 0.1
min = 5

[[companions]]
metric = "idle_rtt_ms"
direction = "at_most"
value = 200
"""


SHIPPED = (
    "br-enec-2024", "cl-cpe2030", "contract", "eu-gigabit", "giga-maps-global", "per-pupil-1mbps", "uk-dfe",
    "un-umc-2030", "us-fcc-short",
)  # fmt: skip


def test_the_published_profiles_are_shipped_each_with_its_source() -> None:
    catalogue = load()

    assert catalogue.ids == SHIPPED
    for profile in catalogue.profiles:
        assert set(profile.names) == {"en", "es", "pt", "fr"}
        assert profile.criterion.share == 0.5
        assert profile.metric == "download_bps"
        assert profile.source.organisation
        assert profile.source.document
        assert profile.source.url or profile.id == "contract"
        assert profile.companions


def test_the_brazilian_profile_says_what_the_resolution_says() -> None:
    profile = load().newest("br-enec-2024")

    assert (profile.kind, profile.jurisdiction, profile.valid_from) == (ProfileKind.OFFICIAL, "BRA", date(2024, 3, 4))
    assert profile.rules == (
        Rule(when=When(technology=frozenset({Technology.SATELLITE})), fixed_bps=20_000_000),
        Rule(when=When(levels_only=frozenset("0")), per="staff", rate_bps=1_000_000, min_bps=50_000_000),
        Rule(
            per="students_peak_shift",
            fallback=("students_total_per_shift", "students_total"),
            rate_bps=1_000_000,
            min_bps=50_000_000,
            max_bps=1_000_000_000,
        ),
    )


def test_a_profile_of_ones_own_is_read() -> None:
    profile = read(GOOD, "x.toml")

    assert profile.criterion.share == 0.8
    assert profile.criterion.min_tests == 12
    assert profile.companions[0].direction is Direction.AT_MOST
    assert profile.companions[0].share is None
    assert profile.valid_to is None
    target = resolve(profile.rules, SchoolFacts(students_total=300, staff=20))
    assert target is not None
    assert target.target_bps == 32_000_000


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("id =", "idd =", r"x\.toml: id is missing"),
        ('kind = "custom"', 'kind = "customs"', r"kind = 'customs' is not one of .*Did you mean custom\?"),
        ("[[companions]]", "[[companion]]", r"companion is unknown\. Did you mean companions\?"),
        ("rate = 0.1", "rat = 0.1", r"rules 1: rat is unknown\. Did you mean rate\?"),
        ("rate = 0.1", "", "`per` and `rate` belong together"),
        ("rate = 0.1", "rate = 0", "speed above 0"),
        ("rate = 0.1", 'rate = "0.1"', "rate = '0.1' is not a number"),
        ("rate = 0.1", "rate = true", "is not a number"),
        ("rate = 0.1", "rate = nan", "is not a number"),
        ("rate = 0.1", "rate = inf", "is not a number"),
        ("rate = 0.1", "rate = -1", "is not a number"),
        ('per = "users"', 'per = "user"', r"Did you mean users\?"),
        ('per = "users"', 'per = "users"\nfixed = 3', "either `fixed` or `per`"),
        ('per = "users"\nrate = 0.1', "", "either `fixed` or `per`"),
        ('per = "users"\nrate = 0.1', "fixed = 3", "neither `fallback` nor `min` nor `max`"),
        ("min = 5", "min = 5\nmax = 4", "max lies below min"),
        ("min = 5", "min = 5\nat_once = 1.5", "a part above 0, at most 1"),
        ("min = 5", "min = 5\nat_once = 0", "a part above 0, at most 1"),
        ("min = 5", "min = 5\nupload = 0", "speed above 0"),
        ("min = 5", 'min = 5\nfallback = ["staf"]', r"Did you mean staff\?"),
        ("min = 5", "min = 5\nfallback = []", "a list of texts"),
        ("min = 5", "min = 5\nwhen = {}", "names no condition"),
        ("min = 5", 'min = 5\nwhen = { technology = ["sat"] }', "technology = 'sat' is not one of"),
        ("min = 5", 'min = 5\nwhen = { levels_only = ["9"] }', "levels_only = '9' is not one of"),
        ("min = 5", 'min = 5\nwhen = { level = ["0"] }', "level is unknown"),
        ("valid_from = 2026-01-01", 'valid_from = "2026-01-01"', "is not a date"),
        ("valid_from = 2026-01-01", "valid_from = 2026-01-01T00:00:00", "is not a date"),
        ("valid_from = 2026-01-01", "valid_from = 2026-01-01\nvalid_to = 2025-12-31", "before valid_from"),
        ("share = 0.8", "share = 1", "a share between 0 and 1"),
        ("share = 0.8", "share = 0.0", "a share between 0 and 1"),
        ("share = 0.8", "shares = 0.8", "share is missing"),
        ("share = 0.8", "share = 0.8, foo = 1", "criterion: foo is unknown"),
        ('fr = "X"', 'de = "X"', "names: fr is missing"),
        ('fr = "X"', 'fr = ""', "is not a text"),
        ('metric = "download_bps"', 'metric = "speed"', "metric = 'speed' is not one of"),
        ('direction = "at_most"', 'direction = "le"', "direction = 'le' is not one of"),
        ("value = 200", "", "companions 1: value is missing"),
        ("source = {", "source = 3\nfoo = {", "source = 3 is not a table"),
        ("[[rules]]", "[rules]", "is not a list of tables"),
        ("metric =", "metric ==", "is no TOML"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_file_and_key(old: str, new: str, says: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD

    with pytest.raises(ProfileError, match=says) as refused:
        read(text, "x.toml")

    assert str(refused.value).startswith("x.toml")


def test_a_profile_needs_rules() -> None:
    without = GOOD[: GOOD.index("[[rules]]")]

    with pytest.raises(ProfileError, match="has no rules"):
        read(without, "x.toml")


def test_a_rule_that_is_no_table_is_refused() -> None:
    with pytest.raises(ProfileError, match="rules = 3 is not a table"):
        read(GOOD[: GOOD.index("[[rules]]")] + "\nrules = [3]\n", "x.toml")


def a_catalogue() -> Catalogue:
    first = GOOD.replace("metric", "valid_to = 2026-06-30\nmetric", 1)
    second = GOOD.replace("2026-01-01", "2026-06-01")
    return Catalogue((read(first, "1.toml"), read(second, "2.toml")))


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), "2026-01-01"),
        (date(2026, 5, 31), "2026-01-01"),
        (date(2026, 6, 1), "2026-06-01"),
        (date(2027, 1, 1), "2026-06-01"),
    ],
)
def test_the_version_in_force_on_a_day_is_used(day: date, version: str | None) -> None:
    profile = a_catalogue().on("x-1", day)

    assert (profile.version if profile else None) == version


def test_a_version_ends_with_its_last_day() -> None:
    only = Catalogue(a_catalogue().profiles[:1])

    assert only.on("x-1", date(2026, 6, 30)) is not None
    assert only.on("x-1", date(2026, 7, 1)) is None
    assert only.on("y", date(2026, 2, 1)) is None
    assert only.newest("x-1").version == "2026-01-01"
    with pytest.raises(KeyError):
        only.newest("y")


def test_files_of_a_deployment_are_added(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GOOD, "utf-8")

    assert load([path]).ids == (*SHIPPED, "x-1")


def test_the_same_version_twice_is_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for path in paths:
        path.write_text(GOOD, "utf-8")

    with pytest.raises(ProfileError, match="x-1 has version 2026-01-01 twice"):
        load(paths)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load([tmp_path / "none.toml"])
