"""How a request is answered that gets no transfer."""


class RefusedError(Exception):
    """A request that is answered with a status and one line instead of a transfer."""

    def __init__(self, status: int, sentence: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after_s = retry_after_s
