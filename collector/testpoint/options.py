"""What a test point is told at start."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

GB = 10**9


@dataclass(frozen=True)
class TestpointOptions:
    """Addresses and limits of one test point. Zero means "no cap" where a cap is meant."""

    __test__: ClassVar[bool] = False  # for pytest: no test class

    host: str = "127.0.0.1"
    port: int = 0  # TCP; 0 = any free one
    udp_port: int | None = None  # None = the same number as the TCP port
    open: bool = True  # False = every transfer needs an access token of the collector
    public_keys: tuple[bytes, ...] = ()  # the collector's Ed25519 keys, raw, that sign access tokens
    keys_file: Path | None = None  # further keys, one to a line; read again when a token is signed by an unknown one
    server_id: str = "tp1"  # as receipts and the collector's settings name it
    receipt_key_file: Path | None = None  # the own key, made if missing; None = a new one at every start
    max_connections: int = 512
    max_transfers: int = 128  # at once; further ones get 503 and a time to come back
    max_tests: int = 32  # at once; all connections of one test count as one
    max_tests_per_address: int = 8  # of those without a token, lest one address takes every place
    capacity_mbps: float = 0.0  # of the test point's own line: no new test while it is full; 0 = not looked at
    expected_mbps: float = 50.0  # what a test is taken for until its rate shows
    place_hold_s: float = 5.0  # after its last transfer a test keeps its place so long: the upload is to come
    token_idle_s: float = 30.0  # without a transfer a token's test has ended
    max_connections_per_address: int = 64  # a school's computers share one address
    max_bytes_per_address: int = 50 * GB  # both directions, per address_window_s
    address_window_s: float = 3600.0
    retry_after_s: int = 30
    ndt7_duration_s: float = 10.0  # of one direction; the protocol's own length
    ndt7_cap_s: float = 15.0  # nothing lasts longer, whatever the client does
    measure_interval_s: float = 0.1
    head_timeout_s: float = 10.0  # for a request's head, and idle between requests
    stall_timeout_s: float = 20.0  # without a byte in either direction
    transfer_timeout_s: float = 300.0  # of one LibreSpeed request
    udp_packets_per_second: int = 200  # per address
    congestion_control: str = "bbr"  # asked of the kernel; what it gives is said at start
