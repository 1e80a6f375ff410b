"""Bodies of requests and answers other than the record itself (CONTRACTS 2 and 3)."""

from typing import Any

import msgspec

from agent.wire.vocabulary import (
    DeviceState,
    EngineName,
    ItemCode,
    ItemStatus,
    LeaseRefusal,
    RefusalCode,
    Tier,
    Trigger,
)


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of every body; members that a version does not know are passed over."""


class ItemAnswer(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The verdict on one item, by its position in the request."""

    rid: str | None  # None where it could not be read
    status: ItemStatus
    code: ItemCode | None = None


class BatchAnswer(Message, frozen=True, kw_only=True):
    """The answer to a batch that could be read."""

    status: int = 200
    items: list[ItemAnswer]
    ratchet: str
    store_epoch: str
    server_time_ms: int
    next_after_s: int
    max_items: int
    settings_version: str


class Problem(Message, frozen=True, kw_only=True, omit_defaults=True):
    """A refusal of the whole request (RFC 9457); the agent goes by `status` in the signed body."""

    type: str
    title: str
    status: int
    code: RefusalCode
    detail: str
    retry_after_s: int | None = None
    collector_key: str | None = None  # enrolment only


class ServerEntry(Message, frozen=True, kw_only=True):
    """One address of a test point for one engine."""

    id: str
    engine: EngineName
    url: str
    udp_port: int | None = None


class BudgetLimits(Message, frozen=True, kw_only=True):
    """A school's byte budget."""

    test_bytes: int
    day_bytes: int
    month_bytes: int


class ProbeSite(Message, frozen=True, kw_only=True):
    """One learning site that the operator wants looked at."""

    name: str
    url: str


class SettingsAnswer(Message, frozen=True, kw_only=True):
    """What the collector wants of its devices."""

    status: int = 200
    version: str
    windows_utc: list[list[int]]  # [from_ms, to_ms] of the next 14 days
    tests_per_window: int
    servers: list[ServerEntry]
    budget: BudgetLimits
    probes: list[ProbeSite]
    paused: bool
    next_collector_key: str | None
    server_time_ms: int
    # [from_ms, to_ms, tests] that a person has asked for beside the schedule; older agents pass it over.
    campaign_utc: list[list[int]] = []


class EnrolRequest(Message, frozen=True, kw_only=True):
    """A computer asks to become a device."""

    token: str
    public_key: str
    machine_hash: str
    hostname_hash: str
    os: str
    agent_version: str
    replaces: str | None = None


class SchoolName(Message, frozen=True, kw_only=True):
    """The school that a device belongs to."""

    code: str
    name: str


class EnrolAnswer(Message, frozen=True, kw_only=True):
    """A computer has become a device."""

    status: int = 200
    device: str
    state: DeviceState
    school: SchoolName
    ratchet: str
    store_epoch: str
    server_time_ms: int
    settings: SettingsAnswer
    collector_key: str


class LeaseRequest(Message, frozen=True, kw_only=True):
    """A device asks whether it may test now."""

    trigger: Trigger
    engines: list[EngineName]
    tier: Tier = Tier.CAPACITY  # a calibration wants caps for its full ten seconds


class LeaseGranted(Message, frozen=True, kw_only=True):
    """The device may test now."""

    status: int = 200
    granted: bool = True
    lease_id: str
    expires_in_s: int
    expires_at_ms: int
    max_bytes_download: int
    max_bytes_upload: int
    servers: list[ServerEntry]
    access_token: str
    server_time_ms: int


class LeaseDenied(Message, frozen=True, kw_only=True):
    """The device may not test now."""

    status: int = 200
    granted: bool = False
    reason: LeaseRefusal
    retry_after_s: int
    server_time_ms: int


def encode(message: Message) -> bytes:
    """Return the message as JSON."""
    return msgspec.json.encode(message)


def read_lease(body: bytes) -> LeaseGranted | LeaseDenied:
    """Return the collector's word on a lease.

    Raises:
        msgspec.MsgspecError: If the body is something else.
    """
    told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    if told.get("granted") is True:
        return msgspec.convert(told, type=LeaseGranted)
    return msgspec.convert(told, type=LeaseDenied)
