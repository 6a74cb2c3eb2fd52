# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The bridge: sockets' buffers in, the core's bytes out, no Python object in between.

Owns: the feed's listener and reader, the aiofastnet protocol of an order connection, the spinning
loop, the time stamps of the path. Must not know: order states, subscriptions, configuration.
Invariants: a frame, its book, the strategy's callback, the gate, the template and the write are
one call chain; bytes that a callback queued leave with one write per connection when the outermost
callback ends, those of a reflex before any callback begins; an exception on the way ends the
session that it happened in, never the loop or another session.

The core's C-level contract is in native/src/capi.rs (C1 to C3): every pointer's Python owner is
kept alive, calls come under the GIL from one thread, and never re-enter.
"""
from cpython.buffer cimport (
    PyBUF_CONTIG, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from aiofastnet.transport cimport Protocol, Transport
from aiofastnet.utils cimport NoResult
from picows.picows cimport WSFrame, WSListener, WSMsgType, WSTransport

from whitewire._native_api cimport (
    WW_ABI_VERSION, ww_api, ww_epoch_ms, ww_http_step, ww_modify, ww_now_ns, ww_place,
    ww_reflex,
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

# Bits above a frame's kind and market, native/src/capi.rs.
cdef enum:
    ALARM = 1 << 24
    REFLEX = 1 << 25

cdef enum:
    MAX_LEGS = 20
    LEG_ROOM = 2048  # of a placement with the longest numbers and a key of usual length
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


cdef class Reactor


cdef class Path:
    """What the two ends of the hot path share: the engine, the frame's time, unsent bytes."""

    cdef object owner
    cdef void *engine
    cdef list waiting, lines
    cdef Reactor reactor
    cdef bint is_booking  # bytes were written that Python does not know of yet
    cdef int depth
    cdef int64_t t0

    def __init__(self, engine):
        self.owner = engine
        self.engine = <void *><size_t>engine._pointer
        self.waiting = []
        self.lines = []

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


include "_bridge_outlet.pxi"
include "_bridge_reflex.pxi"
include "_bridge_reader.pxi"
include "_bridge_feed.pxi"
include "_bridge_orders.pxi"
include "_bridge_spin.pxi"
include "_bridge_socket.pxi"
include "_bridge_burst.pxi"
