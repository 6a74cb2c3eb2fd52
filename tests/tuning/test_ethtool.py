"""What ethtool prints, of several versions and drivers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tunelib import ethtool
from tunelib.errors import Unsupported
from tunelib.host import Host, Result


class Saying(Host):
    """A host whose ethtool says one thing."""

    def __init__(self, out: str, code: int = 0, err: str = "") -> None:
        self._said = Result(code, out, err)

    def run(self, command: Sequence[str], timeout_s: float = 0) -> Result:
        return self._said


OLD_COALESCE = """Coalesce parameters for eth0:
Adaptive RX: off  TX: off
stats-block-usecs: 0
rx-usecs: 64
tx-usecs: 64
"""
NEW_COALESCE = """Coalesce parameters for ens5:
Adaptive RX: on  TX: n/a
stats-block-usecs:\tn/a
rx-usecs:\t20
rx-frames:\tn/a
tx-usecs:\t64
CQE mode RX: n/a  TX: n/a
"""


def test_coalescing_of_old_and_new() -> None:
    old = ethtool.read_coalesce(Saying(OLD_COALESCE), "eth0")
    assert old["adaptive-rx"] == old["adaptive-tx"] == "off"
    assert old["rx-usecs"] == "64"
    new = ethtool.read_coalesce(Saying(NEW_COALESCE), "ens5")
    assert new == {"adaptive-rx": "on", "rx-usecs": "20", "tx-usecs": "64"}


VETH_CHANNELS = """Channel parameters for veth0:
Pre-set maximums:
RX:\t\t4
TX:\t\t4
Other:\t\tn/a
Combined:\tn/a
Current hardware settings:
RX:\t\t1
TX:\t\t1
Other:\t\tn/a
Combined:\tn/a
"""


def test_a_card_without_combined_queues() -> None:
    assert ethtool.read_channels(Saying(VETH_CHANNELS), "veth0") == {"rx": "1", "tx": "1"}
    with pytest.raises(Unsupported, match="no combined queues"):
        ethtool.channel_limit(Saying(VETH_CHANNELS), "veth0")


def test_fixed_features_cannot_be_switched() -> None:
    text = "Features for ens5:\nrx-checksumming: on\n\ttx-checksum-ipv4: on\nlro: off [fixed]\n"
    assert set(ethtool.read_features(Saying(text), "x")) == {"rx-checksumming", "tx-checksum-ipv4"}


@pytest.mark.parametrize(
    ("line", "can"),
    [("off [fixed]", False), ("off", True), ("on", True)],
)
def test_who_steers_flows(line: str, can: bool) -> None:
    assert ethtool.can_steer(Saying(f"Features for x:\nntuple-filters: {line}\n"), "x") is can


def indirection(queues: Sequence[int]) -> Saying:
    """A table of sixteen slots."""
    rows = [" ".join(f"{queue:5}" for queue in queues[first : first + 8]) for first in (0, 8)]
    text = "RX flow hash indirection table for ens5 with 4 RX ring(s):\n"
    return Saying(text + "".join(f"{n * 8:5}:  {row}\n" for n, row in enumerate(rows)) + "RSS hash")


def test_a_table_that_can_be_written_back() -> None:
    assert ethtool.read_indirection(indirection([0, 1, 2, 3] * 4), "x")["indirection"] == "equal 4"
    assert ethtool.read_indirection(indirection([0] * 16), "x")["indirection"] == "equal 1"
    with pytest.raises(Unsupported, match="by hand"):
        ethtool.read_indirection(indirection([0, 0, 1, 1] * 4), "x")
    with pytest.raises(Unsupported, match="no indirection"):
        ethtool.read_indirection(Saying("nothing\n"), "x")


RULES = """4 RX rings available
Total 2 rules

Filter: 0
\tRule Type: TCP over IPv4
\tSrc IP addr: 192.0.2.7 mask: 0.0.0.0
\tDest IP addr: 0.0.0.0 mask: 255.255.255.255
\tTOS: 0x0 mask: 0xff
\tSrc port: 443 mask: 0x0
\tDest port: 0 mask: 0xffff
\tAction: Direct to queue 0

Filter: 3
\tRule Type: UDP over IPv4
\tSrc IP addr: 192.0.2.0 mask: 0.0.0.255
\tDest IP addr: 0.0.0.0 mask: 255.255.255.255
\tTOS: 0x0 mask: 0xff
\tSrc port: 0 mask: 0xffff
\tDest port: 5000 mask: 0x0
\tAction: Drop
"""


def test_rules_are_read_as_the_words_that_make_them() -> None:
    found = ethtool.read_rules(Saying(RULES), "x")
    assert found["0"] == "flow-type tcp4 src-ip 192.0.2.7 src-port 443 action 0"
    assert found["3"] == "flow-type other src-ip 192.0.2.0? dst-port 5000 action ?"
    assert ethtool.rules_commands("x", {"0": found["0"], "1": None}) == [
        f"ethtool -N x {found['0']} loc 0".split(),
        ["ethtool", "-N", "x", "delete", "1"],
    ]


def test_a_refusal_is_unsupported_with_the_programs_words() -> None:
    said = Saying("", 1, "netlink error: Operation not supported\n")
    with pytest.raises(Unsupported, match="ethtool -c: netlink error: Operation not supported"):
        ethtool.read_coalesce(said, "veth0")
