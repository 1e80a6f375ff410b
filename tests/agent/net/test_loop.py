"""The selector loop: order of timers, watching, waking."""

import socket

from agent.net.loop import READ, Loop


class FakeTime:
    def __init__(self):
        self.now_s = 0.0

    def now(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


def test_timers_run_in_order_and_can_be_called_off():
    time = FakeTime()
    loop = Loop(time.now, time.sleep)
    seen = []
    loop.call_at(0.0006, lambda: seen.append("second"))
    loop.call_at(0.0003, lambda: seen.append("first"))
    loop.call_at(0.0004, lambda: seen.append("never")).cancel()
    for _ in range(4):
        loop.turn(0.0009)
    assert seen == ["first", "second"]
    loop.close()


def test_a_socket_is_watched_until_it_is_not():
    loop = Loop()
    left, right = socket.socketpair()
    with left, right:
        seen = []

        def read(_events):
            seen.append(left.recv(10))
            loop.watch(left, 0, read)

        loop.watch(left, READ, read)
        right.send(b"a")
        loop.turn(1.0)
        right.send(b"b")
        loop.turn(0.0)
        assert seen == [b"a"]
    loop.close()


def test_a_wake_up_ends_the_wait():
    loop = Loop()
    loop.wake()
    loop.turn(60.0)
    loop.close()
    loop.wake()
