"""What signing a burst together saves: `python -m bench.micro.burst`.

Owns: bursts of 1 to 20 placements, one after the other and together, interleaved. Must not know:
lanes of vectors. Invariant: both ways are timed only after they made the same requests, each signed
as the standard library says.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from functools import partial

from bench.micro.measure import Case, Quiet, expect, measure, paired, tenth
from bench.micro.native import BurstLoop, Library
from bench.micro.orders import KEY, SECRET, Form

__all__ = ["LEGS", "cases", "main"]

LEGS = (1, 2, 3, 4, 8, 20)
ROUNDS, QUIET_S = 201, 20.0
# Sequence, ticks of 0.1, lots of 0.001, nonce; legs go on from there.
FIRST = (42, 629_573, 13, 1_785_730_136_175)


def _requests(stream: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and body of each request of a connection's bytes."""
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("ascii").split("\r\n")[1:])
        size = int(headers["Content-Length"])
        yield headers, rest[:size]
        stream = rest[size:]


def check(apart: BurstLoop, together: BurstLoop, legs: int) -> None:
    """Compares both ways with each other and with the standard library.

    Raises:
        WrongAnswerError: they differ, or the venue would refuse a request.
    """
    stream = together.requests(FIRST)
    expect(stream == apart.requests(FIRST), f"{legs} legs: together is not one after the other")
    found = list(_requests(stream))
    expect(len(found) == legs, f"{len(found)} requests of {legs}")
    sequence, ticks, _, nonce = FIRST
    for leg, (headers, body) in enumerate(found):
        payload = headers["X-TXC-PAYLOAD"]
        signature = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha512).hexdigest()
        expect(headers["X-TXC-SIGNATURE"] == signature, f"leg {leg}: the signature is wrong")
        expect(base64.b64decode(payload) == body, f"leg {leg}: the payload is not the body")
        order = json.loads(body)
        expect(order["nonce"] == nonce + leg, f"leg {leg}: the nonce is {order['nonce']}")
        expect(order["side"] == ("buy", "sell")[leg % 2], f"leg {leg}: {order['side']}")
        price = f"{(ticks + leg) / 10:g}"
        expect(order["price"] == price, f"leg {leg}: {order['price']} is not {price}")
        expect(order["clientOrderId"].endswith(f"{sequence + leg:010d}"), f"leg {leg}: its id")


def cases(library: Library) -> list[Case]:
    """For each size of burst: one after the other, then together; an item is a request."""
    found = []
    for legs in LEGS:
        loops = [
            BurstLoop(library, KEY, SECRET, Form.PRODUCTION.prefix, legs, together)
            for together in (False, True)
        ]
        for name, loop in zip(("apart", "together"), loops, strict=True):
            run = partial(loop.run, first=FIRST)
            found.append(Case(f"{legs} {name}", run, partial(check, *loops, legs), legs))
    return found


def main() -> int:
    """Prints nanoseconds per request, undisturbed, and how many times as long apart takes."""
    found = cases(Library())
    for case in found:
        case.check()
    samples = measure(found, ROUNDS, Quiet(QUIET_S))
    print("legs   one by one   together   ratio")
    for legs in LEGS:
        apart, together = samples[f"{legs} apart"], samples[f"{legs} together"]
        ratio = paired(apart, together)
        print(f"{legs:4}   {tenth(apart):7.0f} ns {tenth(together):7.0f} ns   {ratio:5.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
