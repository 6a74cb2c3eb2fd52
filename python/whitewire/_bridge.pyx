# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The bridge: sockets' buffers in, the core's bytes out, no Python object in between.

Owns: the picows listener of the feed, the aiofastnet protocol of an order connection, and the
time stamps of the path. Must not know: order states, subscriptions, configuration. Invariant: a
frame, its book, the strategy's callback, the gate, the template and the write are one call chain;
bytes that a callback queued leave with one write per connection when the outermost callback ends.

The C-level contract of the core is stated in native/src/capi.rs (C1 to C3): this module keeps the
Python owner of every pointer alive, calls under the GIL from one thread, and never re-enters.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

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
    raise ImportError(
        "whitewire._bridge and whitewire._core come from different builds; "
        "reinstall whitewire so that both are built together"
    )

# Kinds of frame, native/src/event.rs; tests compare them with protocol.events.EventKind.
cdef enum:
    KIND_OTHER = 0
    KIND_SNAPSHOT = 1
    KIND_DELTA = 2
    KIND_GAP = 3
    KIND_STALE = 4
    KIND_IGNORED = 5
    KIND_TICKER = 6
    KIND_MALFORMED = 13

# Stages, native/src/engine.rs.
cdef enum:
    STAGE_APPLY = 0
    STAGE_CALLBACK = 1
    STAGE_ENCODE = 2
    STAGE_WRITE = 3
    STAGE_TICK_TO_TRADE = 4

# Largest burst of one connection between two writes: 20 legs of about 800 bytes, four times.
cdef Py_ssize_t OUT_CAPACITY = 64 * 1024
cdef Py_ssize_t IN_CAPACITY = 64 * 1024
# A message assembled from fragments; the largest legitimate one is a 100-level snapshot (8 KiB).
cdef Py_ssize_t MAX_MESSAGE = 1024 * 1024
cdef int MAX_LEGS = 20


def now_ns():
    """Monotonic time, nanoseconds."""
    return ww_now_ns()


def epoch_ms():
    """Wall clock, milliseconds since the epoch; the unit of the venue's nonces."""
    return ww_epoch_ms()


cdef class Path:
    """What the two ends of the hot path share: the engine, the frame's time, unsent bytes."""

    cdef void *engine
    cdef object owner
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
        self.depth -= 1
        if self.depth == 0 and self.waiting:
            self.write_waiting()

    cdef write_waiting(self):
        cdef OrderConnection connection
        cdef int64_t before
        cdef int64_t after
        waiting = self.waiting
        self.waiting = []
        for item in waiting:
            connection = <OrderConnection>item
            before = ww_now_ns()
            connection.write_out()
            after = ww_now_ns()
            API.record(self.engine, STAGE_WRITE, after - before)
            if self.t0 != 0:
                API.record(self.engine, STAGE_TICK_TO_TRADE, after - self.t0)
            connection.handler.on_written(after)


cdef class FeedListener(WSListener):
    """A WebSocket session's frames, decoded and applied in the core.

    Args:
        path: the shared hot path.
        handler: object with `on_open(transport)`, `on_close()`, `on_book(market, kind)`,
            `on_ticker(market)`, `on_event(kind, market, event)`, `on_fault(text)`; the first two
            of the market kind are called only where `watch` says so.
    """

    cdef Path path
    cdef object handler
    cdef bytearray partial
    cdef list book_targets
    cdef list ticker_targets
    cdef list dirty
    cdef readonly uint64_t frames
    cdef readonly int64_t last_frame_ns

    def __init__(self, Path path, handler, markets):
        self.path = path
        self.handler = handler
        self.partial = bytearray()
        self.book_targets = [None] * markets
        self.ticker_targets = [None] * markets
        self.dirty = []

    def watch(self, market, on_book, on_ticker):
        """Sets what is called after a market's book or ticker changed (None: nothing)."""
        self.book_targets[market] = on_book
        self.ticker_targets[market] = on_ticker

    cpdef on_ws_connected(self, WSTransport transport):
        self.partial.clear()
        self.dirty = []
        self.handler.on_open(transport)

    cpdef on_ws_disconnected(self, WSTransport transport):
        self.handler.on_close()

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        cdef int64_t t0 = ww_now_ns()
        self.last_frame_ns = t0
        if frame.msg_type == WSMsgType.TEXT and frame.fin and not self.partial:
            self.handle(<const uint8_t *>frame.payload_ptr, frame.payload_size, t0,
                        frame.last_in_buffer)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT or frame.msg_type == WSMsgType.CONTINUATION:
            self.assemble(frame, t0)
        elif frame.msg_type == WSMsgType.PING:
            # answered here and not by picows, so that a ping that ends a read still dispatches
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.BINARY:
            self.handler.on_fault("a binary frame arrived on a text protocol")
        if frame.last_in_buffer and self.dirty:
            self.dispatch(t0)

    cdef assemble(self, WSFrame frame, int64_t t0):
        cdef bytes whole
        if len(self.partial) + frame.payload_size > MAX_MESSAGE:
            self.partial.clear()
            self.handler.on_fault(f"a fragmented message exceeded {MAX_MESSAGE} bytes")
            return
        self.partial += frame.get_payload_as_bytes()
        if frame.fin:
            whole = bytes(self.partial)
            self.partial.clear()
            self.handle(<const uint8_t *>PyBytes_AS_STRING(whole), PyBytes_GET_SIZE(whole), t0,
                        frame.last_in_buffer)

    cdef handle(self, const uint8_t *data, Py_ssize_t size, int64_t t0, bint last):
        cdef uint32_t outcome = API.on_frame(self.path.engine, data, size, t0)
        cdef uint32_t kind = outcome & 0xFF
        cdef uint32_t market = outcome >> 8
        self.frames += 1
        if kind == KIND_DELTA or kind == KIND_SNAPSHOT:
            API.record(self.path.engine, STAGE_APPLY, ww_now_ns() - t0)
            self.mark(market, kind)
        elif kind == KIND_TICKER:
            self.mark(market, kind)
        elif kind == KIND_GAP:
            self.drop(market)
            self.handler.on_event(kind, market, None)
        elif kind == KIND_STALE or kind == KIND_IGNORED:
            return
        elif kind == KIND_MALFORMED:
            self.handler.on_fault(self.path.owner.fault())
        else:
            self.path.enter()
            try:
                self.handler.on_event(kind, market, self.path.owner.take_event(kind))
            finally:
                self.path.leave()

    cdef mark(self, uint32_t market, uint32_t kind):
        targets = self.ticker_targets if kind == KIND_TICKER else self.book_targets
        if targets[market] is None:
            return
        key = (market, kind == KIND_TICKER)
        if key not in self.dirty:
            self.dirty.append(key)

    cdef drop(self, uint32_t market):
        self.dirty = [key for key in self.dirty if key[0] != market]

    cdef dispatch(self, int64_t t0):
        cdef int64_t before
        dirty = self.dirty
        self.dirty = []
        self.path.t0 = t0
        self.path.enter()
        before = ww_now_ns()
        try:
            for market, is_ticker in dirty:
                (self.ticker_targets if is_ticker else self.book_targets)[market]()
        finally:
            API.record(self.path.engine, STAGE_CALLBACK, ww_now_ns() - before)
            self.path.leave()
            self.path.t0 = 0


cdef class OrderConnection(Protocol):
    """One warm HTTP/1.1 connection: requests appended, written per burst, answers parsed.

    Args:
        path: the shared hot path.
        handler: object with `on_made()`, `on_response(status, body, keep_alive, now_ns)`,
            `on_written(now_ns)`, `on_lost(error)`, `on_writable(bool)`.
        parser: the `_core.HttpParser` of this connection.
    """

    cdef Path path
    cdef object handler
    cdef object parser
    cdef void *parser_pointer
    cdef object transport_object
    cdef Transport transport
    cdef uint8_t *incoming
    cdef uint8_t *outgoing
    cdef Py_ssize_t queued
    cdef bint queued_in_path

    def __cinit__(self):
        self.incoming = <uint8_t *>malloc(IN_CAPACITY)
        self.outgoing = <uint8_t *>malloc(OUT_CAPACITY)
        if self.incoming == NULL or self.outgoing == NULL:
            raise MemoryError("no memory for a connection's buffers")

    def __dealloc__(self):
        free(self.incoming)
        free(self.outgoing)

    def __init__(self, Path path, handler, parser):
        self.path = path
        self.handler = handler
        self.parser = parser
        self.parser_pointer = <void *><size_t>parser._pointer

    # ---- asyncio protocol -------------------------------------------------------------------

    cpdef is_buffered_protocol(self):
        return True

    def connection_made(self, transport):
        self.transport_object = transport
        self.transport = <Transport>transport
        self.handler.on_made()

    def connection_lost(self, error):
        self.transport = None
        self.transport_object = None
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

    cpdef get_buffer(self, Py_ssize_t hint):
        return <uint8_t[:IN_CAPACITY]>self.incoming

    cpdef buffer_updated(self, Py_ssize_t count):
        cdef int64_t now = ww_now_ns()
        cdef const uint8_t *data = self.incoming
        cdef size_t left = count
        cdef ww_http_step step
        self.path.enter()
        try:
            while left > 0 and self.transport is not None:
                API.http_step(self.parser_pointer, data, left, &step)
                data += left - step.left
                left = step.left
                if step.state == 0:
                    break
                if step.state < 0:
                    self.abort(PeerError(
                        "http-malformed", "the venue sent a malformed HTTP response"
                    ))
                    break
                self.handler.on_response(
                    step.status,
                    PyBytes_FromStringAndSize(<const char *>step.body, step.body_len),
                    step.keep_alive != 0,
                    now,
                )
        finally:
            self.path.leave()

    # ---- requests ---------------------------------------------------------------------------

    @property
    def is_open(self):
        """Whether requests can be appended."""
        return self.transport is not None

    def abort(self, error):
        """Drops the connection at once; `on_lost` follows."""
        if self.transport is not None:
            self.handler.on_fault(error)
            self.transport.abort()

    def close(self):
        """Closes the connection after what is queued was written."""
        if self.transport is not None:
            self.transport_object.close()

    def place(self, uint16_t market, uint8_t flags, int64_t price, int64_t amount,
              uint64_t sequence, uint64_t nonce):
        """Appends a placement; the request's length, or minus the refusal's number."""
        cdef ww_place request
        cdef int64_t before = ww_now_ns()
        cdef int64_t written
        request.market = market
        request.flags = flags
        request.refusal = 0
        request.reserved = 0
        request.price = price
        request.amount = amount
        request.sequence = sequence
        written = API.place(self.path.engine, &request, nonce, before,
                            self.outgoing + self.queued, OUT_CAPACITY - self.queued)
        API.record(self.path.engine, STAGE_ENCODE, ww_now_ns() - before)
        return self.appended(written)

    def modify(self, uint16_t market, uint8_t flags, int64_t price, int64_t amount,
               bytes client_id, uint64_t nonce):
        """Appends a modification; the request's length, or minus the refusal's number."""
        cdef ww_modify request
        cdef int64_t before = ww_now_ns()
        cdef int64_t written
        request.market = market
        request.flags = flags
        request.price = price
        request.amount = amount
        written = API.modify(self.path.engine, &request,
                             <const uint8_t *>PyBytes_AS_STRING(client_id),
                             PyBytes_GET_SIZE(client_id), nonce, before,
                             self.outgoing + self.queued, OUT_CAPACITY - self.queued)
        API.record(self.path.engine, STAGE_ENCODE, ww_now_ns() - before)
        return self.appended(written)

    def cancel(self, uint16_t market, bytes client_id, uint64_t nonce):
        """Appends a cancel; never gated."""
        return self.appended(API.cancel(
            self.path.engine, market, <const uint8_t *>PyBytes_AS_STRING(client_id),
            PyBytes_GET_SIZE(client_id), nonce,
            self.outgoing + self.queued, OUT_CAPACITY - self.queued))

    def bulk(self, list legs, uint64_t nonce):
        """Appends a bulk request.

        Args:
            legs: at most 20 tuples (market, flags, price, amount, sequence).

        Returns:
            (length or minus the failure's number, refusal number per leg; 0 was sent).
        """
        cdef ww_place requests[20]
        cdef int64_t before = ww_now_ns()
        cdef int64_t written
        cdef int count = min(len(legs), MAX_LEGS)
        cdef int i
        for i in range(count):
            leg = <tuple>legs[i]
            requests[i].market = leg[0]
            requests[i].flags = leg[1]
            requests[i].refusal = 0
            requests[i].reserved = 0
            requests[i].price = leg[2]
            requests[i].amount = leg[3]
            requests[i].sequence = leg[4]
        written = API.bulk(self.path.engine, requests, count, nonce, before,
                           self.outgoing + self.queued, OUT_CAPACITY - self.queued)
        API.record(self.path.engine, STAGE_ENCODE, ww_now_ns() - before)
        return self.appended(written), [requests[i].refusal for i in range(count)]

    def append(self, bytes request):
        """Appends a complete request; False when the burst is full."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(request)
        if self.transport is None or size > OUT_CAPACITY - self.queued:
            return False
        memcpy(self.outgoing + self.queued, PyBytes_AS_STRING(request), size)
        self.appended(size)
        return True

    cdef int64_t appended(self, int64_t written):
        if written > 0:
            self.queued += written
            if not self.queued_in_path:
                self.queued_in_path = True
                self.path.waiting.append(self)
        return written

    cdef write_out(self):
        cdef Py_ssize_t size = self.queued
        self.queued_in_path = False
        self.queued = 0
        if self.transport is not None and size > 0:
            self.transport.write_c(<char *>self.outgoing, size)
