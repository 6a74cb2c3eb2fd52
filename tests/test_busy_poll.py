"""Kernel busy polling: the ioctl is tried for real, and skipped by reason where there is none."""

from __future__ import annotations

import asyncio
import os
import select
import socket

import pytest

from tests.gateway_rig import live
from whitewire.errors import StartupError
from whitewire.protocol.receive import epoll_reason
from whitewire.transport.busy_poll import (
    Polling,
    epoll_errno,
    epoll_watching,
    poll_sockets,
    start,
)
from whitewire.transport.lag import LagGauge

POLLING = Polling(50, 8, is_preferred=False)


def demand_kernel() -> None:
    """Skips where the kernel has no busy polling for each epoll."""
    number = epoll_errno(POLLING)
    if number:
        pytest.skip(epoll_reason(number, os.uname().release, POLLING.packets))


def test_the_kernel_takes_it_for_one_epoll() -> None:
    demand_kernel()
    with select.epoll() as epoll:
        start(epoll.fileno(), POLLING)
        start(epoll.fileno(), POLLING._replace(microseconds=200))


def test_what_is_no_epoll_is_refused_with_words() -> None:
    with (
        socket.socket() as no_epoll,
        pytest.raises(StartupError, match="receive = busy_poll: ") as caught,
    ):
        start(no_epoll.fileno(), POLLING)
    assert caught.value.code == "busy-poll-refused"
    assert "use receive = block" in str(caught.value)


@live
async def test_the_loops_own_epoll_is_found_among_others() -> None:
    loop = asyncio.get_running_loop()
    gauge = LagGauge()
    gauge.start()
    with select.epoll() as other:
        other.register(gauge.file)  # an epoll that watches another descriptor of the same timer
        other.unregister(gauge.file)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        found = epoll_watching(gauge.file)
    # the loop's word for it is private, so only this test takes it
    assert found == loop._get_backend_id()  # type: ignore[attr-defined]
    gauge.stop()


def test_what_nobody_watches_has_no_epoll() -> None:
    with socket.socket() as alone:
        assert epoll_watching(alone.fileno()) is None


def test_tcp_sockets_are_set_once_and_others_left() -> None:
    ours, theirs = socket.socketpair()
    with (
        select.epoll() as epoll,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as tcp,
        ours,
        theirs,
    ):
        for each in (tcp, ours):
            epoll.register(each)
        known: set[int] = set()
        (peer,) = poll_sockets(epoll.fileno(), POLLING, known)
        assert peer.file == tcp.fileno()
        assert peer.napi_id == 0  # the loopback has no queue
        if not peer.refused:
            assert tcp.getsockopt(socket.SOL_SOCKET, 46) == POLLING.microseconds
        assert list(poll_sockets(epoll.fileno(), POLLING, known)) == []
        # another connection under the same number is another socket
        epoll.unregister(tcp)
        with socket.create_connection(server.getsockname()) as fresh:
            os.dup2(fresh.fileno(), tcp.fileno())
            epoll.register(tcp)
            assert [each.file for each in poll_sockets(epoll.fileno(), POLLING, known)] == [
                tcp.fileno()
            ]
