//! The captured form of the ticker message, read from both ends.
//!
//! Owns the exact byte layout in which the venue prints a ticker, with a space after commas and
//! colons or without. Every byte is compared or converted: what is accepted here means the same to
//! the general reader, and whatever differs by one byte is left to that reader.
//!
//! ```text
//! ..."bookTicker_update", "params": [[1.5, 2.5, "M", 7, "1", "2", "3", "4"]], "id": null}
//! ------------- head ----------------|----- front ---->     <--- back ----|---- tail ---|
//! ```
//!
//! Nothing but the commas of two windows of 64 bytes has to be found: those behind the head part
//! the times, the market and the counter, those before the tail part the four numbers. Longer
//! frames are left to the general reader: names of more than 20 bytes, numbers of more than 50
//! together.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

use super::fast::lit;
use super::markets::Markets;
use super::Expect;
use crate::event::Top;
use crate::price;
use crate::scan::{Kernel, Scale, Scales, Tail};

const HEAD: &[u8] = b"{\"method\": \"bookTicker_update\", \"params\": [[";
const HEAD_COMPACT: &[u8] = b"{\"method\":\"bookTicker_update\",\"params\":[[";

/// The forms of a ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Spaced,
    Compact,
}

impl Form {
    /// The form that a frame has if it is a ticker: one word decides, and [`read`] verifies.
    #[inline(always)]
    pub(crate) fn guess(frame: &[u8]) -> Option<Self> {
        match frame.get(9..17)? {
            b": \"bookT" => Some(Self::Spaced),
            b":\"bookTi" => Some(Self::Compact),
            _ => None,
        }
    }
}

/// Bytes of a window.
const WINDOW: usize = 64;

/// Bytes that are known to be there.
///
/// # Safety
/// The frame has `N` bytes from `at` on.
#[inline(always)]
unsafe fn bytes<const N: usize>(frame: &[u8], at: usize) -> &[u8; N] {
    debug_assert!(at + N <= frame.len());
    // SAFETY: the caller's promise.
    unsafe { &*frame.as_ptr().add(at).cast() }
}

/// Places of the first `N` set bits, [`WINDOW`] for those that are missing.
#[inline(always)]
fn places<const N: usize>(mut bits: u64) -> [usize; N] {
    let mut places = [0; N];
    for place in &mut places {
        *place = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
    }
    places
}

/// Reads a ticker message in its captured form; `ahead` is told its market before the numbers are
/// read.
///
/// # Safety
/// The machine has the kernel's instruction set.
#[inline(always)]
pub(crate) unsafe fn read<K: Kernel, const SPACED: bool>(
    frame: &[u8],
    markets: &Markets,
    ahead: &impl Expect,
) -> Option<(u16, Top)> {
    let head = if SPACED { HEAD } else { HEAD_COMPACT };
    if !frame.starts_with(head) {
        return None;
    }
    let head = head.len();
    let end = lit!(b"\"]], \"id\": null}", b"\"]],\"id\":null}");
    // From a comma to what follows.
    let gap = if SPACED { 2 } else { 1 };
    let front: &[u8; WINDOW] = frame.get(head..)?.first_chunk()?;
    let (before, tail) = frame.split_at_checked(frame.len() - end.len())?;
    // With the last number's closing quote.
    let back: &[u8; WINDOW] = frame[..=before.len()].last_chunk()?;
    // SAFETY: the caller vouches for the machine, here and below.
    let (front_commas, back_commas) = unsafe { (K::commas(front), K::last_four(K::commas(back))) };
    if tail != end || back_commas.count_ones() != 4 {
        return None;
    }
    let [first, second, third] = places(front_commas);
    // SAFETY: as above.
    let strangers = unsafe { !K::digits(front) };
    if !has_times::<SPACED>(front, strangers, first, second) || third > WINDOW - 3 {
        return None;
    }
    // SAFETY: `second` is at least 24 and less than `third`, which is at most 61.
    let is_named = unsafe {
        if SPACED {
            bytes(front, second + 1) == b" \"" && bytes(front, third + 1) == b" "
        } else {
            bytes(front, second + 1) == b"\""
        }
    };
    // SAFETY: as above.
    if !is_named || unsafe { bytes(front, third - 1) } != b"\"" {
        return None;
    }
    // SAFETY: as above.
    let time_ns = unsafe { K::nanoseconds(bytes(front, 0), first - 11) };
    // SAFETY: as above; before the front stands a head of more than 16 bytes.
    let (market, scales) = unsafe {
        let name = second + gap + 1;
        let len = (third - 1).wrapping_sub(name);
        markets.find_in(*bytes(frame, head + name), bytes(frame, head + third - 17), len)?
    };
    ahead.expect::<K>(market, 2);
    // Up to the comma before the bid.
    let counted = before.len() + 1 - WINDOW + back_commas.trailing_zeros() as usize;
    // SAFETY: with the front in the frame, the back begins less than 16 bytes before the head's
    // end, which is more than 40 behind the frame's beginning; where the comma stands before the
    // market's end the length is none at all.
    let update_id = unsafe {
        let len = counted.wrapping_sub(head + third + gap);
        K::integer(bytes(frame, counted - 16), len)?
    };
    // SAFETY: as above; behind the back stands the tail.
    let numbers = unsafe { numbers::<K, SPACED>(frame, back, back_commas, before.len(), scales) };
    let [bid, bid_amount, ask, ask_amount] = match numbers {
        Some(numbers) => numbers,
        None => unusual::<SPACED>(back, back_commas, scales)?,
    };
    Some((market, Top { bid, bid_amount, ask, ask_amount, update_id, time_ns }))
}

/// Whether the commas before the four numbers stand between quotes, the first one before one.
///
/// # Safety
/// Around each comma the frame has three bytes more.
#[inline(always)]
unsafe fn is_separated<const SPACED: bool>(frame: &[u8], [a, b, c, d]: [usize; 4]) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if SPACED {
            bytes(frame, a + 1) == b" \""
                && bytes(frame, b - 1) == b"\", \""
                && bytes(frame, c - 1) == b"\", \""
                && bytes(frame, d - 1) == b"\", \""
        } else {
            bytes(frame, a + 1) == b"\""
                && bytes(frame, b - 1) == b"\",\""
                && bytes(frame, c - 1) == b"\",\""
                && bytes(frame, d - 1) == b"\",\""
        }
    }
}

/// Whether two times stand where they should; the second one, that of sending, nobody needs.
#[inline(always)]
fn has_times<const SPACED: bool>(
    front: &[u8; WINDOW],
    strangers: u64,
    first: usize,
    second: usize,
) -> bool {
    let gap = if SPACED { 2 } else { 1 };
    let (start, point) = (first + gap, first + gap + 10);
    // Ten digits, a point, and from one to sixteen digits.
    if first.wrapping_sub(12) > 15 || second.wrapping_sub(point + 2) > 15 {
        return false;
    }
    let separator = if SPACED { 3 << first } else { 1 << first };
    front[10] == b'.'
        && front[point] == b'.'
        && front[start - 1] == if SPACED { b' ' } else { b',' }
        && (front[0].wrapping_sub(b'1') | front[start].wrapping_sub(b'1')) < 8
        && strangers & ((1 << second) - 1) == 1 << 10 | separator | 1 << point
}

/// The four numbers behind these commas of the back, which ends with the quote at `end`; none if
/// they are not of the usual form.
///
/// # Safety
/// The machine has the kernel's instruction set; the back stands behind the head.
#[inline(always)]
unsafe fn numbers<K: Kernel, const SPACED: bool>(
    frame: &[u8],
    back: &[u8; WINDOW],
    commas: u64,
    end: usize,
    scales: Scales,
) -> Option<[i64; 4]> {
    // SAFETY: the caller's promises.
    unsafe {
        if K::READS_TOPS {
            K::top::<SPACED>(back, commas, scales)
        } else {
            levels::<K, SPACED>(frame, end, commas, scales)
        }
    }
}

/// The same by one level after the other.
///
/// # Safety
/// The machine has the kernel's instruction set; the window of the commas, which ends with the
/// quote at `end`, stands behind the head.
#[inline(always)]
unsafe fn levels<K: Kernel, const SPACED: bool>(
    frame: &[u8],
    end: usize,
    commas: u64,
    scales: Scales,
) -> Option<[i64; 4]> {
    let gap = if SPACED { 3 } else { 2 };
    let [a, b, c, d] = places(commas).map(|place: usize| end + 1 - WINDOW + place);
    // SAFETY: the caller's promises.
    unsafe {
        if !is_separated::<SPACED>(frame, [a, b, c, d]) {
            return None;
        }
        let bid = text(frame, a + gap, b - 1);
        let (bid, bid_amount) = K::level(bid, text(frame, b + gap, c - 1), scales)?;
        let ask = text(frame, c + gap, d - 1);
        let (ask, ask_amount) = K::level(ask, text(frame, d + gap, end), scales)?;
        Some([bid, bid_amount, ask, ask_amount])
    }
}

/// The text between two places.
///
/// # Safety
/// It ends behind the head and within the frame.
#[inline(always)]
unsafe fn text(frame: &[u8], start: usize, end: usize) -> Tail<'_> {
    // SAFETY: the caller's promise; a head is longer than the window.
    Tail { window: unsafe { bytes(frame, end - 16) }, len: end.wrapping_sub(start) }
}

/// What the kernels declined: converted exactly, or left to the general reader.
#[cold]
#[inline(never)]
fn unusual<const SPACED: bool>(
    back: &[u8; WINDOW],
    commas: u64,
    scales: Scales,
) -> Option<[i64; 4]> {
    let [a, b, c, d] = places(commas);
    let (open, part) = (lit!(b", \"", b",\""), lit!(b"\", \"", b"\",\""));
    let is_parted = |place: usize| back[place - 1..].starts_with(part);
    if !back[a..].starts_with(open) || ![b, c, d].into_iter().all(is_parted) {
        return None;
    }
    let number = |start: usize, end: usize, scale: Scale| {
        let number = price::parse(back.get(start + open.len()..end)?, scale.decimals).ok();
        number.filter(|number| *number >= 0)
    };
    Some([
        number(a, b - 1, scales.price)?,
        number(b, c - 1, scales.amount)?,
        number(c, d - 1, scales.price)?,
        number(d, WINDOW - 1, scales.amount)?,
    ])
}
