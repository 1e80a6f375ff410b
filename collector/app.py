"""The composition root of the web application."""

from wsgiref.types import WSGIApplication

from flask import Flask

from collector.config import CollectorConfig, TestpointConfig
from collector.intake.keyring import KeySource
from collector.intake.parts import Parts
from collector.ports import Ports
from collector.store.open import Store
from collector.web.api import devices, health
from collector.web.gate import Gate, Places
from collector.web.register import register_pages


def create_app(
    store: Store, config: CollectorConfig, ports: Ports, testpoint: TestpointConfig | None = None
) -> WSGIApplication:
    """Return everything that is served over HTTP, behind the gate that keeps its parts from starving each other.

    Args:
        store: The open database.
        config: How this deployment runs.
        ports: Clock and randomness.
        testpoint: Where devices measure against.
    """
    places = {
        "ingest": Places(config.ingest_at_once),
        "enrol": Places(config.enrol_at_once),
        "pages": Places(config.pages_at_once),
    }
    parts = Parts(
        store=store,
        config=config,
        testpoint=testpoint or TestpointConfig(),
        ports=ports,
        keys=KeySource(store, ports.clock),
        load=places["ingest"].share,
    )
    return Gate(places, parts, make_flask(parts))


def make_flask(parts: Parts) -> Flask:
    """Return the application without its gate."""
    app = Flask("collector.web")
    app.register_blueprint(devices.make_blueprint(parts))
    app.register_blueprint(health.make_blueprint(parts))
    register_pages(app, store=parts.store, config=parts.config, ports=parts.ports)
    return app
