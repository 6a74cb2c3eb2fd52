# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The bridge: sockets' buffers in, the core's bytes out, no Python object in between.

Owns: the picows listener of the feed, the aiofastnet protocol of an order connection, and the
time stamps of the path. Must not know: order states, subscriptions, configuration. Invariants: a
frame, its book, the strategy's callback, the gate, the template and the write are one call chain;
bytes that a callback queued leave with one write per connection when the outermost callback ends;
an exception on the way ends the session that it happened in, never the loop or another session.

The core's C-level contract is in native/src/capi.rs (C1 to C3): every pointer's Python owner is
kept alive, calls come under the GIL from one thread, and never re-enter.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from aiofastnet.transport cimport Protocol, Transport
from aiofastnet.utils cimport NoResult
from picows.picows cimport WSFrame, WSListener, WSMsgType, WSTransport

from whitewire._native_api cimport (
    WW_ABI_VERSION, ww_api, ww_epoch_ms, ww_http_step, ww_modify, ww_now_ns, ww_place,
)

from whitewire import _core
from whitewire.errors import PeerError

cdef const ww_api *API = <const ww_api *>PyCapsule_GetPointer(_core._api, b"whitewire._core._api")
if API.abi_version != WW_ABI_VERSION or API.size != sizeof(ww_api):
    raise ImportError("_bridge and _core come from different builds; reinstall whitewire")

# Kinds of frame, native/src/event.rs; tests compare them with protocol.events.EventKind.
cdef enum:
    KIND_SNAPSHOT = 1
    KIND_DELTA = 2
    KIND_GAP = 3
    KIND_STALE = 4
    KIND_IGNORED = 5
    KIND_TICKER = 6
    KIND_MALFORMED = 13
    KIND_ALARM = 15

cdef enum:
    STAGE_APPLY = 0
    STAGE_CALLBACK = 1
    STAGE_ENCODE = 2
    STAGE_WRITE = 3
    STAGE_TICK_TO_TRADE = 4

cdef enum:
    MAX_LEGS = 20
    OUT_CAPACITY = 65536
    OUT_ROOM = 20480  # a burst is written early when MAX_LEGS might not fit behind it
    IN_CAPACITY = 65536
    MAX_MESSAGE = 1048576  # of fragments; the largest legitimate one is a snapshot (8 KiB)


cdef const uint8_t *text_of(bytes text):
    return <const uint8_t *>PyBytes_AS_STRING(text)


def now_ns():
    """Monotonic time, nanoseconds."""
    return ww_now_ns()


def epoch_ms():
    """Wall clock, milliseconds since the epoch; the unit of the venue's nonces."""
    return ww_epoch_ms()


cdef class Path:
    """What the two ends of the hot path share: the engine, the frame's time, unsent bytes."""

    cdef object owner
    cdef void *engine
    cdef list waiting
    cdef int depth
    cdef int64_t t0

    def __init__(self, engine):
        self.owner = engine
        self.engine = <void *><size_t>engine._pointer
        self.waiting = []

    def record(self, uint32_t stage, int64_t nanoseconds):
        """Adds a duration to a stage's histogram."""
        API.record(self.engine, stage, nanoseconds)

    cpdef enter(self):
        """Begins a burst: bytes queued until the matching `leave` go out together."""
        self.depth += 1

    cpdef leave(self):
        """Ends a burst; the outermost end writes."""
        try:
            # What a write sets off (a full socket, see `on_writable`) may queue more.
            while self.depth == 1 and self.waiting:
                (<OrderConnection>self.waiting.pop(0)).write_out()
        finally:
            self.depth -= 1
            if self.depth == 0:
                self.t0 = 0


cdef class FeedListener(WSListener):
    """A WebSocket session's frames, decoded and applied in the core.

    After a fault, at which the handler ends the session, no frame is looked at until the next one.

    Args:
        path: the shared hot path.
        handler: a `FeedHandler` of the stub.
        markets: how many the core has.
    """

    cdef Path path
    cdef object handler
    cdef bytearray partial
    cdef list targets, dirty
    cdef bint is_condemned
    cdef readonly int64_t last_frame_ns

    def __init__(self, Path path, handler, markets):
        self.path = path
        self.handler = handler
        self.partial = bytearray()
        self.targets = [None] * (2 * markets)
        self.dirty = []

    def watch(self, market, on_book, on_ticker):
        """Sets what is called after a market's book or ticker changed (None: nothing)."""
        self.targets[2 * market] = on_book
        self.targets[2 * market + 1] = on_ticker

    cpdef on_ws_connected(self, WSTransport transport):
        self.partial.clear()
        self.dirty.clear()
        self.is_condemned = False
        self.handler.on_open(transport)

    cpdef on_ws_disconnected(self, WSTransport transport):
        self.handler.on_close()

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        cdef int64_t t0 = ww_now_ns()
        if self.is_condemned:
            return
        self.last_frame_ns = t0
        try:
            self.take(transport, frame, t0)
            if frame.last_in_buffer and self.dirty:
                self.dispatch(t0)
        except Exception as error:
            self.is_condemned = True
            self.handler.on_fault(error)

    cdef take(self, WSTransport transport, WSFrame frame, int64_t t0):
        if frame.msg_type == WSMsgType.TEXT and frame.fin and not self.partial:
            self.handle(<const uint8_t *>frame.payload_ptr, frame.payload_size, t0)
        elif frame.msg_type == WSMsgType.TEXT or frame.msg_type == WSMsgType.CONTINUATION:
            self.assemble(frame, t0)
        elif frame.msg_type == WSMsgType.PING:
            # answered here and not by picows, so that a ping that ends a read still dispatches
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect(graceful=False)
        elif frame.msg_type == WSMsgType.BINARY:
            raise PeerError("frame-malformed", "a binary frame arrived on a text protocol")

    cdef assemble(self, WSFrame frame, int64_t t0):
        if len(self.partial) + frame.payload_size > MAX_MESSAGE:
            raise PeerError("frame-malformed", f"a message exceeded {MAX_MESSAGE} bytes")
        self.partial += frame.get_payload_as_bytes()
        if frame.fin:
            whole = bytes(self.partial)
            self.partial.clear()
            self.handle(text_of(whole), PyBytes_GET_SIZE(whole), t0)

    cdef handle(self, const uint8_t *data, Py_ssize_t size, int64_t t0):
        cdef uint32_t outcome = API.on_frame(self.path.engine, data, size, t0)
        cdef uint32_t kind = outcome & 0xFF, market = (outcome >> 8) & 0xFFFF
        if outcome >> 24:  # the gate changed a state
            self.tell(KIND_ALARM, market, None)
        if kind == KIND_DELTA or kind == KIND_SNAPSHOT:
            API.record(self.path.engine, STAGE_APPLY, ww_now_ns() - t0)
            self.mark(2 * market)
        elif kind == KIND_TICKER:
            self.mark(2 * market + 1)
        elif kind == KIND_MALFORMED:
            raise PeerError("frame-malformed", self.path.owner.fault())
        elif kind != KIND_STALE and kind != KIND_IGNORED:
            if kind == KIND_GAP:
                self.dirty = [key for key in self.dirty if key // 2 != market]
            self.tell(kind, market, None if kind == KIND_GAP else self.path.owner.take_event(kind))

    cdef tell(self, uint32_t kind, uint32_t market, event):
        self.path.enter()
        try:
            self.handler.on_event(kind, market, event)
        finally:
            self.path.leave()

    cdef mark(self, uint32_t key):
        if self.targets[key] is not None and key not in self.dirty:
            self.dirty.append(key)

    cdef dispatch(self, int64_t t0):
        cdef int64_t before = ww_now_ns()
        self.path.t0 = t0
        self.path.enter()
        try:
            for key in self.dirty:
                self.targets[key]()
        finally:
            self.dirty.clear()
            API.record(self.path.engine, STAGE_CALLBACK, ww_now_ns() - before)
            self.path.leave()


cdef class OrderConnection(Protocol):
    """One warm HTTP/1.1 connection: requests appended, written per burst, answers parsed.

    Args:
        path: the shared hot path.
        handler: a `ConnectionHandler` of the stub.
        parser: the `_core.HttpParser` of this connection.
    """

    cdef Path path
    cdef object handler, parser
    cdef void *parser_pointer
    cdef readonly Transport transport
    cdef uint8_t incoming[IN_CAPACITY], outgoing[OUT_CAPACITY]
    cdef Py_ssize_t queued
    cdef bint is_waiting, is_writing

    def __init__(self, Path path, handler, parser):
        self.path = path
        self.handler = handler
        self.parser = parser
        self.parser_pointer = <void *><size_t>parser._pointer

    cpdef is_buffered_protocol(self):
        return True

    def connection_made(self, transport):
        self.transport = <Transport>transport
        self.handler.on_made(self)

    def connection_lost(self, error):
        self.transport = None
        self.queued = 0
        self.handler.on_lost(error)

    def pause_writing(self):
        self.handler.on_writable(False)

    def resume_writing(self):
        self.handler.on_writable(True)

    def eof_received(self):
        return False

    cdef NoResult get_buffer_c(
        self, Py_ssize_t hint, char **buffer, Py_ssize_t *size
    ) except NoResult.EXC:
        buffer[0] = <char *>self.incoming
        size[0] = IN_CAPACITY
        return NoResult.OK

    cpdef buffer_updated(self, Py_ssize_t count):
        cdef int64_t now = ww_now_ns()
        cdef const uint8_t *data = self.incoming
        cdef size_t left = count
        cdef ww_http_step step
        self.path.enter()
        try:
            while left > 0 and self.can_write():
                API.http_step(self.parser_pointer, data, left, &step)
                data += left - step.left
                left = step.left
                if step.state == 0:
                    break
                if step.state < 0:
                    raise PeerError("http-malformed", "the venue sent a malformed HTTP response")
                self.handler.on_response(
                    step.status,
                    PyBytes_FromStringAndSize(<const char *>step.body, step.body_len),
                    step.keep_alive != 0,
                    now,
                )
        except Exception as error:
            self.abort(error)
        finally:
            self.path.leave()

    @property
    def is_open(self):
        """Whether requests can be appended."""
        return self.can_write()

    cdef bint can_write(self):
        return self.transport is not None and not self.transport.is_closing()

    def abort(self, error=None):
        """Drops the connection at once: `on_fault` if there is an error, and soon `on_lost`."""
        if self.transport is not None:
            self.transport.abort()
        if error is not None:
            self.handler.on_fault(error)

    def place(self, uint16_t market, uint8_t flags, int64_t price, int64_t amount,
              uint64_t sequence, uint64_t nonce):
        """Appends a placement; the request's length, or minus the refusal's number."""
        cdef ww_place request = ww_place(market, flags, 0, 0, price, amount, sequence)
        cdef int64_t before = self.make_room()
        return self.encoded(before, API.place(
            self.path.engine, &request, nonce, before,
            self.outgoing + self.queued, OUT_CAPACITY - self.queued))

    def modify(self, uint16_t market, uint8_t flags, int64_t price, int64_t amount,
               bytes client_id, uint64_t nonce):
        """Appends a modification; the request's length, or minus the refusal's number."""
        cdef ww_modify request = ww_modify(market, flags, price, amount)
        cdef int64_t before = self.make_room()
        return self.encoded(before, API.modify(
            self.path.engine, &request, text_of(client_id), PyBytes_GET_SIZE(client_id), nonce,
            before, self.outgoing + self.queued, OUT_CAPACITY - self.queued))

    def cancel(self, uint16_t market, bytes client_id, uint64_t nonce):
        """Appends a cancel; never gated."""
        cdef int64_t now = self.make_room()
        return self.appended(API.cancel(
            self.path.engine, market, text_of(client_id), PyBytes_GET_SIZE(client_id), nonce, now,
            self.outgoing + self.queued, OUT_CAPACITY - self.queued))

    def bulk(self, list legs, uint64_t nonce):
        """Appends a bulk request of at most 20 (market, flags, price, amount, sequence).

        Returns (length or minus the failure's number, refusal number per leg; 0 was sent).
        """
        cdef ww_place requests[MAX_LEGS]
        cdef int64_t written, before = self.make_room()
        cdef int i, count = min(len(legs), MAX_LEGS)
        for i in range(count):
            market, flags, price, amount, sequence = legs[i]
            requests[i] = ww_place(market, flags, 0, 0, price, amount, sequence)
        written = self.encoded(before, API.bulk(
            self.path.engine, requests, count, nonce, before,
            self.outgoing + self.queued, OUT_CAPACITY - self.queued))
        return written, [requests[i].refusal for i in range(count)]

    def append(self, bytes request):
        """Appends a complete request; False when it is too large or the connection is closing."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(request)
        self.make_room()
        if not self.can_write() or size > OUT_CAPACITY - self.queued:
            return False
        memcpy(self.outgoing + self.queued, PyBytes_AS_STRING(request), size)
        self.appended(size)
        return True

    cdef int64_t make_room(self):
        """Writes early if the largest request might not fit; the time when encoding may begin."""
        if OUT_CAPACITY - self.queued < OUT_ROOM and not self.is_writing:
            self.write_out()
        return ww_now_ns()

    cdef int64_t encoded(self, int64_t before, int64_t written):
        API.record(self.path.engine, STAGE_ENCODE, ww_now_ns() - before)
        return self.appended(written)

    cdef int64_t appended(self, int64_t written):
        if written > 0:
            self.queued += written
            if not self.is_waiting:
                self.is_waiting = True
                self.path.waiting.append(self)
        return written

    cdef write_out(self):
        cdef Py_ssize_t size = self.queued
        cdef int64_t after, before = ww_now_ns()
        self.is_waiting = False
        if size == 0 or not self.can_write():
            return  # what could not be written is reported with the loss, as never sent
        self.is_writing = True
        self.transport.write_c(<char *>self.outgoing, size)
        self.is_writing = False
        after = ww_now_ns()
        self.queued -= size
        if self.queued > 0:  # queued meanwhile, by what a full socket set off
            memmove(self.outgoing, self.outgoing + size, self.queued)
        API.record(self.path.engine, STAGE_WRITE, after - before)
        if self.path.t0 != 0:
            API.record(self.path.engine, STAGE_TICK_TO_TRADE, after - self.path.t0)
        self.handler.on_written(after)
