"""Bounds of records and messages (CONTRACTS 1 and 2). kB = 1000 bytes."""

KB = 1000

BATCH_SENT_BYTES = 256 * KB
BATCH_INFLATED_BYTES = 2_000 * KB
BATCH_ITEMS = 100
ANSWER_BYTES = 256 * KB
PLAIN_BODY_BYTES = 8 * KB  # lease, settings, enrol
ITEM_BYTES = 16 * KB
ENVELOPE_DEPTH = 32

DETAIL_BYTES = 4 * KB  # unknown fields kept of one item
DETAIL_DEPTH = 8

SAFE_INTEGER = 2**53 - 1
BPS = 10**12
BYTES = 10**12
LEAST_CAP_BYTES = 50_000  # of one direction of a test: less leaves no room for a figure beside the heads and handshakes
MS = 600_000
DURATION_S = 3_600
UTC_OFFSET_MIN = 900
STREAMS = 64
COUNT = 10**6
SIGNAL_DBM = (-150, 50)
HALF_WIDTH_PCT = 1_000
ID_CHARS = 64
TEXT_CHARS = 256
RECEIPT_CHARS = 1_000
FAILURE_DETAIL_CHARS = 200
BINS = 40
TAGS = 8
PROBES = 20
YEARS = (1970, 2199)

BATCH_DEADLINE_S = 120.0
SIGNED_WAIT_S = 24 * 3600  # signed next_after_s and retry_after_s count up to this
UNSIGNED_WAIT_S = 3600  # an unsigned Retry-After up to this
