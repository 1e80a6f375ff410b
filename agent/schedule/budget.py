"""How many bytes a test may spend (CONTRACTS 3); pure. What was spent is in the spool."""

from dataclasses import dataclass

MB = 1_000_000
LEAST_BYTES = 10 * MB  # per direction
MOST_BYTES = 100 * MB
SECONDS = 2.0
FEWEST_USEFUL_BYTES = 200_000  # per direction: less does not count as a test (too_short)


@dataclass(frozen=True)
class Caps:
    """A school's budget; 0 = no test at all."""

    day_bytes: int = 300 * MB
    month_bytes: int = 4_000 * MB
    test_bytes: int | None = None  # of one direction of one test, None = only the rule of two seconds


METERED = Caps(day_bytes=20 * MB, month_bytes=400 * MB)


@dataclass(frozen=True)
class Allowance:
    """What one test may spend; never 0 in a direction, which would mean no cap."""

    max_bytes_download: int
    max_bytes_upload: int

    @property
    def reserved_bytes(self) -> int:
        """What to reserve before the first byte."""
        return self.max_bytes_download + self.max_bytes_upload


def tightest(*caps: Caps) -> Caps:
    """Return the caps that obey all of these, for instance ours, the collector's and those of a metered line."""
    tests = [one.test_bytes for one in caps if one.test_bytes is not None]
    return Caps(
        day_bytes=min(one.day_bytes for one in caps),
        month_bytes=min(one.month_bytes for one in caps),
        test_bytes=min(tests) if tests else None,
    )


def direction_bytes(prior_bps: float | None, target_bps: float | None = None, *, most_bytes: int = MOST_BYTES) -> int:
    """Return the cap of one direction: two seconds at the faster of the known and the wanted speed, 10 to 100 MB.

    Args:
        prior_bps: The line's own history, bit/s; None = unknown.
        target_bps: What the school should have, bit/s; None = unknown.
        most_bytes: Upper end, where a technician has set another.
    """
    wanted_bytes = round(SECONDS * max(prior_bps or 0.0, target_bps or 0.0) / 8)
    return min(max(wanted_bytes, LEAST_BYTES), most_bytes)


def left_bytes(caps: Caps, day_spent_bytes: int, month_spent_bytes: int) -> int:
    """Return what the day and the month still allow."""
    return max(0, min(caps.day_bytes - day_spent_bytes, caps.month_bytes - month_spent_bytes))


def allow(wanted_download_bytes: int, wanted_upload_bytes: int, left: int, caps: Caps) -> Allowance | None:
    """Return what a test may spend; None = what is left is too little for one.

    Args:
        wanted_download_bytes: As `direction_bytes` or a lease says; positive.
        wanted_upload_bytes: The same.
        left: As `left_bytes` says.
        caps: In force.
    """
    if caps.test_bytes is not None:
        wanted_download_bytes = min(wanted_download_bytes, caps.test_bytes)
        wanted_upload_bytes = min(wanted_upload_bytes, caps.test_bytes)
    wanted = wanted_download_bytes + wanted_upload_bytes
    if wanted <= left:
        return (
            Allowance(wanted_download_bytes, wanted_upload_bytes)
            if min_useful(wanted_download_bytes, wanted_upload_bytes)
            else None
        )
    download_bytes = left * wanted_download_bytes // wanted
    upload_bytes = left - download_bytes
    return Allowance(download_bytes, upload_bytes) if min_useful(download_bytes, upload_bytes) else None


def min_useful(download_bytes: int, upload_bytes: int) -> bool:
    """Return whether both directions get enough to say something."""
    return min(download_bytes, upload_bytes) >= FEWEST_USEFUL_BYTES
