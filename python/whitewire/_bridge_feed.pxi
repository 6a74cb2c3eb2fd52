# Part of _bridge.pyx: the picows listener of the feed.
cdef class FeedListener(WSListener):
    """A WebSocket session's frames, decoded and applied in the core.

    Frames of one read of the socket arrived at one moment: the clock is read for the first of them,
    and when the last one is applied.

    After a fault, at which the handler ends the session, no frame is looked at until the next one.

    Args:
        path: the shared hot path.
        handler: a `FeedHandler` of the stub.
        markets: how many the core has.
        by_picows: picows reads a session to its end, where otherwise a `FeedReader` takes over.
    """

    cdef Path path
    cdef object handler
    cdef bytearray partial
    cdef list targets, dirty
    cdef bytearray marks  # for each target whether it is in `dirty`
    cdef bint by_picows, is_reading, is_condemned, has_applied
    cdef uint32_t outcome  # of the last message
    cdef int64_t arrived_ns  # of the read whose frames are being taken, 0 before its first
    cdef readonly int64_t last_frame_ns

    def __init__(self, Path path, handler, markets, by_picows=False):
        self.path = path
        self.handler = handler
        self.by_picows = by_picows
        self.partial = bytearray()
        self.targets = [None] * (2 * markets)
        self.dirty = []
        self.marks = bytearray(2 * markets)

    def watch(self, market, on_book, on_ticker):
        """Sets what is called after a market's book or ticker changed (None: nothing)."""
        self.targets[2 * market] = on_book
        self.targets[2 * market + 1] = on_ticker

    cpdef on_ws_connected(self, WSTransport transport):
        self.partial.clear()
        self.dirty.clear()
        self.marks = bytearray(len(self.marks))
        self.is_reading = self.is_condemned = self.has_applied = False
        self.arrived_ns = 0
        self.handler.on_open(transport)

    cpdef on_ws_disconnected(self, WSTransport transport):
        self.handler.on_close()

    cpdef on_ws_frame(self, WSTransport transport, WSFrame frame):
        cdef int64_t t0 = self.arrived_ns
        cdef bint is_text = frame.msg_type == WSMsgType.TEXT
        cdef bint is_message = is_text and frame.fin and not PyByteArray_GET_SIZE(self.partial)
        if self.is_condemned:
            return
        if t0 == 0:
            self.last_frame_ns = self.arrived_ns = t0 = ww_now_ns()
        try:
            if not is_message:
                self.take(transport, frame, t0)
            elif not self.decode(<const uint8_t *>frame.payload_ptr, frame.payload_size, t0):
                self.handle(<const uint8_t *>frame.payload_ptr, frame.payload_size, t0)
            if frame.last_in_buffer and not self.is_reading:
                self.finish(t0)
        except Exception as error:
            self.condemn(error)
        if frame.last_in_buffer and not (self.is_reading or self.by_picows):
            self.take_over(transport, frame)

    cdef take_over(self, WSTransport transport, WSFrame last):
        """Has the transport read without picows, which may hold the begin of a next frame."""
        cdef const uint8_t *rest = <const uint8_t *>last.payload_ptr + last.payload_size
        cdef Py_ssize_t held = last.tail_size, header = 0, payload = 0
        if transport is None or not isinstance(transport.underlying_transport, Transport):
            return
        if held > 0:
            header = header_of(rest, held, &payload)
        carrier = <Transport>transport.underlying_transport
        if (held == 0 or header > 0) and not carrier.is_closing():
            reader = FeedReader(self, carrier, carrier.get_protocol(), header + payload - held)
            carrier.set_protocol(reader)

    cdef condemn(self, error):
        self.is_condemned = True
        self.handler.on_fault(error)

    # ---- for the reader -----------------------------------------------------------------------

    cdef begin_read(self):
        self.is_reading = True
        self.last_frame_ns = self.arrived_ns = ww_now_ns()

    cdef end_read(self):
        self.is_reading = False
        try:
            if not self.is_condemned:
                self.finish(self.arrived_ns)
        except Exception as error:
            self.condemn(error)

    cdef bint is_assembling(self) noexcept:
        return PyByteArray_GET_SIZE(self.partial) != 0

    cdef bint is_done_with(self, const uint8_t *data, Py_ssize_t size) except -1:
        """Takes a whole message; False where somebody was told of it, or may have been."""
        # most frames of a burst end here: what is ready for an exception takes longer
        if self.is_condemned or self.decode(data, size, self.arrived_ns):
            return True
        try:
            self.handle(data, size, self.arrived_ns)
        except Exception as error:
            self.condemn(error)
        return False

    # ---- what a message does ------------------------------------------------------------------

    cdef bint decode(self, const uint8_t *data, Py_ssize_t size, int64_t t0) noexcept:
        """Takes a message; whether all that it changed is what `finish` will tell of anyway."""
        cdef uint32_t outcome = API.on_frame(self.path.engine, data, size, t0)
        cdef uint32_t kind = outcome & 0xFF, market = (outcome >> 8) & 0xFFFF
        cdef const char *marks = PyByteArray_AS_STRING(self.marks)
        self.outcome = outcome
        if outcome & (REFLEX | ALARM):
            return False
        if kind == KIND_DELTA:
            return self.has_applied and marks[2 * market] != 0
        return kind == KIND_TICKER and marks[2 * market + 1] != 0

    cdef take(self, WSTransport transport, WSFrame frame, int64_t t0):
        """A frame that is no whole message."""
        if frame.msg_type == WSMsgType.TEXT or frame.msg_type == WSMsgType.CONTINUATION:
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
            self.decode(text_of(whole), PyBytes_GET_SIZE(whole), t0)
            self.handle(text_of(whole), PyBytes_GET_SIZE(whole), t0)

    cdef handle(self, const uint8_t *data, Py_ssize_t size, int64_t t0):
        """Does what the message asks for that was decoded last."""
        cdef uint32_t outcome = self.outcome
        cdef uint32_t kind = outcome & 0xFF, market = (outcome >> 8) & 0xFFFF
        if outcome & REFLEX and self.path.reactor is not None:
            self.path.reactor.react(t0)
        if outcome & ALARM:  # the gate changed a state
            self.tell(KIND_ALARM, market, None)
        if kind == KIND_DELTA or kind == KIND_SNAPSHOT:
            self.has_applied = True
            self.mark(2 * market)
        elif kind == KIND_TICKER:
            self.mark(2 * market + 1)
        elif kind == KIND_MALFORMED:
            raise PeerError("frame-malformed", self.path.owner.fault())
        elif kind != KIND_STALE and kind != KIND_IGNORED:
            if kind == KIND_GAP:
                self.dirty = [key for key in self.dirty if key // 2 != market]
                self.marks[2 * market] = self.marks[2 * market + 1] = 0
            self.tell(kind, market, None if kind == KIND_GAP else self.path.owner.take_event(kind))

    cdef tell(self, uint32_t kind, uint32_t market, event):
        self.path.enter()
        try:
            self.handler.on_event(kind, market, event)
        finally:
            self.path.leave()

    cdef mark(self, uint32_t key):
        if self.marks[key] == 0 and self.targets[key] is not None:
            self.marks[key] = 1
            self.dirty.append(key)

    cdef finish(self, int64_t t0):
        cdef int64_t now
        cdef bint has_applied = self.has_applied
        self.arrived_ns = 0
        if not has_applied and not self.dirty:
            return
        self.has_applied = False
        now = ww_now_ns()
        try:
            if self.dirty:
                self.dispatch(t0, now)
        finally:
            if has_applied:
                API.record(self.path.engine, STAGE_APPLY, now - t0)

    cdef dispatch(self, int64_t t0, int64_t before):
        self.path.t0 = t0
        self.path.enter()
        try:
            for key in self.dirty:
                self.targets[key]()
        finally:
            for key in self.dirty:
                self.marks[key] = 0
            self.dirty.clear()
            API.record(self.path.engine, STAGE_CALLBACK, ww_now_ns() - before)
            self.path.leave()
