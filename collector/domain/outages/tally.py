"""How many schools of each group are heard, and how many fell silent a moment ago; kept up with every event."""

from collections import deque
from collections.abc import Iterable, Mapping

from collector.domain.outages.groups import Group, Place, groups_of
from collector.domain.outages.odds import FEWEST, WITHIN_MIN, Counts
from collector.domain.outages.presence import Change, Event


class Tally:
    """The groups of a country at one minute."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        """Count nobody yet.

        Args:
            places: What the registry says of every school, by code.
        """
        known = {place: tuple(groups_of(place)) for place in set(places.values())}
        self.groups_of = {code: known[place] for code, place in places.items()}
        self.schools: dict[Group, list[str]] = {}
        for code, groups in self.groups_of.items():
            for group in groups:
                self.schools.setdefault(group, []).append(code)
        self.heard: dict[str, int] = {}  # schools that count as heard, with the minute of a word; if late, the last one
        self.late: set[str] = set()  # of those, the ones without a word for a quarter of an hour
        self.fell: dict[str, int] = {}  # schools that fell silent a moment ago, with the minute of their last word
        self._online: dict[Group, int] = dict.fromkeys(self.schools, 0)
        self._fell: dict[Group, int] = dict.fromkeys(self.schools, 0)
        self._recent: deque[tuple[int, str, int]] = deque()
        self.suspects: set[Group] = set()  # groups of which enough fell to look at them

    def counts(self, group: Group) -> Counts:
        """Return what is seen of a group."""
        fell = self._fell.get(group, 0)
        return Counts(self._online.get(group, 0) + fell, fell)

    def fallen(self, group: Group) -> set[str]:
        """Return the schools of a group that fell silent a moment ago."""
        return {code for code in self.fell if group in self.groups_of[code]}

    def take(self, minute: int, events: Iterable[Event]) -> None:
        """Let time pass up to a minute, and take what happened in it."""
        self._expire(minute)
        for event in events:
            code = event.school
            if code not in self.groups_of:
                continue
            if event.change is Change.LATE:
                if code in self.heard:
                    self.heard[code] = event.heard
                    self.late.add(code)
                continue
            self._leave(code)
            if event.change is Change.BACK:
                self.heard[code] = event.heard
                self._add(self._online, code, 1)
            elif event.change is Change.FELL:
                self.fell[code] = event.heard
                self._add(self._fell, code, 1)
                self._recent.append((minute, code, event.heard))

    def stand(self, heard: Iterable[str], fell: Mapping[str, int]) -> None:
        """Count a moment by itself, whatever was before.

        Args:
            heard: Schools that are.
            fell: Schools that are not, each with a minute.
        """
        self._recent.clear()
        self.late.clear()
        now_heard = set(heard)
        # From one moment to the next most schools stay as they are: they are not counted anew.
        for code in self.heard.keys() - now_heard:
            self._leave(code)
        for code in self.fell.keys() - fell.keys():
            self._leave(code)
        for code in now_heard - self.heard.keys():
            self._add(self._online, code, 1)
        for code in fell.keys() - self.fell.keys():
            self._add(self._fell, code, 1)
        self.heard.update(dict.fromkeys(now_heard, 0))
        self.fell.update(fell)

    def _leave(self, code: str) -> None:
        self.late.discard(code)
        if self.heard.pop(code, None) is not None:
            self._add(self._online, code, -1)
        if self.fell.pop(code, None) is not None:
            self._add(self._fell, code, -1)

    def _expire(self, minute: int) -> None:
        while self._recent and self._recent[0][0] <= minute - WITHIN_MIN:
            _when, code, heard = self._recent.popleft()
            if self.fell.get(code) == heard:
                self._leave(code)

    def _add(self, where: dict[Group, int], code: str, by: int) -> None:
        for group in self.groups_of[code]:
            where[group] += by
            if where is self._fell:
                if where[group] >= FEWEST:
                    self.suspects.add(group)
                else:
                    self.suspects.discard(group)
