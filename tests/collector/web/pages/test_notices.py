"""What a person is told, on pages: address and choices, mutes that end, log and re-sending, webhooks, one click."""

import csv
import io
import json
import re
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from msgspec.structs import replace as changed
from werkzeug.test import TestResponse

from collector.app import make_flask
from collector.domain.notice_delivery import Outcome, Result, after
from collector.domain.notice_rules import Preference
from collector.notify import decide, stop_link
from collector.notify.settings import NotifyConfig
from collector.notify.stop_link import Stop
from collector.store.open import Store
from collector.store.queries import audit, facts, users
from collector.store.queries.notices import outbox, preferences, webhooks
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.fakes import pages_world
from tests.fakes.collector_world import FakeClock
from tests.fakes.wire_device import a_deployment

MAIL = NotifyConfig(smtp_host="mail.example.org", from_address="enlace@example.org")
NOW = pages_world.NOW_MS


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def app(country: Store, clock: FakeClock) -> Flask:
    return make_flask(a_deployment(country, clock), MAIL)


def post(client: FlaskClient, address: str, **values: str) -> TestResponse:
    token = token_of(client.get("/notices").text)
    return client.post(address, data={"csrf_token": token, **values})


def said(country: Store, name: str) -> Preference:
    with country.reader() as snapshot:
        return preferences.list_said(snapshot).get(("person", f"user-{name}"), Preference())


def email_of(country: Store, name: str) -> str | None:
    with country.reader() as snapshot:
        found = users.find_user(snapshot, name)
    assert found is not None
    return found.email


def newest(country: Store) -> list[outbox.Notice]:
    with country.reader() as snapshot:
        return outbox.newest(snapshot, 50)


def test_a_person_sets_address_and_choices(viewer: FlaskClient, country: Store) -> None:
    given = {"email": " vera@example.org ", "digest": "no", "quiet_from": "21:00", "quiet_to": "06:00"}
    answer = post(viewer, "/notices", **given)
    assert answer.status_code == 303 and "Saved" in viewer.get(answer.location).text
    assert email_of(country, "vera") == "vera@example.org"
    assert said(country, "vera") == Preference(digest=False, quiet="21:00-06:00")
    page = unescape(viewer.get("/notices").text)
    holds = re.sub(r"<[^>]+>", "|", page.split('id="holds"')[1].split("</table>")[0])
    assert re.search(r"Digest of school days\|+no\|+your own choice", holds)
    assert re.search(r"Quiet hours\|+21:00-06:00\|+your own choice", holds)
    assert re.search(r"Outage, at once\|+yes\|+as shipped", holds)
    assert "Enlace itself" not in holds, "a viewer does not run it"
    with country.reader() as snapshot:
        details = [one.detail for one in audit.list_entries(snapshot) if one.action == "user.email"]
    assert details == ["set"], "the log does not keep the address"


def test_a_mistake_is_one_sentence_and_nothing_is_stored(viewer: FlaskClient, country: Store) -> None:
    for given, words in (
        ({"email": "no address"}, "no address that mail can go to"),
        ({"email": "a@b\r\nBcc: c@d"}, "no address that mail can go to"),
        ({"quiet_from": "21:00"}, "Write both times"),
        ({"quiet_from": "25:00", "quiet_to": "06:00"}, "Write both times"),
    ):
        answer = post(viewer, "/notices", **{"email": "vera@example.org", "digest": "no", **given})
        assert answer.status_code == 422 and words in answer.text and "nothing was saved" in answer.text
    assert email_of(country, "vera") is None and said(country, "vera") == Preference()


def test_choices_come_from_deployment_and_role(admin: FlaskClient, app: Flask, country: Store) -> None:
    assert (
        post(admin, "/admin/notices/rules", place="", outage="no", quiet_from="22:00", quiet_to="05:00").status_code
        == 303
    )
    assert post(admin, "/admin/notices/rules", place="viewer", digest="no").status_code == 303
    assert post(admin, "/admin/notices/rules", place="somebody", digest="no").status_code == 400
    viewer = app.test_client()
    sign_in(viewer, "vera")
    holds = re.sub(r"<[^>]+>", "|", viewer.get("/notices").text.split('id="holds"')[1].split("</table>")[0])
    assert re.search(r"Digest of school days\|+no\|+for the role", holds)
    assert re.search(r"Outage, at once\|+no\|+for everybody", holds)
    assert re.search(r"Quiet hours\|+22:00-05:00\|+for everybody", holds)


def test_a_test_message_is_made_once_a_minute(admin: FlaskClient, country: Store, clock: FakeClock) -> None:
    post(admin, "/notices/test")
    assert newest(country) == [], "there is no address yet"
    post(admin, "/notices", email="ana@example.org")
    assert "on its way" in admin.get(post(admin, "/notices/test").location).text
    assert "a moment ago" in admin.get(post(admin, "/notices/test").location).text
    assert [(one.reader, one.topic, one.state) for one in newest(country)] == [("user:user-ana", "test", "waiting")]
    clock.advance(61_000)
    post(admin, "/notices/test")
    assert len(newest(country)) == 2


def test_a_mute_always_has_an_end_and_a_reason(viewer: FlaskClient, admin: FlaskClient, country: Store) -> None:
    good = {"what": "school", "value": "00123", "until": "2026-12-01", "reason": "works on the <mast>"}
    for change in (
        {"until": ""}, {"until": "2026-11-01"}, {"until": "2028-01-01"}, {"reason": ""}, {"reason": "x" * 300},
        {"what": ""}, {"value": "nothing"}, {"what": "area", "value": "Nowhere"}, {"what": "kind", "value": "x"},
    ):  # fmt: skip
        answer = post(viewer, "/notices/mutes", **{**good, **change})
        assert answer.status_code == 422 and "nothing was saved" in answer.text, change
    with country.reader() as snapshot:
        assert preferences.mutes_in_force(snapshot, NOW) == []
    assert post(viewer, "/notices/mutes", **good, everybody="1").status_code == 303
    page = viewer.get("/notices").text
    assert "works on the &lt;mast&gt;" in page and "1 December" in page
    with country.reader() as snapshot:
        (one,) = preferences.mutes_in_force(snapshot, NOW)
        assert one.user_id == "user-vera", "only an administrator mutes for everybody"
        assert preferences.mutes_in_force(snapshot, one.until_ms) == []
    assert post(admin, f"/notices/mutes/{one.mute_id}/end").status_code == 404, "it is hers"
    assert post(viewer, f"/notices/mutes/{one.mute_id}/end").status_code == 303
    post(admin, "/notices/mutes", what="all", until="2026-11-30", reason="holidays", everybody="1")
    assert "holidays" in viewer.get("/notices").text and "End it" not in viewer.get("/notices").text


def settle(country: Store, notice: outbox.Notice, result: Result, tries: int = 0) -> None:
    with country.unit() as unit:
        outbox.settle(unit, notice, result, after(result, tries, NOW), NOW)
        unit.commit()


def test_the_log_says_what_became_of_each_and_sends_again(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        failed = decide.a_test("user:user-otto", "en", "UTC", NOW)
        sent = decide.a_test("user:user-vera", "en", "UTC", NOW)
        outbox.add(unit, failed)
        outbox.add(unit, sent)
        unit.commit()
    settle(country, failed, Result(Outcome.REFUSED, "otto@example.org", "550 no <such> mailbox"))
    settle(country, sent, Result(Outcome.SENT, "vera@example.org"))
    page = admin.get("/admin/notices").text
    assert "550 no &lt;such&gt; mailbox" in page and "the server does not take this address" in page
    assert "1 message was not delivered, and nobody tries any more." in page
    assert (
        "otto" in page.split("<tbody>")[1]
        and "vera" not in admin.get("/admin/notices?state=failed").text.split("<tbody>")[1]
    )
    assert post(admin, f"/admin/notices/{failed.notice_id}/drop").status_code == 303
    assert "nobody tries" not in admin.get("/admin/notices").text
    assert post(admin, f"/admin/notices/{failed.notice_id}/again").status_code == 303
    assert post(admin, f"/admin/notices/{failed.notice_id}/again").status_code == 303
    assert post(admin, f"/admin/notices/{sent.notice_id}/again").status_code == 303
    found = {one.notice_id: one for one in newest(country)}
    assert found[failed.notice_id].state == "waiting" and found[sent.notice_id].state == "sent"
    assert len(found) == 3, "one that was sent is sent again under a name of its own"
    assert post(admin, "/admin/notices/none/again").status_code == 404


def test_messages_of_one_moment_are_all_in_the_log_and_its_file(admin: FlaskClient, country: Store) -> None:
    """The digests of a morning are made at once: more of them than one page shows."""
    with country.unit() as unit:
        for number in range(120):
            outbox.add(unit, replace(decide.a_test("user:user-otto", "en", "UTC", NOW), notice_id=f"n-{number:03}"))
        unit.commit()
    address, seen = "/admin/notices", list[str]()
    for _page in range(4):
        page = unescape(admin.get(address).text)
        seen += re.findall(r"<tr><th", page.split("<tbody>")[1])
        older = re.search(r'href="([^"]+before=[^"]+)">Older', page)
        if older is None:
            break
        address = older[1]
    assert len(seen) == 120
    with country.unit() as unit:
        outbox.settle(
            unit, newest(country)[0], result := Result(Outcome.SENT, "o@example.org"), after(result, 0, NOW), NOW
        )
        unit.commit()
    rows = list(csv.DictReader(io.StringIO(admin.get("/admin/notices.csv").text.lstrip("\ufeff"))))
    assert len({row["message"] for row in rows}) == 120 and {row["recipient"] for row in rows} == {"otto"}
    (sent,) = csv.DictReader(io.StringIO(admin.get("/admin/notices.csv?state=sent").text.lstrip("\ufeff")))
    assert (sent["last_address"], sent["last_answer"]) == ("o@example.org", "sent")


def test_an_answer_that_there_is_not_is_refused(admin: FlaskClient) -> None:
    answer = post(admin, "/notices", digest="zzz", outage="", illness="", email="", quiet_from="", quiet_to="")
    assert answer.status_code == 422 and "Choose one of the answers." in answer.text


def test_a_webhook_shows_its_secret_once(admin: FlaskClient, country: Store) -> None:
    answer = post(admin, "/admin/webhooks", name="Desk", url="https://desk.example/hook?a=b", digest="1", outage="1")
    assert answer.status_code == 200
    with country.reader() as snapshot:
        (made,) = webhooks.list_good(snapshot)
    assert made.secret in answer.text and made.secret not in admin.get("/admin/webhooks").text
    assert made.topics == ("digest", "outage") and made.secret not in repr(made)
    again = post(admin, "/admin/webhooks", name="Again", url=made.url, digest="1")
    assert again.status_code == 422 and "“Desk” has this address" in again.text
    assert post(admin, f"/admin/webhooks/{made.webhook_id}/test").status_code == 303
    assert [one.reader for one in newest(country)] == [f"webhook:{made.webhook_id}"]
    assert post(admin, f"/admin/webhooks/{made.webhook_id}/end").status_code == 303
    assert post(admin, f"/admin/webhooks/{made.webhook_id}/end").status_code == 404
    assert post(admin, f"/admin/webhooks/{made.webhook_id}/test").status_code == 404


def test_a_webhook_goes_to_the_internet_by_https(admin: FlaskClient, country: Store) -> None:
    token = token_of(admin.get("/notices").text)
    for url in (
        "", "desk.example", "http://desk.example/", "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3:8443/x",
        "https://localhost/", "https://me:pass@desk.example/", "https://desk.example/#x", "ftp://desk.example/",
        "https://169.254.169.254/latest", "https://desk.example/" + "x" * 500,
    ):  # fmt: skip
        given = {"csrf_token": token, "name": "Desk", "url": url, "digest": "1"}
        answer = admin.post("/admin/webhooks", data=given)
        assert answer.status_code == 422 and "Write an address such as" in answer.text, url
    with country.reader() as snapshot:
        assert webhooks.list_all(snapshot) == []


def test_a_private_address_only_where_the_configuration_says_so(country: Store, clock: FakeClock) -> None:
    client = make_flask(a_deployment(country, clock), changed(MAIL, webhook_private=True)).test_client()
    sign_in(client, "ana")
    assert post(client, "/admin/webhooks", name="Desk", url="http://10.1.2.3/x", digest="1").status_code == 200


def test_one_click_without_signing_in_stops_one_kind(app: Flask, country: Store, clock: FakeClock) -> None:
    secret = stop_link.secret_of(country, app.extensions["enlace_pages"].ports)
    address = stop_link.PATH + stop_link.sign(secret, Stop("digest", "user-vera"))
    client = app.test_client()
    assert client.get(address).status_code == 200
    assert said(country, "vera") == Preference(), "who only looks changes nothing"
    answer = client.post(address, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and "You get no more of these" in answer.text
    assert said(country, "vera") == Preference(digest=False)
    for wrong in (address[:-1] + ("A" if address[-1] != "A" else "B"), address.replace("vera", "otto"), address + "x"):
        assert client.post(wrong).status_code == 404
    assert said(country, "otto") == Preference()
    gone = stop_link.PATH + stop_link.sign(secret, Stop("digest", "nobody"))
    assert client.post(gone).status_code == 200


def test_an_address_of_a_stranger_writes_nothing_before_the_first_message(app: Flask, country: Store) -> None:
    client = app.test_client()
    for address in ("x", f"digest.user-vera.{'A' * 22}", "ñ"):
        assert client.get(stop_link.PATH + address).status_code == 404
        assert client.post(stop_link.PATH + address).status_code == 404
    with country.reader() as snapshot:
        assert stop_link.kept_secret(snapshot) is None


def test_what_is_wrong_with_enlace_is_said_to_who_runs_it(app: Flask, country: Store, clock: FakeClock) -> None:
    ill = [{"word": "disk_low", "began_ms": NOW, "numbers": {"free_mb": 12}}]
    signs = {"at_ms": NOW, "since_ms": NOW, "testpoint_seen_ms": None, "ill": ill}
    with country.unit() as unit:
        facts.set_fact(unit, "vital_signs", json.dumps(signs))
        unit.commit()
    shown = {}
    for name in ("ana", "otto", "vera", "cleo"):
        client = app.test_client()
        sign_in(client, name)
        shown[name] = "12 MB left" in client.get("/schools").text
    assert shown == {"ana": True, "otto": True, "vera": False, "cleo": False}
    told = app.test_client().get("/healthz").json
    assert told is not None and told["status"] == "ill" and told["ill"] == ["disk_low"]
    clock.advance(16 * 60_000)
    told = app.test_client().get("/healthz").json
    assert told is not None and told["ill"] == ["jobs_silent"]
    client.get("/language/es")
    spanish = app.test_client()
    spanish.set_cookie("enlace_language", "es")
    sign_in(spanish, "ana")
    assert "Las tareas no corren desde hace 16 minutos" in spanish.get("/schools").text


def test_a_page_shows_only_ones_own_messages(app: Flask, country: Store) -> None:
    with country.unit() as unit:
        notice = decide.a_test("user:user-otto", "en", "UTC", NOW)
        outbox.add(unit, replace(notice, topic="outage"))
        unit.commit()
    for name, sees in (("otto", True), ("vera", False)):
        client = app.test_client()
        sign_in(client, name)
        assert ("No message was made for you yet." not in client.get("/notices").text) is sees
