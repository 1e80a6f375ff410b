"""The form of enrolment tokens: what was typed, and what is wrong with it in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup

from agent.wire import forms
from collector.config import CollectorConfig
from collector.web.language import present
from collector.web.language.i18n import say

MOST: Final = {"devices": 10_000, "days": 365}
AT_ONCE: Final = 500  # schools of one form: as many letters
_LONGEST: Final = 100
_DIRT: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass
class Form:
    """What was typed, and what is wrong with it."""

    values: dict[str, str]  # school, devices, days, batch
    mistakes: dict[str, Markup] = field(default_factory=dict)

    @property
    def max_devices(self) -> int:
        """How many computers, once `check` found nothing wrong with it."""
        return int(self.values["devices"])

    @property
    def days(self) -> int:
        """For how long, once `check` found nothing wrong with it."""
        return int(self.values["days"])


def read(given: Mapping[str, str], config: CollectorConfig, new_batch: str) -> Form:
    """Return the form with what was typed, and the usual values where nothing was.

    Args:
        given: Of a form or an address.
        config: How many devices and days are usual.
        new_batch: What the tokens of this form are made under, if it does not say so itself: sending one form twice
            makes its tokens once.
    """
    values = {"school": "", "devices": str(config.token_devices), "days": str(config.token_days), "batch": ""}
    for name in values:
        if name in given:
            values[name] = _DIRT.sub("", given[name]).strip()[:_LONGEST]
    if not forms.is_uuid(values["batch"]):
        values["batch"] = new_batch
    return Form(values)


def check(form: Form) -> bool:
    """Return whether the numbers are right; what is wrong then stands in the form."""
    for name, most in MOST.items():
        text = form.values[name]
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if not is_number or not 1 <= int(text) <= most:
            form.mistakes[name] = say("Write a whole number from 1 to %(most)s.", most=present.number(most))
    return not form.mistakes
