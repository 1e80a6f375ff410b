"""From the versions of a deployment to the profile that a school is held against on a day."""

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final

from collector.domain.in_force import Version, Versions
from collector.profiles.catalogue import Catalogue, Profile, read

OWN: Final = "own"  # the id of every profile that was made on a page; its version says which


@dataclass(frozen=True)
class Choices:
    """What a deployment has decided, and what holds where it has decided nothing."""

    profile_id: str  # by configuration
    catalogue: Catalogue
    versions: Versions = field(default_factory=Versions)

    def on(self, day: date, code: str, area: str | None) -> Profile | None:
        """Return the profile in force for a school on one of its days; None: none is in force."""
        version = self.versions.on(day, code, area)
        return self.catalogue.on(self.profile_id, day) if version is None else self.of(version, day)

    def of(self, version: Version, day: date) -> Profile | None:
        """Return the profile that a version names, in the edition of a day."""
        if version.rule is not None:
            return own_profile(version.rule)
        return self.catalogue.on(version.profile or self.profile_id, day)


@lru_cache(maxsize=1000)
def own_profile(text: str) -> Profile:
    """Return a profile of one's own from how it is stored: it was read once before it was stored."""
    return read(text, OWN)
