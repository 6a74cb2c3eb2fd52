//! The records of the hot path: depth and ticker messages.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

/// Most levels of one side that one depth message may carry; the venue's window is 100 levels, so a
/// legal delta has at most 200.
pub const MAX_LEVELS: usize = 1024;

/// The changed levels of one side of a book.
#[derive(Debug)]
pub struct Levels {
    /// Ascending from best to worst: the price in ticks for asks, its negative for bids.
    keys: Box<[i64; MAX_LEVELS]>,
    /// Amount in lots, 0 removes the level.
    lots: Box<[i64; MAX_LEVELS]>,
    len: usize,
    sorted: bool,
}

impl Default for Levels {
    fn default() -> Self {
        let zeros = || Box::new([0; MAX_LEVELS]);
        Self { keys: zeros(), lots: zeros(), len: 0, sorted: true }
    }
}

impl Levels {
    /// Forgets all levels.
    #[inline(always)]
    pub fn clear(&mut self) {
        (self.len, self.sorted) = (0, true);
    }

    /// Appends a level; false if there are [`MAX_LEVELS`] already.
    #[inline(always)]
    #[must_use]
    pub fn push(&mut self, key: i64, lots: i64) -> bool {
        if self.len >= MAX_LEVELS {
            return false;
        }
        let previous = self.len.checked_sub(1).map_or(i64::MIN, |at| self.keys[at]);
        self.sorted &= previous < key;
        self.keys[self.len] = key;
        self.lots[self.len] = lots;
        self.len += 1;
        true
    }

    /// Keys and lots, in the order of the message.
    #[inline(always)]
    #[must_use]
    pub fn columns(&self) -> (&[i64], &[i64]) {
        let len = self.len.min(MAX_LEVELS);
        (&self.keys[..len], &self.lots[..len])
    }

    /// Whether the levels come from best to worst, each price once.
    #[inline(always)]
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        self.sorted
    }
}

/// One depth message of a known market.
#[derive(Debug, Default)]
pub struct Depth {
    /// Whether the levels replace the book or change it.
    pub snapshot: bool,
    /// State of the venue's full book that this message leads to.
    pub update_id: i64,
    /// State that a delta starts from; 0 in snapshots.
    pub past_update_id: i64,
    /// When the matching engine was in that state, ns since the epoch; 0 if not said.
    pub timestamp_ns: i64,
    /// When the venue sent the message, ns since the epoch; 0 if not said.
    pub event_time_ns: i64,
    /// Changed asks.
    pub asks: Levels,
    /// Changed bids.
    pub bids: Levels,
}

/// One ticker message of a known market: the best level of each side, 0 and 0 where it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// Best bid in ticks.
    pub bid: i64,
    /// Its amount in lots.
    pub bid_amount: i64,
    /// Best ask in ticks.
    pub ask: i64,
    /// Its amount in lots.
    pub ask_amount: i64,
    /// State of the venue's full book.
    pub update_id: i64,
    /// When the matching engine was in that state, ns since the epoch.
    pub time_ns: i64,
}

impl Top {
    /// The same with a side that lacks its price or its amount as an empty one (D7 of `decode`).
    #[cold]
    pub(crate) fn without_halves(mut self) -> Self {
        if self.bid == 0 || self.bid_amount == 0 {
            (self.bid, self.bid_amount) = (0, 0);
        }
        if self.ask == 0 || self.ask_amount == 0 {
            (self.ask, self.ask_amount) = (0, 0);
        }
        self
    }
}
