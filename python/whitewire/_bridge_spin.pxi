# Part of _bridge.pyx: the loop that never sleeps.
cdef extern from "poll.h" nogil:
    cdef struct pollfd:
        int fd
        short events
        short revents
    int c_poll "poll"(pollfd *files, unsigned long count, int timeout_ms)
    short POLLIN

cdef enum:
    MAX_SPUN = 64  # feeds of one process


cdef class Spinner:
    """Keeps a loop from sleeping, and between its turns looks at the feeds' sockets itself.

    A callback that is due at once makes the loop poll without waiting. Each of the loop's turns
    serves its sockets, timers and signals; between two turns are at most `looks` looks, which end
    with the first feed that has something. The looks hold no lock of the interpreter, so that
    other threads run meanwhile.

    Args:
        loop: the running loop.
        looks: how many between two turns.
    """

    cdef object loop
    cdef int looks, count
    cdef bint is_spinning
    cdef pollfd files[MAX_SPUN]
    cdef list transports, reads
    cdef readonly int64_t turns, direct_reads

    def __init__(self, loop, int looks):
        self.loop = loop
        self.looks = looks
        self.transports = []
        self.reads = []

    def start(self):
        """Spins from the loop's next turn on."""
        self.is_spinning = True
        self.loop.call_soon(self)

    def stop(self):
        """Lets the loop sleep again."""
        self.is_spinning = False

    def watch(self, Transport transport, int file, read):
        """Looks at a transport's socket, and calls `read` when it has something.

        There is room for 64; what comes later is served by the loop alone.
        """
        if self.count < MAX_SPUN:
            self.files[self.count] = pollfd(file, POLLIN, 0)
            self.count += 1
            self.transports.append(transport)
            self.reads.append(read)

    def forget(self, Transport transport):
        """Looks at it no longer; harmless for one that is not watched."""
        cdef int i
        for i in range(self.count):
            if self.transports[i] is transport:
                self.count -= 1
                self.files[i] = self.files[self.count]
                self.transports[i] = self.transports[self.count]
                self.reads[i] = self.reads[self.count]
                del self.transports[self.count], self.reads[self.count]
                return

    def __call__(self):
        if not self.is_spinning:
            return
        self.loop.call_soon(self)  # first: whatever a read raises, the next turn comes
        self.turns += 1
        cdef int found = 0, left = self.looks
        if self.count == 0:
            return
        with nogil:
            while left > 0 and found <= 0:
                found = c_poll(self.files, self.count, 0)
                left -= 1
        if found > 0:
            self.read_ready()

    cdef read_ready(self):
        cdef int i
        cdef list ready = []  # a read may end a session, which takes it out of the lists
        for i in range(self.count):
            if self.files[i].revents != 0:
                ready.append((self.transports[i], self.reads[i]))
        for transport, read in ready:
            if not (<Transport>transport).is_closing():
                self.direct_reads += 1
                read()
