"""Small builders of stored tests as hints and fitness see them."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from collector.domain.diagnosis.facts import Fact, Site
from collector.domain.words import Technology

TARGET_BPS = 20_000_000
CONTRACT_BPS = 30_000_000
SITE = Site(TARGET_BPS, CONTRACT_BPS, Technology.FIBRE)
FIRST = date(2026, 11, 9)

USUAL = Fact(
    device="pc-1",
    rid="",
    day=FIRST,
    hour=10,
    votes=True,
    engine="ndt7",
    server_id="tp1",
    network="192.0.2.0/24",
    download_bps=25_000_000,
    download_steady_s=3.0,
    download_stop_reason="precise",
    upload_bps=8_000_000,
    idle_rtt_ms=20.0,
    idle_rtt_min_ms=18.0,
    idle_loss_pct=0.0,
    idle_n=20,
    idle_method="udp_echo",
    gateway_rtt_ms=1.0,
    gateway_loss_pct=0.0,
    loaded_download_rtt_ms=60.0,
    loaded_download_p95_ms=90.0,
    loaded_upload_rtt_ms=70.0,
    loaded_upload_p95_ms=110.0,
    loaded_method="udp_echo",
    medium="ethernet",
    link_bps=1_000_000_000,
)


def some(count: int, name: str = "a", *, days: int = 5, mbps: float | None = None, **more: Any) -> list[Fact]:
    """Return so many tests on so many days, mornings and afternoons by turns; all alike but for their names."""
    if mbps is not None:
        more["download_bps"] = round(mbps * 1e6)
    found = []
    for number in range(count):
        hour = more.get("hour", 9 + 5 * (number // days % 2))
        day = FIRST + timedelta(days=number % days)
        found.append(replace(USUAL, **{**more, "rid": f"{name}{number}", "day": day, "hour": hour}))
    return found
