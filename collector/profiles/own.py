"""A profile of one's own: from what somebody decided on a page to the text that the strict reader reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from collector.domain.targets import BPS_PER_MBPS, Rule
from collector.profiles.catalogue import LANGUAGES, Profile, ProfileKind, read
from collector.profiles.choices import OWN


@dataclass(frozen=True)
class Own:
    """What somebody decided."""

    version: str  # which one, for ever
    valid_from: date
    name: str
    organisation: str  # who says so
    document: str  # where it is written down
    share: float  # of the tests that must reach the target
    rules: tuple[Rule, ...]  # the first that matches wins


def compose(own: Own) -> str:
    """Return the profile as TOML, as `catalogue.read` reads it.

    Raises:
        ProfileError: If the strict reader would refuse it.
    """
    lines = [
        f"id = {_text(OWN)}",
        f"version = {_text(own.version)}",
        f"kind = {_text(ProfileKind.CUSTOM)}",
        'jurisdiction = "deployment"',
        f"valid_from = {own.valid_from.isoformat()}",
        'metric = "download_bps"',
        "[names]",
        *(f"{language} = {_text(own.name)}" for language in LANGUAGES),
        "[source]",
        f"organisation = {_text(own.organisation)}",
        f"document = {_text(own.document)}",
        "[criterion]",
        f"share = {own.share!r}",
        *(line for rule in own.rules for line in _rule(rule)),
    ]
    text = "\n".join(lines) + "\n"
    _check(text)
    return text


def _check(text: str) -> Profile:
    return read(text, OWN)


def _rule(rule: Rule) -> list[str]:
    speeds = {
        "fixed": rule.fixed_bps,
        "rate": rule.rate_bps,
        "min": rule.min_bps,
        "max": rule.max_bps,
        "upload": rule.upload_bps,
    }
    lines = ["[[rules]]"]
    lines += [f"{key} = {bps / BPS_PER_MBPS:.6f}" for key, bps in speeds.items() if bps is not None]
    if rule.per is not None:
        lines.append(f"per = {_text(rule.per)}")
    if rule.fallback:
        lines.append(f"fallback = {_texts(rule.fallback)}")
    if rule.at_once is not None:
        lines.append(f"at_once = {rule.at_once!r}")
    if rule.when.technology is not None or rule.when.levels_only is not None:
        lines.append("[rules.when]")
    if rule.when.technology is not None:
        lines.append(f"technology = {_texts(sorted(rule.when.technology))}")
    if rule.when.levels_only is not None:
        lines.append(f"levels_only = {_texts(sorted(rule.when.levels_only))}")
    return lines


def _text(value: str) -> str:
    """Return a TOML string: JSON's escapes are among TOML's, but for the one character that JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
