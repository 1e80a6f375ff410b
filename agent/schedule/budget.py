"""How many bytes a test may spend, counted on the wire (CONTRACTS 3); pure. What was spent is in the spool."""

from dataclasses import dataclass

from agent.wire.limits import BYTES

MB = 1_000_000
LEAST_BYTES = 10 * MB  # per direction
MOST_BYTES = 100 * MB
SECONDS = 2.0
CALIBRATION_S = 15.0  # the ten seconds of a calibration, on a line that may boost to half as much again as is known
CALIBRATION_LEAST_S = 11.0  # less cap than this would end it early: with headers, ten seconds at the known speed
CALIBRATION_SHARE = 0.5  # of what is left: the other tests of the day go on
_CALIBRATION_S = (CALIBRATION_S, CALIBRATION_LEAST_S)
# Per direction. Less than 200 kB of test data is no test (too_short); headers, what is set aside, and the frame or two
# that a connection may stop short of its share come on top.
FEWEST_USEFUL_BYTES = 250_000


@dataclass(frozen=True)
class Caps:
    """A school's budget; 0 = no test at all."""

    day_bytes: int = 300 * MB
    month_bytes: int = 4_000 * MB
    test_bytes: int | None = None  # of one direction of one test, None = only the rule of two seconds


@dataclass(frozen=True)
class Allowance:
    """What one test may spend; 0 in a direction means no cap, and only `insisted` grants that."""

    max_bytes_download: int
    max_bytes_upload: int
    reserved_bytes: int  # what to count as spent before the first byte

    @property
    def max_bytes(self) -> int:
        """The cap of the whole test; 0 = none."""
        return self.max_bytes_download + self.max_bytes_upload


def tightest(*caps: Caps) -> Caps:
    """Return the caps that obey all of these, for instance ours, the collector's and those of a metered line."""
    tests = [one.test_bytes for one in caps if one.test_bytes is not None]
    return Caps(
        day_bytes=min(one.day_bytes for one in caps),
        month_bytes=min(one.month_bytes for one in caps),
        test_bytes=min(tests) if tests else None,
    )


def direction_bytes(prior_bps: float | None) -> int:
    """Return the cap of one direction where no lease says one: two seconds of the known speed, 10 to 100 MB.

    The school's target is the collector's to know: it goes into the caps of a lease.

    Args:
        prior_bps: The line's own history, bit/s; None = unknown.
    """
    return min(max(round(SECONDS * (prior_bps or 0.0) / 8), LEAST_BYTES), MOST_BYTES)


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
    download_bytes, upload_bytes = wanted_download_bytes, wanted_upload_bytes
    if wanted > left:
        download_bytes = left * wanted_download_bytes // wanted
        upload_bytes = left - download_bytes
    if min(download_bytes, upload_bytes) < FEWEST_USEFUL_BYTES:
        return None
    return Allowance(download_bytes, upload_bytes, download_bytes + upload_bytes)


def calibration(
    prior_bps: tuple[float | None, float | None], granted_bytes: tuple[int, int], left: int, caps: Caps
) -> Allowance | None:
    """Return what a calibration may spend; None = it cannot be had: then a test of the usual length is made.

    Args:
        prior_bps: The line's own history, download and upload. Of a line that nobody knows nobody knows the cost.
        granted_bytes: The most that each direction may spend, by the lease and by the technician.
        left: As `left_bytes` says.
        caps: In force.
    """
    found: list[int] = []
    for known_bps, most_bytes in zip(prior_bps, granted_bytes, strict=True):
        if not known_bps:
            return None
        wanted, least = (max(round(long_s * known_bps / 8), FEWEST_USEFUL_BYTES) for long_s in _CALIBRATION_S)
        allowed = min(wanted, most_bytes, most_bytes if caps.test_bytes is None else caps.test_bytes)
        if allowed < least:
            return None
        found.append(allowed)
    return Allowance(found[0], found[1], sum(found)) if sum(found) <= CALIBRATION_SHARE * left else None


def calibration_bytes(prior_bps: float | None) -> int:
    """Return the cap of one direction of a calibration where no lease says one; 0 where the line is not known."""
    return round(CALIBRATION_S * (prior_bps or 0.0) / 8)


def asked(max_bytes: int, left: int, lease_bytes: tuple[int, int] | None = None) -> Allowance | None:
    """Return what a test may spend whose cap a person has set; None = what is left is too little for one.

    Args:
        max_bytes: Of the whole test; 0 = as much as the budget and the lease leave.
        left: As `left_bytes` says.
        lease_bytes: What came with the lease for download and upload: the test point refuses what goes beyond it, so a
            download that took more would leave the upload nothing. None = no lease.
    """
    least = 2 * FEWEST_USEFUL_BYTES
    if left < (min(max_bytes, least) if max_bytes else least):
        return None
    down_bytes, up_bytes = _within(halves(min(max_bytes, left) if max_bytes else left), lease_bytes)
    return Allowance(down_bytes, up_bytes, down_bytes + up_bytes)


def insisted(
    max_bytes: int | None,
    wanted_download_bytes: int,
    wanted_upload_bytes: int,
    left: int,
    lease_bytes: tuple[int, int] | None = None,
) -> Allowance:
    """Return what a test may spend that a person wants whatever the budget says.

    Args:
        max_bytes: Of the whole test; 0 = no cap but the lease's, None = as usual.
        wanted_download_bytes: As `direction_bytes` or a lease says; positive.
        wanted_upload_bytes: The same.
        left: As `left_bytes` says. A test without a cap reserves all of it: nobody knows what it will cost.
        lease_bytes: As in `asked`.
    """
    wanted = wanted_download_bytes + wanted_upload_bytes
    if max_bytes is None:
        return Allowance(wanted_download_bytes, wanted_upload_bytes, wanted)
    down_bytes, up_bytes = _within(halves(max_bytes), lease_bytes)
    return Allowance(down_bytes, up_bytes, down_bytes + up_bytes or max(left, wanted))


def _within(sides: tuple[int, int], most: tuple[int, int] | None) -> tuple[int, int]:
    """Return the caps of both directions within those of a lease; 0 = no cap, which no lease gives."""
    if most is None:
        return sides
    down_bytes, up_bytes = (min(side or BYTES, max(1, limit)) for side, limit in zip(sides, most, strict=True))
    return down_bytes, up_bytes


def halves(max_bytes: int) -> tuple[int, int]:
    """Return the cap of a whole test as one for download and one for upload; 0 = no cap, and only 0 becomes 0."""
    return max_bytes - max_bytes // 2, max(max_bytes // 2, min(max_bytes, 1))
