"""What a line has to hold to be good for a use: published limits with their sources, and what a deployment decided."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from collector.domain.fitness import Use
from collector.domain.targets import BPS_PER_MBPS
from collector.profiles.catalogue import LANGUAGES, Source
from collector.profiles.fields import Fields, ProfileError, a_number, a_share, a_text

PUPILS, DOWNLOAD, UPLOAD, LATENCY, LOSS = "pupils", "download", "upload", "latency", "loss"
LIMITS: Final = (PUPILS, DOWNLOAD, UPLOAD, LATENCY, LOSS)
"""What is limited, in the order of the pages; speeds in Mbit/s for each pupil, latency in ms, loss in per cent."""

USES: Final = ("class_video", "call", "exam", "web")
CLASS: Final = "class_video"
"""Of the uses, the one that delay spoils."""

Numbers = Mapping[str, Mapping[str, float | None]]
"""use -> limit -> value; None: not asked."""


class Standing(StrEnum):
    """How a limit is known."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    OURS = "ours"


@dataclass(frozen=True)
class Limit:
    """One published limit."""

    value: float
    standing: Standing
    source: str | None  # a name of `Published.sources`; None: our own choice


@dataclass(frozen=True)
class PublishedUse:
    """One use as it is published."""

    id: str
    limits: Mapping[str, Limit]
    note: Mapping[str, str]  # by language


@dataclass(frozen=True)
class Published:
    """All published limits."""

    version: str
    share: float
    sources: Mapping[str, Source]
    uses: tuple[PublishedUse, ...]

    @property
    def numbers(self) -> dict[str, dict[str, float | None]]:
        """Every limit of every use."""
        return {use.id: {name: use.limits[name].value for name in LIMITS} for use in self.uses}


@dataclass(frozen=True)
class Held:
    """The limits that hold at a deployment."""

    share: float
    numbers: Numbers

    def uses(self) -> tuple[Use, ...]:
        """Return them as the judgement takes them."""
        return tuple(_use(name, self.numbers[name], self.share) for name in USES)

    @property
    def class_delay_ms(self) -> float | None:
        """Within which time answers have to come under load for a class on video; None: nothing is asked for."""
        return self.numbers[CLASS][LATENCY]


@dataclass(frozen=True)
class Dated:
    """The limits of a deployment as they were decided, so that a day is judged by those that held when it began."""

    decided: tuple[tuple[int, Held], ...] = ()  # UTC milliseconds, oldest first

    def at(self, moment_ms: int) -> Held:
        """Return what held at a moment in UTC milliseconds."""
        return next((one for made_ms, one in reversed(self.decided) if made_ms < moment_ms), None) or _as_published()


def _use(name: str, values: Mapping[str, float | None], share: float) -> Use:
    return Use(
        id=name,
        pupils=round(values[PUPILS] or 1),
        download_bps=_bps(values[DOWNLOAD]),
        upload_bps=_bps(values[UPLOAD]),
        latency_p95_ms=values[LATENCY],
        loss_pct=values[LOSS],
        share=share,
    )


def _bps(mbps: float | None) -> int | None:
    return None if mbps is None else round(mbps * BPS_PER_MBPS)


@cache
def published() -> Published:
    """Return the limits that are shipped.

    Raises:
        ProfileError: If the file is not as it has to be.
    """
    entry = files("collector.profiles") / "uses" / "limits.toml"
    return read(entry.read_text("utf-8"), entry.name)


def read(text: str, name: str) -> Published:
    """Return the limits of a TOML text.

    Args:
        text: The file's text.
        name: The file's name, for messages.

    Raises:
        ProfileError: If it is no TOML, or a key is unknown, missing or wrong.
    """
    try:
        fields = Fields(tomllib.loads(text), name)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}: is no TOML: {error}.") from error
    version, share = fields.take("version", a_text), fields.take("share", a_share)
    table = fields.table("sources")
    sources = {name: _source(table.table(name)) for name in table.names()}
    uses = tuple(_published_use(use, sources) for use in fields.tables("uses"))
    fields.end()
    table.end()
    if tuple(use.id for use in uses) != USES:
        raise ProfileError(f"{name}: has to give the uses {', '.join(USES)}, in this order.")
    return Published(version, share, sources, uses)


def _source(fields: Fields) -> Source:
    found = Source(fields.take("organisation", a_text), fields.take("document", a_text), fields.find("url", a_text))
    fields.end()
    return found


def _published_use(fields: Fields, sources: Mapping[str, Source]) -> PublishedUse:
    note = fields.table("note")
    use = PublishedUse(
        id=fields.word("id", USES),
        limits={name: _limit(fields.table(name), sources) for name in LIMITS},
        note={language: note.take(language, a_text) for language in LANGUAGES},
    )
    note.end()
    fields.end()
    return use


def _limit(fields: Fields, sources: Mapping[str, Source]) -> Limit:
    standing = Standing(fields.word("standing", tuple(Standing)))
    source = fields.word("source", tuple(sources)) if fields.has("source") else None
    limit = Limit(fields.take("value", a_number), standing, source)
    fields.end()
    if (limit.standing is Standing.OURS) != (limit.source is None):
        raise ProfileError(f"{fields.where}: a limit has a source, or is ours.")
    return limit


@cache
def _as_published() -> Held:
    return held(None)


def compose(held: Held) -> str:
    """Return limits as they are stored."""
    return json.dumps({"share": held.share, "uses": held.numbers}, sort_keys=True)


def held(stored: str | None) -> Held:
    """Return the limits that hold: what was decided, and what is published where nothing was."""
    base = published()
    if stored is None:
        return Held(base.share, base.numbers)
    decided = json.loads(stored)
    numbers = {name: {**values, **decided["uses"].get(name, {})} for name, values in base.numbers.items()}
    return Held(float(decided["share"]), numbers)


def dated(stored: Iterable[tuple[int, str | None]]) -> Dated:
    """Return limits with the moments at which they were decided.

    Args:
        stored: When, UTC milliseconds, oldest first, and what; None: what is published.
    """
    return Dated(tuple((made_ms, held(limits)) for made_ms, limits in stored))
