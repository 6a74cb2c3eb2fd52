//! The captured form of the two hot messages, read without walking.
//!
//! Owns the exact byte layout in which the venue prints depth and ticker messages, with a space after
//! commas and colons or without. Every byte is compared or converted: what is accepted here means the
//! same to the general reader, and whatever differs by one byte is left to that reader.

use super::markets::Markets;
use crate::event::{Depth, Levels, Top};
use crate::price;
use crate::scan::{Kernel, Scale, Tokens, DECLINED, MAX_FAST_FRAME};

/// What was read.
pub(super) enum Hot {
    Depth(usize),
    Ticker(usize),
}

/// A literal of the spaced form; the compact form is the same without spaces.
macro_rules! lit {
    ($spaced:literal, $compact:literal) => {
        if SPACED {
            $spaced.as_slice()
        } else {
            $compact.as_slice()
        }
    };
}

/// A frame and the positions of its quotes, read from left to right.
struct Reader<'a> {
    frame: &'a [u8],
    quotes: &'a [u16],
    /// The byte to be read next.
    at: usize,
    /// The quote at or after it.
    next: usize,
}

impl<'a> Reader<'a> {
    /// Scans a frame and stands behind its head, which holds six quotes.
    #[inline(always)]
    unsafe fn behind<K: Kernel>(head: &[u8], frame: &'a [u8], tokens: &'a mut Tokens) -> Self {
        // SAFETY: the caller vouches for the machine.
        unsafe { K::quotes(frame, tokens) };
        Self {
            frame,
            quotes: tokens.positions(),
            at: head.len(),
            next: 6,
        }
    }

    #[inline(always)]
    fn quote(&self, n: usize) -> Option<usize> {
        self.quotes.get(self.next + n).map(|at| usize::from(*at))
    }

    /// Consumes a literal that holds `quotes` quotes.
    #[inline(always)]
    fn literal(&mut self, text: &[u8], quotes: usize) -> Option<()> {
        let found = self.frame.get(self.at..self.at + text.len())? == text;
        self.at += text.len();
        self.next += quotes;
        found.then_some(())
    }

    /// Whether the next bytes are this literal.
    #[inline(always)]
    fn is_at(&self, text: &[u8]) -> bool {
        self.frame
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(text))
    }

    /// Moves on to `gap` bytes before the next quote and returns what was skipped.
    #[inline(always)]
    fn until(&mut self, gap: usize) -> Option<&'a [u8]> {
        let end = self.quote(0)?.checked_sub(gap)?;
        let text = self.frame.get(self.at..end)?;
        self.at = end;
        Some(text)
    }

    /// An integer that ends `gap` bytes before the next quote.
    #[inline(always)]
    unsafe fn integer<K: Kernel>(&mut self, gap: usize) -> Option<i64> {
        let text = self.until(gap)?;
        let window = self.frame.get(..self.at)?.last_chunk::<16>()?;
        // SAFETY: the caller vouches for the machine.
        let value = unsafe { K::integer(window, text.len()) };
        (value != DECLINED).then_some(value)
    }

    /// Seconds of `len` bytes from here on.
    #[inline(always)]
    unsafe fn seconds<K: Kernel>(&mut self, len: usize) -> Option<i64> {
        let window = self.frame.get(self.at..)?.first_chunk::<27>()?;
        self.at += len;
        // SAFETY: the caller vouches for the machine.
        let value = unsafe { K::seconds(window, len) };
        (value != DECLINED).then_some(value)
    }

    /// Seconds that end `gap` bytes before the next quote.
    #[inline(always)]
    unsafe fn seconds_until<K: Kernel>(&mut self, gap: usize) -> Option<i64> {
        let len = self.quote(0)?.checked_sub(gap)?.checked_sub(self.at)?;
        // SAFETY: the caller vouches for the machine.
        unsafe { self.seconds::<K>(len) }
    }
}

/// The decimal between two quotes.
#[inline(always)]
unsafe fn number<K: Kernel>(frame: &[u8], open: u16, close: u16, scale: &Scale) -> Option<i64> {
    let (start, end) = (usize::from(open) + 1, usize::from(close));
    let window = frame.get(start..)?.first_chunk::<16>()?;
    // SAFETY: the caller vouches for the machine.
    let value = unsafe { K::number(window, end.wrapping_sub(start), scale) };
    if value == DECLINED {
        return unusual(frame.get(start..end)?, scale);
    }
    Some(value)
}

#[cold]
#[inline(never)]
fn unusual(text: &[u8], scale: &Scale) -> Option<i64> {
    price::parse(text, scale.decimals).ok()
}

/// Reads `]` or levels up to and including their closing bracket. `sign` makes keys from prices.
#[inline(always)]
unsafe fn levels<K: Kernel, const SPACED: bool>(
    reader: &mut Reader<'_>,
    scales: &super::markets::Scales,
    sign: i64,
    out: &mut Levels,
) -> Option<()> {
    if reader.is_at(b"]") {
        reader.at += 1;
        return Some(());
    }
    if !reader.is_at(b"[\"") {
        return None;
    }
    let frame = reader.frame;
    loop {
        let [a, b, c, d] = *reader.quotes.get(reader.next..)?.first_chunk::<4>()?;
        let between = frame.get(usize::from(b)..)?.first_chunk::<4>()?;
        let behind = frame.get(usize::from(d)..)?.first_chunk::<8>()?;
        if !between.starts_with(lit!(b"\", \"", b"\",\"")) {
            return None;
        }
        // SAFETY: the caller vouches for the machine.
        let (price, lots) = unsafe {
            (
                number::<K>(frame, a, b, &scales.price)?,
                number::<K>(frame, c, d, &scales.amount)?,
            )
        };
        if price <= 0 || price == i64::MAX || lots < 0 || !out.push(sign * price, lots) {
            return None;
        }
        reader.next += 4;
        if !behind.starts_with(lit!(b"\"], [\"", b"\"],[\"")) {
            reader.at = usize::from(d) + 3;
            return behind.starts_with(b"\"]]").then_some(());
        }
    }
}

#[inline(always)]
unsafe fn depth<K: Kernel, const SPACED: bool>(
    mut reader: Reader<'_>,
    markets: &Markets,
    out: &mut Depth,
) -> Option<Hot> {
    // The market stands at the end but its scales are needed from the start.
    let tail = reader.quotes.last_chunk::<4>()?;
    let name = usize::from(tail[0]) + 1..usize::from(tail[1]);
    let market = markets.find(reader.frame.get(name)?)?;
    let scales = markets.scales(market);
    let gap = if SPACED { 2 } else { 1 };
    out.asks.clear();
    out.bids.clear();
    out.snapshot = reader.is_at(b"true");
    if out.snapshot {
        reader.literal(lit!(b"true, {\"timestamp\": ", b"true,{\"timestamp\":"), 2)?;
    } else {
        reader.literal(
            lit!(b"false, {\"timestamp\": ", b"false,{\"timestamp\":"),
            2,
        )?;
    }
    // SAFETY: the caller vouches for the machine, here and below.
    out.timestamp_ns = unsafe { reader.seconds_until::<K>(gap)? };
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
        unsafe { levels::<K, SPACED>(&mut reader, scales, 1, &mut out.asks)? };
    }
    if reader.is_at(lit!(b", \"bids\": [", b",\"bids\":[")) {
        reader.literal(lit!(b", \"bids\": [", b",\"bids\":["), 2)?;
        // SAFETY: as above.
        unsafe { levels::<K, SPACED>(&mut reader, scales, -1, &mut out.bids)? };
    }
    reader.literal(lit!(b", \"event_time\": ", b",\"event_time\":"), 2)?;
    // SAFETY: as above.
    out.event_time_ns = unsafe { reader.seconds_until::<K>(gap + 1)? };
    reader.literal(lit!(b"}, \"", b"},\""), 1)?;
    if reader.next + 3 != reader.quotes.len() {
        return None;
    }
    reader.until(0)?;
    let end = reader.frame.get(reader.at..)? == lit!(b"\"], \"id\": null}", b"\"],\"id\":null}");
    end.then_some(Hot::Depth(market))
}

#[inline(always)]
unsafe fn ticker<K: Kernel, const SPACED: bool>(
    mut reader: Reader<'_>,
    markets: &Markets,
    out: &mut Top,
) -> Option<Hot> {
    let frame = reader.frame;
    let gap = if SPACED { 2 } else { 1 };
    let window = frame.get(reader.at..)?.first_chunk::<32>()?;
    // SAFETY: the caller vouches for the machine, here and below.
    out.time_ns = unsafe { reader.seconds::<K>(K::comma(window))? };
    reader.literal(lit!(b", ", b","), 0)?;
    // SAFETY: as above. The time of sending is checked, but nobody needs it.
    unsafe { reader.seconds_until::<K>(gap)? };
    reader.literal(lit!(b", \"", b",\""), 1)?;
    let market = markets.find(reader.until(0)?)?;
    let scales = markets.scales(market);
    reader.literal(lit!(b"\", ", b"\","), 1)?;
    // SAFETY: as above.
    out.update_id = unsafe { reader.integer::<K>(gap)? };
    reader.literal(lit!(b", ", b","), 0)?;
    let [a, b, c, d, e, f, g, h] = *reader.quotes.get(reader.next..)?.first_chunk::<8>()?;
    for close in [b, d, f] {
        reader.at = usize::from(close);
        reader.literal(lit!(b"\", \"", b"\",\""), 0)?;
    }
    // SAFETY: as above.
    unsafe {
        out.bid = number::<K>(frame, a, b, &scales.price)?;
        out.bid_amount = number::<K>(frame, c, d, &scales.amount)?;
        out.ask = number::<K>(frame, e, f, &scales.price)?;
        out.ask_amount = number::<K>(frame, g, h, &scales.amount)?;
    }
    if out.bid < 0 || out.bid_amount < 0 || out.ask < 0 || out.ask_amount < 0 {
        return None;
    }
    let end = frame.get(usize::from(h)..)? == lit!(b"\"]], \"id\": null}", b"\"]],\"id\":null}");
    end.then_some(Hot::Ticker(market))
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
    depth_out: &mut Depth,
    top_out: &mut Top,
) -> Option<Hot> {
    const DEPTH: &[u8] = b"{\"method\": \"depth_update\", \"params\": [";
    const DEPTH_COMPACT: &[u8] = b"{\"method\":\"depth_update\",\"params\":[";
    const TICKER: &[u8] = b"{\"method\": \"bookTicker_update\", \"params\": [[";
    const TICKER_COMPACT: &[u8] = b"{\"method\":\"bookTicker_update\",\"params\":[[";
    if frame.len() >= MAX_FAST_FRAME {
        return None;
    }
    // SAFETY: the caller vouches for the machine.
    unsafe {
        if frame.starts_with(DEPTH) {
            depth::<K, true>(
                Reader::behind::<K>(DEPTH, frame, tokens),
                markets,
                depth_out,
            )
        } else if frame.starts_with(TICKER) {
            ticker::<K, true>(Reader::behind::<K>(TICKER, frame, tokens), markets, top_out)
        } else if frame.starts_with(DEPTH_COMPACT) {
            depth::<K, false>(
                Reader::behind::<K>(DEPTH_COMPACT, frame, tokens),
                markets,
                depth_out,
            )
        } else if frame.starts_with(TICKER_COMPACT) {
            ticker::<K, false>(
                Reader::behind::<K>(TICKER_COMPACT, frame, tokens),
                markets,
                top_out,
            )
        } else {
            None
        }
    }
}
