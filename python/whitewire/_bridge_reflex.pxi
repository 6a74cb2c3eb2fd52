# Part of _bridge.pyx: what the core's rules ask for, written before any Python runs.
cdef extern from "<sys/file.h>":
    int LOCK_EX, LOCK_NB, LOCK_UN
    int flock(int descriptor, int operation) nogil

cdef enum:
    MAX_STEPS = 256  # of one frame; what is left is asked for again by the next one
    LOCK_SPINS = 20


cdef class Reactor:
    """Steps of the core's reflexes: bytes first, on every connection, then the books.

    The throttle's cells are shared with Python and, where they have a lock, with other processes.

    Args:
        path: the shared hot path; the reactor is its from now on.
        handler: a `ReflexHandler` of the stub.
        cells: the throttle's numbers.
        lock: descriptor that keeps other processes out of them; -1 for none.
    """

    cdef Path path
    cdef object handler
    cdef object cells
    cdef int64_t *numbers
    cdef Py_ssize_t count
    cdef int lock
    cdef ww_reflex steps[MAX_STEPS]
    cdef int chosen[MAX_STEPS]

    def __init__(self, Path path, handler, cells, int lock=-1):
        self.path = path
        self.handler = handler
        cdef Py_buffer view
        self.cells = cells  # neither moves nor is closed while it lives, so its buffer need not
        self.lock = lock    # stay claimed, which the collector would undo in the wrong order
        PyObject_GetBuffer(cells, &view, PyBUF_CONTIG | PyBUF_FORMAT)
        self.numbers = <int64_t *>view.buf
        self.count = view.len // 8
        PyBuffer_Release(&view)
        path.reactor = self

    cdef react(self, int64_t t0):
        """Writes what the frame received at `t0` set off, and has it booked."""
        cdef int count = 0
        cdef int64_t after = 0
        cdef OrderConnection line
        cdef list written = [], lines = self.path.lines
        self.path.t0 = t0
        self.path.is_reacting = True
        try:
            while count < MAX_STEPS and API.reflex_next(self.path.engine, &self.steps[count]):
                self.chosen[count] = self.write(&self.steps[count], lines)
                count += 1
            for line in lines:
                if line.is_chosen:
                    line.is_chosen = False
                    written.append(line)
                    after = line.flush()
        finally:
            self.book(count, lines, written, after)

    cdef int write(self, ww_reflex *step, list lines):
        """Appends one step's request; the number of its connection, or -1."""
        cdef OrderConnection line
        cdef int64_t size, now
        cdef bint is_cancel = step.is_move == 0
        cdef int number = self.choose(is_cancel, lines) if step.is_ready else -1
        if number < 0 or not (self.enter_cells() or is_cancel):
            return -1
        line = lines[number]
        now = ww_now_ns()
        size = API.reflex_write(
            self.path.engine, step, self.numbers, self.count, now,
            line.outgoing + line.queued, OUT_CAPACITY - line.queued)
        if self.lock >= 0:
            flock(self.lock, LOCK_UN)
        API.record(self.path.engine, STAGE_ENCODE, ww_now_ns() - now)
        if size <= 0:
            return -1
        line.queued += size
        line.in_flight += 1
        line.is_chosen = True
        return number

    cdef bint enter_cells(self):
        """Keeps other processes out; False when one of them was stopped in there."""
        if self.lock < 0:
            return True
        for _ in range(LOCK_SPINS):
            if flock(self.lock, LOCK_EX | LOCK_NB) == 0:
                return True
        return False

    cdef int choose(self, bint is_cancel, list lines):
        """The connection with the fewest requests in flight that has room, or -1."""
        cdef OrderConnection line
        cdef int number = -1, best = -1
        cdef Py_ssize_t fewest = 0
        for line in lines:
            number += 1
            if line.has_room(is_cancel) and (best < 0 or line.in_flight < fewest):
                best, fewest = number, line.in_flight
        return best

    cdef book(self, int count, list lines, list written, int64_t after):
        """Tells what left; then what is left to Python, and which sockets are full."""
        cdef OrderConnection line
        cdef ww_reflex *step
        cdef int number
        cdef list sent = [], left = []
        for number in range(count):
            step = &self.steps[number]
            row = (step.key, step.rule, step.is_move != 0, step.price, step.amount, step.nonce)
            if self.chosen[number] >= 0:
                line = lines[self.chosen[number]]
                sent.append((*row, line.handler))
            elif step.is_move == 0 or not lines:
                left.append(row)  # a move that found no room is asked for again by the next frame
        self.path.enter()
        try:
            if sent:
                self.handler.on_sent(sent)
            for line in written:
                line.handler.on_written(after)
            for line in lines:
                if line.is_chosen:  # a flush before it failed
                    line.is_chosen = False
                    line.wait_to_write()
            self.path.is_reacting = False
            for line in written:
                if line.is_paused:
                    line.handler.on_writable(False)
            if left:
                self.handler.on_left(left)
        finally:
            self.path.is_reacting = False
            self.path.leave()
