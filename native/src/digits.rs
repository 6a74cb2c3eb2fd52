//! Unsigned integers as decimal digits, eight of them at a time.
//!
//! Owns the split of a number into digits. Must not know what is counted, nor any text around it.
//! Invariant: as many digits are written as the caller has room for, with leading zeros.

/// The number after the largest of eight digits.
pub const EIGHT: u64 = 100_000_000;

/// The powers of ten that a number can reach.
const POWERS: [u64; 20] = {
    let (mut powers, mut at) = ([1; 20], 1);
    while at < 20 {
        powers[at] = 10 * powers[at - 1];
        at += 1;
    }
    powers
};

/// Decimal digits of a number without leading zeros.
#[inline]
#[must_use]
pub const fn count(value: u64) -> usize {
    // A bit is worth 1233 / 4096 digits, a little less than log10(2).
    let full = (value | 1).ilog2() as usize * 1233 / 4096;
    full + 1 + (full < 19 && value >= POWERS[full + 1]) as usize
}

/// The values of the eight digits of a number below [`EIGHT`], the first one in the lowest byte.
///
/// Halves, quarters and eighths of the number are divided side by side in one register, by products
/// that are exact for numbers of four and of two digits.
#[inline]
#[must_use]
pub fn eight(value: u64) -> u64 {
    debug_assert!(value < EIGHT, "eight digits hold it");
    let halves = (value / 10_000) | (value % 10_000) << 32;
    let hundreds = ((halves * 10_486) >> 20) & 0x7f_0000_007f;
    let pairs = hundreds | (halves - 100 * hundreds) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (pairs - 10 * tens) << 8
}

/// The text of digit values.
#[inline]
#[must_use]
pub fn to_text(digits: u64) -> u64 {
    digits | 0x3030_3030_3030_3030
}

/// The text of the last `len` digits of a number, at most 16, the first one in the lowest byte.
#[inline]
pub(crate) fn last(value: u64, len: usize) -> u128 {
    debug_assert!(len <= 16, "there are sixteen");
    let (high, low) = (value / EIGHT % EIGHT, value % EIGHT);
    let text = u128::from(to_text(eight(low))) << 64 | u128::from(to_text(eight(high)));
    text >> (8 * (16 - len))
}

/// Writes the last digits of a number, as many as there is room for.
#[inline]
#[allow(clippy::cast_possible_truncation)] // a shift is at most 64
pub fn put(mut value: u64, out: &mut [u8]) {
    let Some(rest) = out.len().checked_sub(8) else {
        for digit in out.iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
        return;
    };
    let (high, low) = (value / EIGHT, value % EIGHT);
    if rest <= 8 {
        // What is too much of it is under the eight that follow.
        let text = to_text(eight(high % EIGHT)).unbounded_shr(8 * (8 - rest) as u32);
        out[..8].copy_from_slice(&text.to_le_bytes());
    } else {
        put(high, &mut out[..rest]);
    }
    out[rest..].copy_from_slice(&to_text(eight(low)).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(value: u64, len: usize) -> Vec<u8> {
        let text = format!("{value:040}").into_bytes();
        text[40 - len..].to_vec()
    }

    #[test]
    fn every_pair_and_every_half_has_its_digits() {
        for half in 0..10_000 {
            for value in [half, half * 10_000] {
                let digits = eight(value).to_le_bytes().map(|digit| digit + b'0');
                assert_eq!(digits[..], slow(value, 8));
            }
        }
    }

    proptest! {
        #[test]
        fn any_number_has_the_digits_of_its_text(
            value: u64, shift in 0u32..64, len in 0usize..=40,
        ) {
            let value = value >> shift;
            let mut out = vec![0xff; len];
            put(value, &mut out);
            prop_assert_eq!(&out, &slow(value, len));
            prop_assert_eq!(count(value), value.to_string().len());
            if (1..=16).contains(&len) {
                prop_assert_eq!(&last(value, len).to_le_bytes()[..len], &slow(value, len));
            }
        }
    }
}
