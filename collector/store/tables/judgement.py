"""What the evaluation writes, which can be deleted and folded again, and what people do about flags, which cannot."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from collector.store.tables.base import METADATA

SCHOOL_DAYS = Table(
    "school_days",
    METADATA,
    Column("school", Text, nullable=False),
    Column("day", Text, nullable=False),  # local to the school
    Column("is_open", Boolean, nullable=False),
    Column("suppressed", Text),  # why the day is not evaluated: holiday, closure, outage, hazard
    Column("measurements", Integer, nullable=False),
    Column("voting", Integer, nullable=False),
    Column("median_download_bps", BigInteger),
    Column("median_upload_bps", BigInteger),
    Column("median_idle_rtt_ms", Float),
    # Of its tests, headers included, both directions; None: folded before that was counted, until it is folded again.
    Column("used_bytes", BigInteger),
    # How late answers come under load, of those that vote and tell it (`queries.judging.delays`). NULL in `loaded_n`:
    # the day was worked out before this was kept.
    Column("loaded_n", Integer),
    Column("loaded_slow_n", Integer),  # later than the limit; None: nothing is asked
    Column("loaded_limit_ms", Float),  # that held on the day
    Column("median_loaded_ms", Float),
    # False: the day is not over at the school, or an input of it has changed; it is folded (again) by the next run.
    Column("is_final", Boolean, nullable=False, server_default="1"),
    PrimaryKeyConstraint("school", "day"),
    Index("ix_school_days_open", "school", sqlite_where=text("is_final = 0"), postgresql_where=text("NOT is_final")),
)

# What the tests of each school moved in each month of its own days: the sum of its school days, written with them.
SCHOOL_MONTHS = Table(
    "school_months",
    METADATA,
    Column("school", Text, nullable=False),
    Column("first_day", Text, nullable=False),  # of the month
    Column("used_bytes", BigInteger, nullable=False),
    Column("measurements", Integer, nullable=False),
    Column("voting", Integer, nullable=False),  # of them, those that count
    Column("uncounted_days", Integer, nullable=False),  # days of which the bytes are not known
    PrimaryKeyConstraint("school", "first_day"),
    # With all that a page asks of a month, so that those of other months are not read.
    Index("ix_school_months_used", "first_day", "school", "used_bytes", "measurements", "voting", "uncounted_days"),
)


def _evaluation() -> list[Column[Any]]:
    return [
        Column("school", Text, nullable=False),
        Column("profile", Text, nullable=False),  # the deployment's own, by which the series is called
        Column("target_profile", Text),  # whose rule gave the target; None: the same
        Column("profile_version", Text, nullable=False),  # of that profile
        Column("metric", Text, nullable=False),
        Column("day", Text, nullable=False),
        Column("window_from", Text),  # first day of the window
        Column("n", Integer, nullable=False),
        Column("days", Integer, nullable=False),
        Column("n_effective", Float),
        Column("attained", Integer, nullable=False),
        Column("unknown", Integer, nullable=False),
        Column("failed", Integer, nullable=False),
        Column("a_lo", Float),
        Column("a_hi", Float),
        Column("lower", Float),  # L(a_lo)
        Column("upper", Float),  # U(a_hi)
        Column("share", Float, nullable=False),  # s of the profile
        Column("verdict", Text, nullable=False),
        Column("remedy", Text),  # of NOT_TESTABLE
        Column("state", Text, nullable=False),  # none | watch | open | recovering
        Column("state_count", Integer, nullable=False),
        Column("target_bps", BigInteger, nullable=False),
        Column("is_estimated", Boolean, nullable=False),  # the roll was unknown
        Column("median_bps", BigInteger),
        Column("recover_share", Float),  # share of the window at or above 1.10 T
        Column("severity", Text),
        Column("loaded_n", Integer),  # tests of the window that tell the delay under load
        Column("window_loaded_ms", Float),  # middle of the medians of its days
        Column("window_idle_ms", Float),
    ]


# One row per school, profile, metric and evaluated school-day.
EVALUATIONS = Table(
    "evaluations",
    METADATA,
    *_evaluation(),
    PrimaryKeyConstraint("school", "profile", "metric", "day"),
    Index(None, "day"),
)

# Of those, what pages show of thousands of schools at once. Worked out again from them in the transaction that writes
# them (`queries.judging.summaries`), so that no page looks for it among all days of all schools.

NEWEST_EVALUATIONS = Table(
    "newest_evaluations",
    METADATA,
    *_evaluation(),
    PrimaryKeyConstraint("school", "profile", "metric"),
)

# The newest evaluation of each school within each month and each week.
PERIOD_VERDICTS = Table(
    "period_verdicts",
    METADATA,
    Column("school", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("way", Text, nullable=False),  # month | week
    Column("first_day", Text, nullable=False),  # of the period
    Column("day", Text, nullable=False),  # of the evaluation
    Column("verdict", Text, nullable=False),
    Column("verdict_before", Text),  # of the period before; None: none
    Column("ratio", Float),  # median against the target; None without enough data
    Column("profile_version", Text, nullable=False),
    Column("target_profile", Text),  # whose version that is; None: the series' own
    PrimaryKeyConstraint("school", "profile", "metric", "way", "first_day"),
    Index(
        "ix_period_verdicts_counts",
        *("way", "first_day", "profile", "metric", "verdict", "verdict_before"),
        *("profile_version", "target_profile", "school"),
    ),
    Index("ix_period_verdicts_ratio", "way", "first_day", "profile", "metric", "ratio", "school"),
)

# What each school-day says of a condition (`domain.conditions`): the input of its flags, worked out again from rows.
CONDITION_DAYS = Table(
    "condition_days",
    METADATA,
    Column("school", Text, nullable=False),
    Column("kind", Text, nullable=False),  # a ConditionKind
    Column("subject", Text, nullable=False),  # what of the school: mostly empty
    Column("day", Text, nullable=False),  # local to the school
    Column("state", Text, nullable=False),  # good | bad | unknown
    Column("numbers", Text, nullable=False),  # JSON
    PrimaryKeyConstraint("school", "kind", "subject", "day"),
    Index(
        "ix_condition_days_bad",
        *("kind", "school"),
        sqlite_where=text("state = 'bad'"),
        postgresql_where=text("state = 'bad'"),
    ),
)

# Why each PC that was expected and not heard is silent (`domain.silence`): worked out again from rows by every run.
SILENCES = Table(
    "silences",
    METADATA,
    Column("device", Text, primary_key=True),
    Column("school", Text, nullable=False),
    Column("contact_ms", BigInteger),  # the last contact that this is said of: who is heard later is silent no more
    Column("school_days", Integer, nullable=False),  # expected and not heard, up to the newest
    Column("reason", Text, nullable=False),  # a domain.words.Reason
    Column("last_word", Text),  # state of the newest diary run before the last contact
    Column("others", Integer, nullable=False),  # PCs of the school beside it
    Column("others_heard", Integer, nullable=False),
    Column("is_together", Boolean, nullable=False),  # all PCs of the school fell silent together, in class
    Index(None, "reason"),
    Index(None, "school"),
)

FLAGS = Table(
    "flags",
    METADATA,
    Column("flag_id", Text, primary_key=True),  # made from school, profile, metric, kind and opening day: replay agrees
    Column("school", Text, nullable=False),
    Column("kind", Text, nullable=False),  # below_target, or a ConditionKind
    Column("profile", Text, nullable=False),  # empty for a ConditionKind
    Column("metric", Text, nullable=False),  # of a ConditionKind its subject
    Column("below_since", Text, nullable=False),  # first BELOW or bad day of the run that opened it
    Column("opened_on", Text, nullable=False),
    Column("closed_on", Text),
    Column("closed_by", Text),  # recovered | person
    Column("state", Text, nullable=False),  # open | recovering | closed | retracted
    Column("state_count", Integer, nullable=False),
    Column("severity", Text),
    Column("is_stale", Boolean, nullable=False),
    Column("last_day", Text, nullable=False),  # of the newest evaluation folded in
    Index(None, "state"),
    Index(None, "school"),
)

FLAG_EVENTS = Table(
    "flag_events",
    METADATA,
    Column("flag_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("day", Text, nullable=False),
    Column("event", Text, nullable=False),  # of domain.words.FlagEventKind
    Column("numbers", Text, nullable=False),  # JSON: n, days, n_effective, a_lo, a_hi, lower, upper, target_bps, ...
    PrimaryKeyConstraint("flag_id", "seq"),
)

# What people did: a dated input of the fold, never deleted by replay and never changed.
FLAG_ACTIONS = Table(
    "flag_actions",
    METADATA,
    Column("action_id", Text, primary_key=True),
    Column("flag_id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("day", Text, nullable=False),  # local to the school
    Column("user_name", Text, nullable=False),
    Column("action", Text, nullable=False),  # a Deed
    Column("note", Text),
    Column("seq", Integer, nullable=False, server_default="0"),  # of the flag: 1, 2, 3 ...
    Column("batch_id", Text),  # of the one form that did this to one or many flags
    Column("value", Text),  # to whom, until when, which number, why, which deed: by the action
    # What the flag was of, beside its name: a closing is folded in although late data took the flag itself away.
    *(Column(name, Text, nullable=False, server_default="") for name in ("school", "kind", "profile", "metric")),
    Index(None, "flag_id", "at_ms"),
    Index(None, "batch_id"),
    Index(
        "ix_flag_actions_closed",
        "flag_id",
        "day",
        sqlite_where=text("action = 'closed'"),
        postgresql_where=text("action = 'closed'"),
    ),
    Index(
        "ix_flag_actions_closed_of",
        "school",
        "day",
        sqlite_where=text("action = 'closed'"),
        postgresql_where=text("action = 'closed'"),
    ),
)

# Where people stand with a flag, worked out from `flag_actions` and written with them; replay does not touch it.
FLAG_WORK = Table(
    "flag_work",
    METADATA,
    Column("flag_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),  # the newest `seq`: a form says which one it was made from
    Column("owner", Text),
    Column("seen_by", Text),
    Column("ticket", Text),
    Column("snoozed_until", Text),  # local to the school
    Column("snoozed_until_ms", BigInteger),  # when that day begins
    Column("snooze_reason", Text),
    Index(None, "owner"),
)
