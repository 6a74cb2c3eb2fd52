//! Decimal text to scaled integers and back.
//!
//! Owns the only conversion between the venue's decimal texts and the `i64` ticks and lots that the
//! rest of the core computes with. Knows nothing of markets, JSON or books. Invariant: a conversion
//! is exact or an error; no rounding and no floating point happens here. The one exception is
//! [`parse_seconds`], which cuts a timestamp below its nanosecond.

use crate::digits;

/// Largest supported count of decimals, and the negative of the smallest.
pub const MAX_DECIMALS: i8 = 12;

/// Longest text that [`is_plain_decimal`] accepts, in bytes.
const MAX_PLAIN_LEN: usize = 32;

/// Why a text is not a number of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// There is no text at all.
    Empty,
    /// The text is not a decimal number.
    Syntax,
    /// The number has more decimals than the scale; it would have to be rounded.
    Inexact,
    /// The number, or the scale itself, is outside of the supported range.
    Overflow,
}

impl NumberError {
    /// A sentence for logs and faults.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "number is empty",
            Self::Syntax => "number is not a decimal",
            Self::Inexact => "number has more decimals than its scale",
            Self::Overflow => "number does not fit its scale",
        }
    }
}

impl core::fmt::Display for NumberError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for NumberError {}

/// A decimal number taken apart: `digits * 10^exponent`, where the digits are `int` then `frac`.
struct Parts<'a> {
    negative: bool,
    int: &'a [u8],
    frac: &'a [u8],
    /// The written exponent, held within +-[`EXPONENT_LIMIT`] however long its text is.
    exponent: i64,
}

/// Beyond any exponent that can make a non-zero number representable.
const EXPONENT_LIMIT: i64 = 1 << 32;

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn split(text: &[u8]) -> Result<Parts<'_>, NumberError> {
    let (negative, unsigned) = match text {
        [] => return Err(NumberError::Empty),
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (int, mut rest) = digits(unsigned);
    let mut frac: &[u8] = &[];
    if let [b'.', after @ ..] = rest {
        (frac, rest) = digits(after);
        if frac.is_empty() {
            return Err(NumberError::Syntax);
        }
    }
    let mut exponent = 0;
    if let [b'e' | b'E', after @ ..] = rest {
        let (down, unsigned) = match after {
            [b'-', tail @ ..] => (true, tail),
            [b'+', tail @ ..] => (false, tail),
            _ => (false, after),
        };
        let (power, tail) = digits(unsigned);
        if power.is_empty() {
            return Err(NumberError::Syntax);
        }
        for digit in power {
            exponent = (exponent * 10 + i64::from(digit - b'0')).min(EXPONENT_LIMIT);
        }
        exponent = if down { -exponent } else { exponent };
        rest = tail;
    }
    if int.is_empty() || !rest.is_empty() {
        return Err(NumberError::Syntax);
    }
    Ok(Parts { negative, int, frac, exponent })
}

impl Parts<'_> {
    /// The number times `10^decimals`; digits below the scale are an error unless `cut` drops them.
    fn scaled(&self, decimals: i64, cut: bool) -> Result<i64, NumberError> {
        // How many of the digits, counted from the left, stand above the scale's last place.
        let frac_len = i64::try_from(self.frac.len()).map_err(|_| NumberError::Overflow)?;
        let len = i64::try_from(self.int.len()).map_err(|_| NumberError::Overflow)? + frac_len;
        let shift = self.exponent + decimals - frac_len;
        let mut value: i64 = 0;
        for (at, digit) in (0i64..).zip(self.int.iter().chain(self.frac)) {
            let digit = i64::from(digit - b'0');
            if at >= len + shift.min(0) {
                if digit != 0 && !cut {
                    return Err(NumberError::Inexact);
                }
                continue;
            }
            // Counted downwards because i64::MIN has no positive twin.
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_sub(digit))
                .ok_or(NumberError::Overflow)?;
        }
        if value != 0 {
            let up = u32::try_from(shift.max(0)).map_err(|_| NumberError::Overflow)?;
            let power = 10i64.checked_pow(up).ok_or(NumberError::Overflow)?;
            value = value.checked_mul(power).ok_or(NumberError::Overflow)?;
        }
        if self.negative {
            Ok(value)
        } else {
            value.checked_neg().ok_or(NumberError::Overflow)
        }
    }
}

/// Most digits that cannot overflow.
const SHORT: usize = 18;

/// The value of a few digits and nothing else, which is most of what the venue sends.
fn short(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > SHORT {
        return None;
    }
    text.iter().try_fold(0, |value, c| c.is_ascii_digit().then(|| value * 10 + i64::from(c - b'0')))
}

/// The nanoseconds of ten digits, a point and more digits, as the venue prints times.
fn short_seconds(text: &[u8]) -> Option<i64> {
    const TENS: [i64; 10] =
        [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let (whole, rest) = text.split_at_checked(10)?;
    let fraction = rest.strip_prefix(b".")?;
    let (kept, cut) = fraction.split_at(fraction.len().min(9));
    let nanos = short(kept)? * TENS[kept.len()];
    let is_number = cut.iter().all(u8::is_ascii_digit);
    short(whole)?.checked_mul(TENS[0])?.checked_add(nanos).filter(|_| is_number)
}

/// Converts a decimal text to an integer count of `10^-decimals`, exactly.
///
/// The grammar is `-?digits[.digits][(e|E)[+-]digits]`; the venue's ancestor prints tiny values
/// with an exponent. Leading and trailing zeros carry no meaning.
///
/// # Errors
/// [`NumberError::Empty`] and [`NumberError::Syntax`] for a text that is no number,
/// [`NumberError::Inexact`] for one that would need rounding, [`NumberError::Overflow`] for one
/// that exceeds `i64` and for `decimals` outside of -12..=12.
pub fn parse(text: &[u8], decimals: i8) -> Result<i64, NumberError> {
    if !(-MAX_DECIMALS..=MAX_DECIMALS).contains(&decimals) {
        return Err(NumberError::Overflow);
    }
    match short(text).filter(|_| decimals == 0) {
        Some(value) => Ok(value),
        None => split(text)?.scaled(i64::from(decimals), false),
    }
}

/// Converts seconds since the epoch, as a decimal text, to nanoseconds without a detour over `f64`.
///
/// Digits below the nanosecond are cut: the venue prints doubles, whose last digits are noise.
///
/// # Errors
/// As [`parse`]; a negative time is [`NumberError::Overflow`].
pub fn parse_seconds(text: &[u8]) -> Result<i64, NumberError> {
    if let Some(nanos) = short_seconds(text) {
        return Ok(nanos);
    }
    match split(text)?.scaled(9, true)? {
        nanos @ 0.. => Ok(nanos),
        _ => Err(NumberError::Overflow),
    }
}

/// Whether [`parse`] could read the text at some scale.
#[must_use]
pub fn is_number(text: &[u8]) -> bool {
    split(text).is_ok()
}

/// Whether the text is `digits[.digits]`, not zero and at most 32 bytes: fit to be sent as a price
/// or an amount.
#[must_use]
pub fn is_plain_decimal(text: &[u8]) -> bool {
    let plain = text.iter().all(|c| c.is_ascii_digit() || *c == b'.');
    plain
        && text.len() <= MAX_PLAIN_LEN
        && split(text).is_ok()
        && text.iter().any(|c| (b'1'..=b'9').contains(c))
}

/// A short text in registers: who copies it from there waits for no store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Short {
    /// The text, its first byte in the lowest; what is behind it is arbitrary.
    pub(crate) bytes: u128,
    pub(crate) len: usize,
}

/// An integer as a decimal: `value * 10^-decimals`.
#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    /// The integer, for example ticks or lots.
    pub value: i64,
    /// Its decimals; beyond +-12 they count as +-12.
    pub decimals: i8,
}

impl Scaled {
    /// The shortest plain text of a number of at most eight digits, one of them before the point;
    /// `None` for any other.
    #[inline]
    pub(crate) fn short(self) -> Option<Short> {
        match (u64::try_from(self.value), u32::try_from(self.decimals)) {
            (Ok(value @ 0..digits::EIGHT), Ok(decimals @ 0..8)) => Some(eight(value, decimals)),
            _ => None,
        }
    }
}

#[inline]
fn eight(value: u64, decimals: u32) -> Short {
    let values = digits::eight(value);
    let text = digits::to_text(values);
    let leading = (values.trailing_zeros() / 8).min(7 - decimals);
    let trailing = (values.leading_zeros() / 8).min(decimals);
    let (whole_len, places) = (8 - decimals - leading, decimals - trailing);
    let whole = (text >> (8 * leading)) & (u64::MAX >> (64 - 8 * whole_len));
    let point_and_places = text.unbounded_shr(64 - 8 * decimals) << 8 | u64::from(b'.');
    Short {
        bytes: u128::from(whole) | u128::from(point_and_places) << (8 * whole_len),
        len: (whole_len + places + u32::from(places > 0)) as usize,
    }
}

/// Writes `value * 10^-decimals` as the shortest plain decimal text and returns its length in
/// bytes; `out` behind the text is arbitrary.
///
/// No exponent, no trailing zeros, no `-0`. `decimals` beyond +-12 count as +-12.
#[inline]
pub fn format(value: i64, decimals: i8, out: &mut [u8; 40]) -> usize {
    let Some(short) = (Scaled { value, decimals }).short() else {
        return format_any(value, decimals, out);
    };
    out[..16].copy_from_slice(&short.bytes.to_le_bytes());
    short.len
}

fn format_any(value: i64, decimals: i8, out: &mut [u8; 40]) -> usize {
    let mut decimals = decimals.clamp(-MAX_DECIMALS, MAX_DECIMALS);
    let mut rest = value.unsigned_abs();
    while decimals > 0 && rest.is_multiple_of(10) {
        rest /= 10;
        decimals -= 1;
    }
    // Written from the last digit backwards, then moved to the front.
    let mut at = out.len();
    let mut put = |digit: u8| {
        at -= 1;
        out[at] = digit;
    };
    if rest != 0 {
        (decimals..0).for_each(|_| put(b'0'));
    }
    let mut place = 0;
    while rest != 0 || place <= decimals.max(0) {
        put(b'0' + (rest % 10) as u8);
        rest /= 10;
        place += 1;
        if place == decimals {
            put(b'.');
        }
    }
    if value < 0 {
        put(b'-');
    }
    out.copy_within(at.., 0);
    out.len() - at
}
