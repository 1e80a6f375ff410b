"""A profile of one's own survives being written and read, whatever it says."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.targets import FACTS, Rule, When
from collector.domain.words import Technology
from collector.profiles.catalogue import ProfileKind
from collector.profiles.choices import own_profile
from collector.profiles.fields import ProfileError
from collector.profiles.own import Own, compose

speeds = st.integers(1, 10**12)
maybe = st.none() | speeds
# What UTF-8 can write, and more than blanks.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80).filter(
    lambda text: bool(text.strip())
)
whens = st.builds(
    When,
    technology=st.none() | st.frozensets(st.sampled_from(list(Technology)), min_size=1),
    levels_only=st.none() | st.frozensets(st.sampled_from("012345678"), min_size=1),
)
fixed = st.builds(Rule, when=whens, fixed_bps=speeds, upload_bps=maybe)
counted = st.builds(
    Rule,
    when=whens,
    per=st.sampled_from(sorted(FACTS)),
    fallback=st.lists(st.sampled_from(sorted(FACTS)), max_size=2).map(tuple),
    rate_bps=speeds,
    at_once=st.none() | st.floats(0.01, 1.0),
    min_bps=maybe,
    upload_bps=maybe,
)


@given(name=texts, source=texts, share=st.floats(0.01, 0.99), rules=st.lists(fixed | counted, min_size=1, max_size=4))
def test_what_was_decided_is_what_is_read(name: str, source: str, share: float, rules: list[Rule]) -> None:
    day = date(2027, 1, 1)
    found = own_profile(compose(Own("v1", day, name, source, source, share, tuple(rules))))

    assert found.rules == tuple(rules)
    assert found.names == dict.fromkeys(("en", "es", "pt", "fr"), name)
    assert (found.source.organisation, found.criterion.share) == (source, share)
    assert (found.id, found.version, found.kind, found.valid_from) == ("own", "v1", ProfileKind.CUSTOM, day)


def test_what_the_reader_refuses_is_not_written() -> None:
    with pytest.raises(ProfileError, match="max lies below min"):
        compose(Own("v", date(2027, 1, 1), "x", "x", "x", 0.5, (Rule(per="staff", rate_bps=9, min_bps=9, max_bps=8),)))
