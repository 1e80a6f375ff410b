-- The agent's durable store of what is not yet acknowledged. Times named _ms are Unix milliseconds.
-- Row numbers are never used twice: an answer that arrives late must not meet another row.
CREATE TABLE rows (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    rid           TEXT    NOT NULL UNIQUE,
    kind          TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('running', 'ready', 'acked', 'dead')),
    position      INTEGER NOT NULL,             -- place in the queue; a failing row goes to the back
    tries         INTEGER NOT NULL DEFAULT 0,
    reason        TEXT,                         -- why it is dead, deferred or at the back
    not_before_ms INTEGER,                      -- server time before which a deferred row is not offered
    boot_id       TEXT    NOT NULL,             -- clocks of this computer when the row was written
    mono_ms       INTEGER NOT NULL,
    wall_ms       INTEGER NOT NULL,
    born_ms       INTEGER,                      -- server time, at the latest; NULL until the server's time is known
    since_ms      INTEGER,                      -- server time at which it got its state, at the latest
    owner         TEXT,                         -- lock file of the process that measures, while running
    has_bins      INTEGER NOT NULL,
    size_bytes    INTEGER NOT NULL,
    body_hash     TEXT    NOT NULL,
    body          BLOB    NOT NULL
);
CREATE INDEX rows_by_state ON rows (state, position, size_bytes);
CREATE INDEX rows_with_bins ON rows (seq) WHERE has_bins = 1;
CREATE INDEX rows_deferred ON rows (seq) WHERE not_before_ms IS NOT NULL;

-- created, acked, dead and one "dropped:<reason>" each; ready is counted from the rows.
CREATE TABLE ledger (name TEXT PRIMARY KEY, value INTEGER NOT NULL);

-- Bytes spent per local day; a reservation is part of them from the moment it is made.
CREATE TABLE budget_days (day TEXT PRIMARY KEY, spent_bytes INTEGER NOT NULL);
CREATE TABLE reservations (rid TEXT PRIMARY KEY, day TEXT NOT NULL, reserved_bytes INTEGER NOT NULL);

CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL, value_hash TEXT NOT NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
