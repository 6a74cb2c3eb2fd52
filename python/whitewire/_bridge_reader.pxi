# Part of _bridge.pyx: the reader of an open WebSocket session.
cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from "<netinet/in.h>" nogil:
    const int IPPROTO_TCP

cdef extern from "<netinet/tcp.h>" nogil:
    const int TCP_QUICKACK

cdef extern from "<sys/socket.h>" nogil:
    int setsockopt(int file, int level, int name, const void *value, unsigned int size)


cdef enum:
    READ_CAPACITY = 262144  # a burst costs a tenth less than with the usual 65536
    WHOLE_TEXT = 0x81  # first byte of a frame that is a whole message of text
    NO_FRAME = -1
    AND_NO_MORE = 2  # as any even number but 0
    PING = 9
    PONG = 10


cdef acknowledge(int file):
    """Has the kernel send the acknowledgement that is due, and put off the next one.

    The kernel would send it while the data is read, before anybody has seen it, which takes longer
    than all that we do with a tick. It goes out right after: a peer may wait for it (Nagle).
    What has no acknowledgements refuses, and is none the worse for it.
    """
    cdef int due = AND_NO_MORE, no = 0
    setsockopt(file, IPPROTO_TCP, TCP_QUICKACK, &due, sizeof(int))
    setsockopt(file, IPPROTO_TCP, TCP_QUICKACK, &no, sizeof(int))  # also where none was due


cdef class FeedListener(WSListener)


cdef inline Py_ssize_t header_of(
    const uint8_t *data, Py_ssize_t size, Py_ssize_t *payload
) noexcept:
    """Bytes of a frame's header, and of its payload.

    0 while the header is not all there; NO_FRAME for what a server must not send (RFC 6455), and
    for a close, behind which nothing counts.
    """
    cdef int opcode, short
    cdef uint64_t long_size = 0
    cdef int i
    if size < 2:
        return 0
    opcode = data[0] & 0x0F
    short = data[1]
    if data[0] & 0x70 or short > 127 or 2 < opcode < PING or opcode > PONG:
        return NO_FRAME
    if opcode > 2 and (short > 125 or not data[0] & 0x80):
        return NO_FRAME
    if short < 126:
        payload[0] = short
        return 2
    if short == 126:
        if size < 4:
            return 0
        payload[0] = (data[2] << 8) | data[3]
        return 4 if payload[0] > 125 else NO_FRAME
    if size < 10:
        return 0
    for i in range(2, 10):
        long_size = (long_size << 8) | data[i]
    payload[0] = <Py_ssize_t>long_size
    return 10 if 0xFFFF < long_size <= MAX_MESSAGE else NO_FRAME


cdef class FeedReader(Protocol):
    """Takes whole messages of text out of what a session's socket brings; picows reads the rest.

    picows opens the session, and reads until it is known where the next frame begins. What is no
    whole message of text (a ping, a fragment, a close, what is too large or broken) goes back to
    picows byte by byte, and means what it means there.

    Args:
        listener: whose messages they are.
        transport: which picows read until now.
        picows: its protocol.
        owed: bytes to come that end a frame of which picows holds the begin.
    """

    cdef FeedListener listener
    cdef Transport transport
    cdef object picows
    cdef uint8_t incoming[READ_CAPACITY]
    cdef Py_ssize_t held  # bytes at the start, of a frame whose end is to come
    cdef Py_ssize_t owed  # bytes to come that are picows'
    cdef int file

    def __init__(
        self, FeedListener listener, Transport transport, picows, Py_ssize_t owed
    ):
        self.listener = listener
        self.transport = transport
        self.picows = picows
        self.owed = owed
        self.file = transport.get_extra_info("socket").fileno()
        acknowledge(self.file)

    cpdef is_buffered_protocol(self):
        return True

    cdef NoResult get_buffer_c(
        self, Py_ssize_t hint, char **buffer, Py_ssize_t *size
    ) except NoResult.EXC:
        buffer[0] = <char *>self.incoming + self.held
        size[0] = READ_CAPACITY - self.held
        return NoResult.OK

    cpdef buffer_updated(self, Py_ssize_t count):
        cdef Py_ssize_t end = self.held + count, at = 0
        self.listener.begin_read()
        try:
            at = self.take(end)
        finally:
            self.held = end - at
            memmove(self.incoming, self.incoming + at, self.held)
            self.listener.end_read()
            if not self.transport.is_closing():
                acknowledge(self.file)

    cdef Py_ssize_t take(self, Py_ssize_t end) except -1:
        """Takes what is complete; where the rest begins."""
        cdef const uint8_t *data = self.incoming
        cdef Py_ssize_t at = 0, header, size, payload = 0
        while at < end:
            if self.owed > 0:
                size = min(self.owed, end - at)
                self.owed -= size
                self.hand_on(data + at, size)
                at += size
                continue
            header = header_of(data + at, end - at, &payload)
            if header == 0:
                break
            if header == NO_FRAME:
                self.owed = PY_SSIZE_T_MAX
                continue
            size = header + payload
            if data[at] != WHOLE_TEXT or size > READ_CAPACITY or self.listener.is_assembling():
                self.owed = size
                continue
            if size > end - at:
                break
            at += size
            if self.listener.is_done_with(data + at - payload, payload):
                continue
            if self.transport.is_closing():  # what was told may have ended the session
                return end
        return at

    cdef hand_on(self, const uint8_t *data, Py_ssize_t size):
        """What picows makes of these bytes; it has room for some of them at a time."""
        cdef Py_buffer room
        cdef Py_ssize_t part
        while size > 0 and not self.transport.is_closing():
            PyObject_GetBuffer(self.picows.get_buffer(size), &room, PyBUF_WRITABLE)
            part = min(size, room.len)
            memcpy(room.buf, data, part)
            PyBuffer_Release(&room)
            self.picows.buffer_updated(part)
            data += part
            size -= part

    def eof_received(self):
        return self.picows.eof_received()

    def connection_lost(self, error):
        self.picows.connection_lost(error)

    def pause_writing(self):
        self.picows.pause_writing()

    def resume_writing(self):
        self.picows.resume_writing()
