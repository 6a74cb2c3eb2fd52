# Part of _bridge.pyx: placements of one burst, signed together.
cdef class Burst:
    """Up to 20 placements in one call of the core; each is then appended to its own connection.

    Args:
        path: the shared hot path.
    """

    cdef Path path
    cdef uint8_t requests[MAX_LEGS * LEG_ROOM]
    cdef int64_t lengths[MAX_LEGS]

    def __init__(self, Path path):
        self.path = path

    def sign(self, list legs):
        """Gate, templates and signatures of (market, flags, price, amount, sequence, nonce).

        Returns the length of each leg's request, or minus the refusal's number.
        """
        cdef ww_place places[MAX_LEGS]
        cdef uint64_t nonces[MAX_LEGS]
        cdef int i, count = min(len(legs), MAX_LEGS)
        cdef int64_t each, before = ww_now_ns()
        for i in range(count):
            market, flags, price, amount, sequence, nonce = legs[i]
            places[i] = ww_place(market, flags, 0, 0, price, amount, sequence)
            nonces[i] = nonce
        API.place_many(
            self.path.engine, places, nonces, count, before, self.requests, LEG_ROOM, self.lengths)
        each = (ww_now_ns() - before) // max(count, 1)
        for i in range(count):
            API.record(self.path.engine, STAGE_ENCODE, each)
        return [self.lengths[i] for i in range(count)]

    def append_to(self, OrderConnection connection, int leg):
        """Appends a signed leg of the last call, once; False when there is no room for it."""
        cdef int64_t size
        if not 0 <= leg < MAX_LEGS or self.lengths[leg] <= 0:
            raise IndexError("no signed leg has this index")
        size = self.lengths[leg]
        self.lengths[leg] = 0
        return connection.take(self.requests + leg * LEG_ROOM, size)
