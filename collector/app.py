"""The composition root of the web application."""

import sys
import threading
from wsgiref.types import WSGIApplication

from flask import Flask

from agent.wire import shapes
from collector.config import CollectorConfig, TestpointConfig, known_receipt_keys, metrics_token, receipt_file
from collector.errors import CollectorError
from collector.intake.keyring import KeySource
from collector.intake.parts import Parts
from collector.intake.receipts import ReceiptBook
from collector.notify import watch
from collector.notify.settings import NotifyConfig
from collector.ports import Ports
from collector.store.open import Store
from collector.web.api import devices, health
from collector.web.http.gate import Gate, Places
from collector.web.http.server import make_server
from collector.web.register import register_pages

LOOK_S = 0.2


def create_app(
    store: Store,
    config: CollectorConfig,
    ports: Ports,
    testpoint: TestpointConfig | None = None,
    notify: NotifyConfig | None = None,
) -> WSGIApplication:
    """Return everything that is served over HTTP, behind the gate that keeps its parts from starving each other.

    Args:
        store: The open database.
        config: How this deployment runs.
        ports: Clock and randomness.
        testpoint: Where devices measure against.
        notify: How people are told; None: as shipped.
    """
    shapes.build_all()
    places = {
        "ingest": Places(config.ingest_at_once),
        "enrol": Places(config.enrol_at_once),
        "pages": Places(config.pages_at_once),
        "exports": Places(config.exports_at_once),
    }
    parts = Parts(
        store=store,
        config=config,
        testpoint=testpoint or TestpointConfig(),
        ports=ports,
        keys=KeySource(store, ports.clock),
        receipts=ReceiptBook(receipt_file(config), known_receipt_keys(config)),
        load=places["ingest"].share,
    )
    return Gate(places, parts, make_flask(parts, notify))


def make_flask(parts: Parts, notify: NotifyConfig | None = None) -> Flask:
    """Return the application without its gate."""
    app = Flask("collector.web")
    app.register_blueprint(devices.make_blueprint(parts))
    app.register_blueprint(health.make_blueprint(parts, metrics_token()))
    register_pages(app, parts.store, parts.config, parts.ports, parts.testpoint.id, parts, notify)
    return app


def run_web(
    store: Store,
    config: CollectorConfig,
    testpoint: TestpointConfig,
    ports: Ports,
    stop: threading.Event,
    notify: NotifyConfig | None = None,
) -> None:
    """Serve over HTTP until `stop` is set.

    Args:
        store: The open database.
        config: Address and places.
        testpoint: Where devices measure against.
        ports: Clock and randomness.
        stop: Ends it; requests that are under way are cut, which loses nothing that was answered.
        notify: How people are told; None: as shipped.

    Raises:
        CollectorError: If the address cannot be had, or the server ended by itself.
    """
    server = make_server(create_app(store, config, ports, testpoint, notify), config, config.host, config.port)
    watch.note_start(store, ports.clock.now_ms())
    host = f"[{config.host}]" if ":" in config.host else config.host
    sys.stdout.write(f"Enlace is at {config.public_url or f'http://{host}:{server.effective_port}'}\n")
    sys.stdout.flush()
    worker = threading.Thread(target=server.run, name="http", daemon=True)
    worker.start()
    while worker.is_alive() and not stop.wait(LOOK_S):
        pass
    if not stop.is_set():
        raise CollectorError("The web server ended unexpectedly.", do="Look into the log.")
    server.close()
