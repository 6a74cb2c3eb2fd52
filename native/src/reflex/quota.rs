//! Calls of one endpoint, counted in the cells of the throttle.
//!
//! Owns: the arithmetic of a bucket, the same as `protocol.throttle`'s. Must not know: where the
//! cells lie, who else counts in them. Invariant: what is taken here is taken from the same
//! buckets at the same moment, so the venue's limits hold for both together.

/// Cell, cost of a call and room for it; full again at the cell's time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    cell: usize,
    cost: i64,
    room: i64,
}

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    own: Bucket,
    all: Bucket,
    free: Bucket,
    penalty: usize,
}

impl Quota {
    /// From a row of the throttle: (cell, cost, room) of the endpoint's bucket, its scope's, and
    /// the part of the scope that is not kept for cancels; the cell of its penalty.
    #[must_use]
    pub fn new(
        own: (usize, i64, i64),
        all: (usize, i64, i64),
        free: (usize, i64, i64),
        penalty: usize,
    ) -> Self {
        let bucket = |(cell, cost, room)| Bucket { cell, cost, room };
        Quota { own: bucket(own), all: bucket(all), free: bucket(free), penalty }
    }

    fn buckets(&self, is_cancel: bool) -> impl Iterator<Item = &Bucket> {
        [Some(&self.own), Some(&self.all), (!is_cancel).then_some(&self.free)].into_iter().flatten()
    }

    /// Counts one call; False where it may not be made now, or the cells are not there.
    #[must_use]
    pub fn take(&self, cells: &mut [i64], now_ns: i64, is_cancel: bool) -> bool {
        let held = cells.get(self.penalty).is_none_or(|until| *until > now_ns);
        let fits = |one: &Bucket| {
            cells.get(one.cell).is_some_and(|full| full.saturating_sub(one.room) <= now_ns)
        };
        if held || !self.buckets(is_cancel).all(fits) {
            return false;
        }
        for one in self.buckets(is_cancel) {
            cells[one.cell] = cells[one.cell].max(now_ns).saturating_add(one.cost);
        }
        true
    }

    /// Takes back a call that was not made after all, in the same moment.
    pub fn give_back(&self, cells: &mut [i64], is_cancel: bool) {
        for one in self.buckets(is_cancel) {
            if let Some(cell) = cells.get_mut(one.cell) {
                *cell = cell.saturating_sub(one.cost);
            }
        }
    }
}
