# Part of _bridge.pyx: what the core's rules ask for, written before any Python runs.
cdef enum:
    MAX_STEPS = 256  # of one frame; what is left is asked for again by the next one


cdef class Reactor:
    """Steps of the core's reflexes: bytes first, on every connection, then the books.

    Args:
        outlet: where they leave; its path's reactor it is from now on.
        handler: a `ReflexHandler` of the stub.
    """

    cdef Path path
    cdef Outlet outlet
    cdef object handler
    cdef ww_reflex steps[MAX_STEPS]
    cdef int chosen[MAX_STEPS]

    def __init__(self, Outlet outlet, handler):
        self.path = outlet.path
        self.outlet = outlet
        self.handler = handler
        self.path.reactor = self

    cdef react(self, int64_t t0):
        """Writes what the frame received at `t0` set off, and has it booked."""
        cdef int count = 0
        cdef int64_t after = 0
        cdef OrderConnection line
        cdef list written = [], lines = self.path.lines
        self.path.t0 = t0
        self.path.is_booking = True
        try:
            while count < MAX_STEPS and API.reflex_next(self.path.engine, &self.steps[count]):
                self.chosen[count] = self.write(&self.steps[count], lines)
                count += 1
            for line in lines:
                if line.is_chosen:
                    line.is_chosen = False
                    written.append(line)
                    after = line.flush(ww_now_ns())
        finally:
            self.book(count, lines, written, after)

    cdef int write(self, ww_reflex *step, list lines):
        """Appends one step's request; the number of its connection, or -1."""
        cdef OrderConnection line
        cdef int64_t size, now
        cdef bint is_cancel = step.is_move == 0
        cdef Outlet outlet = self.outlet
        cdef int number = outlet.choose(is_cancel, lines) if step.is_ready else -1
        if number < 0 or not (outlet.enter_cells() or is_cancel):
            return -1
        line = lines[number]
        now = ww_now_ns()
        size = API.reflex_write(
            self.path.engine, step, outlet.numbers, outlet.count, now,
            line.outgoing + line.queued, OUT_CAPACITY - line.queued)
        outlet.leave_cells()
        API.record(self.path.engine, STAGE_ENCODE, ww_now_ns() - now)
        if size <= 0:
            return -1
        line.take_up(size)
        line.is_chosen = True
        return number

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
            self.path.is_booking = False
            for line in written:
                if line.is_paused:
                    line.handler.on_writable(False)
            if left:
                self.handler.on_left(left)
        finally:
            self.path.is_booking = False
            self.path.leave()
