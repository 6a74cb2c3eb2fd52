//! The kernels for aarch64, all of which have NEON.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]
#![allow(clippy::cast_possible_truncation, reason = "a length that does not fit is in no form")]

#[allow(clippy::wildcard_imports, reason = "the names are those of the instructions")]
use core::arch::aarch64::*;

use super::{Form, Kernel, Rank, Scale, Scales, Tail, Tokens, LANES, MAX_TOKENS};

/// Kernels for NEON.
pub(crate) struct Neon;

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

/// A bit for each byte of half a register.
const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

/// Bit mask of the bytes of a register that are all ones; the others are zero.
#[inline(always)]
fn mask_of(bytes: uint8x16_t) -> u32 {
    // SAFETY: the load is of the array.
    unsafe {
        let bits = vandq_u8(bytes, vld1q_u8(BITS.as_ptr()));
        let low = vaddv_u8(vget_low_u8(bits));
        u32::from(low) | u32::from(vaddv_u8(vget_high_u8(bits))) << 8
    }
}

/// The same for four registers.
#[inline(always)]
fn mask_of_block(block: [uint8x16_t; 4]) -> u64 {
    // SAFETY: the load is of the array.
    unsafe {
        let bits = vld1q_u8(BITS.as_ptr());
        let [a, b, c, d] = block;
        let low = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
        let high = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
        let sums = vpaddq_u8(low, high);
        vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
    }
}

#[inline(always)]
fn load_block(block: &[u8; 64]) -> [uint8x16_t; 4] {
    let at = block.as_ptr();
    // SAFETY: the loads are of the array.
    unsafe { [vld1q_u8(at), vld1q_u8(at.add(16)), vld1q_u8(at.add(32)), vld1q_u8(at.add(48))] }
}

/// Bit mask of the bytes of a block that are this one.
#[inline(always)]
fn places_of(byte: u8, block: &[u8; 64]) -> u64 {
    let [a, b, c, d] = load_block(block);
    // SAFETY: plain register arithmetic.
    unsafe {
        let wanted = vdupq_n_u8(byte);
        mask_of_block([
            vceqq_u8(a, wanted),
            vceqq_u8(b, wanted),
            vceqq_u8(c, wanted),
            vceqq_u8(d, wanted),
        ])
    }
}

/// All ones in the bytes that are no digits.
#[inline(always)]
fn strangers(text: uint8x16_t) -> uint8x16_t {
    // SAFETY: plain register arithmetic.
    unsafe { vcgtq_u8(vsubq_u8(text, vdupq_n_u8(b'0')), vdupq_n_u8(9)) }
}

/// Sixteen digits, each a byte of 0..=9, as one integer.
#[inline(always)]
fn join(digits: uint8x16_t) -> i64 {
    // SAFETY: plain register arithmetic.
    unsafe {
        let tens = vreinterpretq_u8_u16(vdupq_n_u16(0x010a));
        let twos = vpaddlq_u8(vmulq_u8(digits, tens));
        let hundreds = vreinterpretq_u16_u32(vdupq_n_u32(0x0001_0064));
        let fours = vpaddlq_u16(vmulq_u16(twos, hundreds));
        let thousands = vreinterpretq_u32_u64(vdupq_n_u64(0x0000_0001_0000_2710));
        let eights = vpaddlq_u32(vmulq_u32(fours, thousands));
        let (high, low) = (vgetq_lane_u64::<0>(eights), vgetq_lane_u64::<1>(eights));
        (high * 100_000_000 + low).cast_signed()
    }
}

/// The last `len` bytes of a window and zeros before; arbitrary for a `len` above 16.
#[inline(always)]
fn last(text: &[u8; 16], len: usize) -> uint8x16_t {
    // SAFETY: len % 32 is in 0..=31, so the window lies in the 64 bytes.
    unsafe { vandq_u8(vld1q_u8(text.as_ptr()), vld1q_u8(KEEP.as_ptr().add(len % 32))) }
}

/// Digits in the places where a shuffle wants them, and zeros where it wants none.
#[inline(always)]
fn shuffled(text: uint8x16_t, order: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the load is of the array.
    unsafe { vqtbl1q_u8(vqsubq_u8(text, vdupq_n_u8(b'0')), vld1q_u8(order.as_ptr())) }
}

#[inline(always)]
fn number(Tail { window, len }: Tail<'_>, scale: Scale) -> Option<i64> {
    let text = last(window, len);
    // SAFETY: plain register arithmetic.
    let points = mask_of(unsafe { vceqq_u8(text, vdupq_n_u8(b'.')) });
    // Digits after the point, 16 if there is none.
    let places = (points << 16 | 0x8000).leading_zeros();
    let form: &Form = scale.forms().get(places as usize)?;
    if (len as u32).wrapping_sub(form.min_len) > form.spare {
        return None;
    }
    // What stands before the text was zeroed above and is no digit either.
    let wanted = 0xffff >> len | 0x8000 >> places;
    (mask_of(strangers(text)) == wanted).then(|| join(shuffled(text, &form.shuffle)))
}

/// All ones for the keys that are less than this one.
#[inline(always)]
fn less(keys: &[i64; LANES], key: i64) -> uint8x16_t {
    // SAFETY: the loads are of the array, two keys each.
    unsafe {
        let key = vdupq_n_s64(key);
        let mut quads = [vdupq_n_u32(0); 4];
        for (quad, keys) in quads.iter_mut().zip(keys.as_chunks::<4>().0) {
            let low = vcltq_s64(vld1q_s64(keys.as_ptr()), key);
            let high = vcltq_s64(vld1q_s64(keys.as_ptr().add(2)), key);
            *quad = vuzp1q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high));
        }
        let [a, b, c, d] = quads.map(|quad| vreinterpretq_u16_u32(quad));
        let (low, high) = (vuzp1q_u16(a, b), vuzp1q_u16(c, d));
        vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high))
    }
}

/// Ten digits to the right.
const WHOLE: [u8; 16] = [255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/// Nine digits to the right.
const PART: [u8; 16] = [255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8];

/// A time's first sixteen bytes, and the first `places` behind its point with zeros after them.
#[inline(always)]
fn halves(text: &[u8; 27], places: usize) -> (uint8x16_t, uint8x16_t) {
    // SAFETY: the loads are of the array, bytes 0..16 and 11..27, and of a window in KEEP's bytes.
    unsafe {
        let kept = vld1q_u8(KEEP.as_ptr().add(32 - places % 32));
        let part = vld1q_u8(text.as_ptr().add(11));
        (vld1q_u8(text.as_ptr()), vandq_u8(part, kept))
    }
}

#[inline(always)]
fn nanoseconds_of((whole, part): (uint8x16_t, uint8x16_t)) -> i64 {
    let seconds = join(shuffled(whole, &WHOLE));
    seconds.wrapping_mul(1_000_000_000).wrapping_add(join(shuffled(part, &PART)))
}

impl Kernel for Neon {
    #[inline(always)]
    unsafe fn quotes(frame: &[u8], tokens: &mut Tokens) {
        tokens.len = 0;
        let (mut len, mut base) = (0, 0);
        let (blocks, rest) = frame.as_chunks();
        for block in blocks {
            len = tokens.append(len, base, places_of(b'"', block));
            if len > MAX_TOKENS {
                return;
            }
            base += 64;
        }
        let mut tail = [0; 64];
        tail[..rest.len()].copy_from_slice(rest);
        len = tokens.append(len, base, places_of(b'"', &tail));
        tokens.len = if len > MAX_TOKENS { 0 } else { len };
    }

    #[inline(always)]
    unsafe fn level(price: Tail<'_>, amount: Tail<'_>, scales: Scales) -> Option<(i64, i64)> {
        Some((number(price, scales.price)?, number(amount, scales.amount)?))
    }

    #[inline(always)]
    unsafe fn integer(text: &[u8; 16], len: usize) -> Option<i64> {
        if len.wrapping_sub(1) >= 16 || (text[16 - len] == b'0' && len > 1) {
            return None;
        }
        let text = last(text, len);
        // SAFETY: plain register arithmetic.
        let digits = unsafe { vqsubq_u8(text, vdupq_n_u8(b'0')) };
        (mask_of(strangers(text)) == 0xffff >> len).then(|| join(digits))
    }

    #[inline(always)]
    unsafe fn seconds(text: &[u8; 27], len: usize) -> Option<i64> {
        let places = len.wrapping_sub(11);
        // Nine thousand million seconds and more may not fit the nanoseconds.
        if places.wrapping_sub(1) >= 16 || text[10] != b'.' || !matches!(text[0], b'1'..=b'8') {
            return None;
        }
        let (whole, part) = halves(text, places);
        let is_plain = mask_of(strangers(whole)) & 0x3ff == 0
            && mask_of(strangers(part)) == 0xffff << places & 0xffff;
        is_plain.then(|| nanoseconds_of((whole, part)))
    }

    #[inline(always)]
    unsafe fn nanoseconds(text: &[u8; 27], places: usize) -> i64 {
        nanoseconds_of(halves(text, places))
    }

    #[inline(always)]
    unsafe fn commas(text: &[u8; 64]) -> u64 {
        places_of(b',', text)
    }

    #[inline(always)]
    unsafe fn digits(text: &[u8; 64]) -> u64 {
        let [a, b, c, d] = load_block(text);
        !mask_of_block([strangers(a), strangers(b), strangers(c), strangers(d)])
    }

    #[inline(always)]
    unsafe fn rank(keys: &[i64; LANES], key: i64) -> Rank {
        // What stands behind the side's end may be anything, so that the smaller ones in front
        // count and no others.
        let before = mask_of(less(keys, key)).trailing_ones() as usize;
        Rank { before, equal: keys.get(before) == Some(&key) }
    }
}
