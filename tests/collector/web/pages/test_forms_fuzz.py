"""Whatever is posted to any form: no fault of ours, a sentence in the reader's language, nothing half done.

Forms are those that the pages show while somebody walks through them: a new one is posted to without a word here.
"""

import gettext
import io
import logging
import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

import collector.web
from collector.app import make_flask
from collector.notify import stop_link
from collector.notify.settings import NotifyConfig
from collector.notify.stop_link import Stop
from collector.store.open import Store
from collector.store.tables.catalogue import METADATA
from collector.web.language.i18n import LANGUAGES
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_all_pages import PAGES, address_of
from tests.fakes import html_forms, pages_deeds, pages_world
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.hostile_forms import GOOD_FILES, HOSTILE, Sent, fill, request_of
from tests.fakes.html_forms import FREE, Form, Read
from tests.fakes.wire_device import a_deployment

OF_MAIL_PROGRAMS = ("notice_stop.stop",)  # its address is signed
OF_PROGRAMS = ("devices", "health")  # what speaks no language
# Every request may write that a session was used or that a password was wrong.
NOT_OF_FORMS = ("sessions", "sign_in_failures", "measurements", "school_days", "evaluations", "newest_evaluations")
# What answers with a page although something is stored: secrets that stand there and nowhere else; no more of these.
DONE_AT_ONCE = ("tokens.make", "tokens.make_many", "webhooks.make", "notice_stop.stop")
WRITTEN_DOWN = ("hazards.phone", "hazards.paper_with_phones")  # who looked at telephones, and nothing else
PEOPLE = ("ana",) * 4 + ("otto",) * 3 + ("vera", "abel", "cleo", "cora")
OF_A_HAZARD = ("/hazards/hazard-1", "/hazards/hazard-1/calls")
CATALOGUES = Path(collector.web.__file__).parent / "translations"


@cache
def english_pieces(language: str) -> tuple[str, ...]:
    """Return pieces of English messages that a page in another language must not say."""
    known = gettext.translation("messages", CATALOGUES, [language])._catalog  # type: ignore[attr-defined]
    pieces: set[str] = set()
    for message, said in known.items():
        text = message if isinstance(message, str) else message[0]
        if text and text != said:
            pieces |= {piece.strip() for piece in re.split(r"%\(\w+\)s|%%|</?b>", text) if len(piece.strip()) >= 25}
    return tuple(pieces)


class Fuzz:
    """Somebody who walks through the pages as several people and posts what stands in no manual."""

    def __init__(self, app: Flask, store: Store, clock: FakeClock, seed: int) -> None:
        self.app, self.store, self.clock, self.chance = app, store, clock, random.Random(seed)
        self.clients: dict[str | None, FlaskClient] = {}
        self.tokens: dict[str | None, str] = {}
        self.forms: dict[str, list[Form]] = {}  # by endpoint, the newest last
        self.posted: Counter[str] = Counter()
        self.posted_from_a_page: Counter[str] = Counter()
        self.answered: Counter[int] = Counter()
        self.turns: list[str] = []  # endpoints of this round that are to come
        self.rules = {
            rule.endpoint: rule
            for rule in app.url_map.iter_rules()
            if "POST" in (rule.methods or ()) and rule.endpoint.split(".")[0] not in OF_PROGRAMS
        }
        ana = self.client("ana")
        secret = stop_link.secret_of(store, fake_ports(clock))
        no_more = stop_link.PATH + stop_link.sign(secret, Stop("outage", "user-vera"))
        self.pages = [address_of(ana, page) for page in (*PAGES, *OF_A_HAZARD, no_more)]
        for page in self.pages:
            self.look("ana", page)
        self.deeds()
        self.stands = self.stand()

    def deeds(self) -> None:
        """Do what has forms afterwards that nobody else sees: a token, a file to mend, one to take back, limits."""
        self.do("tokens.make", school="00123")
        made = next(one for one in self.forms["tokens.letters"][-1].fields if one.name == "tokens").value
        assert made
        found = re.search(r'href="(/admin/tokens\?batch=[^"]+)"', self.client("ana").get("/admin/tokens").text)
        assert found
        self.pages.append(unescape(found.group(1)))
        for file in GOOD_FILES[1::-1]:
            self.pages.append(self.do("registry.bring", file=(io.BytesIO(file), "a.csv")))
        self.pages.append(self.do("registry.apply"))
        self.do("uses.save", share="75", note="seen")
        self.do("school_link.make")
        self.do("schools.show", name="Mine")
        for page in self.pages[-4:]:
            self.look("ana", page)
        self.deeds_about_notices()
        devices = re.findall(r'name="device" value="([^"]+)"', self.client("ana").get("/devices").text)
        self.do("fleet.chosen", device=devices)  # a silent one among them: only such can be given to somebody
        self.do("networks.declare", provider="Onda Sur", number="64500")
        self.do("evidence.ask")

    def deeds_about_notices(self) -> None:
        """Give somebody an address and an hour of silence, and a webhook a place."""
        self.do("notices.save", email="ana@example.org")
        self.do("notices.add_mute", what="all", until="2026-11-30", reason="holidays")
        self.do("webhooks.make", name="Desk", url="https://desk.example/hook", digest="1")
        for page in ("/notices", "/admin/webhooks"):
            self.look("ana", page)

    def do(self, endpoint: str, **typed: object) -> str:
        """Send the newest form of an address as a person would, and return where that leads."""
        form = self.forms[endpoint][-1]
        given = {one.name: one.value for one in form.fields if one.is_sent and one.kind not in ("button", "file")}
        answer = self.client("ana").post(form.action, data={**given, **typed})
        self.learn("ana", form.action, answer)
        assert answer.status_code in (200, 303), f"{endpoint}: {answer.status_code}"
        if answer.status_code == 303:
            self.look("ana", answer.location)
        return answer.location or form.action

    def client(self, name: str | None) -> FlaskClient:
        """Return the browser of somebody, signed in."""
        if name not in self.clients:
            self.clients[name] = self.app.test_client()
        client = self.clients[name]
        if name is not None and client.get("/login").status_code != 303:
            while sign_in(client, name).status_code != 303:
                self.clock.advance(16 * 60_000)  # a wrong password may have been posted for this name five times
                self.clients[name] = client = self.app.test_client()
        return client

    def look(self, name: str | None, address: str) -> Read:
        """Read a page and remember its forms."""
        answer = self.client(name).get(address)
        assert answer.status_code < 500, address
        return self.learn(name, address, answer)

    def learn(self, name: str | None, address: str, answer: TestResponse) -> Read:
        if answer.mimetype != "text/html":
            answer.close()
            return Read("", 0, (), ())
        seen = html_forms.read(answer.text)
        for link in set(re.findall(r'href="(/[^"?#]*)', answer.text)):
            assert not self.is_only_sent_to(unescape(link)), f"{address} leads to {link}, which is only sent to"
        elsewhere = [one for form in seen.forms for one in html_forms.sent_elsewhere(form)]
        for form in (*seen.forms, *elsewhere):
            if not form.is_posted:
                continue
            form.action = form.action or address
            endpoint = self.endpoint_of(form.action)
            assert endpoint is not None, f"{address} has a form that nobody answers: {form.action}"
            known = self.forms.setdefault(endpoint, [])
            known.append(form)
            del known[:-12]
            token = next((one.value for one in form.fields if one.name == "csrf_token"), None)
            assert token or endpoint in OF_MAIL_PROGRAMS, f"{address}: the form of {form.action} has no token"
            if token:
                self.tokens[name] = token
        return seen

    def endpoint_of(self, action: str) -> str | None:
        try:
            endpoint, _places = self.app.url_map.bind("localhost").match(urlsplit(action).path, "POST")
        except HTTPException:
            return None
        return str(endpoint)

    def is_only_sent_to(self, address: str) -> bool:
        known, path = self.app.url_map.bind("localhost"), unquote(address)
        return known.test(path, "POST") and not known.test(path, "GET")

    def stand(self) -> dict[str, list[object]]:
        """Return everything that forms can change."""
        with self.store.reader() as snapshot:
            return {
                name: sorted(map(repr, snapshot.connection.execute(select(table))))
                for name, table in METADATA.tables.items()
                if name not in NOT_OF_FORMS
            }

    def post(self) -> None:
        """Post one form and look at what came of it."""
        chance = self.chance
        name = chance.choice(PEOPLE) if chance.random() < 0.95 else None
        language = chance.choice(list(LANGUAGES))
        client = self.client(name)
        client.set_cookie("enlace_language", language)
        if chance.random() < 0.25:
            self.look(name, chance.choice(self.pages))
        endpoint = self.next_endpoint()
        form, is_of_a_page = self.form_for(endpoint)
        sent = fill(form, chance, self.token(name))
        sent.is_as_shown &= is_of_a_page
        answer = client.post(sent.address, **request_of(sent, chance))  # type: ignore[arg-type]
        said = f"{name} {language} {sent.address[:200]} {str(sent.pairs)[:1500]} {sent.way}: {answer.status_code}"
        self.posted[endpoint] += 1
        self.posted_from_a_page[endpoint] += is_of_a_page
        self.answered[answer.status_code] += 1
        self.check(name, language, sent, answer, said)

    def next_endpoint(self) -> str:
        """Return each address once, in an order by chance, and then each once more."""
        if not self.turns:
            self.turns = sorted(self.rules)
            self.chance.shuffle(self.turns)
        return self.turns.pop()

    def form_for(self, endpoint: str) -> tuple[Form, bool]:
        """Return a form of a page, or one that no page has shown yet with made-up places and fields."""
        known = self.forms.get(endpoint, [])
        if known and self.chance.random() < 0.93:
            form = self.chance.choice(known)
            if self.chance.random() < 0.05:
                form = Form(f"{form.action}{'&' if '?' in form.action else '?'}{self.odd_query()}", fields=form.fields)
            return form, True
        rule = self.rules[endpoint]
        places = {place: self.chance.choice(("none", "00123", "ñ", "a\0b", "x" * 300, "1")) for place in rule.arguments}
        address = self.app.url_map.bind("localhost").build(endpoint, places, "POST")
        others = known or self.chance.choice(list(self.forms.values()))
        return Form(address, fields=self.chance.choice(others).fields), False

    def odd_query(self) -> str:
        key, value = self.chance.choice(("q", "page", "done", "state", "look")), self.chance.choice(("%00", "%ff", "x"))
        return f"{key}={value}"

    def token(self, name: str | None) -> str:
        if name not in self.tokens:
            self.look(name, "/devices" if name else "/login")
        draw = self.chance.random()
        if draw < 0.04:
            return self.chance.choice(list(self.tokens.values()))  # perhaps another's
        return self.chance.choice(HOSTILE) if draw < 0.06 else self.tokens[name]

    def check(self, name: str | None, language: str, sent: Sent, answer: TestResponse, said: str) -> None:
        assert answer.status_code in (200, 303, 400, 403, 404, 405, 409, 413, 415, 422, 429), said
        if answer.mimetype == "application/json":  # a script of ours asked, and not a form
            assert answer.status_code == 200 or self.stand() == self.stands, f"{said}: refused, and yet stored"
            self.stands = self.stand()
            return
        if answer.mimetype == "text/csv":
            assert answer.status_code == 200 and self.stand() == self.stands, f"{said}: a file, and yet stored"
            return
        if answer.status_code == 200:
            self.expect_what_is_done_at_once(self.endpoint_of(sent.address))
        if answer.status_code == 303:
            to = urlsplit(answer.location)
            assert not to.netloc and to.path.startswith("/") and not to.path.startswith("//"), (
                f"{said} {answer.location}"
            )
            assert to.path != "/login" or self.stand() == self.stands, f"{said}: sent to sign in, and yet stored"
            if urlsplit(sent.address).path in ("/login", "/logout"):
                self.tokens.pop(name, None)  # a session that begins or ends has other tokens
            elif to.path != "/login":
                self.look(name, answer.location)
            self.stands = self.stand()
            return
        read = self.learn(name, sent.address, answer)
        if urlsplit(sent.address).path == "/admin/tokens/letters" and answer.status_code == 200:
            language = read.language  # letters speak that of those who get them
        assert read.language == language and read.headings == 1, said
        assert self.stand() == self.stands, f"{said}: refused, and yet something was stored"
        if answer.status_code == 200:
            return  # it asks once more
        assert read.alerts and all(read.alerts), f"{said}: no sentence"
        self.check_language(language, read, said)
        if answer.status_code in (409, 422):
            self.check_kept(sent, read, said)

    def expect_what_is_done_at_once(self, endpoint: str | None) -> None:
        if endpoint in DONE_AT_ONCE:
            self.stands = self.stand()
        if endpoint in WRITTEN_DOWN:
            self.stands["audit"] = self.stand()["audit"]

    def check_language(self, language: str, read: Read, said: str) -> None:
        if language == "en":
            return
        for alert in read.alerts:
            found = [piece for piece in english_pieces(language) if piece in unescape(alert)]
            assert found == [], f"{said}: {alert}"

    def check_kept(self, sent: Sent, read: Read, said: str) -> None:
        """What a person can have typed stands in the form that comes back."""
        if not sent.typed or sent.way not in ("form", "multipart"):
            return
        if not sent.is_as_shown:
            return  # nobody can say which form this was
        path = urlsplit(sent.address).path
        back = [form for form in read.forms if urlsplit(form.action or sent.address).path == path]
        assert back, f"{said}: the form is not there again"
        for field in {one.name: one for form in back for one in form.fields if one.kind in FREE}.values():
            typed = sent.once(field.name)
            if typed is None or len(typed) > min(field.longest, 2000) or not typed.isprintable():
                continue
            shown = [" ".join((form.value(field.name) or "").split()) for form in back]
            assert " ".join(typed.split()) in shown, f"{said}: {field.name} was {typed[:80]!r}, now {str(shown)[:200]}"


@pytest.fixture(autouse=True)
def no_fault_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(pages_world.NOW_MS)


@pytest.fixture
def app(country: Store, clock: FakeClock) -> Flask:
    pages_deeds.add(country)
    return make_flask(a_deployment(country, clock), NotifyConfig(smtp_host="mail.example.org", from_address="e@e.org"))


@pytest.mark.deep
def test_300_posts(app: Flask, country: Store, clock: FakeClock) -> None:
    fuzz = Fuzz(app, country, clock, seed=1)
    for _post in range(300):
        fuzz.post()
    assert set(fuzz.posted) == set(fuzz.rules)
    assert fuzz.answered[303] > 20 and fuzz.answered[422] > 20  # what is posted is neither all good nor all nonsense


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(100, 110))
def test_10000_posts(app: Flask, country: Store, clock: FakeClock, seed: int) -> None:
    fuzz = Fuzz(app, country, clock, seed)
    for _post in range(1000):
        fuzz.post()
    # Each route by a form that a page shows: one that none does is a page missing from PAGES, or a form nobody finds.
    # What a script of ours posts stands in no form.
    in_forms = {name for name in fuzz.rules if not name.startswith("browser_test.")}
    assert {name for name in in_forms if not fuzz.posted_from_a_page[name]} == set()
