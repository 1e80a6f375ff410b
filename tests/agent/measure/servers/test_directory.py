"""Lists of LibreSpeed servers and a Locate service: read, refused, and measured through, all on loopback."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import EnlaceError
from agent.measure import session
from agent.measure.engines.engine import Scripts
from agent.measure.faults import WorldError
from agent.measure.servers import addresses, locate, serverlist
from agent.measure.servers.fetch import LIMIT_BYTES, Document
from agent.net.http1 import Headers, ResponseHead
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName, FailureCode, RttMethod
from tests.agent.measure.world import plan, ports
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer

NDT7, LIBRESPEED = EngineName.NDT7, EngineName.LIBRESPEED
CAP = {"max_bytes_download": 3_000_000, "max_bytes_upload": 1_000_000}
LISTING = addresses.parse_target("https://list.example/servers.json")


def measure(url, engine=None, **more):
    return session.run(plan(url, engine, **CAP, **more), ports())


def listed(*entries):
    return serverlist.servers(json.dumps(entries).encode(), LISTING)


def one(server, **names):
    return {"id": 7, "name": "Somewhere", "server": server, "getIpURL": "getIP.php", "sponsorName": "x", **names}


USUAL = {"dlURL": "garbage.php", "ulURL": "empty.php", "pingURL": "empty.php"}


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("//speed.example/backend", "https://speed.example/backend"),
        ("http://speed.example:8080/", "http://speed.example:8080/"),
        ("https://speed.example", "https://speed.example"),
        ("/here", "https://list.example/here"),
        ("", "https://list.example/"),
    ],
)
def test_addresses_of_a_list(address, url):
    (entry,) = listed(one(address, **USUAL))
    assert (entry.url, entry.engine, entry.scripts) == (url, LIBRESPEED, Scripts())


def test_scripts_of_other_names():
    (entry,) = listed(one("//a.example", dlURL="/garbage?x=1", ulURL="empty", pingURL="empty"))
    assert entry.scripts == Scripts("garbage?x=1", "empty", "empty")


def test_what_cannot_be_used_is_left_out():
    good = one("//good.example", **USUAL)
    bad = [7, {}, {"server": 3}, one("ftp://x"), one("ws://x"), one("http://u:p@x"), one("//x", dlURL="a b")]
    assert [entry.url for entry in listed(*bad, good)] == ["https://good.example"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'[{"server":"ftp://x"}]'])
def test_no_list_is_said_in_words(body):
    with pytest.raises(WorldError) as caught:
        serverlist.servers(body, LISTING)
    assert caught.value.code is FailureCode.PROTOCOL


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)
members = st.dictionaries(st.sampled_from(["server", "dlURL", "ulURL", "pingURL", "name"]), json_values | st.text())


@given(st.lists(members, max_size=5))
def test_any_list_is_read_or_refused(entries):
    try:
        found = serverlist.servers(json.dumps(entries).encode(), LISTING)
    except WorldError:
        return
    for entry in found:
        addresses.parse_target(entry.url)


def test_a_list_is_measured_through():
    inner = scripted.foreign_librespeed("/deep/down")

    def script(visit):
        if visit.head.path == "/servers.json":
            body = json.dumps([one("//127.0.0.1:1", **USUAL), one(f"//127.0.0.1:{server.port}/deep/down", **USUAL)])
            visit.answer(200, body.encode(), "application/json")
            return True
        return inner(visit)

    with ScriptedServer(script) as server:
        record = measure(f"{server.url}/servers.json")
    assert record.failure is None
    assert record.engine.name is LIBRESPEED
    assert record.server.id == f"127.0.0.1:{server.port}"
    assert server.seen["GET /servers.json"] == 1


def told_tokens(asked):
    """A foreign server that notes in `asked` which permission each request showed."""
    inner = scripted.foreign_librespeed()

    def script(visit):
        asked.append(visit.head.query.get("access_token"))
        return inner(visit)

    return script


def test_the_permission_goes_only_to_the_computers_that_were_named_with_it():
    strangers, ours = [], []
    with ScriptedServer(told_tokens(strangers)) as stranger, ScriptedServer(told_tokens(ours)) as named:
        body = json.dumps([one(f"//127.0.0.1:{stranger.port}", **USUAL)]).encode()
        with ScriptedServer(lambda visit: bool(visit.answer(200, body, "application/json")) or True) as listing:
            record = measure(f"{listing.url}/servers.json", access_token="word.of-ours")
        assert record.failure is None
        assert record.server.id == f"127.0.0.1:{stranger.port}"
        assert measure(named.url, LIBRESPEED, access_token="word.of-ours").failure is None
    assert strangers
    assert set(strangers) == {None}
    assert set(ours) == {"word.of-ours"}


def test_a_list_on_the_named_computer_gives_nobody_else_its_permission():
    home = ServerEntry(id="tp", engine=NDT7, url="ws://tp.example:8080")
    listing = ServerEntry(id="list", engine=LIBRESPEED, url="https://list.example/servers.json")
    wish = plan("http://x", servers=(home, listing), access_token="word.of-ours")
    told = {
        url: wish.token_for(ServerEntry(id="x", engine=LIBRESPEED, url=url))
        for url in ("http://tp.example:8080/backend", "http://tp.example", "https://list.example", "no address")
    }
    assert [url for url, token in told.items() if token] == ["http://tp.example:8080/backend"]


def test_a_server_that_names_its_own_scripts():
    inner = scripted.foreign_librespeed("/odd")

    def script(visit):
        if visit.head.path == addresses.WELL_KNOWN:
            mine = one("/odd", **USUAL)
            visit.answer(200, json.dumps([one("//stranger.invalid", **USUAL), mine]).encode(), "application/json")
            return True
        return inner(visit)

    with ScriptedServer(script) as server:
        record = measure(server.url, LIBRESPEED)
    assert record.failure is None
    assert record.download.bytes > 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (scripted.portal, FailureCode.PORTAL),
        (scripted.status(404), FailureCode.HTTP_STATUS),
        (scripted.status(503), FailureCode.SERVER_BUSY),
        (scripted.garbled, FailureCode.PROTOCOL),
        (lambda visit: visit.answer(200, b" " * (LIMIT_BYTES + 1), "application/json"), FailureCode.PROTOCOL),
    ],
)
@pytest.mark.parametrize("path", ["/servers.json", addresses.LOCATE_ENDING])
def test_a_directory_that_does_not_answer_as_one(script, code, path):
    with ScriptedServer(script) as server:
        record = measure(server.url + path)
    assert record.failure.code is code
    assert record.download is None


def test_the_addresses_say_what_they_are_for():
    assert [each.engine for each in addresses.servers_from_url("https://x/servers.json", None)] == [LIBRESPEED]
    assert [each.engine for each in addresses.servers_from_url(f"https://x{addresses.LOCATE_ENDING}", None)] == [NDT7]
    with pytest.raises(EnlaceError):
        addresses.servers_from_url(f"https://x{addresses.LOCATE_ENDING}", LIBRESPEED)
    with pytest.raises(EnlaceError):
        addresses.servers_from_url("https://x/servers.json", NDT7)


# Locate -----------------------------------------------------------------------------------------------------------


def document(body, status=200):
    return Document(ResponseHead(status, "", Headers((("content-type", "application/json"),))), body)


def result(netloc="ndt.example", scheme="wss", **more):
    urls = {
        f"{scheme}:///ndt/v7/{each}": f"{scheme}://{netloc}/ndt/v7/{each}?access_token=T-{each}&index=0"
        for each in ("download", "upload")
    }
    return {"machine": "mlab1-lis02", "location": {"city": "Lisbon"}, "urls": urls, **more}


def located(*results, **more):
    return locate.servers(document(json.dumps({"results": results, **more}).encode()), "locate.example")


def test_results_in_their_order_with_their_permissions():
    first, second = located(result(), result("other.example:4443"), next_request={"nbf": "2026"})
    assert (first.url, second.url) == ("wss://ndt.example", "wss://other.example:4443")
    assert first.download == "/ndt/v7/download?access_token=T-download&index=0"
    assert (first.id, first.engine) == ("mlab1-lis02", NDT7)


def test_plain_addresses_where_there_are_no_others_and_no_half_ones():
    half = result()
    half["urls"].popitem()
    apart = result()
    apart["urls"]["wss:///ndt/v7/upload"] = "wss://elsewhere.example/ndt/v7/upload"
    assert [each.url for each in located(half, apart, {}, result("p.example", "ws"))] == ["ws://p.example"]


@pytest.mark.parametrize(
    ("status", "body", "code", "wait_s"),
    [
        (204, b"", FailureCode.SERVER_BUSY, 60.0),
        (429, b'{"error":{"title":"too many","detail":"quota of tier 0"}}', FailureCode.SERVER_BUSY, None),
        (503, b'{"error":{"title":"unknown location"}}', FailureCode.SERVER_BUSY, None),
        (500, b"oops", FailureCode.HTTP_STATUS, None),
        (401, b"{}", FailureCode.TOKEN_REFUSED, None),
        (200, b"{}", FailureCode.PROTOCOL, None),
        (200, b"[]", FailureCode.PROTOCOL, None),
    ],
)
def test_no_server_now(status, body, code, wait_s):
    with pytest.raises(WorldError) as caught:
        locate.servers(document(body, status), "locate.example")
    assert (caught.value.code, caught.value.retry_after_s) == (code, wait_s)
    assert status != 429 or "quota" in caught.value.detail


@given(st.dictionaries(st.text(), st.text(), max_size=4), st.text())
def test_any_addresses_are_taken_or_left(urls, odd):
    base = result()["urls"]
    try:
        located({"machine": odd, "urls": {**base, **urls}}, {"machine": odd, "urls": dict.fromkeys(base, odd)})
    except WorldError as fault:
        assert fault.code is FailureCode.PROTOCOL


def test_a_locate_service_is_asked_only_by_name_and_its_permission_is_used_as_it_is():
    asked = []

    def script(visit):
        asked.append(visit.head)
        if visit.head.path == addresses.LOCATE_ENDING:
            results = [result(f"127.0.0.1:{server.port}", "ws")]
            visit.answer(200, json.dumps({"results": results}).encode(), "application/json")
            return True
        return scripted.foreign_ndt7(visit)

    with ScriptedServer(script) as server:
        record = measure(server.url + addresses.LOCATE_ENDING, access_token="of-our-collector")
        direct = measure(server.url, NDT7)
    assert record.failure is None
    assert record.server.id == "mlab1-lis02"
    assert record.idle.method is RttMethod.TCP_CONNECT  # an open WebSocket would be a test of theirs
    ours = [head for head in asked if head.path == addresses.LOCATE_ENDING]
    assert len(ours) == 1
    assert ours[0].query["client_name"] == "enlace-agent"
    assert "access_token" not in ours[0].query
    tokens = {head.query.get("access_token") for head in asked if head.path.startswith("/ndt/v7/")}
    assert tokens == {"T-download", "T-upload", None}  # None: of the server that was named itself
    assert direct.failure is None


def test_nobody_else_is_asked_for_servers():
    with ScriptedServer(scripted.foreign_ndt7) as server:
        measure(server.url)
    assert not [path for path in server.seen if "nearest" in path or "well-known" in path or "json" in path]


def test_entries_that_are_no_directories_stay_as_they_are():
    from agent.measure.servers import directory

    entry = ServerEntry(id="a", engine=LIBRESPEED, url="http://x/speed")
    assert directory.expand([entry], lambda _entry: pytest.fail("asked")) == [entry]
