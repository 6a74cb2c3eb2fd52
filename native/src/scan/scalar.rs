//! The kernels in plain Rust: the meaning of the others, and the path of machines without vectors.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]
#![allow(clippy::cast_possible_truncation, reason = "a length that does not fit is in no form")]

use super::{Kernel, Rank, Scale, Scales, Tail, Tokens, LANES, MAX_TOKENS, NO_POINT};
use crate::price;

pub(crate) struct Scalar;

/// `text` as an integer, if it is all digits and starts with none that JSON would refuse.
fn digits(text: &[u8]) -> Option<i64> {
    let plain = text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || text.first()? != &b'0');
    plain.then(|| price::parse(text, 0).ok())?
}

fn last(text: &[u8; 16], len: usize) -> Option<&[u8]> {
    text.get(16usize.checked_sub(len)?..)
}

fn number(Tail { window, len }: Tail<'_>, scale: Scale) -> Option<i64> {
    let text = last(window, len)?;
    let plain = text.iter().all(|c| c.is_ascii_digit() || *c == b'.');
    let fraction = text.iter().rev().position(|c| *c == b'.').unwrap_or(NO_POINT);
    let form = scale.forms()[fraction];
    let fits = plain && (len as u32).wrapping_sub(form.min_len) <= form.spare;
    fits.then(|| price::parse(text, scale.decimals).ok())?
}

impl Kernel for Scalar {
    #[inline(always)]
    unsafe fn quotes(frame: &[u8], tokens: &mut Tokens) {
        let mut len = 0;
        for (at, byte) in (0u16..).zip(frame) {
            if *byte == b'"' {
                if len == MAX_TOKENS {
                    tokens.len = 0;
                    return;
                }
                tokens.at.0[len] = at;
                len += 1;
            }
        }
        tokens.len = len;
    }

    #[inline(always)]
    unsafe fn level(price: Tail<'_>, amount: Tail<'_>, scales: Scales) -> Option<(i64, i64)> {
        Some((number(price, scales.price)?, number(amount, scales.amount)?))
    }

    #[inline(always)]
    unsafe fn integer(text: &[u8; 16], len: usize) -> Option<i64> {
        last(text, len).and_then(digits)
    }

    #[inline(always)]
    unsafe fn seconds(text: &[u8; 27], len: usize) -> Option<i64> {
        let text = text.get(..len).unwrap_or_default();
        match text.split_at_checked(10) {
            Some((whole, [b'.', fraction @ ..]))
                if whole[0] < b'9'
                    && digits(whole).is_some()
                    && fraction.iter().all(u8::is_ascii_digit) =>
            {
                price::parse_seconds(text).ok()
            }
            _ => None,
        }
    }

    #[inline(always)]
    unsafe fn nanoseconds(text: &[u8; 27], places: usize) -> i64 {
        price::parse_seconds(&text[..(11 + places).min(27)]).unwrap_or_default()
    }

    #[inline(always)]
    unsafe fn commas(text: &[u8; 64]) -> u64 {
        text.iter().rev().fold(0, |mask, c| mask << 1 | u64::from(*c == b','))
    }

    #[inline(always)]
    unsafe fn digits(text: &[u8; 64]) -> u64 {
        text.iter().rev().fold(0, |mask, c| mask << 1 | u64::from(c.is_ascii_digit()))
    }

    #[inline(always)]
    unsafe fn rank(keys: &[i64; LANES], key: i64) -> Rank {
        let before = keys.iter().position(|k| *k >= key).unwrap_or(LANES);
        Rank { before, equal: keys.get(before) == Some(&key) }
    }
}
