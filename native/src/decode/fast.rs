//! The captured form of the two hot messages, read without walking.
//!
//! Owns the exact byte layout in which the venue prints depth and ticker messages, with a space
//! after commas and colons or without. Every byte is compared or converted: what is accepted here
//! means the same to the general reader, and whatever differs by one byte is left to that reader.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

use super::markets::Markets;
use super::Expect;
use crate::event::{Depth, Levels};
use crate::price;
use crate::scan::{Kernel, Scale, Scales, Tail, Tokens, MAX_FAST_FRAME};

/// A literal of the spaced form, or the same without spaces.
macro_rules! lit {
    ($spaced:literal, $compact:literal) => {
        if SPACED {
            $spaced.as_slice()
        } else {
            $compact.as_slice()
        }
    };
}
pub(super) use lit;

const DEPTH: &[u8] = b"{\"method\": \"depth_update\", \"params\": [";
const DEPTH_COMPACT: &[u8] = b"{\"method\":\"depth_update\",\"params\":[";

/// Quotes in each of the heads above.
const HEAD_QUOTES: usize = 6;
/// Length of the shortest head. A quote behind a head has at least this many bytes before it.
const HEAD_LEN: usize = DEPTH_COMPACT.len();

/// A frame and the positions of its quotes, read from left to right.
struct Reader<'a> {
    frame: &'a [u8],
    quotes: &'a [u16],
    /// The byte to be read next; at or behind the head's end.
    at: usize,
    /// Index of the first quote at or after it.
    next: usize,
}

impl<'a> Reader<'a> {
    /// Scans a frame and stands behind its head.
    #[inline(always)]
    unsafe fn behind<K: Kernel>(head: &[u8], frame: &'a [u8], tokens: &'a mut Tokens) -> Self {
        // SAFETY: the caller vouches for the machine.
        unsafe { K::quotes(frame, tokens) };
        Self { frame, quotes: tokens.positions(), at: head.len(), next: HEAD_QUOTES }
    }

    /// Position of the next quote.
    #[inline(always)]
    fn quote(&self) -> Option<usize> {
        self.quotes.get(self.next).map(|at| usize::from(*at))
    }

    /// The bytes that end before `end`.
    ///
    /// # Safety
    /// `end` is the position of a quote behind the head, or such a position less at most three.
    #[inline(always)]
    unsafe fn before(&self, end: usize) -> &'a [u8; 16] {
        const { assert!(HEAD_LEN >= 16 + 3) };
        debug_assert!(end >= 16 && end <= self.frame.len());
        // SAFETY: the head lies before `end`, and the frame does not end before its quotes.
        unsafe { &*self.frame.as_ptr().add(end - 16).cast() }
    }

    /// Consumes a literal that holds `quotes` quotes.
    #[inline(always)]
    fn literal(&mut self, text: &[u8], quotes: usize) -> Option<()> {
        let found = self.is_at(text);
        self.at += text.len();
        self.next += quotes;
        found.then_some(())
    }

    /// Whether the next bytes are this literal.
    #[inline(always)]
    fn is_at(&self, text: &[u8]) -> bool {
        self.frame.get(self.at..self.at + text.len()) == Some(text)
    }

    /// Consumes an integer that ends `gap` bytes before the next quote; at most three.
    #[inline(always)]
    unsafe fn integer<K: Kernel>(&mut self, gap: usize) -> Option<i64> {
        let end = self.quote()? - gap;
        let len = end.wrapping_sub(self.at);
        self.at = end;
        // SAFETY: `end` is a quote behind the head, less the gap; the caller vouches for the
        // machine.
        unsafe { K::integer(self.before(end), len) }
    }

    /// Consumes seconds that end before `end`.
    #[inline(always)]
    unsafe fn seconds<K: Kernel>(&mut self, end: usize) -> Option<i64> {
        let window = self.frame.get(self.at..self.at + 27)?.first_chunk()?;
        let len = end.wrapping_sub(self.at);
        self.at = end;
        // SAFETY: the caller vouches for the machine.
        unsafe { K::seconds(window, len) }
    }

    /// Consumes the market's name and stands on the quote behind it.
    #[inline(always)]
    fn market(&mut self, markets: &Markets) -> Option<(u16, Scales)> {
        let end = self.quote()?;
        let len = end.wrapping_sub(self.at);
        let head = self.frame.get(self.at..)?.first_chunk()?;
        self.at = end;
        // SAFETY: `end` is a quote behind the head.
        markets.find_in(*head, unsafe { self.before(end) }, len)
    }

    /// The decimal between two quotes.
    ///
    /// # Safety
    /// The quotes stand behind the head, the first before the second.
    #[inline(always)]
    unsafe fn decimal(&self, open: u16, close: u16) -> Tail<'a> {
        let (start, end) = (usize::from(open) + 1, usize::from(close));
        // SAFETY: `end` is a quote behind the head.
        Tail { window: unsafe { self.before(end) }, len: end - start }
    }

    /// A price and an amount between four quotes.
    ///
    /// # Safety
    /// The machine has the kernel's instruction set; the quotes stand behind the head, in order.
    #[inline(always)]
    unsafe fn level<K: Kernel>(&self, quotes: [u16; 4], scales: Scales) -> Option<(i64, i64)> {
        let [a, b, c, d] = quotes;
        // SAFETY: the caller's promises.
        let level = unsafe { K::level(self.decimal(a, b), self.decimal(c, d), scales) };
        if level.is_some() {
            return level;
        }
        unusual(self.frame, quotes, scales)
    }

    /// Consumes `]`, or levels and their closing bracket. `sign` makes keys from prices.
    #[inline(always)]
    unsafe fn levels<K: Kernel, const SPACED: bool>(
        &mut self,
        scales: Scales,
        sign: i64,
        out: &mut Levels,
    ) -> Option<()> {
        if self.is_at(b"]") {
            self.at += 1;
            return Some(());
        }
        if !self.is_at(b"[\"") {
            return None;
        }
        loop {
            let quotes = *self.quotes.get(self.next..self.next + 4)?.first_chunk()?;
            let [_, between, _, behind] = quotes.map(usize::from);
            let end = self.frame.get(behind..behind + 8)?;
            let between = self.frame.get(between..between + 4)?;
            if !between.starts_with(lit!(b"\", \"", b"\",\"")) {
                return None;
            }
            // SAFETY: the quotes stand behind the head, in order; the caller vouches for the
            // machine.
            let (price, lots) = unsafe { self.level::<K>(quotes, scales)? };
            if price <= 0 || price == i64::MAX || lots < 0 || !out.push(sign * price, lots) {
                return None;
            }
            self.next += 4;
            if !end.starts_with(lit!(b"\"], [\"", b"\"],[\"")) {
                self.at = behind + 3;
                return end.starts_with(b"\"]]").then_some(());
            }
        }
    }
}

/// A level that the kernels declined: converted exactly, or left to the general reader.
#[cold]
#[inline(never)]
fn unusual(frame: &[u8], quotes: [u16; 4], scales: Scales) -> Option<(i64, i64)> {
    let [a, b, c, d] = quotes.map(usize::from);
    let number = |text: Option<&[u8]>, scale: Scale| price::parse(text?, scale.decimals).ok();
    let price = number(frame.get(a + 1..b), scales.price)?;
    Some((price, number(frame.get(c + 1..d), scales.amount)?))
}

/// Reads a depth message from behind its head.
///
/// # Safety
/// The machine has the kernel's instruction set.
#[inline(always)]
unsafe fn depth<K: Kernel, const SPACED: bool>(
    mut reader: Reader<'_>,
    markets: &Markets,
    out: &mut Depth,
    ahead: &impl Expect,
) -> Option<u16> {
    let gap = if SPACED { 2 } else { 1 };
    // The market stands at the end, but its scales are needed from the start.
    let last = reader.quotes.len().checked_sub(4).filter(|last| *last >= HEAD_QUOTES + 6)?;
    let mut tail = Reader { next: last + 1, at: usize::from(reader.quotes[last]) + 1, ..reader };
    let (market, scales) = tail.market(markets)?;
    if reader.frame.get(tail.at..)? != lit!(b"\"], \"id\": null}", b"\"],\"id\":null}") {
        return None;
    }
    ahead.expect::<K>(market, (last - HEAD_QUOTES - 6) / 4);
    out.asks.clear();
    out.bids.clear();
    out.snapshot = reader.is_at(b"true");
    if out.snapshot {
        reader.literal(lit!(b"true, {\"timestamp\": ", b"true,{\"timestamp\":"), 2)?;
    } else {
        reader.literal(lit!(b"false, {\"timestamp\": ", b"false,{\"timestamp\":"), 2)?;
    }
    // SAFETY: the caller vouches for the machine, here and below.
    out.timestamp_ns = unsafe { reader.seconds::<K>(reader.quote()? - gap)? };
    reader.literal(lit!(b", \"update_id\": ", b",\"update_id\":"), 2)?;
    // SAFETY: as above.
    out.update_id = unsafe { reader.integer::<K>(gap)? };
    out.past_update_id = 0;
    if !out.snapshot {
        reader.literal(lit!(b", \"past_update_id\": ", b",\"past_update_id\":"), 2)?;
        // SAFETY: as above.
        out.past_update_id = unsafe { reader.integer::<K>(gap)? };
    }
    if reader.is_at(lit!(b", \"asks\": [", b",\"asks\":[")) {
        reader.literal(lit!(b", \"asks\": [", b",\"asks\":["), 2)?;
        // SAFETY: as above.
        unsafe { reader.levels::<K, SPACED>(scales, 1, &mut out.asks)? };
    }
    if reader.is_at(lit!(b", \"bids\": [", b",\"bids\":[")) {
        reader.literal(lit!(b", \"bids\": [", b",\"bids\":["), 2)?;
        // SAFETY: as above.
        unsafe { reader.levels::<K, SPACED>(scales, -1, &mut out.bids)? };
    }
    reader.literal(lit!(b", \"event_time\": ", b",\"event_time\":"), 2)?;
    // SAFETY: as above.
    out.event_time_ns = unsafe { reader.seconds::<K>(reader.quote()? - gap - 1)? };
    reader.literal(lit!(b"}, \"", b"},\""), 1)?;
    (reader.next == last + 1).then_some(market)
}

/// Reads a frame if it is one of the hot messages in its captured form.
///
/// # Safety
/// The machine has the kernel's instruction set.
#[inline(always)]
pub(super) unsafe fn read<K: Kernel>(
    frame: &[u8],
    tokens: &mut Tokens,
    markets: &Markets,
    out: &mut Depth,
    ahead: &impl Expect,
) -> Option<u16> {
    if frame.len() >= MAX_FAST_FRAME {
        return None;
    }
    // SAFETY: the caller vouches for the machine.
    unsafe {
        if frame.starts_with(DEPTH) {
            depth::<K, true>(Reader::behind::<K>(DEPTH, frame, tokens), markets, out, ahead)
        } else if frame.starts_with(DEPTH_COMPACT) {
            depth::<K, false>(
                Reader::behind::<K>(DEPTH_COMPACT, frame, tokens),
                markets,
                out,
                ahead,
            )
        } else {
            None
        }
    }
}
