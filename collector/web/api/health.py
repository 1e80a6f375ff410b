"""Two addresses for monitors: whether data flow, and a few figures as text.

Neither names a school or a device. `/healthz` is for everybody; `/metrics` counts the fleet, so it is for who has the
secret of the environment, and without one for this computer alone.
"""

import hmac
import ipaddress

from flask import Blueprint, Response, abort, json, request

from collector.errors import StorageError
from collector.intake.parts import Parts
from collector.notify import watch
from collector.store.queries.health import Health, read_health
from collector.web import asked
from collector.web.people.access import for_everyone

_NO_STORE = {"Cache-Control": "no-store"}


def make_blueprint(parts: Parts, metrics_token: str = "") -> Blueprint:
    """Return `/healthz` and `/metrics`.

    Args:
        parts: What they read.
        metrics_token: What a monitor has to send as `Authorization: Bearer`; empty: only this computer may ask.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    @for_everyone
    def healthz() -> Response:
        """Say whether the database answers, what is wrong with Enlace, and when data last came."""
        try:
            with parts.store.reader() as snapshot:
                health, looked = read_health(snapshot), watch.read_looked(snapshot)
        except StorageError:
            return Response(json.dumps({"status": "no database"}), 503, _NO_STORE, content_type="application/json")
        now_ms = parts.ports.clock.now_ms()
        ill = [one.word for one in watch.illnesses(looked, now_ms)]
        body = {
            "status": "ill" if ill else "ok",
            "ill": ill,
            "last_measurement_age_s": _age_s(health.last_received_ms, now_ms),
            "last_contact_age_s": _age_s(health.last_contact_ms, now_ms),
            "last_evaluation_age_s": _age_s(health.last_evaluation_ms, now_ms),
        }
        return Response(json.dumps(body), 200, _NO_STORE, content_type="application/json")

    @blueprint.get("/metrics")
    @for_everyone
    def metrics() -> Response:
        """Print figures in the text format of Prometheus."""
        _let_in(metrics_token)
        try:
            health = _read(parts)
        except StorageError:
            return Response("enlace_up 0\n", 503, _NO_STORE, content_type="text/plain; version=0.0.4")
        lines = ["enlace_up 1", f"enlace_places_in_use_ratio {parts.load():.3f}"]
        lines += [f'enlace_devices{{state="{state}"}} {count}' for state, count in sorted(health.devices.items())]
        for name, value_ms in (
            ("measurement", health.last_received_ms),
            ("contact", health.last_contact_ms),
            ("evaluation", health.last_evaluation_ms),
        ):
            if value_ms is not None:
                lines.append(f"enlace_last_{name}_timestamp_seconds {value_ms / 1000:.3f}")
        return Response("\n".join(lines) + "\n", 200, _NO_STORE, content_type="text/plain; version=0.0.4")

    return blueprint


def _let_in(token: str) -> None:
    if token:
        if not hmac.compare_digest((asked.bearer() or "").encode(), token.encode()):
            abort(Response("Send the secret as a bearer token.\n", 401, {"WWW-Authenticate": "Bearer", **_NO_STORE}))
    elif not _is_loopback(request.remote_addr):
        abort(Response("Set ENLACE_METRICS_TOKEN to ask from another computer.\n", 403, _NO_STORE))


def _is_loopback(address: str | None) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _read(parts: Parts) -> Health:
    with parts.store.reader() as snapshot:
        return read_health(snapshot)


def _age_s(then_ms: int | None, now_ms: int) -> int | None:
    return None if then_ms is None else max(0, (now_ms - then_ms) // 1000)
