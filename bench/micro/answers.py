"""HTTP responses to placements, from the bytes of a socket to status and body.

Owns: the rivals' ways to parse a response. Must not know: how time is taken. Invariant: every case
hands over status and body of each response, equal to what was written.

All bytes of a pass arrive in reads of sixteen responses, as a pipelined connection delivers them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import h11
import httptools

from bench.micro.measure import Case, Ratio, Suite, expect
from bench.micro.native import Library, ResponseLoop
from whitewire import _core

__all__ = ["H11", "HTTPTOOLS", "LOOP", "PARSER", "suite"]

H11 = "h11"
HTTPTOOLS = "httptools (llhttp)"
PARSER = "HttpParser.feed, called from Python"
LOOP = "ResponseParser::advance, native loop"

_IN_A_READ = 16

Answer = tuple[int, bytes]


class _Httptools:
    """Callbacks that keep status and body; a parser handles one connection."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self.answers: list[Answer] = []

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.answers.append((self._parser.get_status_code(), self._body))
        self._body = b""

    def feed(self, data: bytes) -> list[Answer]:
        self.answers = []
        self._parser.feed_data(data)
        return self.answers


class _H11:
    """A client connection; it wants to know of each request that is answered."""

    def __init__(self) -> None:
        self._connection = h11.Connection(our_role=h11.CLIENT)

    def feed(self, data: bytes) -> list[Answer]:
        connection, answers = self._connection, []
        connection.receive_data(data)
        while True:
            connection.send(h11.Request(method="POST", target="/", headers=[("Host", "h")]))
            connection.send(h11.EndOfMessage())
            event = connection.next_event()
            if event is h11.NEED_DATA:
                self._connection = h11.Connection(our_role=h11.CLIENT)
                return answers
            status, body = event.status_code, b""
            while type(event := connection.next_event()) is h11.Data:
                body += bytes(event.data)
            answers.append((status, body))
            connection.start_next_cycle()


def _ours() -> Callable[[bytes], list[Answer]]:
    feed = _core.HttpParser().feed
    return lambda data: [(status, body) for status, body, _ in feed(data)]


def _reads(answers: Sequence[bytes]) -> list[bytes]:
    return [b"".join(answers[at : at + _IN_A_READ]) for at in range(0, len(answers), _IN_A_READ)]


def _case(name: str, feed: Callable[[bytes], list[Answer]], answers: Sequence[bytes]) -> Case:
    reads = _reads(answers)

    def run(passes: int) -> None:
        for _ in range(passes):
            for data in reads:
                feed(data)

    def check() -> None:
        found = [answer for data in reads for answer in feed(data)]
        wanted = [(200, answer.partition(b"\r\n\r\n")[2]) for answer in answers]
        expect(found == wanted, "a response was not read as it was written")

    return Case(name, run, check, items=len(answers))


def _parser(answers: Sequence[bytes]) -> Case:
    """Without the list that the check wants: what a caller pays."""
    feed, reads = _core.HttpParser().feed, _reads(answers)

    def run(passes: int) -> None:
        for _ in range(passes):
            for data in reads:
                feed(data)

    return Case(PARSER, run, _case(PARSER, _ours(), answers).check, items=len(answers))


def suite(answers: Sequence[bytes], library: Library) -> Suite:
    """Reading responses to placements."""
    bodies = sum(len(answer.partition(b"\r\n\r\n")[2]) for answer in answers)
    loop = ResponseLoop(library, b"".join(answers), bodies)
    cases = [
        _case(H11, _H11().feed, answers),
        _case(HTTPTOOLS, _Httptools().feed, answers),
        _parser(answers),
        Case(LOOP, loop.run, lambda: loop.run(1), items=len(answers)),
    ]
    ratios = [
        Ratio(H11, PARSER),
        Ratio(HTTPTOOLS, PARSER),
        Ratio(H11, LOOP),
        Ratio(HTTPTOOLS, LOOP),
    ]
    return Suite("HTTP response to status and body", "response", cases, ratios)
