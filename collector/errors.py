"""A person's mistake or the world's fault as one clear sentence with an exit code, never a traceback."""

from agent.wire.vocabulary import ExitCode


class CollectorError(Exception):
    """Something that a person has to know.

    Attributes:
        what: What happened.
        means: What it means.
        do: What to do about it.
        exit_code: How the command ends.
    """

    def __init__(self, what: str, *, means: str = "", do: str = "", exit_code: ExitCode = ExitCode.FAULT) -> None:
        super().__init__(what)
        self.what, self.means, self.do, self.exit_code = what, means, do, exit_code

    @property
    def sentence(self) -> str:
        """What happened, what it means and what to do, as a person reads it."""
        return " ".join(part for part in (self.what, self.means, self.do) if part)

    def __str__(self) -> str:
        return self.sentence


class StorageError(CollectorError):
    """The database cannot be read or written now; the same request may succeed later.

    Attributes:
        is_full: There is no room left, so waiting alone does not help.
    """

    def __init__(self, what: str, *, is_full: bool = False) -> None:
        super().__init__(what, do="Try again later.", exit_code=ExitCode.FAULT)
        self.is_full = is_full
