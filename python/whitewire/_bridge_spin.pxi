# Part of _bridge.pyx: the loop that never sleeps.
cdef enum:
    PATIENCE_NS = 20000  # a turn's looks end when they took so long: something was read


cdef class Spinner:
    """Keeps a loop from sleeping, and between its turns reads the feeds' sockets itself.

    A callback that is due at once makes the loop poll without waiting. Each of the loop's turns
    serves its sockets, timers and signals; between two turns are at most `looks` looks at each
    feed, fewer after one that had something. A look is the transport's own read, so that the way
    of a frame is warm when one comes; that it holds the interpreter's lock costs other threads the
    few microseconds until the loop's turn, which does not.

    Args:
        loop: the running loop.
        looks: how many between two turns.
    """

    cdef object loop
    cdef int looks
    cdef bint is_spinning
    cdef list feeds  # never changed in place: a read may end a session, which takes it out
    cdef readonly int64_t turns, direct_reads

    def __init__(self, loop, int looks):
        self.loop = loop
        self.looks = looks
        self.feeds = []

    def start(self):
        """Spins from the loop's next turn on."""
        self.is_spinning = True
        self.loop.call_soon(self)

    def stop(self):
        """Lets the loop sleep again."""
        self.is_spinning = False

    def watch(self, Transport transport, read):
        """Calls `read` of a transport again and again."""
        self.feeds = [*self.feeds, (transport, read)]

    def forget(self, Transport transport):
        """Reads it no longer; harmless for one that is not watched."""
        self.feeds = [feed for feed in self.feeds if feed[0] is not transport]

    def __call__(self):
        if not self.is_spinning:
            return
        self.loop.call_soon(self)  # first: whatever a read raises, the next turn comes
        self.turns += 1
        cdef int64_t until = ww_now_ns() + PATIENCE_NS
        cdef int left = self.looks
        while left > 0 and self.feeds and ww_now_ns() < until:
            left -= 1
            for transport, read in self.feeds:
                if not (<Transport>transport).is_closing():
                    self.direct_reads += 1
                    read()
