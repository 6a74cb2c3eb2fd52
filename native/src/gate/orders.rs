//! What each of our orders may still do, found by its sequence number.
//!
//! Owns: a fixed table of exposures. Must not know: what an exposure counts towards. Invariant: no
//! allocation after the start; what does not fit is refused, never forgotten.

use crate::template::Side;

/// Slots; a power of two.
const SLOTS: usize = 8_192;
/// Most entries: probing stays short.
const MAX_ENTRIES: usize = SLOTS / 4 * 3;

/// What one order may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Whose; 0 marks a free slot.
    pub sequence: u64,
    /// Most that may still be added to the position by it, lots.
    pub lots: i64,
    /// Most that it may hold at the venue, ticks times lots.
    pub notional: i128,
    /// The price nearest to the other side at which it may rest, ticks.
    pub price: i64,
    /// Index of its market.
    pub market: u16,
    /// Buy or sell.
    pub side: Side,
    /// Whether it may rest; False where it is done and its last fills are to be told.
    pub is_open: bool,
}

const FREE: Exposure = Exposure {
    sequence: 0,
    lots: 0,
    notional: 0,
    price: 0,
    market: 0,
    side: Side::Buy,
    is_open: false,
};

/// See the module's documentation.
pub struct OrderTable {
    slots: Box<[Exposure]>,
    entries: usize,
}

impl Default for OrderTable {
    fn default() -> Self {
        OrderTable { slots: vec![FREE; SLOTS].into_boxed_slice(), entries: 0 }
    }
}

#[allow(clippy::cast_possible_truncation)] // the low bits are what is wanted
fn home(sequence: u64) -> usize {
    sequence as usize & (SLOTS - 1)
}

impl OrderTable {
    /// Whether there is no room for another order.
    pub fn is_full(&self) -> bool {
        self.entries >= MAX_ENTRIES
    }

    /// Number of orders.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is no order.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    fn find(&self, sequence: u64) -> (usize, bool) {
        let mut slot = home(sequence);
        loop {
            let found = self.slots[slot].sequence;
            if found == sequence || found == 0 {
                return (slot, found != 0);
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
    }

    /// The exposure of an order.
    pub fn get(&self, sequence: u64) -> Option<&Exposure> {
        let (slot, is_there) = self.find(sequence);
        is_there.then(|| &self.slots[slot])
    }

    /// Adds or replaces an exposure; False where a new one does not fit.
    pub fn put(&mut self, exposure: Exposure) -> bool {
        let (slot, is_there) = self.find(exposure.sequence);
        if !is_there {
            if self.is_full() || exposure.sequence == 0 {
                return false;
            }
            self.entries += 1;
        }
        self.slots[slot] = exposure;
        true
    }

    /// Forgets an order.
    pub fn remove(&mut self, sequence: u64) {
        let (mut gap, is_there) = self.find(sequence);
        if !is_there {
            return;
        }
        self.entries -= 1;
        let mut slot = gap;
        loop {
            self.slots[gap] = FREE;
            // whatever was pushed past the gap by probing moves back into it
            loop {
                slot = (slot + 1) & (SLOTS - 1);
                let found = self.slots[slot].sequence;
                if found == 0 {
                    return;
                }
                let (distance, to_gap) = (slot.wrapping_sub(home(found)), slot.wrapping_sub(gap));
                if distance & (SLOTS - 1) >= to_gap & (SLOTS - 1) {
                    break;
                }
            }
            self.slots[gap] = self.slots[slot];
            gap = slot;
        }
    }
}

/// The open orders of one side of a market: their sums, and the best of their prices.
pub struct SideSums {
    side: Side,
    rows: Vec<(u64, i64)>,
    /// Most that all of them may still add to the position, lots, done orders included.
    pub lots: i128,
    /// Most that they hold at the venue, ticks times lots.
    pub notional: i128,
    /// The best price among the open ones, ticks; 0 for none.
    pub best: i64,
}

impl SideSums {
    /// No orders.
    pub fn new(side: Side) -> Self {
        SideSums { side, rows: Vec::with_capacity(MAX_ENTRIES), lots: 0, notional: 0, best: 0 }
    }

    /// Number of open orders.
    pub fn open(&self) -> usize {
        self.rows.len()
    }

    /// Counts an exposure in.
    pub fn add(&mut self, one: &Exposure) {
        self.lots += i128::from(one.lots);
        self.notional += one.notional;
        if one.is_open {
            self.rows.push((one.sequence, one.price)); // the table bounds their number
            self.best = self.better(self.best, one.price);
        }
    }

    /// Counts an exposure out, as it was counted in.
    pub fn subtract(&mut self, one: &Exposure) {
        self.lots -= i128::from(one.lots);
        self.notional -= one.notional;
        if one.is_open {
            if let Some(at) = self.rows.iter().rposition(|row| row.0 == one.sequence) {
                self.rows.swap_remove(at);
            }
            if one.price == self.best {
                let best = self.rows.iter().fold(0, |best, row| self.better(best, row.1));
                self.best = best;
            }
        }
    }

    fn better(&self, best: i64, price: i64) -> i64 {
        match self.side {
            _ if best == 0 => price,
            Side::Buy => best.max(price),
            Side::Sell => best.min(price),
        }
    }
}
