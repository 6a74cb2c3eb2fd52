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

    What is to be kept warm is called now and then, before the looks.

    Args:
        loop: the running loop.
        looks: how many between two turns.
        warm_ns: how far apart warm-ups are at least.
    """

    cdef object loop
    cdef int looks
    cdef bint is_spinning
    cdef list feeds, warm  # never changed in place: a read may end a session, which takes it out
    cdef int64_t warm_ns, warm_at_ns
    cdef readonly int64_t turns, direct_reads

    def __init__(self, loop, int looks, int64_t warm_ns=0):
        self.loop = loop
        self.looks = looks
        self.warm_ns = warm_ns
        self.feeds = []
        self.warm = []

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

    def keep_warm(self, warm):
        """Calls it every `warm_ns`; one that raises is called no more."""
        self.warm = [*self.warm, warm]

    def let_cool(self, warm):
        """Calls it no longer; harmless for one that is not called."""
        self.warm = [each for each in self.warm if each is not warm]

    cdef warm_up(self):
        for warm in self.warm:
            try:
                warm()
            except BaseException:
                self.let_cool(warm)  # or it would raise thousands of times a second
                raise

    def __call__(self):
        cdef int64_t now = ww_now_ns()
        cdef int64_t until
        cdef int left = self.looks
        if not self.is_spinning:
            return
        self.loop.call_soon(self)  # first: whatever is raised, the next turn comes
        self.turns += 1
        if self.warm and now >= self.warm_at_ns:
            self.warm_at_ns = now + self.warm_ns
            self.warm_up()
        until = ww_now_ns() + PATIENCE_NS
        while left > 0 and self.feeds and ww_now_ns() < until:
            left -= 1
            for transport, read in self.feeds:
                if not (<Transport>transport).is_closing():
                    self.direct_reads += 1
                    read()
