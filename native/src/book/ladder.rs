//! The levels of one side, and how a message's changes come into them.
//!
//! A side is kept best level first. A message's changes come in the same order, so one pass merges
//! them into a second buffer, sixteen levels at a time; then the buffers swap. No level is moved
//! twice and no load waits for a store of the same message. A few changes of amounts alone move
//! nothing. All books share the second buffer: it is warm, and a book weighs half as much.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

use crate::event::{Levels, MAX_LEVELS};
use crate::scan::{Kernel, Rank, LANES};

/// Up to this many changes of a side are tried as mere changes of amounts before anything is moved.
const FEW: usize = 2;
/// Levels of a side that are asked for ahead: most changes are among them.
const PREFETCHED: usize = 32;
/// Of which so many are in one cache line.
const LINE: usize = 8;
/// Ends every side; no price is that bad.
const WORST: i64 = i64::MAX;

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
pub(super) struct Ladder {
    now: Column,
}

impl Ladder {
    pub(super) fn new(depth: usize) -> Self {
        Self { now: Column::new(depth) }
    }

    pub(super) fn clear(&mut self) {
        self.now.cut(0);
    }

    pub(super) fn len(&self) -> usize {
        self.now.len
    }

    /// Asks for the levels next to the best one, which most of so many changes are about.
    #[inline(always)]
    pub(super) fn prefetch<K: Kernel>(&self, changes: usize) {
        K::prefetch(&raw const self.now.keys[0]);
        K::prefetch(&raw const self.now.lots[0]);
        if changes > FEW {
            for at in (LINE..PREFETCHED).step_by(LINE) {
                K::prefetch(&raw const self.now.keys[at]);
                K::prefetch(&raw const self.now.lots[at]);
            }
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

    pub(super) fn best(&self) -> Option<(i64, i64)> {
        (self.now.len > 0).then(|| (self.now.keys[0], self.now.lots[0]))
    }

    pub(super) fn levels(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let len = self.now.len;
        self.now.keys[..len].iter().copied().zip(self.now.lots[..len].iter().copied())
    }

    /// Applies the changes of a message; B1, B2.
    ///
    /// # Safety
    /// The machine has the kernel's instruction set.
    #[inline(always)]
    pub(super) unsafe fn apply<K: Kernel>(
        &mut self,
        levels: &Levels,
        depth: usize,
        scratch: &mut Scratch,
    ) {
        let (mut keys, mut lots) = levels.columns();
        if keys.is_empty() {
            return;
        }
        while !keys.is_empty() {
            // The venue sorts its changes; other orders are applied one change at a time.
            let run = if levels.is_sorted() { keys.len() } else { 1 };
            let (changed, amounts) = (&keys[..run], &lots[..run]);
            // SAFETY: the caller vouches for the machine; a run is sorted; a side holds at most
            // `depth` levels before a message and each change adds at most one.
            unsafe {
                if run > FEW || !self.now.resize::<K>(changed, amounts) {
                    merge::<K>(&self.now, &mut scratch.0, changed, amounts);
                    self.adopt(&mut scratch.0);
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
