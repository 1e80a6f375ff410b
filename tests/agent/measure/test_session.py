"""Whole measurements against scripted servers on loopback: records of what went wrong, and of what was saved."""

import socket
import threading

import pytest

from agent.commands import present
from agent.errors import EnlaceError
from agent.measure import session
from agent.measure.engines.ndt7_talk import PROTOCOL
from agent.measure.servers import addresses
from agent.net import websocket
from agent.wire import codec
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName, ExitCode, FailureCode, Method, Phase, RttMethod, Status, StopReason
from tests.agent.measure.world import plan, ports
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer

CAP = 3_000_000
NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED


def measure(url, engine=None, **more):
    more = {"max_bytes_download": CAP, "max_bytes_upload": CAP, **more}
    record = session.run(plan(url, engine, **more), ports())
    again = codec.decode_item(codec.encode(record))
    assert not isinstance(again, codec.ItemError)
    assert (record.failure is None) == (record.status is Status.OK)
    return record


@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED, None])
@pytest.mark.parametrize("script", [scripted.portal, scripted.redirect])
def test_a_portal_is_named_and_nothing_is_measured(engine, script):
    with ScriptedServer(script) as server:
        record = measure(server.url, engine)
    assert record.status is Status.FAILED
    assert record.failure.code is FailureCode.PORTAL
    assert record.download is None
    assert record.upload is None
    if engine is None:  # auto does not go on until something works on the portal
        assert not any("php" in path for path in server.seen)


@pytest.mark.parametrize("caps", [(1, CAP), (CAP, 49_999)])
def test_a_cap_too_small_for_a_figure_is_not_the_servers_fault(caps):
    with ScriptedServer(scripted.foreign_ndt7) as server:
        record = measure(server.url, NDT7, max_bytes_download=caps[0], max_bytes_upload=caps[1])
    assert not server.seen  # nothing was sent
    assert (record.status, record.failure.code) == (Status.SKIPPED, FailureCode.BUDGET)
    assert "cap of this test is too small" in present.sentence(record)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (scripted.status(503), FailureCode.SERVER_BUSY),
        (scripted.status(429), FailureCode.SERVER_BUSY),
        (scripted.status(401), FailureCode.TOKEN_REFUSED),
        (scripted.status(403), FailureCode.TOKEN_REFUSED),
        (scripted.status(407), FailureCode.PROXY_AUTH),
        (scripted.status(500), FailureCode.HTTP_STATUS),
        (scripted.status(404), FailureCode.HTTP_STATUS),
        (scripted.status(511), FailureCode.PORTAL),
        (scripted.hang_up, FailureCode.RESET),
        (scripted.garbled, FailureCode.PROTOCOL),
    ],
)
@pytest.mark.parametrize("engine", [NDT7, LIBRESPEED])
def test_what_a_server_refuses_has_its_own_word(engine, script, code):
    with ScriptedServer(script) as server:
        record = measure(server.url, engine)
    assert record.status is Status.FAILED
    assert record.failure.code is code
    assert record.failure.detail
    assert record.download is None


@pytest.fixture
def dead_url():
    """An address where nothing listens, and that nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_nothing_listens(dead_url):
    url = dead_url
    record = measure(url)
    assert (record.failure.phase, record.failure.code) == (Phase.PREFLIGHT, FailureCode.CONNECT_REFUSED)
    assert record.idle is None
    assert record.server.id == url.removeprefix("http://")


def test_a_name_that_does_not_exist():
    record = measure("http://nowhere.invalid:1")
    assert (record.failure.phase, record.failure.code) == (Phase.PREFLIGHT, FailureCode.DNS)


def test_plain_http_where_tls_is_asked_for():
    with ScriptedServer(scripted.portal) as server:
        record = measure(server.url.replace("http://", "https://"), LIBRESPEED)
    assert record.failure.code in (FailureCode.PROTOCOL, FailureCode.RESET)


def test_no_server_is_a_failure_in_words():
    record = session.run(plan("http://127.0.0.1:1", servers=()), ports())
    assert (record.status, record.failure.phase) == (Status.FAILED, Phase.PREFLIGHT)


@pytest.mark.parametrize("prefix", ["", "/backend"])
def test_a_foreign_librespeed_server(prefix):
    with ScriptedServer(scripted.foreign_librespeed(prefix)) as server:
        record = measure(server.url)  # auto: ndt7 answers 404
    assert record.status is Status.OK
    assert record.engine.name is LIBRESPEED
    assert record.download.method is Method.RECEIVER
    assert record.upload.method is Method.HTTP_2XX
    assert record.download.bytes <= CAP
    assert record.upload.bytes <= CAP
    assert record.idle.method is RttMethod.TCP_CONNECT


def test_a_foreign_ndt7_server():
    with ScriptedServer(scripted.foreign_ndt7) as server:
        record = measure(server.url)
    assert record.status is Status.OK
    assert record.engine.name is NDT7
    assert record.idle.method is RttMethod.WS_PING
    for direction in (record.download, record.upload):
        assert direction.method is Method.RECEIVER
        assert direction.stop_reason is StopReason.BUDGET
        assert direction.lower_bound
    # A loopback fills the kernel's buffers behind our back; that a line carries no more is seen on lines.
    assert record.download.bytes <= 2 * CAP
    assert record.upload.bytes <= CAP


def refuses_upload(visit):
    if visit.head.path == "/ndt/v7/upload":
        visit.answer(503)
        return False
    return scripted.foreign_ndt7(visit)


def test_a_download_is_kept_when_the_upload_is_refused():
    with ScriptedServer(refuses_upload) as server:
        record = measure(server.url, NDT7)
    assert record.status is Status.FAILED
    assert (record.failure.phase, record.failure.code) == (Phase.UPLOAD, FailureCode.SERVER_BUSY)
    assert record.download.bps > 0
    assert record.upload is None
    assert record.idle is not None


def test_auto_tries_the_upload_with_the_other_engine_but_never_the_download_again():
    libre = scripted.foreign_librespeed()

    def script(visit):
        return refuses_upload(visit) if visit.head.path.startswith("/ndt") else libre(visit)

    with ScriptedServer(script) as server:
        record = measure(server.url)
    assert record.status is Status.OK
    assert record.engine.name is NDT7
    assert record.upload.method is Method.HTTP_2XX
    assert record.upload.bytes <= CAP
    assert "upload_engine=librespeed" in record.tags
    assert not any("garbage" in path for path in server.seen)


def answers_early(code):
    libre = scripted.foreign_librespeed()

    def script(visit):
        if visit.head.method != "POST":
            return libre(visit)
        visit.answer(code)
        return False

    return script


@pytest.mark.parametrize(
    ("code", "word"),
    [(503, FailureCode.SERVER_BUSY), (413, FailureCode.HTTP_STATUS)],
)
def test_posts_that_are_refused_are_no_upload(code, word):
    with ScriptedServer(answers_early(code)) as server:
        record = measure(server.url, LIBRESPEED)
    assert (record.failure.phase, record.failure.code) == (Phase.UPLOAD, word)
    assert record.download.bps > 0
    assert record.upload is None


def short_page(visit):
    if visit.head.path == "/empty.php":
        visit.answer(200)
    else:
        visit.answer(200, b"x" * 150, "application/octet-stream")
    return True


def test_a_small_file_instead_of_test_data_is_no_speed():
    with ScriptedServer(short_page) as server:
        record = measure(server.url, LIBRESPEED)
    assert record.failure.code is FailureCode.PORTAL
    assert record.download is None


def upgraded(visit):
    accept = websocket.check_upgrade(visit.head, PROTOCOL)
    return websocket.server_handshake(accept, PROTOCOL)


def test_cut_in_the_middle_of_the_upload():
    def script(visit):
        if visit.head.path == "/ndt/v7/upload" and server.seen["GET /ndt/v7/download"]:
            visit.sock.sendall(upgraded(visit))
            for _ in range(8):  # one of four connections gets more than that of the cap, however large the pieces are
                visit.sock.recv(1 << 16)
            server.vanish()
            return False
        return scripted.foreign_ndt7(visit)

    with ScriptedServer(script) as server:
        record = measure(server.url, NDT7)
    assert record.failure.phase is Phase.UPLOAD
    assert record.failure.code in (FailureCode.RESET, FailureCode.CONNECT_REFUSED)
    assert record.download is not None
    assert record.upload is None


def test_stopped_on_request():
    cancelled = threading.Event()
    seen = []

    def follow(progress):
        seen.append(progress)
        if progress.phase is Phase.DOWNLOAD:
            cancelled.set()

    with ScriptedServer(scripted.foreign_ndt7) as server:
        record = session.run(plan(server.url, NDT7), ports(), on_progress=follow, cancelled=cancelled)
    assert record.status is Status.INTERRUPTED
    assert record.failure.code is FailureCode.CANCELLED
    assert record.upload is None
    assert seen[0].phase is Phase.LATENCY


def test_the_next_server_is_tried_when_the_first_is_away(dead_url):
    with ScriptedServer(scripted.foreign_ndt7) as server:
        entries = tuple(
            ServerEntry(id=name, engine=NDT7, url=url) for name, url in (("a", dead_url), ("b", server.url))
        )
        record = measure(server.url, NDT7, servers=entries)
    assert record.failure is None
    assert record.server.id == "b"


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "ftp://host", "http://", "http://a b:1", "http://host:99999", "http://u:p@host", "http://h/?x=1"],
)
def test_a_wrong_address_is_one_sentence(url):
    with pytest.raises(EnlaceError) as caught:
        addresses.servers_from_url(url, None)
    assert caught.value.exit_code is ExitCode.USAGE
    assert "http://test.example:8080" in caught.value.sentence


def test_addresses():
    assert [entry.engine for entry in addresses.servers_from_url("http://host:8080", None)] == [NDT7, LIBRESPEED]
    assert [entry.engine for entry in addresses.servers_from_url("wss://host/ndt/v7/download", None)] == [NDT7]
    assert addresses.parse_target("wss://host/ndt/v7/download").path == ""
    target = addresses.parse_target("http://[::1]:80/speed/")
    assert (target.host, target.port, target.path, target.host_field) == ("::1", 80, "/speed", "[::1]")
    for engine, url in ((EngineName.OOKLA, "ws://host"), (LIBRESPEED, "ws://host")):
        with pytest.raises(EnlaceError):
            addresses.servers_from_url(url, engine)
