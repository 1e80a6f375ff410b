"""Sentences that can be said again in another language: English text that remembers what it was made of."""

from collections.abc import Mapping


class Said(str):
    """A sentence in English; `message` and `values` are what another language is made from.

    Attributes:
        message: The English sentence with named places such as `%(school)s`; a percent sign is written `%%`.
        values: What stands in the places; sentences among them are said in the other language too.
    """

    __slots__ = ("message", "values")
    message: str
    values: Mapping[str, object]

    def __new__(cls, message: str, /, **values: object) -> "Said":
        """Put the values into the message."""
        made = super().__new__(cls, message % values)
        made.message, made.values = message, values
        return made


class SaidError(ValueError):
    """Something that cannot be taken, with the sentence that says why."""

    def __init__(self, message: str, /, **values: object) -> None:
        self.said = Said(message, **values)
        super().__init__(self.said)
