//! The kernels in plain Rust: the meaning of the others, and the path of machines without vectors.

use super::{Kernel, Rank, Scale, Tokens, DECLINED, MAX_TOKENS};
use crate::price;

pub(crate) struct Scalar;

/// `text` as an integer, if it is all digits and starts with none that JSON would refuse.
fn digits(text: &[u8]) -> Option<i64> {
    let plain = text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || text.first()? != &b'0');
    plain.then(|| price::parse(text, 0).ok())?
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
                tokens.at[len] = at;
                len += 1;
            }
        }
        tokens.len = len;
    }

    #[inline(always)]
    unsafe fn number(text: &[u8; 16], len: usize, scale: &Scale) -> i64 {
        let Some(text) = text.get(..len) else {
            return DECLINED;
        };
        let point = text.iter().position(|c| *c == b'.').unwrap_or(len);
        if point == 0 || point > scale.max_int || scale.tails >> (len - point) & 1 == 0 {
            return DECLINED;
        }
        if !text.iter().all(|c| c.is_ascii_digit() || *c == b'.') {
            return DECLINED;
        }
        price::parse(text, scale.decimals).unwrap_or(DECLINED)
    }

    #[inline(always)]
    unsafe fn integer(text: &[u8; 16], len: usize) -> i64 {
        let tail = 16usize.checked_sub(len).and_then(|start| text.get(start..));
        tail.and_then(digits).unwrap_or(DECLINED)
    }

    #[inline(always)]
    unsafe fn seconds(text: &[u8; 27], len: usize) -> i64 {
        let text = text.get(..len).unwrap_or_default();
        match text.split_at_checked(10) {
            Some((whole, [b'.', fraction @ ..]))
                if digits(whole).is_some() && fraction.iter().all(u8::is_ascii_digit) =>
            {
                price::parse_seconds(text).unwrap_or(DECLINED)
            }
            _ => DECLINED,
        }
    }

    #[inline(always)]
    unsafe fn comma(text: &[u8; 32]) -> usize {
        text.iter().position(|c| *c == b',').unwrap_or(32)
    }

    #[inline(always)]
    unsafe fn rank(keys: &[i64; 8], key: i64) -> Rank {
        let before = keys.iter().position(|k| *k >= key).unwrap_or(8);
        Rank {
            before,
            equal: keys.get(before) == Some(&key),
        }
    }
}
