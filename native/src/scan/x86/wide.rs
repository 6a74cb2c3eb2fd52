//! The kernels that want the wide registers of AVX-512.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]
#![allow(clippy::cast_possible_truncation, reason = "a length that does not fit is in no form")]

#[allow(clippy::wildcard_imports, reason = "the names are those of the instructions")]
use core::arch::x86_64::*;

use super::{digit_kernels, integer, keep, level, nanoseconds, seconds, COMMA, POINT, QUOTE, ZERO};
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
    const ORDER: [u8; 64] = {
        let mut order = [0; 64];
        let mut at = 0;
        while at < 64 {
            order[at as usize] = at;
            at += 1;
        }
        order
    };
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

/// Four arrays of sixteen bytes in one register, the first one lowest.
#[inline(always)]
unsafe fn gather(arrays: [&[u8; 16]; 4]) -> __m512i {
    let [a, b, c, d] = arrays;
    // SAFETY: the loads are of the arrays.
    unsafe {
        let low = _mm256_inserti128_si256::<1>(
            _mm256_castsi128_si256(_mm_loadu_si128(a.as_ptr().cast())),
            _mm_loadu_si128(b.as_ptr().cast()),
        );
        let high = _mm256_inserti128_si256::<1>(
            _mm256_castsi128_si256(_mm_loadu_si128(c.as_ptr().cast())),
            _mm_loadu_si128(d.as_ptr().cast()),
        );
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    }
}

/// [`level`] for two at once.
#[inline(always)]
unsafe fn levels(texts: [Tail<'_>; 4], scales: &Scales) -> Option<[i64; 4]> {
    let [a, b, c, d] = texts;
    // SAFETY: the loads are of arrays, and the counts of digits that index are at most 16.
    unsafe {
        let text = _mm512_and_si512(
            gather([a.window, b.window, c.window, d.window]),
            gather([keep(a.len), keep(b.len), keep(c.len), keep(d.len)]),
        );
        let filled = _mm512_test_epi8_mask(text, text);
        let points = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(POINT));
        let places = [
            (points << 48 | 1 << 47).leading_zeros() as usize,
            (points << 32 | 1 << 47).leading_zeros() as usize,
            (points << 16 | 1 << 47).leading_zeros() as usize,
            (points | 1 << 47).leading_zeros() as usize,
        ];
        let forms = [
            scales.price.forms.get_unchecked(places[0]),
            scales.amount.forms.get_unchecked(places[1]),
            scales.price.forms.get_unchecked(places[2]),
            scales.amount.forms.get_unchecked(places[3]),
        ];
        // A length of no text of these forms, from 64 on that of another one: see the sum below.
        let fits = forms[0].lens >> (a.len & 63)
            & forms[1].lens >> (b.len & 63)
            & forms[2].lens >> (c.len & 63)
            & forms[3].lens >> (d.len & 63);
        // Clears the lowest point of each lane; the highest bit lends, and a point there is in
        // no form.
        let second = points & ((points | 0x8000_8000_8000_8000) - 0x0001_0001_0001_0001);
        let raw = _mm512_sub_epi8(text, _mm512_set1_epi8(ZERO));
        let strangers = _mm512_mask_cmpgt_epu8_mask(filled, raw, _mm512_set1_epi8(9));
        let len = a.len + b.len + c.len + d.len;
        let is_filled = filled.count_ones() as usize == len;
        if fits & 1 == 0 || second != 0 || strangers != points || !is_filled {
            return None;
        }
        let order =
            gather([&forms[0].shuffle, &forms[1].shuffle, &forms[2].shuffle, &forms[3].shuffle]);
        let digits = _mm512_subs_epu8(text, _mm512_set1_epi8(ZERO));
        let digits = _mm512_shuffle_epi8(digits, order);
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

    #[inline(always)]
    unsafe fn levels(texts: [Tail<'_>; 4], scales: &Scales) -> Option<[i64; 4]> {
        // SAFETY: the caller vouches for the machine.
        unsafe { levels(texts, scales) }
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
