# Part of _bridge.pyx: requests that leave at once, paid for from the core's allowance.
cdef extern from "<sys/file.h>":
    int LOCK_EX, LOCK_NB, LOCK_UN
    int flock(int descriptor, int operation) nogil

from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.unicode cimport PyUnicode_DecodeASCII

cdef enum:
    LOCK_SPINS = 20
    DIGITS = 10  # of the sequence number that ends a client id
    LONGEST_ID = 64
    LEFT = 69  # `Failure::Left` of native/src/engine/request.rs: the allowance does not reach


cdef class Outlet


cdef class OrderTicket:
    """Orders of one kind, prepared: what a strategy in a hurry places them by.

    Args:
        owner: a `TicketOwner` of the stub.
        market, side, flags: what the orders have in common.
        prefix: of their client ids, before the sequence number.

    Attributes:
        market, side, flags: as given.
    """

    cdef object owner
    cdef readonly object market, side
    cdef readonly uint8_t flags
    cdef uint16_t index
    cdef char name[LONGEST_ID]
    cdef Py_ssize_t prefix_size

    def __init__(self, owner, market, side, uint8_t flags, str prefix):
        cdef bytes text = prefix.encode()
        if len(text) > LONGEST_ID - DIGITS:
            raise ValueError(f"{prefix} leaves no room for a sequence number")
        self.owner = owner
        self.market, self.side, self.flags = market, side, flags
        self.index = market.index
        self.prefix_size = len(text)
        memcpy(self.name, PyBytes_AS_STRING(text), self.prefix_size)

    def limit(self, price_ticks, amount_lots, tag=None):
        """Places a limit order and returns its handle at once; the ack is an event.

        A refusal, for example off the venue's grid, is an order in state REJECTED.

        Args:
            price_ticks, amount_lots: whole ticks and lots of the market, positive int64.
            tag: the strategy's own.

        Raises:
            NumberError: one is no such number.
        """
        cdef int64_t price = self.whole(price_ticks), amount = self.whole(amount_lots)
        if price <= 0 or amount <= 0:
            self.market.check_units(price_ticks, amount_lots)
        cdef Outlet outlet = self.owner.outlet
        if not (outlet.is_quick and outlet.is_clear()):
            return self.owner.place(self, price, amount, tag)
        return self.owner.booked(self, price, amount, tag, outlet.place(self, price, amount))

    def ladder(self, levels, tag=None):
        """Places an order at each level, as `limit` does; first to last.

        Args:
            levels: (price_ticks, amount_lots) of each.
            tag: the strategy's own.

        Raises:
            NumberError: one is no such number; nothing was placed.
        """
        cdef list rows = []
        for price_ticks, amount_lots in levels:
            if self.whole(price_ticks) <= 0 or self.whole(amount_lots) <= 0:
                self.market.check_units(price_ticks, amount_lots)
            rows.append((self, price_ticks, amount_lots))
        return self.owner.place_many(rows, tag)

    cdef int64_t whole(self, value):
        """A positive int64, or 0 where it is none."""
        cdef int overflow = 0
        cdef int64_t number = 0
        if type(value) is int:
            number = PyLong_AsLongLongAndOverflow(value, &overflow)
        return 0 if overflow != 0 or number < 0 else number

    cdef client_id(self, uint64_t sequence):
        cdef int place
        for place in range(DIGITS):
            self.name[self.prefix_size + DIGITS - 1 - place] = 48 + sequence % 10
            sequence //= 10
        return PyUnicode_DecodeASCII(self.name, self.prefix_size + DIGITS, NULL)


cdef class Outlet:
    """Where orders get their names, and where requests leave before Python has booked them.

    The throttle's cells are shared with Python and, where they have a lock, with other processes.

    Args:
        path: the shared hot path.
        cells: the throttle's numbers.
        lock: descriptor that keeps other processes out of them; -1 for none.
        announce: called with (time, client id, market, side, price, amount, flags) of an order
            before it leaves.
        clock, reducing: where the one is not `is_safe`, or there is something in the other, orders
            leave step by step.

    Attributes:
        is_quick: whether every order may take it, whatever the burst.
        sequence: the number of the last order.

    What became of a placement is a `Departure` of the stub: its client id; when it was asked for;
    the request's length, minus the refusal's number, or 0 where nothing was sent; the handler of
    its connection, None where there is none; its nonce; when it was handed to the socket, 0 where
    it waits for the end of the burst. Times are monotonic.
    """

    cdef Path path
    cdef object cells, announce_to, clock
    cdef dict reducing
    cdef int64_t *numbers
    cdef Py_ssize_t count
    cdef int lock
    cdef public bint is_quick
    cdef public uint64_t sequence
    cdef str client_id
    cdef int64_t submit_ns
    cdef OrderTicket newest

    def __init__(self, Path path, cells, int lock, announce, clock, dict reducing):
        self.path = path
        cdef Py_buffer view
        self.cells = cells  # neither moves nor is closed while it lives, so its buffer need not
        self.lock = lock    # stay claimed, which the collector would undo in the wrong order
        self.announce_to = announce
        self.clock, self.reducing = clock, reducing
        PyObject_GetBuffer(cells, &view, PyBUF_CONTIG | PyBUF_FORMAT)
        self.numbers = <int64_t *>view.buf
        self.count = view.len // 8
        PyBuffer_Release(&view)

    cpdef bint is_clear(self):
        """Whether an order may leave by it now."""
        return not self.reducing and self.clock.is_safe

    def announce(self, OrderTicket ticket, int64_t price, int64_t amount):
        """Gives an order its name, and has it recorded; a departure of nothing."""
        self.name(ticket, price, amount)
        return self.client_id, self.submit_ns, 0, None, 0, 0

    cdef name(self, OrderTicket ticket, int64_t price, int64_t amount):
        self.submit_ns = ww_now_ns()
        self.newest = ticket
        self.sequence += 1
        self.client_id = ticket.client_id(self.sequence)
        self.announce_to(self.submit_ns, self.client_id, ticket.market, ticket.side, price,
                         amount, ticket.flags)

    cpdef tuple place(self, OrderTicket ticket, int64_t price, int64_t amount):
        """Announces a placement and writes it; its departure.

        Nothing is sent where there was no room, no call of the throttle or no nonce. The caller
        books what left before anything else.
        """
        cdef ww_place request
        cdef list lines = self.path.lines
        cdef OrderConnection line
        cdef int64_t now, encoded, size
        cdef uint64_t nonce = 0
        cdef int number
        self.name(ticket, price, amount)
        number = self.choose(False, lines)
        if number < 0 or not self.enter_cells():
            return self.client_id, self.submit_ns, 0, None, 0, 0
        line = lines[number]
        now = ww_now_ns()
        request = ww_place(ticket.index, ticket.flags, 0, 0, price, amount, self.sequence)
        size = API.place_now(
            self.path.engine, &request, self.numbers, self.count, now, &nonce,
            line.outgoing + line.queued, OUT_CAPACITY - line.queued)
        self.leave_cells()
        if size <= 0:
            return self.client_id, self.submit_ns, 0 if size == -LEFT else size, None, 0, 0
        encoded = ww_now_ns()
        line.take_up(size)
        self.write(line, encoded)
        API.record(self.path.engine, STAGE_ENCODE, encoded - now)
        return self.client_id, self.submit_ns, size, line.handler, nonce, line.sent_ns

    def keep_warm(self, announce):
        """Goes the way of the last placement's kind, as far as nothing changes by it.

        Args:
            announce: called as the outlet's own, and records nothing.
        """
        cdef OrderTicket ticket = self.newest
        cdef int64_t now = ww_now_ns()
        if ticket is None:
            return
        self.is_clear()
        announce(now, ticket.client_id(self.sequence), ticket.market, ticket.side, 1, 1,
                 ticket.flags)
        self.choose(False, self.path.lines)
        API.keep_warm(self.path.engine, ticket.index, ticket.flags, now)

    cdef write(self, OrderConnection line, int64_t now):
        """Hands a connection's bytes to its socket, and nothing to anybody else."""
        cdef bint was_booking = self.path.is_booking
        self.path.is_booking = True
        line.sent_ns = 0
        try:
            line.flush(now)
        except Exception:
            line.wait_to_write()  # the end of the burst raises it again, when the order is booked
        finally:
            self.path.is_booking = was_booking

    cdef int choose(self, bint is_cancel, list lines):
        """The connection with the fewest requests in flight that has room, of these the fastest;
        or -1."""
        cdef OrderConnection line, best = None
        cdef int number = -1, found = -1
        for line in lines:
            number += 1
            if (best is None or line.is_better(best)) and line.has_room(is_cancel):
                best, found = line, number
                if line.in_flight == 0 and line.rank == 0:
                    break
        return found

    cdef bint enter_cells(self):
        """Keeps other processes out; False when one of them was stopped in there."""
        if self.lock < 0:
            return True
        for _ in range(LOCK_SPINS):
            if flock(self.lock, LOCK_EX | LOCK_NB) == 0:
                return True
        return False

    cdef leave_cells(self):
        if self.lock >= 0:
            flock(self.lock, LOCK_UN)


cdef class Guarded:
    """A callback of the strategy, whose exceptions do not leave it.

    Args:
        callback: the user's code.
        name: of the callback.
        raised: called with the name and what was raised.
    """

    cdef object callback, name, raised

    def __init__(self, callback, name, raised):
        self.callback, self.name, self.raised = callback, name, raised

    def __call__(self, *values):
        try:
            self.callback(*values)
        except Exception as error:  # the user's code: any exception is handled the same way
            self.raised(self.name, error)
