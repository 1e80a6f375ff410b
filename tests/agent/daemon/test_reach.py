"""The diary's word for what can be reached."""

import pytest

from agent.daemon.reach import Word, judge
from agent.measure.light import Sight
from agent.ports import WayOut
from agent.uplink.decide import Kind, Silence
from agent.wire.records import Rtt
from agent.wire.vocabulary import DiaryState as D
from agent.wire.vocabulary import FailureCode

RTT = Rtt(rtt_ms=30.0, n=5, loss_pct=0.0)
OPEN = Sight(server=RTT, dns_ms=12.0)
OPEN_BY_ADDRESS = Sight(server=RTT)
CLOSED = Sight(fault=FailureCode.CONNECT_TIMEOUT, dns_ms=12.0)
NAMELESS = Sight(fault=FailureCode.DNS)
WAY = WayOut(has_link=True, has_route=True, gateway="192.0.2.1")
DOWN = Kind.COLLECTOR_DOWN


def word(kind="", silence=None, *, fresh=True):
    return Word(kind, silence, bool(kind), fresh)


CASES = {
    "the collector answers": (OPEN, word(Kind.GOOD), WAY, D.OK),
    "it answers, the test point does not": (CLOSED, word(Kind.GOOD), WAY, D.OK),
    "it refuses: it is there": (CLOSED, word(Kind.REFUSED), WAY, D.OK),
    "no collector, the test point answers": (OPEN, word(), WAY, D.OK),
    "collector down, internet fine": (OPEN, word(DOWN, Silence.CONNECT_TIMEOUT), WAY, D.COLLECTOR_DOWN),
    "its computer refuses": (CLOSED, word(DOWN, Silence.REFUSED), WAY, D.COLLECTOR_DOWN),
    "an unsigned 5xx": (CLOSED, word(DOWN), WAY, D.COLLECTOR_DOWN),
    "its name alone is gone": (OPEN, word(DOWN, Silence.DNS), WAY, D.COLLECTOR_DOWN),
    "no names, test point by its address": (OPEN_BY_ADDRESS, word(DOWN, Silence.DNS), WAY, D.DNS_FAIL),
    "no names, test point remembered": (
        Sight(server=RTT, fault=FailureCode.DNS, by_memory=True),
        word(DOWN, Silence.DNS),
        WAY,
        D.DNS_FAIL,
    ),
    "no names, remembered address silent": (
        Sight(fault=FailureCode.DNS, by_memory=True),
        word(DOWN, Silence.DNS),
        WAY,
        D.NO_INTERNET,
    ),
    "no names, nothing else to try": (NAMELESS, word(DOWN, Silence.DNS), WAY, D.DNS_FAIL),
    "no names, test point's address silent": (
        Sight(fault=FailureCode.CONNECT_TIMEOUT),
        word(DOWN, Silence.DNS),
        WAY,
        D.NO_INTERNET,
    ),
    "a page instead of the collector": (OPEN, word(Kind.PORTAL), WAY, D.PORTAL),
    "a page instead of the test point": (Sight(server=RTT, fault=FailureCode.PORTAL), word(), WAY, D.PORTAL),
    "a foreign certificate": (Sight(server=RTT, fault=FailureCode.TLS_UNTRUSTED), word(), WAY, D.PORTAL),
    "a proxy's login is no portal": (CLOSED, word(Kind.PORTAL, Silence.PROXY_LOGIN), WAY, D.NO_INTERNET),
    "nothing answers": (CLOSED, word(DOWN, Silence.CONNECT_TIMEOUT), WAY, D.NO_INTERNET),
    "nothing answers, not enrolled": (CLOSED, word(), WAY, D.NO_INTERNET),
    "no way out": (CLOSED, word(DOWN, Silence.UNREACHABLE), WayOut(True, False), D.NO_GATEWAY),
    "the gateway is not there": (
        Sight(fault=FailureCode.CONNECT_TIMEOUT, gateway_is_absent=True),
        word(DOWN, Silence.CONNECT_TIMEOUT),
        WAY,
        D.NO_GATEWAY,
    ),
    "no cable": (NAMELESS, word(DOWN, Silence.DNS), WayOut(False, False), D.LINK_DOWN),
    "a modem's line has no gateway": (CLOSED, word(), WayOut(True, True, None), D.NO_INTERNET),
    "nobody knows the way out": (CLOSED, word(), WayOut(), D.NO_INTERNET),
    "a good word of an hour ago": (CLOSED, word(Kind.GOOD, fresh=False), WAY, D.NO_INTERNET),
    "the same, nothing looked at": (Sight(), word(Kind.GOOD, fresh=False), WAY, D.OK),
    "down an hour ago, line open": (OPEN, word(DOWN, fresh=False), WAY, D.COLLECTOR_DOWN),
    "a page an hour ago, line open": (OPEN, word(Kind.PORTAL, fresh=False), WAY, D.OK),
    "a page an hour ago, line closed": (CLOSED, word(Kind.PORTAL, fresh=False), WAY, D.PORTAL),
}


@pytest.mark.parametrize("case", CASES)
def test_the_word(case):
    sight, told, way, state = CASES[case]
    assert judge(sight, told, way) is state
