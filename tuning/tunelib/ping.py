"""Round trips to the venue, and how often this host takes the CPU away.

Owns: one warm connection, and a loop that watches the clock. Must not know: settings. Invariant:
never more requests a second than allowed; a refusal by the venue ends the measurement.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from tunelib.errors import TuneError

PATH = "/api/v4/public/ping"
TIMEOUT_S = 5.0
FASTEST_RATE = 50.0
JITTER_S = 0.02


class Pinger:
    """Asks one URL again and again.

    Args:
        url: `https://host[:port][/path]`; without a path the venue's ping.
        ca: certificate authority, None for the system's.
        rate: requests a second at most.
        sleep: waits seconds.

    Raises:
        TuneError: `target-url`.
    """

    def __init__(
        self,
        url: str,
        ca: str | None,
        rate: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise TuneError("target-url", f"{url} is no http or https URL", "give --target URL")
        if not 0 < rate <= FASTEST_RATE:
            raise TuneError("ping-rate", f"the rate was {rate}", f"at most {FASTEST_RATE} a second")
        self._path = parts.path or PATH
        self._interval_s = 1 / rate
        self._sleep = sleep
        self._next_s = 0.0
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca)
            self._connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=TIMEOUT_S, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=TIMEOUT_S
            )

    def warm(self) -> None:
        """Connects, so that no measured request pays for it."""
        self._ask()

    def round(self, count: int) -> list[float]:
        """Round trips in microseconds.

        Raises:
            TuneError: `target-failed`.
        """
        found = []
        for _ in range(count):
            self._sleep(max(0.0, self._next_s - time.monotonic()))
            self._next_s = time.monotonic() + self._interval_s
            found.append(self._ask())
        return found

    def _ask(self) -> float:
        try:
            if self._connection.sock is None:
                self._connection.connect()
            began = time.perf_counter_ns()
            self._connection.request("GET", self._path)
            answer = self._connection.getresponse()
            answer.read()
            took = (time.perf_counter_ns() - began) / 1_000
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            what = f"the target does not answer: {error or type(error).__name__}"
            raise TuneError("target-failed", what, "see whether it is reachable") from error
        if answer.status != 200:
            raise TuneError(
                "target-failed", f"the target answers {answer.status}", "lower --rate, see the URL"
            )
        return took

    def close(self) -> None:
        """Disconnects."""
        self._connection.close()


def jitter(seconds: float = JITTER_S) -> float:
    """The longest time in microseconds for which this thread did not run."""
    last = time.perf_counter_ns()
    end = last + int(seconds * 1e9)
    longest = 0
    while last < end:
        now = time.perf_counter_ns()
        longest = max(longest, now - last)
        last = now
    return longest / 1_000
