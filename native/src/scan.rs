//! The few operations that are worth vector instructions, once for each instruction set.
//!
//! Owns the choice of the instruction set and its kernels: finding quotes, converting digits,
//! ranking a price among others. Knows neither JSON nor books. Invariant: all kernels give the same
//! answers on all inputs, or decline to answer; they read nothing outside of their arguments.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use scalar::Scalar;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

use crate::price::MAX_DECIMALS;

/// Most quotes of a frame that the fast path takes: 512 levels and some.
pub const MAX_TOKENS: usize = 2112;
/// Longest frame that the fast path takes: its positions are 16 bits wide.
pub const MAX_FAST_FRAME: usize = 1 << 16;
/// Keys that are ranked at once.
pub(crate) const LANES: usize = 16;
/// Room after the last token that kernels may overwrite.
const SLACK: usize = 64;

/// Instruction sets that have kernels of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust, on every machine.
    Scalar,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 including VBMI2.
    Avx512,
    /// Every aarch64.
    Neon,
}

impl Isa {
    /// The fastest one that this machine has.
    #[must_use]
    pub fn detect() -> Self {
        [Self::Avx512, Self::Avx2, Self::Neon]
            .into_iter()
            .find(|isa| isa.is_available())
            .unwrap_or(Self::Scalar)
    }

    /// Whether this machine has it.
    #[cfg(target_arch = "x86_64")]
    #[must_use]
    pub fn is_available(self) -> bool {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("bmi1") && has!("bmi2") && has!("popcnt") && has!("lzcnt");
        match self {
            Self::Scalar => true,
            Self::Neon => false,
            Self::Avx2 => avx2,
            Self::Avx512 => {
                let base = has!("avx512f") && has!("avx512bw") && has!("avx512vl");
                avx2 && base && has!("avx512vbmi") && has!("avx512vbmi2")
            }
        }
    }

    /// Whether this machine has it.
    #[cfg(not(target_arch = "x86_64"))]
    #[must_use]
    pub fn is_available(self) -> bool {
        self == Self::Scalar || (self == Self::Neon && cfg!(target_arch = "aarch64"))
    }
}

/// Positions of the quotes of one frame.
#[derive(Debug)]
pub(crate) struct Tokens {
    at: Box<Positions>,
    len: usize,
}

/// Aligned so that fewer vector stores cross a cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Positions([u16; MAX_TOKENS + SLACK]);

impl Tokens {
    pub(crate) fn new() -> Self {
        Self { at: Box::new(Positions([0; MAX_TOKENS + SLACK])), len: 0 }
    }

    /// Positions found by the last scan; none at all if the frame is not for the fast path.
    #[inline(always)]
    pub(crate) fn positions(&self) -> &[u16] {
        &self.at.0[..self.len.min(MAX_TOKENS)]
    }

    /// Appends the positions of a block's set bits behind the first `len`, at most [`MAX_TOKENS`].
    #[allow(dead_code, reason = "not every machine has a kernel that wants it")]
    #[allow(clippy::cast_possible_truncation, reason = "a place in a block is below 64")]
    #[inline(always)]
    fn append(&mut self, len: usize, base: u16, mut mask: u64) -> usize {
        let count = mask.count_ones() as usize;
        let room = &mut self.at.0[len..len + 64];
        for slot in &mut room[..count] {
            *slot = base | (mask.trailing_zeros() & 63) as u16;
            mask &= mask - 1;
        }
        len + count
    }
}

/// How many of [`LANES`] keys stand before a key, and whether the next one is equal to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) before: usize,
    pub(crate) equal: bool,
}

/// The last `len` bytes of a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail<'a> {
    pub(crate) window: &'a [u8; 16],
    pub(crate) len: usize,
}

/// The vector operations of one instruction set.
///
/// # Safety
/// Every method needs a machine where [`Isa::is_available`] holds for the kernel's set. Methods are
/// inlined into a caller that enables the set's features; that is what makes them fast, not what
/// makes them sound.
pub(crate) trait Kernel {
    /// Finds all quotes of a frame shorter than [`MAX_FAST_FRAME`].
    unsafe fn quotes(frame: &[u8], tokens: &mut Tokens);

    /// Converts a price and an amount, plain unsigned decimals, see [`Scale`]; may decline.
    unsafe fn level(price: Tail<'_>, amount: Tail<'_>, scales: Scales) -> Option<(i64, i64)>;

    /// Whether [`Kernel::top`] ever answers.
    const READS_TOPS: bool = false;

    /// Converts the two levels at the end of a window, which ends with a quote: four texts between
    /// quotes. `commas` are the places of the commas before them, each with a space behind it if
    /// `SPACED`. May decline, as for [`Kernel::level`], and does so where anything else stands.
    #[inline(always)]
    unsafe fn top<const SPACED: bool>(_: &[u8; 64], _: u64, _: Scales) -> Option<[i64; 4]> {
        None
    }

    /// The highest four of the set bits; all of them where there are fewer.
    #[inline(always)]
    unsafe fn last_four(mut bits: u64) -> u64 {
        for _ in 4..bits.count_ones() {
            bits &= bits - 1;
        }
        bits
    }

    /// Converts the last `len` bytes, an unsigned integer as JSON wants it; may decline.
    unsafe fn integer(text: &[u8; 16], len: usize) -> Option<i64>;

    /// Converts the first `len` bytes, seconds of ten digits and a fraction, to ns; may decline.
    unsafe fn seconds(text: &[u8; 27], len: usize) -> Option<i64>;

    /// Converts ten digits, a point and `places` digits, from 1 to 16, to ns; any number where
    /// something else stands.
    unsafe fn nanoseconds(text: &[u8; 27], places: usize) -> i64;

    /// Bit mask of the commas.
    unsafe fn commas(text: &[u8; 64]) -> u64;

    /// Bit mask of the digits.
    unsafe fn digits(text: &[u8; 64]) -> u64;

    /// Asks for the cache line of a place, which need not be one; changes nothing.
    #[inline(always)]
    fn prefetch(_: *const i64) {}

    /// Ranks a key; the keys before it must be a prefix.
    unsafe fn rank(keys: &[i64; LANES], key: i64) -> Rank;
}

/// How the kernels convert texts with a certain count of digits after the point.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Form {
    /// Where the sixteen digits of the scaled integer stand in a window that ends with the text.
    shuffle: [u8; 16],
    /// Shortest text of this form in bytes.
    min_len: u32,
    /// How much longer it may be.
    spare: u32,
}

/// Index of the form without a point.
const NO_POINT: usize = 16;

/// The forms of a scale, by the count of digits after the point or [`NO_POINT`].
type Forms = [Form; NO_POINT + 1];

/// Takes no text at all.
const NO_FORMS: Forms = [Form { shuffle: [0x80; 16], min_len: u32::MAX, spare: 0 }; NO_POINT + 1];

/// Scales that the kernels know.
const KNOWN: usize = MAX_DECIMALS as usize + 1;

/// The row of the tables that stands for all other scales.
const NO_ROW: u8 = 15;

/// By the count of decimals. The length makes four bits an index.
static FORMS: [Forms; 16] = {
    let mut table = [NO_FORMS; 16];
    let mut decimals = 0;
    while decimals < KNOWN {
        table[decimals][NO_POINT] = form(decimals, 0, 0);
        let mut fraction = 1;
        while fraction <= decimals {
            table[decimals][fraction] = form(decimals, fraction, fraction + 1);
            fraction += 1;
        }
        decimals += 1;
    }
    table
};

/// The form whose last `tail` bytes are the point and `fraction` digits.
#[allow(clippy::cast_possible_truncation, reason = "places are below 16")]
const fn form(decimals: usize, fraction: usize, tail: usize) -> Form {
    let mut shuffle = [0x80; 16];
    // The whole digits end where the decimals begin; what is missing on either side is zero.
    let whole = 16 - decimals;
    let mut to = 0;
    while to < 16 {
        if to < whole && to + decimals >= tail {
            shuffle[to] = (to + decimals - tail) as u8;
        } else if to >= whole && to - whole < fraction {
            shuffle[to] = (16 - fraction + to - whole) as u8;
        }
        to += 1;
    }
    let most = if whole + tail < 16 { whole + tail } else { 16 };
    Form { shuffle, min_len: tail as u32 + 1, spare: (most - tail - 1) as u32 }
}

/// Where the sixteen digits of the scaled integer stand, from the point on, which ends a text
/// without one; by the count of decimals.
#[allow(dead_code, reason = "not every machine has a kernel that wants it")]
#[allow(clippy::cast_possible_truncation, reason = "places are below 17, or wrap below zero")]
static OFFSETS: [[u8; 16]; 16] = {
    let mut table = [[0x80; 16]; 16];
    let mut decimals = 0;
    while decimals < KNOWN {
        let whole = 16 - decimals;
        let mut to = 0;
        while to < 16 {
            let behind_point = (to >= whole) as usize;
            table[decimals][to] = (to + behind_point).wrapping_sub(whole) as u8;
            to += 1;
        }
        decimals += 1;
    }
    table
};

/// A market's scale, prepared for [`Kernel::level`].
///
/// The kernels take `digits` or `digits.digits` of at most 16 bytes whose decimals fit the scale as
/// they are written. They decline everything else, also what is merely unusual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) decimals: i8,
    /// Into the tables above.
    row: u8,
}

impl Scale {
    /// Prepares a scale; with negative decimals the kernels decline every text.
    pub(crate) fn new(decimals: i8) -> Self {
        let row = u8::try_from(decimals).ok().filter(|row| usize::from(*row) < KNOWN);
        Self { decimals, row: row.unwrap_or(NO_ROW) }
    }

    #[inline(always)]
    fn forms(self) -> &'static Forms {
        &FORMS[usize::from(self.row & 15)]
    }

    #[allow(dead_code, reason = "as above")]
    #[inline(always)]
    fn offsets(self) -> &'static [u8; 16] {
        &OFFSETS[usize::from(self.row & 15)]
    }
}

/// Scales of one market.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scales {
    pub(crate) price: Scale,
    pub(crate) amount: Scale,
}

#[cfg(test)]
mod tests;
