//! The kernels that want the wide registers of AVX-512.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]
#![allow(clippy::cast_possible_truncation, reason = "a length that does not fit is in no form")]

#[allow(clippy::wildcard_imports, reason = "the names are those of the instructions")]
use core::arch::x86_64::*;

use super::{
    digit_kernels, integer, level, nanoseconds, seconds, COMMA, POINT, QUOTE, SPACE, ZERO,
};
use crate::scan::{Kernel, Rank, Scales, Tail, Tokens, LANES, MAX_TOKENS};

/// Kernels for AVX-512 with VBMI2.
pub(crate) struct Avx512;

/// Stores the positions of a block's quotes at `out` and returns how many there are; no more than
/// 32 of them are stored.
///
/// # Safety
/// The machine has AVX-512 with VBMI2, and `out` has room for 32 positions.
#[inline(always)]
unsafe fn store_quotes(block: __m512i, base: u16, out: *mut u16) -> usize {
    // SAFETY: the load is of the array and the store has its room.
    unsafe {
        let order = _mm512_loadu_si512(ORDER.as_ptr().cast());
        let found = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(QUOTE));
        let packed = _mm512_maskz_compress_epi8(found, order);
        let first = _mm256_set1_epi16(base.cast_signed());
        let places = _mm256_add_epi16(_mm256_cvtepu8_epi16(_mm512_castsi512_si128(packed)), first);
        _mm256_storeu_si256(out.cast(), places);
        if found.count_ones() > 16 {
            let packed = _mm512_extracti32x4_epi32(packed, 1);
            let places = _mm256_add_epi16(_mm256_cvtepu8_epi16(packed), first);
            _mm256_storeu_si256(out.add(16).cast(), places);
        }
        found.count_ones() as usize
    }
}

/// The places of a block, in order.
static ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 64 {
        order[at as usize] = at;
        at += 1;
    }
    order
};

/// Spreads the first four bytes over sixteen each, or those from the second on.
static SPREAD: [[u8; 64]; 2] = {
    let mut lanes = [[0; 64]; 2];
    let mut at = 0;
    while at < 64 {
        lanes[0][at] = at as u8 / 16;
        lanes[1][at] = at as u8 / 16 + 1;
        at += 1;
    }
    lanes
};

/// Where two levels stand in a window, as bits.
struct Texts {
    /// First byte of each text.
    starts: u64,
    /// All bytes of the texts.
    runs: u64,
    points: u64,
    /// The point of each text, or the quote behind a text without one.
    marks: u64,
}

/// Finds the four texts of [`Kernel::top`]; none where anything stands that does not belong there.
///
/// Numbers are added to runs of ones: a one that is added to a run makes it carry over its end.
#[inline(always)]
unsafe fn texts<const SPACED: bool>(block: __m512i, raw: __m512i, commas: u64) -> Option<Texts> {
    // SAFETY: plain register arithmetic.
    unsafe {
        let starts = commas << if SPACED { 3 } else { 2 };
        let ends = (commas & commas.wrapping_sub(1)) >> 1 | 1 << 63;
        let runs = ends.wrapping_sub(starts);
        let digits = _mm512_cmplt_epu8_mask(raw, _mm512_set1_epi8(10));
        let points = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(POINT));
        let quotes = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(QUOTE));
        // A text begins and ends with a digit and stands between quotes.
        let mut strange = runs & !(digits | points)
            | (starts | ends >> 1) & !digits
            | (starts >> 1 | ends) & !quotes;
        if SPACED {
            strange |= starts >> 2 & !_mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(SPACE));
        }
        let points = points & runs;
        let marks = points | ends & !runs.wrapping_add(points);
        // A text with two points has two marks.
        (strange == 0 && marks.count_ones() == 4).then_some(Texts { starts, runs, points, marks })
    }
}

#[inline(always)]
unsafe fn top<const SPACED: bool>(
    window: &[u8; 64],
    commas: u64,
    scales: Scales,
) -> Option<[i64; 4]> {
    // From a comma to the text behind it.
    let gap = if SPACED { 3 } else { 2 };
    // SAFETY: the loads are of arrays.
    unsafe {
        let block = _mm512_loadu_si512(window.as_ptr().cast());
        let raw = _mm512_sub_epi8(block, _mm512_set1_epi8(ZERO));
        let Texts { starts, runs, points, marks } = texts::<SPACED>(block, raw, commas)?;
        let order = _mm512_loadu_si512(ORDER.as_ptr().cast());
        let [this, next] = [
            _mm512_loadu_si512(SPREAD[0].as_ptr().cast()),
            _mm512_loadu_si512(SPREAD[1].as_ptr().cast()),
        ];
        // Behind the four starts stands that of a text behind the window.
        let starts = _mm512_mask_compress_epi8(_mm512_set1_epi8(64 + gap), starts, order);
        let marks = _mm512_maskz_compress_epi8(marks, order);
        let start = _mm512_permutexvar_epi8(this, starts);
        let len = _mm512_sub_epi8(_mm512_permutexvar_epi8(next, starts), start);
        let len = _mm512_sub_epi8(len, _mm512_set1_epi8(1 + gap));
        let offsets = _mm512_broadcast_i64x4(_mm256_set_m128i(
            _mm_loadu_si128(scales.amount.offsets().as_ptr().cast()),
            _mm_loadu_si128(scales.price.offsets().as_ptr().cast()),
        ));
        let from = _mm512_add_epi8(_mm512_permutexvar_epi8(this, marks), offsets);
        let taken = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(from, start), len);
        // A digit that is not taken is one too many for the scale.
        if taken.count_ones() + points.count_ones() != runs.count_ones() {
            return None;
        }
        let digits = _mm512_maskz_permutexvar_epi8(taken, from, raw);
        let twos = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));
        let fours = _mm512_madd_epi16(twos, _mm512_set1_epi32(0x0001_0064));
        let packed = _mm512_packus_epi32(fours, fours);
        let eights = _mm512_madd_epi16(packed, _mm512_set1_epi32(0x0001_2710));
        let high = _mm512_mul_epu32(eights, _mm512_set1_epi64(100_000_000));
        let sums = _mm512_add_epi64(high, _mm512_srli_epi64::<32>(eights));
        let mut numbers = [0; 4];
        let firsts = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6), sums);
        _mm256_storeu_si256(numbers.as_mut_ptr().cast(), _mm512_castsi512_si256(firsts));
        Some(numbers)
    }
}

impl Kernel for Avx512 {
    digit_kernels!();

    #[inline(always)]
    unsafe fn commas(text: &[u8; 64]) -> u64 {
        // SAFETY: the load is of the array.
        unsafe {
            let block = _mm512_loadu_si512(text.as_ptr().cast());
            _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(COMMA))
        }
    }

    #[inline(always)]
    unsafe fn digits(text: &[u8; 64]) -> u64 {
        // SAFETY: the load is of the array.
        unsafe {
            let block = _mm512_loadu_si512(text.as_ptr().cast());
            let digits = _mm512_sub_epi8(block, _mm512_set1_epi8(ZERO));
            _mm512_cmplt_epu8_mask(digits, _mm512_set1_epi8(10))
        }
    }

    const READS_TOPS: bool = true;

    #[inline(always)]
    unsafe fn top<const SPACED: bool>(
        window: &[u8; 64],
        commas: u64,
        scales: Scales,
    ) -> Option<[i64; 4]> {
        // SAFETY: the caller vouches for the machine.
        unsafe { top::<SPACED>(window, commas, scales) }
    }

    #[inline(always)]
    unsafe fn last_four(bits: u64) -> u64 {
        // SAFETY: the set includes BMI2.
        unsafe { _pdep_u64(0xf << (bits.count_ones().saturating_sub(4) & 63), bits) }
    }

    #[inline(always)]
    unsafe fn quotes(frame: &[u8], tokens: &mut Tokens) {
        let out = tokens.at.0.as_mut_ptr();
        tokens.len = 0;
        let (mut len, mut base) = (0, 0);
        let (blocks, rest) = frame.as_chunks::<64>();
        for block in blocks {
            // SAFETY: the load is of the array; `len` is at most MAX_TOKENS, and behind that is
            // SLACK.
            let count = unsafe {
                store_quotes(_mm512_loadu_si512(block.as_ptr().cast()), base, out.add(len))
            };
            len += count;
            base += 64;
            if count > 32 || len > MAX_TOKENS {
                return;
            }
        }
        // SAFETY: a masked load touches only the bytes of its mask; the store as above.
        let count = unsafe {
            let mask = (1 << rest.len()) - 1;
            let block = _mm512_maskz_loadu_epi8(mask, rest.as_ptr().cast());
            store_quotes(block, base, out.add(len))
        };
        len += count;
        tokens.len = if count > 32 || len > MAX_TOKENS { 0 } else { len };
    }

    #[inline(always)]
    unsafe fn rank(keys: &[i64; LANES], key: i64) -> Rank {
        // SAFETY: the load is of the array.
        unsafe {
            let key = _mm512_set1_epi64(key);
            let low = _mm512_loadu_si512(keys.as_ptr().cast());
            let high = _mm512_loadu_si512(keys.as_ptr().add(8).cast());
            let less = u32::from(_mm512_cmplt_epi64_mask(low, key))
                | u32::from(_mm512_cmplt_epi64_mask(high, key)) << 8;
            let same = u32::from(_mm512_cmpeq_epi64_mask(low, key))
                | u32::from(_mm512_cmpeq_epi64_mask(high, key)) << 8;
            let before = less.trailing_ones();
            Rank { before: before as usize, equal: same >> before & 1 != 0 }
        }
    }
}
