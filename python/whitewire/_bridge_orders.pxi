# Part of _bridge.pyx: an order connection over HTTP/1.1.
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
    cdef Py_ssize_t queued, depth, cancel_reserve
    cdef readonly Py_ssize_t in_flight
    cdef public Py_ssize_t rank  # how slow it is, next to the others
    cdef bint is_waiting, is_writing, is_chosen
    cdef readonly bint is_paused  # the socket is full
    cdef int64_t sent_ns  # of the last write

    def __init__(self, Path path, handler, parser):
        self.path = path
        self.handler = handler
        self.parser = parser
        self.parser_pointer = <void *><size_t>parser._pointer

    cpdef is_buffered_protocol(self):
        return True

    def connection_made(self, transport):
        self.transport = <Transport>transport
        self.path.lines = [*self.path.lines, self]
        self.handler.on_made(self)

    def connection_lost(self, error):
        self.transport = None
        self.queued = 0
        self.path.lines = [line for line in self.path.lines if line is not self]
        self.handler.on_lost(error)

    def pause_writing(self):
        self.is_paused = True
        if not self.path.is_booking:  # it is told when what was written is booked
            self.handler.on_writable(False)

    def resume_writing(self):
        self.is_paused = False
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
                self.in_flight -= 1
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

    def limit(self, Py_ssize_t depth, Py_ssize_t cancel_reserve):
        """Lets the core use the connection: requests in flight at most, and further cancels."""
        self.depth = depth
        self.cancel_reserve = cancel_reserve

    cdef bint has_room(self, bint is_cancel):
        """Whether the core may append a request by itself."""
        cdef Py_ssize_t most = self.depth + (self.cancel_reserve if is_cancel else 0)
        if self.in_flight >= most or self.is_paused or self.is_writing or not self.can_write():
            return False
        return OUT_CAPACITY - self.queued >= OUT_ROOM

    cdef bint is_better(self, OrderConnection other):
        """Whether it would be chosen before another one that has room, too."""
        if self.in_flight != other.in_flight:
            return self.in_flight < other.in_flight
        return self.rank < other.rank

    cdef take_up(self, int64_t size):
        """Counts a request that was written behind what is queued."""
        self.queued += size
        self.in_flight += 1

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

    def cancel_ready(self, uint16_t market, bytes client_id, uint64_t now_ms):
        """Appends the cancel that was signed in advance; its nonce, or 0 where none is ready."""
        cdef int64_t now = self.make_room()
        cdef uint64_t nonce = 0
        self.appended(API.cancel_ready(
            self.path.engine, market, text_of(client_id), PyBytes_GET_SIZE(client_id), now_ms, now,
            &nonce, self.outgoing + self.queued, OUT_CAPACITY - self.queued))
        return nonce

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
        if not self.can_write():
            return False
        self.make_room()
        if size > OUT_CAPACITY - self.queued:
            return False
        memcpy(self.outgoing + self.queued, text_of(request), size)
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
            self.take_up(written)
            self.wait_to_write()
        return written

    cdef wait_to_write(self):
        if not self.is_waiting:
            self.is_waiting = True
            self.path.waiting.append(self)

    cdef write_out(self):
        self.is_waiting = False
        if self.queued == 0 or not self.can_write():
            return  # what could not be written is reported with the loss, as never sent
        self.handler.on_written(self.flush(ww_now_ns()))

    cdef int64_t flush(self, int64_t before) except -1:
        """Hands what is queued to the socket; the time after that."""
        cdef Py_ssize_t size = self.queued
        cdef int64_t after
        self.is_writing = True
        try:
            self.transport.write_c(<char *>self.outgoing, size)
        finally:
            self.is_writing = False
        after = ww_now_ns()
        self.queued -= size
        if self.queued > 0:  # queued meanwhile, by what a full socket set off
            memmove(self.outgoing, self.outgoing + size, self.queued)
        self.sent_ns = after
        API.record(self.path.engine, STAGE_WRITE, after - before)
        if self.path.t0 != 0:
            API.record(self.path.engine, STAGE_TICK_TO_TRADE, after - self.path.t0)
        return after
