"""The pages of a deployment, put into a Flask application together with what guards them."""

from flask import Flask, request
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect

from collector.config import CollectorConfig, TestpointConfig
from collector.intake.parts import Parts
from collector.notify.settings import NotifyConfig
from collector.ports import Ports
from collector.store import secrets_kept
from collector.store.open import Store
from collector.store.queries.pages.schools import ENOUGH
from collector.web import desk
from collector.web.http import addresses, assets, frame, headers, problems, reading
from collector.web.http.form_cookie import FormCookie
from collector.web.http.server import UPLOAD_MAX_BYTES, UPLOAD_PATH
from collector.web.language import i18n
from collector.web.language.i18n import choose_language
from collector.web.pages import (
    atlas,
    availability,
    browser_test,
    data_used,
    evidence,
    exports,
    flag_acts,
    hazard_report,
    method,
    networks,
    notice_log,
    notice_stop,
    notices,
    outages,
    overview,
    progress,
    providers,
    quality,
    registry,
    registry_rows,
    reports,
    school,
    school_link,
    school_tests,
    schools,
    settings,
    sign_in,
    sites,
    targets,
    token_making,
    uses,
    views,
    waiting,
    webhooks,
)
from collector.web.people import access
from collector.web.views import browser_offer, import_view
from collector.web.words import registry_words, sentences, terms

BLUEPRINTS = (
    sign_in.BLUEPRINT,
    overview.BLUEPRINT,
    atlas.BLUEPRINT,
    schools.BLUEPRINT,
    school.BLUEPRINT,
    school_link.BLUEPRINT,
    browser_test.BLUEPRINT,
    evidence.BLUEPRINT,
    school_tests.BLUEPRINT,
    availability.BLUEPRINT,
    flag_acts.BLUEPRINT,
    hazard_report.BLUEPRINT,
    outages.BLUEPRINT,
    providers.BLUEPRINT,
    networks.BLUEPRINT,
    progress.BLUEPRINT,
    data_used.BLUEPRINT,
    waiting.BLUEPRINT,
    token_making.BLUEPRINT,
    quality.BLUEPRINT,
    sites.BLUEPRINT,
    exports.BLUEPRINT,
    reports.BLUEPRINT,
    method.BLUEPRINT,
    targets.BLUEPRINT,
    uses.BLUEPRINT,
    settings.BLUEPRINT,
    registry.BLUEPRINT,
    registry_rows.BLUEPRINT,
    views.BLUEPRINT,
    notices.BLUEPRINT,
    notice_log.BLUEPRINT,
    notice_stop.BLUEPRINT,
    webhooks.BLUEPRINT,
)

SHAPE_PATH = "/hazards/new"
FORM_SECRET = "form_secret"  # noqa: S105 -- the name of the fact that holds it, not the secret
_LARGEST_FORM_BYTES = 64_000
_LARGEST_REGISTRY_FORM_BYTES = 1_000_000  # of a form with many cells; a file in it is counted apart


def register_pages(
    app: Flask,
    store: Store,
    config: CollectorConfig,
    ports: Ports,
    testpoint_id: str = TestpointConfig().id,
    intake: Parts | None = None,
    notify: NotifyConfig | None = None,
) -> None:
    """Add every page, signing in, languages, protection of forms, headers and pages for problems.

    Blueprints that are there already speak with programs: they check signatures and need no token in a form.

    Args:
        app: With `collector.web` as its root.
        store: The open database.
        config: How this deployment runs.
        ports: Clock and randomness.
        testpoint_id: Of the server whose tests are judged.
        intake: Lets people test in a browser; None: that is not offered.
        notify: How people are told; None: as shipped.
    """
    found = desk.Desk(store, config, ports, testpoint_id, notify or NotifyConfig())
    app.secret_key = secrets_kept.secret(store, FORM_SECRET, ports.randomness.token_bytes)
    _set_up_forms(app, is_secure=found.is_secure)
    reading.install(app)
    desk.install(app, found)
    browser_offer.install(app, intake)
    Babel(app, locale_selector=lambda: choose_language(config.default_language))
    i18n.install(app)
    _make_room(app)
    _ask_for_tokens(app)
    access.install(app)
    headers.install(app, frozenset(blueprint.name for blueprint in BLUEPRINTS))
    assets.install(app)
    problems.install(app)
    frame.install(app)
    addresses.install(app)
    app.jinja_env.globals.update(regwords=registry_words, first_of_each=import_view.first_of_each)
    app.jinja_env.globals.update(share_range=sentences.share_range, verdict_options=_verdict_options)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)


def _set_up_forms(app: Flask, *, is_secure: bool) -> None:
    """Say what cookie holds the tokens that `_ask_for_tokens` asks for, and how large a form may be."""
    app.session_interface = FormCookie()
    app.config.update(
        SESSION_COOKIE_NAME="enlace_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_secure,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session lasts: a long note is not lost
        MAX_FORM_MEMORY_SIZE=_LARGEST_FORM_BYTES,
    )


def _ask_for_tokens(app: Flask) -> None:
    """Take no form without the token that its page gave; what is registered already has other proofs."""
    csrf = CSRFProtect()
    for blueprint in app.blueprints.values():
        csrf.exempt(blueprint)
    csrf.exempt(notice_stop.BLUEPRINT)  # mail programs press it by themselves, and its address is signed
    csrf.init_app(app)


def _make_room(app: Flask) -> None:
    """Let the registry's forms be as large as its files; asked before the check of the form reads it."""

    @app.before_request
    def _room() -> None:
        if request.path.startswith(UPLOAD_PATH):
            request.max_form_memory_size = _LARGEST_REGISTRY_FORM_BYTES
            request.max_content_length = UPLOAD_MAX_BYTES
        elif request.path == SHAPE_PATH:
            request.max_form_memory_size = 2 * _LARGEST_REGISTRY_FORM_BYTES  # a shape that was pasted


def _verdict_options(chosen: str = "") -> list[tuple[str, object]]:
    """Return what a list of schools may be asked for; several verdicts at once come from the map's legend."""
    several = [(chosen, schools.verdict_names(chosen))] if "," in chosen else []
    every = [(name, terms.VERDICTS[name]) for name in (*terms.VERDICT_ORDER, "NONE")]
    return [("", terms.ALL), *several, *every, (ENOUGH, terms.ENOUGH)]
