"""How the loop waits, in every mode, with a real gateway; and what a host cannot do."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import Any

import pytest

from tests.gateway_rig import Truth, config_for, gateway, live, until
from tests.test_busy_poll import POLLING, demand_kernel
from whitewire.config_process import ProcessConfig
from whitewire.errors import ConfigError, StartupError
from whitewire.transport import affinity, busy_poll, receive
from whitewire.transport.receive import LOOK_AROUND_NS, Reception, demand_host, host_facts
from whitewire.venue import Venue

CPUS = sorted(os.sched_getaffinity(0))
several = pytest.mark.skipif(len(CPUS) < 2, reason="this process may use one CPU only")
HOT, REST = CPUS[-1], set(CPUS[:-1])


def threads() -> dict[int, set[int]]:
    """The CPUs of every other thread of this process."""
    others = {int(name) for name in os.listdir("/proc/self/task")} - {threading.get_native_id()}
    return {number: os.sched_getaffinity(number) for number in others}


@pytest.mark.parametrize("mode", ["block", "busy_poll", "spin"])
@several
@live
async def test_a_gateway_works_in_every_mode(mode: Any) -> None:
    """Orders and fills as ever; the hot thread alone on its CPU; afterwards all is as before."""
    if mode == "busy_poll":
        demand_kernel()
    process = ProcessConfig(cpu=HOT, receive=mode)
    with Venue(traders=False) as venue:
        (truth := Truth(venue)).make_market()
        config = config_for(venue, process=process)
        async with gateway(venue, config=config, truth=truth) as rig:
            reception = rig.lifecycle.shared.reception
            order = await rig.resting()
            rig.truth.make("sell", 60000, "0.01")
            await until(lambda: rig.seen.fills)
            assert rig.seen.fills[0].order is order
            assert os.sched_getaffinity(0) == {HOT}
            assert threads()
            assert all(cpus <= REST for cpus in threads().values())
            await until(lambda: reception.lag.total.count > 3)
            assert (reception.spinner is not None) == (mode == "spin")
        assert os.sched_getaffinity(0) == set(CPUS)
        turns = reception.spinner.turns if reception.spinner else 0
        await asyncio.sleep(0.01)
        assert turns == (reception.spinner.turns if reception.spinner else 0)


@several
@live
async def test_a_spinning_feed_is_restored_after_a_loss() -> None:
    process = ProcessConfig(cpu=HOT, receive="spin")
    with Venue(traders=False) as venue:
        async with gateway(venue, config=config_for(venue, process=process)) as rig:
            spinner = rig.lifecycle.shared.reception.spinner
            assert spinner is not None
            rig.truth.make_market()
            rig.gw.feed.give_up("the test wants a new one")
            await until(lambda: rig.gw.feed.sessions == 2)
            before = spinner.direct_reads
            book = rig.gw.book(rig.truth.market)
            rig.truth.make("buy", 59500, "0.5")
            await until(lambda: book.best_bid and book.best_bid[0] == 59500)

            def stir() -> bool:
                """Whether one of many frames was read past the loop."""
                rig.truth.unmake(rig.truth.make("buy", 59600, "0.5"))
                return spinner.direct_reads > before

            await until(stir)


@several
@live
async def test_threads_that_the_pinned_loop_starts_are_moved_off_its_cpu() -> None:
    reception = Reception(ProcessConfig(cpu=HOT))
    await reception.begin()
    leave = threading.Event()
    late = threading.Thread(target=leave.wait)
    late.start()
    resolved = await asyncio.get_running_loop().getaddrinfo("localhost", 80)  # starts a pool
    assert resolved
    assert late.native_id is not None
    assert os.sched_getaffinity(late.native_id) == {HOT}
    reception.check(LOOK_AROUND_NS)
    assert all(cpus <= REST for cpus in threads().values())
    leave.set()
    late.join()
    reception.end()
    assert os.sched_getaffinity(0) == set(CPUS)


@live
async def test_several_accounts_begin_it_once_and_the_last_one_ends_it() -> None:
    reception = Reception(ProcessConfig())
    await asyncio.gather(reception.begin(), reception.begin())
    reception.end()
    await until(lambda: reception.lag.total.count > 0)
    assert reception.lag.file >= 0
    reception.end()
    assert reception.lag.file == -1


@live
async def test_a_kernel_without_busy_polling_is_an_error_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(busy_poll, "_SET", 0x12345678)
    reception = Reception(ProcessConfig(cpu=HOT, receive="busy_poll"))
    for _ in range(2):  # each account of the process hears of it
        with pytest.raises(StartupError, match="receive = busy_poll: ") as caught:
            await reception.begin()
        assert caught.value.code == "busy-poll-refused"
    assert reception.lag.file == -1
    assert os.sched_getaffinity(0) == set(CPUS)


@live
async def test_a_loop_without_an_epoll_of_its_own_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(busy_poll, "epoll_watching", lambda _: None)
    with pytest.raises(StartupError, match="waits on no epoll of its own"):
        await Reception(ProcessConfig(receive="busy_poll")).begin()


@live
async def test_queues_of_the_card_that_differ_are_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    demand_kernel()
    reception = Reception(ProcessConfig(receive="busy_poll"))
    await reception.begin()
    seen = [
        busy_poll.PolledSocket(3, (), 0),
        busy_poll.PolledSocket(4, ("SO_PREFER_BUSY_POLL (Operation not permitted)",), 8193),
        busy_poll.PolledSocket(5, ("SO_PREFER_BUSY_POLL (Operation not permitted)",), 8193),
        busy_poll.PolledSocket(6, (), 8194),
    ]
    monkeypatch.setattr(busy_poll, "poll_sockets", lambda *_: seen)
    with caplog.at_level(logging.WARNING, "whitewire"):
        reception.check(LOOK_AROUND_NS)
        reception.check(2 * LOOK_AROUND_NS - 1)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "goes without SO_PREFER_BUSY_POLL" in told[0]
    assert "8193, 8194" in told[1]
    reception.end()


def test_a_version_that_nobody_tested_is_left_to_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    assert receive.direct_read_refusal() == ""
    monkeypatch.setattr(receive, "version", lambda _: "1.3.0")
    assert "1.3.0 was not tested" in receive.direct_read_refusal()


@several
@live
async def test_without_the_direct_read_the_loop_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "DIRECT_READ_VERSIONS", ("0.",))
    process = ProcessConfig(cpu=HOT, receive="spin")
    with Venue(traders=False) as venue:
        (truth := Truth(venue)).make_market()
        config = config_for(venue, process=process)
        async with gateway(venue, config=config, truth=truth) as rig:
            await rig.resting()
            spinner = rig.lifecycle.shared.reception.spinner
            assert spinner is not None
            assert spinner.direct_reads == 0
            assert spinner.turns > 0


@several
@live
async def test_local_memory_is_asked_for_where_there_are_nodes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int | None] = []
    monkeypatch.setattr(affinity, "prefer_memory_of", asked.append)
    for nodes, expected in (({HOT: 3, CPUS[0]: 0}, [3, None]), ({HOT: 0, CPUS[0]: 0}, [])):
        asked.clear()
        monkeypatch.setattr(affinity, "memory_nodes", lambda nodes=nodes: nodes)
        reception = Reception(ProcessConfig(cpu=HOT, numa="local"))
        with caplog.at_level(logging.INFO, "whitewire"):
            await reception.begin()
        reception.end()
        assert asked == expected
    assert "one memory node" in caplog.text


def test_the_host_is_asked_and_not_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = host_facts(ProcessConfig())
    assert facts.allowed == set(CPUS)
    assert facts.epoll_errno == busy_poll.epoll_errno(POLLING)
    assert facts.loop.startswith("uvloop ")
    for is_direct, told in ((True, ""), (False, receive.STATIC_OPENSSL)):
        monkeypatch.setattr(receive, "is_tls_direct", lambda is_direct=is_direct: is_direct)
        assert host_facts(ProcessConfig()).direct_read == told


def test_cpus_that_are_not_there_are_refused() -> None:
    demand_host(ProcessConfig(cpu=HOT))
    with pytest.raises(ConfigError, match="names CPU 9999"):
        demand_host(ProcessConfig(cpu=9999))
