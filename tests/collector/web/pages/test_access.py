import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from collector.store.open import Store
from collector.store.tables.judgement import FLAG_ACTIONS
from collector.store.tables.people import AUDIT, SESSIONS, SIGN_IN_FAILURES, USERS
from collector.store.writelock import write_lock
from collector.web.register import BLUEPRINTS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.screens import make_app

CLOSED = [
    "/",
    "/map",
    "/map/data",
    "/map/card?school=00123",
    "/schools",
    "/schools/00123",
    "/flags",
    "/flags/x",
    "/devices",
    "/exports",
    "/exports/schools.csv",
    "/providers",
    "/providers.csv",
    "/providers/schools.csv",
    "/quality",
    "/quality.csv",
    "/quality/clock",
    "/quality/clock.csv",
    "/progress",
    "/progress.csv",
]


def test_anonymous_is_sent_to_sign_in_and_comes_back(client: FlaskClient) -> None:
    for address in CLOSED:
        answer = client.get(address)
        assert answer.status_code == 303, address
        assert answer.location.startswith("/login"), address
    assert (
        client.get("/schools?verdict=BELOW&q=%C3%91").location
        == "/login?next=/schools?verdict%3DBELOW%26q%3D%25C3%2591"
    )
    back = sign_in(client, "ana", next="/schools?verdict=BELOW")
    assert back.location == "/schools?verdict=BELOW"


def test_every_view_of_a_page_is_closed_unless_it_says_so(app: Flask, client: FlaskClient) -> None:
    names = {blueprint.name for blueprint in BLUEPRINTS}
    open_ones = set()
    for rule in app.url_map.iter_rules():
        if (
            rule.endpoint.split(".")[0] in names
            and getattr(app.view_functions[rule.endpoint], "enlace_needs", 1) is None
        ):
            open_ones.add(rule.endpoint)
    assert open_ones == {
        "sign_in.show", "sign_in.enter", "sign_in.leave", "sign_in.choose_language", "sign_in.choose_theme",
        "school_link.show", "browser_test.show_link", "browser_test.begin_link", "browser_test.end_link",
        "notice_stop.show", "notice_stop.stop",
    }  # fmt: skip


def test_no_address_of_somebody_else_is_gone_back_to(client: FlaskClient) -> None:
    for foreign in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\r\nb: c"):
        answer = sign_in(client, "ana", next=foreign)
        assert answer.location == "/", foreign
        client.post("/logout", data={"csrf_token": token_of(client.get("/").text)})
    for address in ("/language/es", "/theme/dark"):
        assert client.get(f"{address}?next=//evil.example/").location == "/"


def test_a_post_without_token_is_refused(admin: FlaskClient, client: FlaskClient) -> None:
    for address in ("/login", "/logout", "/flags/x", "/devices/d/approve"):
        answer = client.post(address, data={"name": "ana"})
        assert answer.status_code == 400, address
        assert "That form has expired" in answer.text


def test_a_viewer_looks_and_changes_nothing(viewer: FlaskClient, country: Store) -> None:
    listed = viewer.get("/flags?state=all").text
    flag = listed.split('href="/flags/')[1].split('"')[0]
    page = viewer.get(f"/flags/{flag}").text
    assert "Take it" not in page and "Close…" not in page
    for address in (f"/flags/{flag}", "/devices/d-00123-1/approve"):
        token = token_of(viewer.get("/").text)
        answer = viewer.post(address, data={"csrf_token": token, "action": "acknowledged"})
        assert answer.status_code == 403
        assert "your account may look but not change anything" in answer.text
    with country.reader() as snapshot:
        for who in (FLAG_ACTIONS.c.user_name, AUDIT.c.actor):
            assert snapshot.connection.execute(select(who).where(who == "vera")).all() == []


def test_signing_out_ends_the_session_on_the_server(admin: FlaskClient, app: Flask) -> None:
    cookie = admin.get_cookie("enlace_session")
    assert cookie is not None and cookie.http_only and cookie.same_site == "Lax"
    admin.post("/logout", data={"csrf_token": token_of(admin.get("/").text)})
    thief = app.test_client()
    thief.set_cookie("enlace_session", cookie.value)
    assert thief.get("/").status_code == 303


def test_only_a_hash_of_the_cookie_is_kept(admin: FlaskClient, country: Store) -> None:
    cookie = admin.get_cookie("enlace_session")
    with country.reader() as snapshot:
        kept = snapshot.connection.execute(select(SESSIONS.c.token_hash)).scalars().all()
    assert cookie is not None and cookie.value not in kept
    assert len(kept) == 1


def test_a_session_ends_by_itself_and_with_its_person(admin: FlaskClient, app: Flask, country: Store) -> None:
    clock = app.extensions["enlace_pages"].ports.clock
    clock.advance(119 * 60_000)
    assert admin.get("/").status_code == 200
    clock.advance(119 * 60_000)
    assert admin.get("/").status_code == 200  # used meanwhile
    clock.advance(121 * 60_000)
    assert admin.get("/").status_code == 303
    assert sign_in(admin, "ana").status_code == 303
    for _ in range(6):
        clock.advance(110 * 60_000)
        assert admin.get("/").status_code == 200
    clock.advance(110 * 60_000)
    assert admin.get("/").status_code == 303  # twelve hours are the most
    sign_in(admin, "ana")
    with country.unit() as unit:
        unit.connection.execute(update(USERS).where(USERS.c.name == "ana").values(disabled_ms=1))
        unit.commit()
    assert admin.get("/").status_code == 303
    assert "Name or password is wrong" in sign_in(admin, "ana").text


@pytest.mark.sqlite
def test_pages_are_read_while_nothing_can_be_written(
    admin: FlaskClient, app: Flask, country: Store, caplog: pytest.LogCaptureFixture
) -> None:
    clock = app.extensions["enlace_pages"].ports.clock
    clock.advance(30 * 60_000)
    assert country.path is not None
    held, done = threading.Event(), threading.Event()

    def hold(path: Path) -> None:
        with write_lock(path):
            held.set()
            done.wait(30)

    other = threading.Thread(target=hold, args=(country.path.parent / "write.lock",))
    other.start()
    assert held.wait(30)
    for _ in range(3):
        assert admin.get("/").status_code == 200  # a page that waited would stand still until the lock is given back
        clock.advance(10 * 60_000)
    assert other.is_alive()
    done.set()
    other.join()
    assert [record.message for record in caplog.records].count("session.not_written") == 1
    with country.unit() as unit:
        unit.connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT no_such_function_here(); END"
        )
        unit.commit()
    assert admin.get("/schools").status_code == 200
    with country.unit() as unit:
        unit.connection.exec_driver_sql("DROP TRIGGER full")
        unit.commit()
    clock.advance(10 * 60_000)
    assert admin.get("/").status_code == 200
    with country.reader() as snapshot:
        assert snapshot.connection.execute(select(SESSIONS.c.used_ms)).scalar_one() == clock.now_ms()


def test_nothing_is_hashed_before_somebody_signs_in() -> None:
    program = (
        "from collector import passwords; from collector.web import register; "
        "print(passwords.hash_of_nobody.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_what_cannot_be_saved_is_said_in_words(app: Flask, client: FlaskClient, country: Store) -> None:
    token = token_of(client.get("/login").text)
    with country.unit() as unit:
        unit.connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON sign_in_failures BEGIN SELECT no_such_function_here(); END"
        )
        unit.commit()
    answer = client.post("/login", data={"name": "ana", "password": "x", "csrf_token": token})
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    assert "nothing was saved" in answer.text and "Reference" in answer.text


def test_five_wrong_tries_lock_the_name_and_nobody_else(app: Flask, client: FlaskClient, country: Store) -> None:
    clock = app.extensions["enlace_pages"].ports.clock
    texts = {}
    for name in ("ana", "nobody-of-this-name"):
        for attempt in range(8):
            token = token_of(client.get("/login").text)
            answer = client.post(
                "/login",
                data={"name": name, "password": "wrong", "csrf_token": token},
                headers={"X-Forwarded-For": f"10.0.0.{attempt}"},
            )
            assert answer.status_code == (422 if attempt < 5 else 429)
        texts[name] = answer.text.split('role="alert"')[1].split("</p>")[0]
        assert answer.headers["Retry-After"] == "900"
    assert texts["ana"] == texts["nobody-of-this-name"]
    assert "Wait 15 minutes" in texts["ana"]
    assert sign_in(app.test_client(), "vera").status_code == 303
    assert sign_in(client, "ANA", "correct horse battery").status_code == 429
    clock.advance(15 * 60_000)
    assert sign_in(client, "Ana", "correct horse battery").status_code == 303
    with country.reader() as snapshot:
        left = snapshot.connection.execute(select(SIGN_IN_FAILURES.c.name_folded)).scalars().all()
    assert left == ["nobody-of-this-name"]


def test_nobody_is_kept_out_of_a_browser_that_they_signed_in_from(app: Flask, client: FlaskClient) -> None:
    assert sign_in(client, "ana").status_code == 303
    client.post("/logout", data={"csrf_token": token_of(client.get("/").text)})
    elsewhere = app.test_client()
    for _ in range(5):
        assert sign_in(elsewhere, "ana", "wrong").status_code == 422
    assert sign_in(elsewhere, "ana").status_code == 429
    assert sign_in(client, "ana").status_code == 303
    client.post("/logout", data={"csrf_token": token_of(client.get("/").text)})
    for _ in range(5):  # its own tries count too
        assert sign_in(client, "ana", "wrong").status_code == 422
    assert sign_in(client, "ana").status_code == 429
    for _ in range(5):  # and it is no way around the limit for other names
        assert sign_in(client, "vera", "wrong").status_code == 422
    assert sign_in(client, "vera").status_code == 429
    client.set_cookie("enlace_browser", "made.up.by-somebody", path="/login")
    assert sign_in(client, "ana").status_code == 429


def test_the_lock_speaks_the_language_of_the_page(client: FlaskClient) -> None:
    client.set_cookie("enlace_language", "es")
    for _ in range(6):
        answer = sign_in(client, "ana", "wrong")
    assert "Espere 15 minutos" in answer.text


def test_what_was_typed_stays_except_the_password(client: FlaskClient) -> None:
    answer = sign_in(client, '"><b>', "secret words")
    assert "secret words" not in answer.text
    assert 'value="&#34;&gt;&lt;b&gt;"' in answer.text


def test_cookies_behind_https_are_for_this_host_alone(country: Store) -> None:
    client = make_app(country, behind_proxy=True).test_client()
    base = {"base_url": "https://enlace.example"}
    token = token_of(client.get("/login", **base).text)
    answer = client.post(
        "/login",
        data={"name": "ana", "password": "correct horse battery", "csrf_token": token},
        headers={"Referer": "https://enlace.example/login"},
        **base,
    )
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("__Host-enlace="))
    assert "Secure" in cookie and "HttpOnly" in cookie and "Path=/" in cookie
    assert client.get("/", **base).headers["Strict-Transport-Security"]
