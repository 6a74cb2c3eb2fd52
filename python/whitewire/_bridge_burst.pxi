# Part of _bridge.pyx: placements of one burst, signed together.
cdef enum:
    FEW = 4  # signed together where each can leave at once: the core's lanes of SHA-512 are full


cdef class Burst:
    """Up to 20 placements at a time by an outlet: signed together, then each on its connection.

    Each takes the connection that it would have taken alone.

    Args:
        outlet: where they leave.
    """

    cdef Outlet outlet
    cdef ww_place places[MAX_LEGS]
    cdef uint64_t nonces[MAX_LEGS]
    cdef int64_t lengths[MAX_LEGS]
    cdef uint8_t requests[MAX_LEGS * LEG_ROOM]

    def __init__(self, Outlet outlet):
        self.outlet = outlet

    def send(self, list legs, bint at_once):
        """Announces (ticket, price, amount) of each leg and writes those that pass.

        Args:
            legs: in their order.
            at_once: each is written as soon as it is signed; else each connection once, at the end.

        Returns the legs' departures. The caller books what left before anything else.
        """
        cdef Path path = self.outlet.path
        cdef int start, end, step, leg, count = len(legs)
        cdef list names = [], lines = [None] * count
        cdef OrderConnection line
        if count > MAX_LEGS:
            raise ValueError(f"{count} legs; at most {MAX_LEGS} can leave together")
        step = FEW if at_once else max(count, 1)
        path.is_booking = True
        try:
            for start in range(0, count, step):
                end = min(start + step, count)
                for leg in range(start, end):
                    names.append(self.announced(legs[leg], leg))
                self.sign(start, end - start)
                for leg in range(start, end):
                    lines[leg] = self.hand_over(leg, at_once)
            for line in path.lines:
                if line.is_chosen:
                    line.is_chosen = False
                    self.outlet.write(line, ww_now_ns())
        finally:
            path.is_booking = False
        return [self.result(names[leg], lines[leg], leg) for leg in range(count)]

    cdef announced(self, tuple row, int leg):
        cdef OrderTicket ticket = row[0]
        cdef int64_t price = row[1], amount = row[2]
        self.outlet.name(ticket, price, amount)
        self.places[leg] = ww_place(
            ticket.index, ticket.flags, 0, 0, price, amount, self.outlet.sequence)
        return self.outlet.client_id, self.outlet.submit_ns

    cdef sign(self, int start, int count):
        cdef Outlet outlet = self.outlet
        cdef int64_t each, before = ww_now_ns()
        cdef int i
        if not outlet.enter_cells():
            for i in range(start, start + count):
                self.lengths[i] = -LEFT
            return
        API.place_many(
            outlet.path.engine, &self.places[start], count, outlet.numbers, outlet.count, before,
            &self.nonces[start], self.requests + start * LEG_ROOM, LEG_ROOM, &self.lengths[start])
        outlet.leave_cells()
        each = (ww_now_ns() - before) // count
        for i in range(count):
            API.record(outlet.path.engine, STAGE_ENCODE, each)

    cdef OrderConnection hand_over(self, int leg, bint at_once):
        """Puts a signed leg on a connection, which it returns; None where there is no leg."""
        cdef Outlet outlet = self.outlet
        cdef OrderConnection line
        cdef int number
        if self.lengths[leg] <= 0:
            return None
        number = outlet.choose(False, outlet.path.lines)
        if number < 0:
            self.lengths[leg] = -LEFT
            return None
        line = outlet.path.lines[number]
        memcpy(line.outgoing + line.queued, self.requests + leg * LEG_ROOM, self.lengths[leg])
        line.take_up(self.lengths[leg])
        if at_once:
            outlet.write(line, ww_now_ns())
        else:
            line.is_chosen = True
        return line

    cdef result(self, tuple name, OrderConnection line, int leg):
        cdef int64_t written = self.lengths[leg] if self.lengths[leg] != -LEFT else 0
        if line is None:
            return (*name, written, None, 0, 0)
        return (*name, written, line.handler, self.nonces[leg], line.sent_ns)
