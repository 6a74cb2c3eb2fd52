"""Counters before and after: what grew, and what must not have."""

from __future__ import annotations

import json

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.test_interlocks import beating
from tests.tuning.tuner import context, named
from tunelib import counters
from tunelib.counters import Row

NETSTAT = (
    "TcpExt: SyncookiesSent TCPAutoCorking BusyPollRxPackets\nTcpExt: 0 {} {}\nIpExt: A\nIpExt: 1\n"
)
INTERRUPTS = "           CPU0       CPU1       CPU2       CPU3\n"
INTERRUPTS += " 41: 0 0 {} 0 PCI-MSIX ens5-Tx-Rx-0\nLOC: 1 1 {} 1 Local timer\n"
STATUS = "Cpus_allowed_list:\t2\nnonvoluntary_ctxt_switches:\t{}\n"


def grown(host: MemoryHost, after: dict[str, str]) -> dict[str, Row]:
    """Rows that grew while files became these."""
    rows = counters.watch(context(host, named("latency")), 3.0, lambda _: host.files.update(after))
    return {row.counter: row for row in rows if row.after != row.before}


def test_polling_shows_and_corking_is_a_fault() -> None:
    host = MemoryHost(SPECS["amd4"])
    host.files["/proc/net/netstat"] = NETSTAT.format(5, 100)
    rows = grown(host, {"/proc/net/netstat": NETSTAT.format(6, 400)})
    assert rows["tcp BusyPollRxPackets"] == Row("tcp BusyPollRxPackets", 100, 400, False)
    assert rows["tcp TCPAutoCorking"].is_bad
    assert not counters.is_clean(list(rows.values()))
    text = counters.text(list(rows.values()))
    assert "300" in text
    assert text.count("must not grow") == 1


def test_the_hot_cpu_and_the_hot_thread() -> None:
    host = MemoryHost(SPECS["amd4"])
    beating(host, 0)
    host.files["/proc/interrupts"] = INTERRUPTS.format(10, 7)
    host.files["/proc/4321/task/4321/status"] = STATUS.format(3)
    after = {
        "/proc/interrupts": INTERRUPTS.format(15, 9),
        "/proc/4321/task/4321/status": STATUS.format(4),
    }
    rows = grown(host, after)
    assert rows["CPU 2 card"][1:3] == (10, 15)
    assert rows["CPU 2 LOC"][1:3] == (7, 9)
    assert rows["gateway 4321 switched away"].is_bad


def test_allowances_of_the_instance() -> None:
    host = MemoryHost(SPECS["amd4"])
    machine = json.loads(host.files["/machine.json"])
    machine["cards"]["ens5"]["stats"]["bw_in_allowance_exceeded"] = 2
    rows = grown(host, {"/machine.json": json.dumps(machine)})
    assert rows["card bw_in_allowance_exceeded"].is_bad


def test_a_quiet_host_is_clean() -> None:
    rows = grown(MemoryHost(SPECS["tiny2"]), {})
    assert rows == {}
    assert counters.is_clean(list(rows.values()))
    assert "stood still" in counters.text(list(rows.values()))
