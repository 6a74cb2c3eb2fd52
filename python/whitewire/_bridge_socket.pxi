# Part of _bridge.pyx: order calls over a WebSocket.
cdef class OrderSocket(OrderConnection):
    """Order calls appended as frames to an open WebSocket, written per burst as requests are.

    Where a request of `OrderConnection` has a nonce, a call has an id, which its reply repeats.

    Args:
        path: the shared hot path.
        handler: a `WriteHandler` of the stub.
        transport: what the WebSocket writes to.
    """

    def __init__(self, Path path, handler, Transport transport not None):
        self.path = path
        self.handler = handler
        self.transport = transport

    def place(self, uint16_t market, uint8_t flags, int64_t price, int64_t amount,
              uint64_t sequence, uint64_t nonce):
        """Appends a placement; the frame's length, or minus the refusal's number."""
        cdef ww_place request = ww_place(market, flags, 0, 0, price, amount, sequence)
        cdef int64_t before = self.make_room()
        return self.encoded(before, API.call_place(
            self.path.engine, &request, nonce, before,
            self.outgoing + self.queued, OUT_CAPACITY - self.queued))

    def modify(self, uint16_t market, uint8_t flags, int64_t price, int64_t amount,
               bytes client_id, uint64_t nonce):
        """Appends a modification; the frame's length, or minus the refusal's number."""
        cdef ww_modify request = ww_modify(market, flags, price, amount)
        cdef int64_t before = self.make_room()
        return self.encoded(before, API.call_modify(
            self.path.engine, &request, text_of(client_id), PyBytes_GET_SIZE(client_id), nonce,
            before, self.outgoing + self.queued, OUT_CAPACITY - self.queued))

    def cancel(self, uint16_t market, bytes client_id, uint64_t nonce):
        """Appends a cancel; never gated."""
        cdef int64_t now = self.make_room()
        return self.appended(API.call_cancel(
            self.path.engine, market, text_of(client_id), PyBytes_GET_SIZE(client_id), nonce,
            now, self.outgoing + self.queued, OUT_CAPACITY - self.queued))

    def cancel_ready(self, uint16_t market, bytes client_id, uint64_t now_ms):
        """Never: what is signed in advance are requests, and a call needs no signature."""
        raise NotImplementedError("a signed request cannot travel over the WebSocket")

    def bulk(self, list legs, uint64_t nonce):
        """Never: the WebSocket has no such method."""
        raise NotImplementedError("a bulk cannot travel over the WebSocket")

    cdef int64_t appended(self, int64_t written):
        """Replies name their calls, so that nothing is counted here; no reflex takes a socket."""
        written = OrderConnection.appended(self, written)
        self.in_flight = 0
        return written

    def release(self):
        """The WebSocket is gone: nothing is written any more, and what was queued is dropped."""
        self.transport = None
        self.queued = 0


cdef class ReplyListener(FeedListener):
    """A WebSocket session's texts, handed on whole: `on_text` of its handler."""

    cdef bint decode(self, const uint8_t *data, Py_ssize_t size, int64_t t0) noexcept:
        return False  # nothing is: a text is handed on

    cdef handle(self, const uint8_t *data, Py_ssize_t size, int64_t t0):
        self.path.enter()
        try:
            self.handler.on_text(PyBytes_FromStringAndSize(<const char *>data, size), t0)
        finally:
            self.path.leave()

    cpdef pause_writing(self):
        self.handler.on_writable(False)

    cpdef resume_writing(self):
        self.handler.on_writable(True)
