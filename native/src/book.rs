//! The order book of one market.
//!
//! Owns the levels and their freshness. Knows no bytes and no market names. Invariant: each side is
//! strictly sorted, holds at most `depth` levels of positive amount, and a book that is not stale
//! is not crossed and is the venue's state `update_id`.
//!
//! A side is kept best level first. A message's changes come in the same order, so one pass merges
//! them into a second buffer, sixteen levels at a time; then the buffers swap. No level is moved
//! twice and no load waits for a store of the same message. A few changes of amounts alone move
//! nothing. All books share the second buffer: it is warm, and a book weighs half as much.
//!
//! Venue rules obeyed here:
//!
//! * **B1** An amount is the level's new size, not a difference; zero removes it.
//! * **B2** After each message only the subscribed number of levels is kept: a level that was
//!   pushed out of the window may never be removed by name.
//! * **B3** A crossed book cannot be real; something was lost.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

use crate::event::{Depth, Levels, Side, MAX_LEVELS};
use crate::price::MAX_DECIMALS;
use crate::scan::{Kernel, Rank, LANES};
use crate::sequence::{Sequence, Verdict};

/// Most levels of a side that a book can keep.
pub const MAX_DEPTH: u16 = 1000;
/// Up to this many changes of a side are tried as mere changes of amounts before anything is moved.
const FEW: usize = 2;
/// Levels of a side that are asked for ahead: most changes are among them.
const PREFETCHED: usize = 32;
/// Of which so many are in one cache line.
const LINE: usize = 8;
/// Ends every side; no price is that bad.
const WORST: i64 = i64::MAX;

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

/// One buffer of a side: keys ascending from the best level, closed by [`WORST`].
#[derive(Debug)]
struct Column {
    keys: Box<[i64]>,
    lots: Box<[i64]>,
    len: usize,
}

impl Column {
    /// Within one message a side may grow by all its changes before it is cut.
    const fn room(depth: usize) -> usize {
        depth + MAX_LEVELS + 2 * LANES
    }

    fn new(depth: usize) -> Self {
        let column = |value| vec![value; Self::room(depth)].into_boxed_slice();
        Self { keys: column(WORST), lots: column(0), len: 0 }
    }

    /// Sets the amounts of levels; stops, and tells so, at the first that has to come or go.
    ///
    /// # Safety
    /// The machine has the kernel's instruction set, the keys are ascending and below [`WORST`].
    #[inline(always)]
    unsafe fn resize<K: Kernel>(&mut self, keys: &[i64], lots: &[i64]) -> bool {
        let mut at = 0;
        for (key, amount) in keys.iter().zip(lots) {
            let equal = loop {
                // SAFETY: `at` is at most `len`, and the buffer has two LANES behind that; the
                // caller vouches for the machine.
                let Rank { before, equal } =
                    unsafe { K::rank(&*self.keys.as_ptr().add(at).cast::<[i64; LANES]>(), *key) };
                at += before;
                if before < LANES {
                    break equal;
                }
            };
            if !equal || *amount == 0 {
                return false;
            }
            self.lots[at] = *amount;
        }
        true
    }

    fn cut(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.keys[self.len] = WORST;
    }
}

/// The buffer that the next merge writes, for all books of a feed.
#[derive(Debug)]
pub(crate) struct Scratch(Column);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(Column::new(0))
    }

    /// Makes it as large as the buffers of a book of this depth.
    pub(crate) fn grow(&mut self, depth: u16) {
        if self.0.keys.len() < Column::room(usize::from(depth)) {
            self.0 = Column::new(usize::from(depth));
        }
    }
}

/// One side.
#[derive(Debug)]
struct Ladder {
    now: Column,
}

impl Ladder {
    fn new(depth: usize) -> Self {
        Self { now: Column::new(depth) }
    }

    /// Asks for the levels next to the best one, which most changes are about.
    #[inline(always)]
    fn prefetch<K: Kernel>(&self) {
        for at in (0..PREFETCHED).step_by(LINE) {
            K::prefetch(&raw const self.now.keys[at]);
            K::prefetch(&raw const self.now.lots[at]);
        }
    }

    /// Makes what a merge wrote the current buffer.
    #[inline(always)]
    fn adopt(&mut self, next: &mut Column) {
        if next.keys.len() == self.now.keys.len() {
            core::mem::swap(&mut self.now, next);
        } else {
            self.copy(next);
        }
    }

    /// The same where books of another depth made the shared buffer larger.
    #[cold]
    fn copy(&mut self, next: &Column) {
        // With the end marker; behind it nothing is looked at.
        let end = next.len + 1;
        self.now.keys[..end].copy_from_slice(&next.keys[..end]);
        self.now.lots[..end].copy_from_slice(&next.lots[..end]);
        self.now.len = next.len;
    }

    fn best(&self) -> Option<(i64, i64)> {
        (self.now.len > 0).then(|| (self.now.keys[0], self.now.lots[0]))
    }

    fn levels(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let len = self.now.len;
        self.now.keys[..len].iter().copied().zip(self.now.lots[..len].iter().copied())
    }

    /// Applies the changes of a message; B1, B2.
    ///
    /// # Safety
    /// The machine has the kernel's instruction set.
    #[inline(always)]
    unsafe fn apply<K: Kernel>(&mut self, levels: &Levels, depth: usize, next: &mut Column) {
        let (mut keys, mut lots) = levels.columns();
        while !keys.is_empty() {
            // The venue sorts its changes; other orders are applied one change at a time.
            let run = if levels.is_sorted() { keys.len() } else { 1 };
            let (changed, amounts) = (&keys[..run], &lots[..run]);
            // SAFETY: the caller vouches for the machine; a run is sorted; a side holds at most
            // `depth` levels before a message and each change adds at most one.
            unsafe {
                if run > FEW || !self.now.resize::<K>(changed, amounts) {
                    merge::<K>(&self.now, next, changed, amounts);
                    self.adopt(next);
                }
            }
            (keys, lots) = (&keys[run..], &lots[run..]);
        }
        self.now.cut(depth);
    }
}

/// Writes `from` with the changes applied to `to`.
///
/// # Safety
/// The machine has the kernel's instruction set, the keys are strictly ascending and below
/// [`WORST`], and `from.len + keys.len() + 2 * LANES` does not exceed the buffers.
#[inline(always)]
unsafe fn merge<K: Kernel>(from: &Column, to: &mut Column, keys: &[i64], lots: &[i64]) {
    let (mut read, mut write) = (0, 0);
    let (old_keys, old_lots) = (from.keys.as_ptr(), from.lots.as_ptr());
    let (new_keys, new_lots) = (to.keys.as_mut_ptr(), to.lots.as_mut_ptr());
    // SAFETY: `read` stays within `from.len` and `write` within `from.len + keys.len()`, and both
    // buffers have LANES more than that; the buffers are distinct.
    unsafe {
        for (key, amount) in keys.iter().zip(lots) {
            let equal = loop {
                let lanes = &*old_keys.add(read).cast::<[i64; LANES]>();
                let Rank { before, equal } = K::rank(lanes, *key);
                *new_keys.add(write).cast::<[i64; LANES]>() = *lanes;
                *new_lots.add(write).cast::<[i64; LANES]>() =
                    *old_lots.add(read).cast::<[i64; LANES]>();
                read += before;
                write += before;
                if before < LANES {
                    break equal;
                }
            };
            *new_keys.add(write) = *key;
            *new_lots.add(write) = *amount;
            read += usize::from(equal);
            write += usize::from(*amount != 0);
        }
        to.len = write + (from.len - read);
        while read < from.len {
            *new_keys.add(write).cast::<[i64; LANES]>() = *old_keys.add(read).cast();
            *new_lots.add(write).cast::<[i64; LANES]>() = *old_lots.add(read).cast();
            read += LANES;
            write += LANES;
        }
        *new_keys.add(to.len) = WORST;
    }
}

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

    /// Asks for the memory that the next message will change, while that is still being read.
    #[inline(always)]
    pub(crate) fn prefetch<K: Kernel>(&self) {
        self.asks.prefetch::<K>();
        self.bids.prefetch::<K>();
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
                self.asks.now.cut(0);
                self.bids.now.cut(0);
                Applied::Snapshot
            }
            Verdict::Apply => Applied::Delta,
            Verdict::Gap => return Applied::Gap,
            Verdict::Stale => return Applied::Stale,
            Verdict::Duplicate | Verdict::Older => return Applied::Ignored,
        };
        // SAFETY: the caller vouches for the machine.
        unsafe {
            self.asks.apply::<K>(&message.asks, usize::from(self.depth), &mut scratch.0);
            self.bids.apply::<K>(&message.bids, usize::from(self.depth), &mut scratch.0);
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
            Side::Buy => self.bids.now.len,
            Side::Sell => self.asks.now.len,
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
