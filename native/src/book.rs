//! The order book of one market.
//!
//! Owns the levels and their freshness. Knows no bytes and no market names. Invariant: each side is
//! strictly sorted, holds at most `depth` levels of positive amount, and a book that is not stale
//! is not crossed and is the venue's state `update_id`.
//!
//! Venue rules obeyed here:
//!
//! * **B1** An amount is the level's new size, not a difference; zero removes it.
//! * **B2** After each message only the subscribed number of levels is kept: a level that was
//!   pushed out of the window may never be removed by name.
//! * **B3** A crossed book cannot be real; something was lost.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

mod ladder;

pub(crate) use ladder::Scratch;

use crate::event::{Depth, Side};
use crate::price::MAX_DECIMALS;
use crate::scan::Kernel;
use crate::sequence::{Sequence, Verdict};
use ladder::Ladder;

/// Most levels of a side that a book can keep.
pub const MAX_DEPTH: u16 = 1000;
/// Why a book cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookError {
    /// Depth outside of 1..=[`MAX_DEPTH`].
    Depth(u16),
    /// Decimals outside of -12..=12.
    Decimals(i8),
}

impl core::fmt::Display for BookError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Depth(depth) => write!(f, "depth {depth} is not in 1..={MAX_DEPTH}"),
            Self::Decimals(n) => {
                write!(f, "{n} decimals are not in -{MAX_DECIMALS}..={MAX_DECIMALS}")
            }
        }
    }
}

impl std::error::Error for BookError {}

/// What a depth message did to a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    Snapshot,
    Delta,
    Gap,
    Stale,
    Ignored,
    /// B3.
    Crossed,
}

/// The levels of one market that the venue has shown.
#[derive(Debug)]
pub struct Book {
    asks: Ladder,
    bids: Ladder,
    sequence: Sequence,
    depth: u16,
    price_decimals: i8,
    amount_decimals: i8,
    timestamp_ns: i64,
    ts_exch_ns: i64,
    recv_ns: i64,
}

impl Book {
    /// A stale, empty book. `depth` is the number of levels per side of the subscription.
    ///
    /// # Errors
    /// [`BookError`] for a depth or decimals out of range.
    pub fn new(price_decimals: i8, amount_decimals: i8, depth: u16) -> Result<Self, BookError> {
        if depth == 0 || depth > MAX_DEPTH {
            return Err(BookError::Depth(depth));
        }
        let unfit = |n: &i8| n.unsigned_abs() > MAX_DECIMALS.unsigned_abs();
        if let Some(decimals) = [price_decimals, amount_decimals].into_iter().find(unfit) {
            return Err(BookError::Decimals(decimals));
        }
        Ok(Self {
            asks: Ladder::new(usize::from(depth)),
            bids: Ladder::new(usize::from(depth)),
            sequence: Sequence::new(),
            depth,
            price_decimals,
            amount_decimals,
            timestamp_ns: 0,
            ts_exch_ns: 0,
            recv_ns: 0,
        })
    }

    /// Asks for the memory that the next message, of so many levels, will change, while that is
    /// still being read.
    #[inline(always)]
    pub(crate) fn prefetch<K: Kernel>(&self, levels: usize) {
        self.asks.prefetch::<K>(levels);
        self.bids.prefetch::<K>(levels);
    }

    /// Applies a depth message that arrived at `recv_ns`.
    ///
    /// # Safety
    /// The machine has the kernel's instruction set.
    #[inline(always)]
    pub(crate) unsafe fn apply<K: Kernel>(
        &mut self,
        message: &Depth,
        scratch: &mut Scratch,
        recv_ns: i64,
    ) -> Applied {
        let verdict = if message.snapshot {
            self.sequence.on_snapshot(message.update_id)
        } else {
            self.sequence.on_delta(message.past_update_id, message.update_id)
        };
        let applied = match verdict {
            Verdict::Snapshot => {
                self.asks.clear();
                self.bids.clear();
                Applied::Snapshot
            }
            Verdict::Apply => Applied::Delta,
            Verdict::Gap => return Applied::Gap,
            Verdict::Stale => return Applied::Stale,
            Verdict::Duplicate | Verdict::Older => return Applied::Ignored,
        };
        // SAFETY: the caller vouches for the machine.
        unsafe {
            self.asks.apply::<K>(&message.asks, usize::from(self.depth), scratch);
            self.bids.apply::<K>(&message.bids, usize::from(self.depth), scratch);
        }
        self.timestamp_ns = message.timestamp_ns;
        self.ts_exch_ns = message.event_time_ns;
        self.recv_ns = recv_ns;
        match (self.best_bid(), self.best_ask()) {
            (Some((bid, _)), Some((ask, _))) if bid >= ask => {
                self.sequence.reset(); // B3
                Applied::Crossed
            }
            _ => applied,
        }
    }

    /// Bids as (ticks, lots), best first.
    pub fn bids(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.bids.levels().map(|(key, lots)| (-key, lots))
    }

    /// Asks as (ticks, lots), best first.
    pub fn asks(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.asks.levels()
    }

    /// Best bid as (ticks, lots).
    #[inline]
    #[must_use]
    pub fn best_bid(&self) -> Option<(i64, i64)> {
        self.bids.best().map(|(key, lots)| (-key, lots))
    }

    /// Best ask as (ticks, lots).
    #[inline]
    #[must_use]
    pub fn best_ask(&self) -> Option<(i64, i64)> {
        self.asks.best()
    }

    /// How many levels a side has.
    #[must_use]
    pub fn len(&self, side: Side) -> usize {
        match side {
            Side::Buy => self.bids.len(),
            Side::Sell => self.asks.len(),
        }
    }

    /// The venue's counter at the last message taken.
    #[must_use]
    pub const fn update_id(&self) -> i64 {
        self.sequence.update_id()
    }

    /// Whether the levels must not be trusted until the next snapshot.
    #[inline]
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.sequence.is_stale()
    }

    /// Decimals of a tick.
    #[must_use]
    pub const fn price_decimals(&self) -> i8 {
        self.price_decimals
    }

    /// Decimals of a lot.
    #[must_use]
    pub const fn amount_decimals(&self) -> i8 {
        self.amount_decimals
    }

    /// Most levels per side.
    #[must_use]
    pub const fn depth(&self) -> u16 {
        self.depth
    }

    /// When the venue sent the last message taken, ns since the epoch; 0 if it did not say.
    #[must_use]
    pub const fn ts_exch_ns(&self) -> i64 {
        self.ts_exch_ns
    }

    /// When the matching engine was in this state, ns since the epoch; 0 if the venue did not say.
    #[must_use]
    pub const fn timestamp_ns(&self) -> i64 {
        self.timestamp_ns
    }

    /// When the last message taken arrived, on the clock of the caller.
    #[must_use]
    pub const fn recv_ns(&self) -> i64 {
        self.recv_ns
    }

    /// Makes the book stale; the levels stay readable.
    pub fn reset(&mut self) {
        self.sequence.reset();
    }
}
