//! The kernels for x86-64. Both sets share the digit kernels; the scans use the registers there
//! are.
//!
//! Everything here is a function and no closure: a closure does not inherit the features of the
//! function around it, and each instruction in it would become a call.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]
#![allow(clippy::cast_possible_truncation, reason = "a length that does not fit is in no form")]

use core::arch::asm;
#[allow(clippy::wildcard_imports, reason = "the names are those of the instructions")]
use core::arch::x86_64::*;

mod wide;

pub(crate) use wide::Avx512;

use super::{Kernel, Rank, Scales, Tail, Tokens, LANES, MAX_TOKENS};

/// Kernels for AVX2.
pub(crate) struct Avx2;

const ZERO: i8 = b'0'.cast_signed();
const POINT: i8 = b'.'.cast_signed();
const COMMA: i8 = b','.cast_signed();
const QUOTE: i8 = b'"'.cast_signed();
const SPACE: i8 = b' '.cast_signed();

/// Ones between zeros: a window into them keeps the first or the last bytes of a register.
static KEEP: [u8; 64] = {
    let mut bytes = [0; 64];
    let mut at = 16;
    while at < 32 {
        bytes[at] = 0xff;
        at += 1;
    }
    bytes
};

/// Mask of the first `len` bytes, `len` at most 16.
#[inline(always)]
unsafe fn first(len: usize) -> __m128i {
    // SAFETY: 32 - len % 32 is in 1..=32, so the window lies in the 64 bytes.
    unsafe { _mm_loadu_si128(KEEP.as_ptr().add(32 - len % 32).cast()) }
}

/// Mask of the last `len` bytes; arbitrary for a `len` above 16.
#[inline(always)]
unsafe fn last(len: usize) -> __m128i {
    // SAFETY: len % 32 is in 0..=31, so the window lies in the 64 bytes.
    unsafe { _mm_loadu_si128(KEEP.as_ptr().add(len % 32).cast()) }
}

/// Two integers of eight digits each as one of sixteen.
#[inline(always)]
fn pair(eights: i64) -> i64 {
    (eights & 0xffff_ffff) * 100_000_000 + (eights >> 32)
}

/// Sixteen digits, each a byte of 0..=9, as one integer.
#[inline(always)]
unsafe fn join(digits: __m128i) -> i64 {
    // SAFETY: plain register arithmetic; the machine has SSE4.1 by the kernel's contract.
    unsafe {
        let twos = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
        let fours = _mm_madd_epi16(twos, _mm_set1_epi32(0x0001_0064));
        let packed = _mm_packus_epi32(fours, fours);
        pair(_mm_cvtsi128_si64(_mm_madd_epi16(packed, _mm_set1_epi32(0x0001_2710))))
    }
}

/// Bit mask of the bytes that are no digits; `bytes` are ASCII less `'0'`.
#[inline(always)]
unsafe fn strangers(bytes: __m128i) -> u32 {
    // SAFETY: plain register arithmetic.
    unsafe {
        let capped = _mm_max_epu8(bytes, _mm_set1_epi8(10));
        _mm_movemask_epi8(_mm_cmpeq_epi8(capped, bytes)).cast_unsigned()
    }
}

/// Thirty-two digits as two integers.
#[inline(always)]
unsafe fn join_both(digits: __m256i) -> (i64, i64) {
    // SAFETY: plain register arithmetic; the machine has AVX2 by the kernel's contract.
    unsafe {
        let twos = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010a));
        let fours = _mm256_madd_epi16(twos, _mm256_set1_epi32(0x0001_0064));
        let packed = _mm256_packus_epi32(fours, fours);
        let eights = _mm256_madd_epi16(packed, _mm256_set1_epi32(0x0001_2710));
        let low = pair(_mm_cvtsi128_si64(_mm256_castsi256_si128(eights)));
        (low, pair(_mm_cvtsi128_si64(_mm256_extracti128_si256(eights, 1))))
    }
}

/// Bit mask of the bytes that are no digits.
#[inline(always)]
unsafe fn strangers_of_both(text: __m256i) -> u32 {
    // SAFETY: plain register arithmetic.
    unsafe {
        let bytes = _mm256_sub_epi8(text, _mm256_set1_epi8(ZERO));
        let capped = _mm256_max_epu8(bytes, _mm256_set1_epi8(10));
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(capped, bytes)).cast_unsigned()
    }
}

#[inline(always)]
unsafe fn level(price: Tail<'_>, amount: Tail<'_>, scales: Scales) -> Option<(i64, i64)> {
    // SAFETY: the loads are of arrays, and the counts of digits that index are at most 16.
    unsafe {
        let price_text = _mm_loadu_si128(price.window.as_ptr().cast());
        let amount_text = _mm_loadu_si128(amount.window.as_ptr().cast());
        let text = _mm256_set_m128i(
            _mm_and_si128(amount_text, last(amount.len)),
            _mm_and_si128(price_text, last(price.len)),
        );
        let points = _mm256_cmpeq_epi8(text, _mm256_set1_epi8(POINT));
        let points = _mm256_movemask_epi8(points).cast_unsigned();
        // Digits after the point, 16 if there is none.
        let price_places = (points << 16 | 0x8000).leading_zeros();
        let amount_places = (points & 0xffff_0000 | 0x8000).leading_zeros();
        let price_form = scales.price.forms().get_unchecked(price_places as usize);
        let amount_form = scales.amount.forms().get_unchecked(amount_places as usize);
        if (price.len as u32).wrapping_sub(price_form.min_len) > price_form.spare
            || (amount.len as u32).wrapping_sub(amount_form.min_len) > amount_form.spare
        {
            return None;
        }
        // What stands before the texts was zeroed above and is no digit either.
        let price_strangers = 0xffff >> price.len | 0x8000 >> price_places;
        let amount_strangers = 0xffff >> amount.len | 0x8000 >> amount_places;
        if strangers_of_both(text) != price_strangers | amount_strangers << 16 {
            return None;
        }
        let shuffle = _mm256_set_m128i(
            _mm_load_si128(amount_form.shuffle.as_ptr().cast()),
            _mm_load_si128(price_form.shuffle.as_ptr().cast()),
        );
        let digits = _mm256_subs_epu8(text, _mm256_set1_epi8(ZERO));
        Some(join_both(_mm256_shuffle_epi8(digits, shuffle)))
    }
}

#[inline(always)]
unsafe fn integer(text: &[u8; 16], len: usize) -> Option<i64> {
    // SAFETY: the load is of the array; `len` is in 1..=16 where it indexes and shifts.
    unsafe {
        if len.wrapping_sub(1) >= 16 || (text[16 - len] == b'0' && len > 1) {
            return None;
        }
        let zero = _mm_set1_epi8(ZERO);
        let text = _mm_and_si128(_mm_loadu_si128(text.as_ptr().cast()), last(len));
        if strangers(_mm_sub_epi8(text, zero)) != 0xffff >> len {
            return None;
        }
        Some(join(_mm_subs_epu8(text, zero)))
    }
}

#[inline(always)]
unsafe fn seconds(text: &[u8; 27], len: usize) -> Option<i64> {
    // SAFETY: both loads are of the array, bytes 0..16 and 11..27; `places` is in 1..=16.
    unsafe {
        let places = len.wrapping_sub(11);
        // Nine thousand million seconds and more may not fit the nanoseconds.
        if places.wrapping_sub(1) >= 16 || text[10] != b'.' || !matches!(text[0], b'1'..=b'8') {
            return None;
        }
        let whole = _mm_loadu_si128(text.as_ptr().cast());
        let part = _mm_loadu_si128(text.as_ptr().add(11).cast());
        let both = _mm256_set_m128i(_mm_and_si128(part, first(places)), whole);
        let strangers = strangers_of_both(both);
        if strangers & 0x3ff != 0 || strangers >> 16 != 0xffff << places & 0xffff {
            return None;
        }
        Some(nanoseconds_of(both))
    }
}

/// Seconds in the lower half, their fraction and zeros in the upper one.
#[inline(always)]
unsafe fn nanoseconds_of(both: __m256i) -> i64 {
    // SAFETY: plain register arithmetic.
    unsafe {
        // Ten digits to the right of the first register, nine of the fraction to that of the
        // second.
        let order = _mm256_setr_epi8(
            -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, //
            -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8,
        );
        let digits = _mm256_subs_epu8(both, _mm256_set1_epi8(ZERO));
        let (whole, part) = join_both(_mm256_shuffle_epi8(digits, order));
        whole.wrapping_mul(1_000_000_000).wrapping_add(part)
    }
}

#[inline(always)]
unsafe fn nanoseconds(text: &[u8; 27], places: usize) -> i64 {
    let mut at = text.as_ptr();
    // SAFETY: the assembly is empty. Behind it the compiler loads the bytes again; it would pick
    // them out of a wider register at several times the cost. Both loads are of the array, bytes
    // 0..16 and 11..27.
    unsafe {
        asm!("/* {0} */", inout(reg) at, options(pure, readonly, nostack, preserves_flags));
        let whole = _mm_loadu_si128(at.cast());
        let part = _mm_loadu_si128(at.add(11).cast());
        nanoseconds_of(_mm256_set_m128i(_mm_and_si128(part, first(places)), whole))
    }
}

/// The digit kernels, which are the same for both sets.
macro_rules! digit_kernels {
    () => {
        #[inline(always)]
        unsafe fn level(price: Tail<'_>, amount: Tail<'_>, scales: Scales) -> Option<(i64, i64)> {
            // SAFETY: the caller vouches for the machine.
            unsafe { level(price, amount, scales) }
        }

        #[inline(always)]
        unsafe fn integer(text: &[u8; 16], len: usize) -> Option<i64> {
            // SAFETY: the caller vouches for the machine.
            unsafe { integer(text, len) }
        }

        #[inline(always)]
        unsafe fn seconds(text: &[u8; 27], len: usize) -> Option<i64> {
            // SAFETY: the caller vouches for the machine.
            unsafe { seconds(text, len) }
        }

        #[inline(always)]
        unsafe fn nanoseconds(text: &[u8; 27], places: usize) -> i64 {
            // SAFETY: the caller vouches for the machine.
            unsafe { nanoseconds(text, places) }
        }

        #[inline(always)]
        fn prefetch(number: *const i64) {
            // SAFETY: every x86-64 has the instruction, which changes no memory.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(number.cast()) }
        }
    };
}

/// Bit mask of the bytes of a block that are this one.
#[inline(always)]
unsafe fn places_of(byte: i8, block: &[u8; 64]) -> u64 {
    // SAFETY: both loads are of the array.
    unsafe {
        let wanted = _mm256_set1_epi8(byte);
        let low = _mm256_loadu_si256(block.as_ptr().cast());
        let high = _mm256_loadu_si256(block.as_ptr().add(32).cast());
        let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)).cast_unsigned();
        let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)).cast_unsigned();
        u64::from(high) << 32 | u64::from(low)
    }
}

use digit_kernels;

impl Kernel for Avx2 {
    digit_kernels!();

    #[inline(always)]
    unsafe fn commas(text: &[u8; 64]) -> u64 {
        // SAFETY: the caller vouches for the machine.
        unsafe { places_of(COMMA, text) }
    }

    #[inline(always)]
    unsafe fn digits(text: &[u8; 64]) -> u64 {
        // SAFETY: both loads are of the array.
        unsafe {
            let low = strangers_of_both(_mm256_loadu_si256(text.as_ptr().cast()));
            let high = strangers_of_both(_mm256_loadu_si256(text.as_ptr().add(32).cast()));
            !(u64::from(high) << 32 | u64::from(low))
        }
    }

    #[inline(always)]
    unsafe fn quotes(frame: &[u8], tokens: &mut Tokens) {
        tokens.len = 0;
        let (mut len, mut base) = (0, 0);
        let (blocks, rest) = frame.as_chunks();
        for block in blocks {
            // SAFETY: the caller vouches for the machine.
            len = tokens.append(len, base, unsafe { places_of(QUOTE, block) });
            if len > MAX_TOKENS {
                return;
            }
            base += 64;
        }
        let mut tail = [0; 64];
        tail[..rest.len()].copy_from_slice(rest);
        // SAFETY: as above.
        len = tokens.append(len, base, unsafe { places_of(QUOTE, &tail) });
        tokens.len = if len > MAX_TOKENS { 0 } else { len };
    }

    #[inline(always)]
    unsafe fn rank(keys: &[i64; LANES], key: i64) -> Rank {
        // SAFETY: both loads are of the array.
        unsafe {
            let key = _mm256_set1_epi64x(key);
            let bits = |lanes| _mm256_movemask_pd(_mm256_castsi256_pd(lanes)).cast_unsigned();
            let (mut less, mut same) = (0, 0);
            for part in 0..4 {
                let four = _mm256_loadu_si256(keys.as_ptr().add(4 * part).cast());
                less |= bits(_mm256_cmpgt_epi64(key, four)) << (4 * part);
                same |= bits(_mm256_cmpeq_epi64(key, four)) << (4 * part);
            }
            let before = less.trailing_ones();
            Rank { before: before as usize, equal: same >> before & 1 != 0 }
        }
    }
}
