"""The closed lists of words that agent and collector share (CONTRACTS 1 and 2).

A new word means a new schema number. Each word has one sentence per language in the collector's translations.
"""

from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """What an item of a batch is."""

    MEASUREMENT = "measurement"
    DIARY = "diary"


class Status(StrEnum):
    """How a measurement ended."""

    OK = "ok"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


class Phase(StrEnum):
    """Where in a measurement something went wrong."""

    PREFLIGHT = "preflight"
    LATENCY = "latency"
    DOWNLOAD = "download"
    UPLOAD = "upload"
    SERVER = "server"


class FailureCode(StrEnum):
    """Why a measurement has no (or only part of a) figure."""

    DNS = "dns"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_REFUSED = "connect_refused"
    UNREACHABLE = "unreachable"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_CLOCK = "tls_clock"
    PORTAL = "portal"
    PROXY_AUTH = "proxy_auth"
    HTTP_STATUS = "http_status"
    SERVER_BUSY = "server_busy"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 -- a word of the vocabulary, no secret
    PROTOCOL = "protocol"
    STALLED = "stalled"
    RESET = "reset"
    CLIENT_LIMITED = "client_limited"
    DISK = "disk"
    POWER_CUT = "power_cut"
    CANCELLED = "cancelled"
    # of skipped measurements
    BUDGET = "budget"
    LEASE_BUSY = "lease_busy"
    METERED = "metered"
    BUSY_LINE = "busy_line"
    PAUSED = "paused"
    CLOSED = "closed"  # understood, and never written by this agent: a lease refused so makes no record


class Tier(StrEnum):
    """How much a measurement may spend."""

    CAPACITY = "capacity"
    CALIBRATION = "calibration"


class Trigger(StrEnum):
    """What made the agent measure now."""

    STARTUP = "startup"
    WINDOW = "window"
    MANUAL = "manual"
    CAMPAIGN = "campaign"


class EngineName(StrEnum):
    """A protocol client that moves bytes."""

    LIBRESPEED = "librespeed"
    NDT7 = "ndt7"
    OOKLA = "ookla"


class Confidence(StrEnum):
    """How far a figure may be trusted, in one word."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class StopReason(StrEnum):
    """What ended one direction of a test."""

    PRECISE = "precise"
    BUDGET = "budget"
    TIME = "time"
    STALL = "stall"
    CLIENT = "client"
    SERVER = "server"


class Method(StrEnum):
    """Who counted the bytes of a direction."""

    RECEIVER = "receiver"
    TCPINFO = "tcpinfo"
    HTTP_2XX = "http_2xx"


class RttMethod(StrEnum):
    """How a round trip was timed; values of different methods are never compared."""

    UDP_ECHO = "udp_echo"
    TCP_CONNECT = "tcp_connect"
    WS_PING = "ws_ping"
    ICMP = "icmp"


class Grade(StrEnum):
    """Latency under load in one letter."""

    A_PLUS = "A+"
    A = "A"
    B = "B"
    C = "C"
    D = "D"
    F = "F"


class Medium(StrEnum):
    """What the computer is connected by."""

    ETHERNET = "ethernet"
    WIFI = "wifi"
    CELLULAR = "cellular"
    VPN = "vpn"
    UNKNOWN = "unknown"


class DiaryState(StrEnum):
    """What a 5-minute slot could reach; the last two are inferred from boot id and monotonic gaps."""

    OK = "ok"
    COLLECTOR_DOWN = "collector_down"
    DNS_FAIL = "dns_fail"
    NO_INTERNET = "no_internet"
    PORTAL = "portal"
    NO_GATEWAY = "no_gateway"
    LINK_DOWN = "link_down"
    ASLEEP = "asleep"
    OFF = "off"


class ProbeState(StrEnum):
    """What one learning site did."""

    OPEN = "open"
    SLOW = "slow"
    BLOCKED = "blocked"
    DNS_FAIL = "dns_fail"
    UNREACHABLE = "unreachable"


class ItemStatus(StrEnum):
    """The collector's answer for one item."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    DEFERRED = "deferred"


class ItemCode(StrEnum):
    """Why an item was not accepted."""

    SHAPE = "shape"
    RANGE = "range"
    TOO_LARGE = "too_large"
    RID_CONFLICT = "rid_conflict"
    QUARANTINED = "quarantined"
    KIND = "kind"
    SCHEMA = "schema"


class RefusalCode(StrEnum):
    """Why a whole request was refused (CONTRACTS 2)."""

    UNKNOWN_DEVICE = "unknown_device"
    OTHER_MACHINE = "other_machine"
    BAD_SIGNATURE = "bad_signature"
    KEY_REVOKED = "key_revoked"
    DEVICE_BLOCKED = "device_blocked"
    ENVELOPE = "envelope"
    TOO_LARGE = "too_large"
    OVERLOAD = "overload"
    MAINTENANCE = "maintenance"
    STORAGE = "storage"
    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105 -- a word of the vocabulary, no secret
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 -- a word of the vocabulary, no secret
    TOKEN_EXHAUSTED = "token_exhausted"  # noqa: S105 -- a word of the vocabulary, no secret
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 -- a word of the vocabulary, no secret


REFUSAL_STATUS: dict[RefusalCode, int] = {
    RefusalCode.UNKNOWN_DEVICE: 401,
    RefusalCode.OTHER_MACHINE: 409,
    RefusalCode.BAD_SIGNATURE: 401,
    RefusalCode.KEY_REVOKED: 401,
    RefusalCode.DEVICE_BLOCKED: 403,
    RefusalCode.ENVELOPE: 400,
    RefusalCode.TOO_LARGE: 413,
    RefusalCode.OVERLOAD: 503,
    RefusalCode.MAINTENANCE: 503,
    RefusalCode.STORAGE: 507,
    RefusalCode.TOKEN_UNKNOWN: 403,
    RefusalCode.TOKEN_EXPIRED: 403,
    RefusalCode.TOKEN_EXHAUSTED: 403,
    RefusalCode.TOKEN_REVOKED: 403,
}


class LeaseRefusal(StrEnum):
    """Why a device may not test now."""

    BUSY = "busy"
    ENOUGH = "enough"
    BUDGET = "budget"
    CLOSED = "closed"
    PAUSED = "paused"
    PENDING = "pending"


class DeviceState(StrEnum):
    """Whether a device's measurements may vote, and whether one of its keys may sign."""

    ACTIVE = "active"
    PENDING = "pending"
    REVOKED = "revoked"


class ExitCode(IntEnum):
    """Exit codes of both commands (CONTRACTS 4)."""

    DONE = 0
    FAULT = 1  # a check failed, or a fault of ours
    USAGE = 2  # usage or configuration
    NETWORK = 3  # network or server
    REFUSED = 4  # budget, lease, not enrolled
    RUNNING = 5  # already running
    INTERRUPTED = 130
