"""Who may transfer how much, and how many at once. Every refusal is one line that the client shows.

A token's `max_bytes` counts both directions and all connections that carry the same `jti`; 0 = no cap, as in
`--max-bytes 0`. It serves one test of one place: `jti` is bound to the /24 or /48 that used it first (one of each
family, because a client may change between them), to the `test` that it named, and to the end of that test.

A test holds one place from its first transfer until a few seconds after its last one, or until it has its receipt.
"""

import re
from collections import Counter
from collections.abc import Callable

from agent.wire.receipts import Receipt
from agent.wire.tokens import AccessClaims
from collector.testpoint.access import Access
from collector.testpoint.addresses import customer_of, family_of, told_of
from collector.testpoint.capacity import Load, Waiting
from collector.testpoint.ledger import Account, Direction, Ledger, Meter, Test
from collector.testpoint.options import TestpointOptions
from collector.testpoint.refusal import RefusedError

TEST_KEPT_S = 300.0  # an open test point's; so long a receipt can be asked for
TOKEN_KEPT_S = 60.0  # beyond its expiry, so that its cap cannot start anew
YOUNG_S = 2.0  # a test is not at its full rate before

_TEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

Sign = Callable[[Receipt], str]


class Admission:
    """The door. Monotonic seconds and Unix milliseconds come from outside."""

    def __init__(self, options: TestpointOptions, *, now_s: Callable[[], float], utc_ms: Callable[[], int]) -> None:
        self._options = options
        self._now_s = now_s
        self._utc_ms = utc_ms
        self._access = Access(options, utc_ms=utc_ms)
        self._connections: Counter[str] = Counter()
        self._ledger = Ledger(now_s, cap_bytes=options.max_bytes_per_address, window_s=options.address_window_s)
        self._load = Load(now_s)
        self._waiting = Waiting(now_s, options.retry_after_s)
        self._holding: dict[str, Test] = {}  # that may hold a place

    @property
    def transfers(self) -> int:
        """Transfers under way."""
        return sum(len(test.accounts) for test in self._holders())

    @property
    def tests(self) -> int:
        """Tests that hold a place."""
        return len(self._holders())

    def connected(self, address: str) -> bool:
        """Count one more connection of an address; return whether it is within the caps."""
        customer = customer_of(address)
        self._connections[customer] += 1
        return (
            self._connections[customer] <= self._options.max_connections_per_address
            and self._connections.total() <= self._options.max_connections
        )

    def disconnected(self, address: str) -> None:
        """Count one connection less."""
        customer = customer_of(address)
        self._connections[customer] -= 1
        if self._connections[customer] <= 0:
            del self._connections[customer]

    def check_token(self, address: str, query: dict[str, str]) -> None:
        """Check a request that moves nothing worth counting.

        Raises:
            RefusedError: 401 without a token, 403 with one that is not valid or is used up.
        """
        claims = self._access.claims(query)
        if claims is not None:
            self._check_use(claims, address, query)

    def admit(self, address: str, query: dict[str, str], direction: Direction) -> Account:
        """Return the account of a new transfer.

        Raises:
            RefusedError: 400 for a malformed `test`, 401 or 403 for the token, 429 for the address, 503 when full.
        """
        claims = self._access.claims(query)
        test = self._check_use(claims, address, query) if claims else self._open_test(address, query)
        meter = self._ledger.address(customer_of(address))
        if meter.left_bytes == 0:
            wait_s = max(1, int(meter.ends_s - self._now_s()))
            raise RefusedError(429, "address bytes used up", retry_after_s=wait_s)
        self._check_room(test, customer_of(address))
        if test is None:
            test = self._new_test(claims, address, query)
            self._ledger.add(test)
        elif claims:
            test.networks.setdefault(*_network(address))
            test.test_id = test.test_id or _test_id(query)
        if not claims:
            test.meter.ends_s = self._now_s() + TEST_KEPT_S
        self._waiting.came(customer_of(address))
        self._holding[test.key] = test
        return Account(test, direction, meter, self._load.add, self._now_s)

    def receipt(self, address: str, query: dict[str, str], sign: Sign) -> str:
        """Return the receipt of a test, the same every time. The test is over with it, and its place is free.

        Args:
            address: Who asks; only the place where the test was made gets it.
            query: With `access_token` or `test`.
            sign: Makes the text.

        Raises:
            RefusedError: 401 or 403 for the token, 404 if there is no such test.
        """
        claims = self._access.claims(query, may_be_expired=True)
        if claims:
            test = self._check_use(claims, address, query, may_be_over=True)
        else:
            test_id = _test_id(query)
            test = None if test_id is None else self._ledger.find(_open_key(address, test_id))
        if test is None or test.name is None:
            raise RefusedError(404, "test unknown: nothing has moved here under this name")
        if test.receipt is None:
            test.receipt = sign(self._confirm(test))
        return test.receipt

    def _confirm(self, test: Test) -> Receipt:
        download_bytes, download_ms = test.moved(Direction.DOWNLOAD)
        upload_bytes, upload_ms = test.moved(Direction.UPLOAD)
        return Receipt(
            v=1,
            test=test.name or "",
            lease_id=test.lease_id,
            server=self._options.server_id,
            address=told_of(test.address),
            download_bytes=download_bytes,
            download_ms=download_ms,
            upload_bytes=upload_bytes,
            upload_ms=upload_ms,
            issued_ms=self._utc_ms(),
        )

    def _check_use(
        self, claims: AccessClaims, address: str, query: dict[str, str], *, may_be_over: bool = False
    ) -> Test | None:
        """Return the test of a valid token, None if it has not begun.

        Raises:
            RefusedError: 403 if the token is used for something else than its one test.
        """
        test_id = _test_id(query)
        test = self._ledger.find(_token_key(claims))
        if test is None:
            return None
        family, network = _network(address)
        if test.networks.get(family, network) != network:
            raise RefusedError(403, "token used from another address")
        if test_id is not None and (test.test_id or test_id) != test_id:
            raise RefusedError(403, "token used for another test")
        if may_be_over:
            return test
        is_idle = not test.accounts and self._now_s() - test.last_s > self._options.token_idle_s
        if test.is_over or is_idle:
            raise RefusedError(403, "token used after its test ended")
        if test.meter.left_bytes == 0:
            raise RefusedError(403, "token bytes used up")
        return test

    def _open_test(self, address: str, query: dict[str, str]) -> Test | None:
        test = self._ledger.find(_open_key(address, _test_id(query)))
        if test is not None and test.is_over:
            raise RefusedError(403, "test ended: it has its receipt")
        return test

    def _new_test(self, claims: AccessClaims | None, address: str, query: dict[str, str]) -> Test:
        now_s = self._now_s()
        test_id = _test_id(query)
        customer = customer_of(address)
        if claims is None:
            meter = Meter(0, now_s + TEST_KEPT_S)
            return Test(_open_key(address, test_id), test_id, customer, address, meter, now_s)
        ends_s = now_s + max(0, claims.exp_ms - self._utc_ms()) / 1000 + TOKEN_KEPT_S
        test = Test(
            _token_key(claims),
            test_id,
            customer,
            address,
            Meter(claims.max_bytes, ends_s),
            now_s,
            jti=claims.jti,
            lease_id=claims.lease_id,
        )
        test.networks.setdefault(*_network(address))
        return test

    def _check_room(self, test: Test | None, customer: str) -> None:
        options = self._options
        holders = self._holders()
        if sum(len(holder.accounts) for holder in holders) >= options.max_transfers:
            raise self._busy(customer, "too many connections measure here now")
        if test is not None and any(holder is test for holder in holders):
            return
        own = sum(holder.customer == customer for holder in holders)
        if options.open and own >= options.max_tests_per_address:
            raise self._busy(customer, "this address makes many tests already")
        if len(holders) + self._waiting.others_due(customer) >= options.max_tests:
            raise self._busy(customer, "as many tests as fit are under way")
        if holders and self._expected_mbps(holders) > options.capacity_mbps > 0:
            raise self._busy(customer, "the test point's own line is full")

    def _busy(self, customer: str, why: str) -> RefusedError:
        wait_s = self._waiting.told(customer, self._options.max_tests)
        return RefusedError(503, f"busy: {why}", retry_after_s=wait_s)

    def _expected_mbps(self, holders: list[Test]) -> float:
        """Return what flows, and what tests that have just begun, and one more, will want."""
        young = sum(self._now_s() - holder.begun_s < YOUNG_S for holder in holders)
        return self._load.bps() / 1e6 + (young + 1) * self._options.expected_mbps

    def _holders(self) -> list[Test]:
        """Return the tests that hold a place now."""
        now_s = self._now_s()
        for key, test in tuple(self._holding.items()):
            hold_s = 0.0 if test.is_over or test.name is None else self._options.place_hold_s
            if not test.accounts and now_s - test.last_s >= hold_s:
                del self._holding[key]
        return list(self._holding.values())


def _test_id(query: dict[str, str]) -> str | None:
    text = query.get("test")
    if text is not None and _TEST_ID.fullmatch(text) is None:
        raise RefusedError(400, "test must be 1 to 64 letters, digits, - or _")
    return text


def _token_key(claims: AccessClaims) -> str:
    return f"token {claims.jti}"


def _open_key(address: str, test_id: str | None) -> str:
    """Return the key of a client's test: a name is its own only where it comes from."""
    return f"all {customer_of(address)}" if test_id is None else f"open {told_of(address)} {test_id}"


def _network(address: str) -> tuple[int, str]:
    network = told_of(address)
    return family_of(network), network
