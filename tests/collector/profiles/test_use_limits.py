"""Limits of uses as a file: what is shipped, what a strict reader refuses, what a deployment puts in their place."""

from importlib.resources import files

import pytest

from collector.profiles import use_limits
from collector.profiles.fields import ProfileError
from collector.profiles.use_limits import Standing, compose, held, published, read

TEXT = (files("collector.profiles") / "uses" / "limits.toml").read_text("utf-8")


def test_every_published_limit_says_how_it_is_known() -> None:
    found = published()
    assert tuple(use.id for use in found.uses) == use_limits.USES
    assert {limit.source for use in found.uses for limit in use.limits.values()} == {None, *found.sources}
    for use in found.uses:
        assert set(use.limits) == set(use_limits.LIMITS) and set(use.note) == {"en", "es", "pt", "fr"}
        for limit in use.limits.values():
            assert limit.value > 0
            assert (limit.source is None) == (limit.standing is Standing.OURS)
            assert limit.source is None or (found.sources[limit.source].document and found.sources[limit.source].url)


def test_without_a_decision_the_published_limits_hold() -> None:
    uses = {use.id: use for use in held(None).uses()}
    video = uses["class_video"]
    assert (video.pupils, video.download_bps, video.upload_bps) == (30, 1_000_000, 100_000)
    assert (video.latency_p95_ms, video.loss_pct, video.share) == (200.0, 1.0, 0.8)
    assert uses["exam"].download_bps == 512_000


def test_a_decision_takes_their_place_and_leaves_the_published_ones_as_they_are() -> None:
    numbers = published().numbers
    numbers["exam"] = {**numbers["exam"], "download": 0.05, "loss": None}
    found = held(compose(use_limits.Held(0.9, numbers)))
    exam = next(use for use in found.uses() if use.id == "exam")
    assert (exam.download_bps, exam.loss_pct, exam.share) == (50_000, None, 0.9)
    assert published().numbers["exam"]["download"] == 0.512


def test_a_use_that_a_decision_does_not_know_keeps_what_is_published() -> None:
    assert held('{"share": 0.7, "uses": {}}').numbers == published().numbers


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('standing = "primary", source = "giga"', 'standing = "primary"', "has a source, or is ours"),
        ('standing = "ours"', 'standing = "ours", source = "iqb"', "has a source, or is ours"),
        ('standing = "primary"', 'standing = "sure"', "'sure' is not one of"),
        ('source = "iqb"', 'source = "iqbb"', "iqb"),
        ('id = "web"', 'id = "call"', "has to give the uses"),
        ("share = 0.8", "share = 1.8", "share"),
        ("latency = {", "latencyy = {", "latency"),
        ("version =", "versions =", "version"),
        ("[sources.giga]", "[sources.giga", "is no TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_words(before: str, after: str, words: str) -> None:
    assert before in TEXT
    with pytest.raises(ProfileError, match=words):
        read(TEXT.replace(before, after, 1), "limits.toml")
