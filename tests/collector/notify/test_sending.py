"""Mail through a real SMTP server, of every temper: the log says which, and the others still get theirs."""

import json
import re
import socket
import threading
from pathlib import Path

import pytest
from sqlalchemy import update

from collector.notify import decide, letters, stop_link
from collector.notify.letters import Sender
from collector.store.open import Store
from collector.store.queries.notices import outbox
from collector.store.tables.people import USERS
from tests.collector.notify.scene import DAY_MS, MIN_MS, Scene
from tests.fakes import certificates, mail_servers
from tests.fakes.mail_servers import PASSWORD, TAKEN, Mailbox

ANA, LUIS, MARIA = (f"{name}@example.org" for name in ("bad-ana", "luis", "maria"))


@pytest.fixture
def scene(store: Store) -> Scene:
    made = Scene(store).fill()
    made.flag("S0", "2026-11-23", "f0")
    made.flag("S1", "2026-11-23", "f1")
    assert made.decide() == 3
    return made


def test_a_digest_arrives_in_the_readers_language_and_scope(scene: Scene) -> None:
    mailbox = Mailbox()
    with mail_servers.serving(mailbox) as port:
        assert scene.send(port).sent == 3
        assert scene.send(port).sent == 0
    (english,), (french,), (spanish,) = mailbox.to(LUIS), mailbox.to(MARIA), mailbox.to(ANA)
    assert english["Subject"] == "Enlace: 2 new flags"
    assert str(english["From"]) == "Enlace <enlace@example.org>" and str(english["To"]) == LUIS
    assert english.get_content_type() == "multipart/alternative"
    plain, html = (part.get_content() for part in english.iter_parts())
    assert "Tuesday 24 November" in plain and "Escuela <Sur>, Sur: too slow for teaching" in plain
    assert "https://enlace.example/flags/f0" in plain and "Escuela &lt;Norte&gt;" in html and "<h2>New (2)</h2>" in html
    assert "Sur" not in french.as_string(), "who sees one district is told of no other"
    assert french["Content-Language"] == "fr" and spanish["Content-Language"] == "es"
    texts = {re.sub(r"https\S+", "", part.get_body(("plain",)).get_content()) for part in (english, french, spanish)}
    assert len(texts) == 3 and "alerte" in french["Subject"] and "alerta" in spanish["Subject"]
    assert english["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stop = english["List-Unsubscribe"]
    secret = stop_link.secret_of(scene.store, scene.ports)
    assert stop_link.read(secret, stop.strip("<>").split("/")[-1]) == stop_link.Stop("digest", "id-luis")


def test_deciding_twice_writes_nothing_and_a_day_later_only_what_is_new(scene: Scene) -> None:
    assert scene.decide() == 0
    scene.clock.advance(60_000)
    assert scene.decide() == 0
    scene.clock.advance(DAY_MS)
    assert scene.decide() == 0, "nothing new: no message"
    scene.recover("f1", "2026-11-25")
    scene.clock.advance(DAY_MS)
    assert scene.decide() == 2, "the two who were told of it"
    told = json.loads(scene.notices()["user:id-luis"].payload)
    assert [line["flag_id"] for line in told["recovered"]] == ["f1"] and told["counts"]["open"] == 1
    scene.clock.advance(DAY_MS)
    assert scene.decide() == 0


def test_two_processes_at_once_decide_and_send_each_message_once(store: Store) -> None:
    scene = Scene(store).fill()
    scene.flag("S0", "2026-11-23")
    mailbox = Mailbox()
    written: list[int] = []
    with mail_servers.serving(mailbox) as port:

        def work() -> None:
            written.append(scene.decide())
            scene.send(port)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert sum(written) == 3 and sorted(to for to, _ in mailbox.taken) == [ANA, LUIS, MARIA]


def test_one_dead_mailbox_keeps_nobody_else(scene: Scene) -> None:
    mailbox = Mailbox(rules={ANA: lambda _count: "550 5.1.1 no such mailbox"})
    with mail_servers.serving(mailbox) as port:
        scene.send(port)
        for _ in range(3):
            scene.clock.advance(DAY_MS)
            scene.send(port)
    assert scene.words() == {"bad-ana": ["refused"], "luis": ["sent"], "maria": ["sent"]}
    (attempt,) = scene.attempts()["user:id-bad-ana"]
    assert attempt.detail == "550 5.1.1 no such mailbox" and attempt.address == ANA
    assert scene.notices()["user:id-bad-ana"].state == "failed"
    assert len(mailbox.taken) == 2


def test_a_server_that_greylists_gets_it_later_under_the_same_name(scene: Scene) -> None:
    mailbox = Mailbox(rules={LUIS: lambda count: TAKEN if count == 3 else "451 4.7.1 greylisted"})
    with mail_servers.serving(mailbox) as port:
        scene.send(port)
        assert scene.send(port).sent == 0, "not before its time"
        scene.clock.advance(MIN_MS)
        scene.send(port)
        scene.clock.advance(5 * MIN_MS)
        scene.send(port)
    assert scene.words()["luis"] == ["deferred", "deferred", "sent"]
    notice = scene.notices()["user:id-luis"]
    assert [message["Message-ID"] for message in mailbox.to(LUIS)] == [f"<{notice.notice_id}@example.org>"]


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(100):
        pass


def test_a_server_that_hangs_is_let_go_and_the_rest_comes_when_it_is_back(scene: Scene) -> None:
    with mail_servers.raw(say_nothing) as port:
        done = scene.send(port, smtp_timeout_s=0.1)
    assert done.failed == 3 and {words[0] for words in scene.words().values()} == {"silent"}
    mailbox = Mailbox()
    scene.clock.advance(MIN_MS)
    with mail_servers.serving(mailbox) as port:
        assert scene.send(port).sent == 3
    assert len(mailbox.taken) == 3


@pytest.mark.parametrize("security", ["none", "tls"])
def test_a_server_that_drips_its_greeting_is_let_go(scene: Scene, tmp_path: Path, security: str) -> None:
    trusted = certificates.write(tmp_path)

    def drip(plain: socket.socket) -> None:
        connection = plain
        if security == "tls":
            connection = certificates.server_context(trusted).wrap_socket(plain, server_side=True)
        with connection:
            while True:
                connection.sendall(b"220-wait\r\n")
                threading.Event().wait(0.02)

    with mail_servers.raw(drip) as port:
        done = scene.send(port, smtp_timeout_s=0.2, smtp_security=security, smtp_ca_file=str(trusted))
    assert done.failed == 3 and {words[0] for words in scene.words().values()} == {"silent"}


def test_a_server_that_hangs_at_one_recipient_keeps_nobody_else(scene: Scene) -> None:
    mailbox = Mailbox(hangs_at=frozenset({ANA}))
    with mail_servers.serving(mailbox) as port:
        scene.send(port, smtp_timeout_s=5.0)
    assert scene.words() == {"bad-ana": ["silent"], "luis": ["sent"], "maria": ["sent"]}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_bad_tls_is_said_and_nothing_goes_in_clear(scene: Scene, tmp_path: Path, security: str) -> None:
    good, old = certificates.write(tmp_path), certificates.write(tmp_path, from_year=2001, to_year=2002)
    mailbox = Mailbox()
    with mail_servers.serving(mailbox, tls=old, security=security) as port:
        scene.send(port, smtp_security=security, smtp_ca_file=str(good))
    assert {words[0] for words in scene.words().values()} == {"tls"} and mailbox.taken == []
    scene.clock.advance(MIN_MS)
    with mail_servers.serving(mailbox, tls=good, security=security) as port:
        assert scene.send(port, smtp_security=security, smtp_ca_file=str(good)).sent == 3


def test_a_server_without_tls_gets_nothing(scene: Scene) -> None:
    mailbox = Mailbox()
    with mail_servers.serving(mailbox) as port:
        scene.send(port, smtp_security="starttls")
    assert {words[0] for words in scene.words().values()} == {"tls"} and mailbox.taken == []


def test_a_login_is_right_or_said_to_be_wrong(scene: Scene, tmp_path: Path) -> None:
    good, mailbox = certificates.write(tmp_path), Mailbox()
    more = {"smtp_security": "starttls", "smtp_ca_file": str(good), "smtp_user": "enlace"}
    with mail_servers.serving(mailbox, tls=good, security="starttls", with_login=True) as port:
        scene.send(port, "wrong", **more)
        assert {words[0] for words in scene.words().values()} == {"login"} and mailbox.taken == []
        scene.clock.advance(MIN_MS)
        assert scene.send(port, PASSWORD, **more).sent == 3


def test_a_server_that_is_away_ends_with_an_alarm_and_can_be_tried_again(scene: Scene) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        for _ in range(9):
            scene.send(port)
            scene.clock.advance(12 * 60 * MIN_MS)
    assert set(scene.words()["luis"]) == {"away"} and len(scene.words()["luis"]) == 8
    with scene.store.reader() as snapshot:
        assert outbox.queue(snapshot).failed == 3
    notice = scene.notices()["user:id-luis"]
    with scene.store.unit() as unit:
        assert outbox.try_again(unit, notice.notice_id, scene.clock.now_ms())
        unit.commit()
    mailbox = Mailbox()
    with mail_servers.serving(mailbox) as port:
        scene.send(port)
    assert [message["Message-ID"] for message in mailbox.to(LUIS)] == [f"<{notice.notice_id}@example.org>"]


def test_a_message_that_cannot_be_said_keeps_nobody_else(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene.store.unit() as unit:
        broken = decide.a_test("user:id-luis", "en", "No/Where", scene.clock.now_ms() - 1)
        outbox.add(unit, broken)
        unit.commit()
    mailbox = Mailbox()
    with mail_servers.serving(mailbox) as port:
        assert scene.send(port).sent == 3
    with scene.store.reader() as snapshot:
        assert [one.word for one in outbox.attempts(snapshot, [broken.notice_id])[broken.notice_id]] == ["unsaid"]


def test_whose_address_is_gone_gets_nothing(scene: Scene) -> None:
    with scene.store.unit() as unit:
        unit.connection.execute(update(USERS).where(USERS.c.name == "luis").values(email=None))
        unit.commit()
    mailbox = Mailbox()
    with mail_servers.serving(mailbox) as port:
        assert scene.send(port).sent == 2
    assert scene.words()["luis"] == ["no_address"]


def test_without_a_mail_server_nothing_waits(store: Store) -> None:
    scene = Scene(store).fill()
    from msgspec.structs import replace

    scene.notify = replace(scene.notify, smtp_host="")
    scene.flag("S0", "2026-11-23")
    assert scene.decide() == 0 and scene.notices() == {}


def test_what_mail_programs_read_goes_out_whole() -> None:
    """An address in encoded words is none: no program would offer to end such messages."""
    notice = decide.a_test("user:u1", "fr", "UTC", 0)
    base = f"https://enlace.{'ministere-' * 6}.example"
    name = "Îles " * 20
    sender = Sender(f"Énlace <enlace@{'long-' * 12}.example>", name, base, "secret")
    raw = letters.mail(notice, "ana@example.org", "0" * 36, sender).as_bytes()
    head = raw.split(b"\r\n\r\n")[0]
    stop = re.search(rb"^List-Unsubscribe: <(https://[^>\s]+)>\r$", head, re.MULTILINE)
    assert stop is not None and stop[1].startswith(base.encode() + b"/notices/stop/test.")
    assert re.search(rb"^Message-ID: <[0-9a-f]{40}@long-[^>\s]+>\r$", head, re.MULTILINE)
    assert head.isascii() and max(map(len, head.split(b"\r\n"))) <= 998
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^?]+\?.\?[^?]*\?=", head))
