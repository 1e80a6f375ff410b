"""What devices call: four addresses that read a capped body, ask `collector.intake`, and answer what it says."""

import logging
from collections.abc import Callable

from flask import Blueprint, Response, request

from agent.wire import headers, limits
from agent.wire.vocabulary import RefusalCode
from collector.errors import StorageError
from collector.intake import answers, batch, enrol, lease, settings
from collector.intake.answers import Answer, RefusedError
from collector.intake.incoming import Incoming
from collector.intake.parts import Parts
from collector.web.people.access import for_everyone

LOG = logging.getLogger(__name__)

BATCH_PATH, ENROL_PATH = "/ingest/v1/batch", "/enrol/v1/device"
LEASE_PATH, SETTINGS_PATH = "/lease/v1/test", "/settings/v1"
PATHS = (BATCH_PATH, ENROL_PATH, LEASE_PATH, SETTINGS_PATH)
NAMES = (*headers.SIGNED, headers.SIGNATURE, headers.OLD_SIGNATURE)

Case = Callable[[Incoming, Parts], Answer]


def make_blueprint(parts: Parts) -> Blueprint:
    """Return the four addresses."""
    blueprint = Blueprint("devices", __name__)

    def add(path: str, endpoint: str, case: Case, cap_bytes: int) -> None:
        @for_everyone  # a signature lets them in, not a session
        def view() -> Response:
            return _answer(case, parts, cap_bytes)

        blueprint.add_url_rule(path, endpoint, view, methods=["POST"])

    add(BATCH_PATH, "batch", batch.accept, limits.BATCH_SENT_BYTES)
    add(ENROL_PATH, "enrol", enrol.enrol, limits.PLAIN_BODY_BYTES)
    add(LEASE_PATH, "lease", lease.ask, limits.PLAIN_BODY_BYTES)
    add(SETTINGS_PATH, "settings", settings.tell, limits.PLAIN_BODY_BYTES)
    return blueprint


def _answer(case: Case, parts: Parts, cap_bytes: int) -> Response:
    incoming = _read(cap_bytes)
    try:
        answer = case(incoming, parts)
    except StorageError as error:
        LOG.error("storage.away", extra={"reason": error.what})
        code = RefusalCode.STORAGE if error.is_full else RefusalCode.MAINTENANCE
        refused = RefusedError(code, "Nothing of the request was stored.", parts.config.busy_retry_s)
        answer = refuse(refused, incoming.headers.get(headers.DEVICE, ""), incoming.batch, incoming.pin, parts)
    return Response(
        answer.body, answer.status, {**answer.headers, "Cache-Control": NO_STORE}, content_type=answer.media
    )


NO_STORE = "no-store, no-transform"


def refuse(refused: RefusedError, device: str, batch_id: str, pin: str, parts: Parts) -> Answer:
    """Return a refusal that asks nothing of the database.

    Raises:
        StorageError: If the keys were never read.
    """
    ring = parts.keys.ring()
    if device:
        return answers.refusal(refused, ring.pinned(pin), device, batch_id)
    return answers.refusal(refused, ring.current, answers.NOBODY, batch_id, ring.current.public_key)


def _read(cap_bytes: int) -> Incoming:
    is_cut = (request.content_length or 0) > cap_bytes
    given = request.headers  # asked for once: each `request` looks for the one of this thread
    values = ((name, given.get(name)) for name in NAMES)
    return Incoming(
        headers={name: value for name, value in values if value is not None},
        media=request.mimetype,
        encoding=given.get("Content-Encoding", "").strip().lower(),
        body=b"" if is_cut else request.stream.read(cap_bytes),
        is_cut=is_cut,
        client_address=request.remote_addr,
    )
