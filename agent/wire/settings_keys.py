"""The keys of every table of the one configuration file, as either command knows them of the other's tables.

What a key takes stands with the command that reads it: `agent.config`, `collector.config`, `collector.notify.settings`;
their tests hold these names against it.
"""

from typing import Final

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "agent": (
        "collector_url", "servers", "engine", "proxy", "data", "log_level", "metered", "day_bytes", "month_bytes",
        "metered_day_bytes", "metered_month_bytes", "max_bytes_direction", "min_free_disk_bytes", "first_test_within_s",
        "tests_per_window", "test_interval_s", "alone_spread_s", "light_interval_s", "settings_interval_s",
        "retry_base_s", "retry_cap_s", "start_spread_s",
    ),
    "collector": (
        "name", "default_timezone", "default_language", "contact", "profile", "data", "database_url", "host", "port",
        "public_url", "behind_proxy", "trusted_proxy", "ingest_at_once", "enrol_at_once", "pages_at_once",
        "exports_at_once", "body_deadline_s", "busy_retry_s", "token_days", "token_devices", "max_items", "lease_s",
        "tests_per_window", "test_bytes", "day_bytes", "month_bytes", "paused", "receipt_keys", "session_hours",
        "busy_host_pct", "evaluate_every_min", "networks_file",
    ),
    "testpoint": (
        "id", "host", "port", "udp_port", "public_url", "open", "collector_keys", "max_tests", "capacity_mbps",
    ),
    "notify": (
        "smtp_host", "smtp_port", "smtp_security", "smtp_user", "smtp_ca_file", "smtp_timeout_s", "from_address",
        "digest_time", "webhook_timeout_s", "webhook_private", "backup_path", "backup_max_h",
    ),
}  # fmt: skip
