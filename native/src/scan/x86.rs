//! The kernels for x86-64. The digit kernels are 128 bits wide and shared; the scans use what there is.

use core::arch::x86_64::*;

use super::{Kernel, Rank, Scale, Tokens, DECLINED, MAX_TOKENS};

/// Kernels for AVX2.
pub(crate) struct Avx2;
/// Kernels for AVX-512 with VBMI2.
pub(crate) struct Avx512;

/// Sixteen bytes of ones, then sixteen of zeros: a window into it keeps a prefix or a suffix.
static KEEP: [u8; 48] = {
    let mut bytes = [0; 48];
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
    // SAFETY: 32 - len is in 16..=32, so the window lies in the 48 bytes.
    unsafe { _mm_loadu_si128(KEEP.as_ptr().add(32 - len).cast()) }
}

/// Mask of the last `len` bytes, `len` at most 16.
#[inline(always)]
unsafe fn last(len: usize) -> __m128i {
    // SAFETY: len is in 0..=16, so the window lies in the 48 bytes.
    unsafe { _mm_loadu_si128(KEEP.as_ptr().add(len).cast()) }
}

/// Sixteen digits, each a byte of 0..=9, as one integer.
#[inline(always)]
unsafe fn join(digits: __m128i) -> i64 {
    // SAFETY: plain register arithmetic; the machine has SSE4.1 by the kernel's contract.
    unsafe {
        let pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
        let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x0001_0064));
        let packed = _mm_packus_epi32(fours, fours);
        let eights = _mm_cvtsi128_si64(_mm_madd_epi16(packed, _mm_set1_epi32(0x0001_2710)));
        (eights & 0xffff_ffff) * 100_000_000 + (eights >> 32)
    }
}

/// Bit mask of the bytes that are 0..=9.
#[inline(always)]
unsafe fn digit_mask(bytes: __m128i) -> u32 {
    // SAFETY: plain register arithmetic.
    unsafe {
        let capped = _mm_min_epu8(bytes, _mm_set1_epi8(9));
        _mm_movemask_epi8(_mm_cmpeq_epi8(capped, bytes)).cast_unsigned()
    }
}

#[inline(always)]
unsafe fn number(text: &[u8; 16], len: usize, scale: &Scale) -> i64 {
    // SAFETY: the load is of the array; `point` and `len` are at most 16 where they index.
    unsafe {
        let raw = _mm_loadu_si128(text.as_ptr().cast());
        let all = (1u32 << (len & 31)).wrapping_sub(1);
        let points =
            _mm_movemask_epi8(_mm_cmpeq_epi8(raw, _mm_set1_epi8(b'.' as i8))).cast_unsigned() & all;
        let point = (points | 1 << (len & 31)).trailing_zeros() as usize;
        if len > 16
            || point.wrapping_sub(1) >= scale.max_int
            || scale.tails >> (len - point) & 1 == 0
        {
            return DECLINED;
        }
        let digits = _mm_sub_epi8(raw, _mm_set1_epi8(b'0' as i8));
        if digit_mask(digits) & all != all & !(1 << point) {
            return DECLINED;
        }
        let shuffle = _mm_loadu_si128(scale.shuffles.get_unchecked(point).as_ptr().cast());
        join(_mm_shuffle_epi8(_mm_and_si128(digits, first(len)), shuffle))
    }
}

#[inline(always)]
unsafe fn integer(text: &[u8; 16], len: usize) -> i64 {
    // SAFETY: the load is of the array and `len` is at most 16 where it shifts and masks.
    unsafe {
        if len.wrapping_sub(1) >= 16 || (text[16 - len] == b'0' && len > 1) {
            return DECLINED;
        }
        let digits = _mm_sub_epi8(
            _mm_loadu_si128(text.as_ptr().cast()),
            _mm_set1_epi8(b'0' as i8),
        );
        if digit_mask(digits) >> (16 - len) != 0xffff >> (16 - len) {
            return DECLINED;
        }
        join(_mm_and_si128(digits, last(len)))
    }
}

/// Largest whole part for which the nanoseconds fit 63 bits; smallest that has ten digits.
const MAX_SECONDS: i64 = i64::MAX / 1_000_000_000 - 1;
const MIN_SECONDS: i64 = 1_000_000_000;

#[inline(always)]
unsafe fn seconds(text: &[u8; 27], len: usize) -> i64 {
    // SAFETY: both loads are of the array, bytes 0..16 and 11..27; `places` is in 1..=16.
    unsafe {
        let places = len.wrapping_sub(11);
        if places.wrapping_sub(1) >= 16 || text[10] != b'.' {
            return DECLINED;
        }
        let zero = _mm_set1_epi8(b'0' as i8);
        let whole = _mm_sub_epi8(_mm_loadu_si128(text.as_ptr().cast()), zero);
        let part = _mm_sub_epi8(_mm_loadu_si128(text.as_ptr().add(11).cast()), zero);
        let wanted = (1u32 << places) - 1;
        if digit_mask(whole) & 0x3ff != 0x3ff || digit_mask(part) & wanted != wanted {
            return DECLINED;
        }
        let last_ten = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        let first_nine = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        let whole = join(_mm_shuffle_epi8(whole, last_ten));
        let part = join(_mm_shuffle_epi8(
            _mm_and_si128(part, first(places)),
            first_nine,
        ));
        if !(MIN_SECONDS..=MAX_SECONDS).contains(&whole) {
            return DECLINED;
        }
        whole * 1_000_000_000 + part
    }
}

#[inline(always)]
unsafe fn comma(text: &[u8; 32]) -> usize {
    // SAFETY: the load is of the array.
    unsafe {
        let raw = _mm256_loadu_si256(text.as_ptr().cast());
        let found = _mm256_cmpeq_epi8(raw, _mm256_set1_epi8(b',' as i8));
        _mm256_movemask_epi8(found).trailing_zeros() as usize
    }
}

/// Appends the positions of a block's set bits.
#[inline(always)]
fn append(tokens: &mut Tokens, len: usize, base: usize, mut mask: u64) -> usize {
    let count = mask.count_ones() as usize;
    let slots = &mut tokens.at[len..len + 64];
    for slot in &mut slots[..count] {
        *slot = (base + mask.trailing_zeros() as usize) as u16;
        mask &= mask - 1;
    }
    len + count
}

impl Kernel for Avx2 {
    #[inline(always)]
    unsafe fn quotes(frame: &[u8], tokens: &mut Tokens) {
        let quote = |block: &[u8; 64]| {
            // SAFETY: both loads are of the array.
            unsafe {
                let quote = _mm256_set1_epi8(b'"' as i8);
                let low = _mm256_loadu_si256(block.as_ptr().cast());
                let high = _mm256_loadu_si256(block.as_ptr().add(32).cast());
                let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, quote)).cast_unsigned();
                let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, quote)).cast_unsigned();
                u64::from(high) << 32 | u64::from(low)
            }
        };
        let (blocks, rest) = frame.as_chunks::<64>();
        let mut len = 0;
        tokens.len = 0;
        for (at, block) in blocks.iter().enumerate() {
            len = append(tokens, len, at * 64, quote(block));
            if len > MAX_TOKENS {
                return;
            }
        }
        let mut tail = [0; 64];
        tail[..rest.len()].copy_from_slice(rest);
        len = append(tokens, len, blocks.len() * 64, quote(&tail));
        tokens.len = if len > MAX_TOKENS { 0 } else { len };
    }

    #[inline(always)]
    unsafe fn number(text: &[u8; 16], len: usize, scale: &Scale) -> i64 {
        // SAFETY: the caller vouches for the machine.
        unsafe { number(text, len, scale) }
    }

    #[inline(always)]
    unsafe fn integer(text: &[u8; 16], len: usize) -> i64 {
        // SAFETY: the caller vouches for the machine.
        unsafe { integer(text, len) }
    }

    #[inline(always)]
    unsafe fn seconds(text: &[u8; 27], len: usize) -> i64 {
        // SAFETY: the caller vouches for the machine.
        unsafe { seconds(text, len) }
    }

    #[inline(always)]
    unsafe fn comma(text: &[u8; 32]) -> usize {
        // SAFETY: the caller vouches for the machine.
        unsafe { comma(text) }
    }

    #[inline(always)]
    unsafe fn rank(keys: &[i64; 8], key: i64) -> Rank {
        // SAFETY: both loads are of the array.
        unsafe {
            let key = _mm256_set1_epi64x(key);
            let low = _mm256_loadu_si256(keys.as_ptr().cast());
            let high = _mm256_loadu_si256(keys.as_ptr().add(4).cast());
            let bits = |lanes| _mm256_movemask_pd(_mm256_castsi256_pd(lanes)).cast_unsigned();
            let less =
                bits(_mm256_cmpgt_epi64(key, low)) | bits(_mm256_cmpgt_epi64(key, high)) << 4;
            let same =
                bits(_mm256_cmpeq_epi64(key, low)) | bits(_mm256_cmpeq_epi64(key, high)) << 4;
            let before = less.trailing_ones();
            Rank {
                before: before as usize,
                equal: same >> before & 1 != 0,
            }
        }
    }
}

impl Kernel for Avx512 {
    #[inline(always)]
    unsafe fn quotes(frame: &[u8], tokens: &mut Tokens) {
        // SAFETY: masked loads touch only the bytes of the frame; each store of 32 positions starts at
        // most at MAX_TOKENS and so ends inside of the array's slack.
        unsafe {
            let quote = _mm512_set1_epi8(b'"' as i8);
            let mut order = [0u8; 64];
            for (at, slot) in (0u8..).zip(&mut order) {
                *slot = at;
            }
            let order = _mm512_loadu_si512(order.as_ptr().cast());
            let out = tokens.at.as_mut_ptr();
            let (mut len, mut base, mut most) = (0, 0, 0);
            while base < frame.len() && len <= MAX_TOKENS {
                let inside = u64::MAX >> (64 - (frame.len() - base).min(64));
                let block = _mm512_maskz_loadu_epi8(inside, frame.as_ptr().add(base).cast());
                let found = _mm512_cmpeq_epi8_mask(block, quote);
                let packed = _mm512_castsi512_si256(_mm512_maskz_compress_epi8(found, order));
                let here = _mm512_cvtepu8_epi16(packed);
                let there = _mm512_add_epi16(here, _mm512_set1_epi16(base as i16));
                _mm512_storeu_si512(out.add(len).cast(), there);
                most = most.max(found.count_ones());
                len += found.count_ones() as usize;
                base += 64;
            }
            // A block keeps at most 32 positions.
            tokens.len = if len > MAX_TOKENS || most > 32 {
                0
            } else {
                len
            };
        }
    }

    #[inline(always)]
    unsafe fn number(text: &[u8; 16], len: usize, scale: &Scale) -> i64 {
        // SAFETY: the caller vouches for the machine.
        unsafe { number(text, len, scale) }
    }

    #[inline(always)]
    unsafe fn integer(text: &[u8; 16], len: usize) -> i64 {
        // SAFETY: the caller vouches for the machine.
        unsafe { integer(text, len) }
    }

    #[inline(always)]
    unsafe fn seconds(text: &[u8; 27], len: usize) -> i64 {
        // SAFETY: the caller vouches for the machine.
        unsafe { seconds(text, len) }
    }

    #[inline(always)]
    unsafe fn comma(text: &[u8; 32]) -> usize {
        // SAFETY: the caller vouches for the machine.
        unsafe { comma(text) }
    }

    #[inline(always)]
    unsafe fn rank(keys: &[i64; 8], key: i64) -> Rank {
        // SAFETY: the load is of the array.
        unsafe {
            let key = _mm512_set1_epi64(key);
            let keys = _mm512_loadu_si512(keys.as_ptr().cast());
            let less = _mm512_cmplt_epi64_mask(keys, key);
            let same = _mm512_cmpeq_epi64_mask(keys, key);
            let before = less.trailing_ones();
            Rank {
                before: before as usize,
                equal: u32::from(same) >> before & 1 != 0,
            }
        }
    }
}
