//! Checks of the texts that go into a request unescaped.
//!
//! Owns the question "may these bytes stand in JSON and in a header as they are?". Must not know
//! requests or keys. Invariant: what passes needs no escaping, so nothing is ever escaped.

/// Longest amount or price text.
pub(super) const MAX_NUMBER: usize = 32;
/// Longest client id that the venue takes.
pub(super) const MAX_CLIENT_ID: usize = 64;
/// Longest market name that a template takes.
pub(super) const MAX_MARKET: usize = 32;

/// What a byte is in a number or a client id: bits of the constants below.
const CLASS: [u8; 256] = {
    let mut class = [FOREIGN; 256];
    let mut byte = 0u8;
    loop {
        let number = match byte {
            b'.' => POINT,
            b'0' => 0,
            b'1'..=b'9' => NOT_ZERO,
            _ => FOREIGN,
        };
        let is_own_id = byte.is_ascii_alphanumeric() || byte == b'-';
        class[byte as usize] = if is_own_id { number } else { number | NOT_OWN_ID };
        if byte == u8::MAX {
            break class;
        }
        byte += 1;
    }
};
const POINT: u8 = 1;
const NOT_ZERO: u8 = 1 << 5;
const FOREIGN: u8 = 1 << 6;
const NOT_OWN_ID: u8 = 1 << 7;

/// Whether `text` is a positive decimal in plain notation: `digits[.digits]`, at most 32 bytes,
/// not zero.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    let [first, .., last] = text else { return matches!(text, [b'1'..=b'9']) };
    if text.len() > MAX_NUMBER {
        return false;
    }
    // One look-up a byte and no branch that depends on the text: this is on the hot path.
    let (mut points, mut seen) = (0, 0);
    for &byte in text {
        let class = CLASS[usize::from(byte)];
        points += class & POINT;
        seen |= class;
    }
    seen & (FOREIGN | NOT_ZERO) == NOT_ZERO && points <= 1 && *first != b'.' && *last != b'.'
}

/// Whether every byte may stand in a client id that we create: letters, digits and dashes.
#[inline]
pub(super) fn is_own_id(text: &[u8]) -> bool {
    text.iter().fold(0, |seen, &byte| seen | CLASS[usize::from(byte)]) & NOT_OWN_ID == 0
}

/// Whether every byte may stand in a client id that anyone created: dots and underscores too.
pub(super) fn is_any_id(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Whether `name` looks like a market: capitals, digits and underscores, at most 32.
pub(super) fn is_market(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.len() <= MAX_MARKET && name.bytes().all(plain)
}

/// Whether `text` can stand between the braces of a JSON object without breaking out of it:
/// compact (no white space between tokens), printable ASCII, strings closed, brackets balanced,
/// no comma at either end. It is a guard against framing mistakes, not a JSON validator.
pub(super) fn is_members(text: &[u8]) -> bool {
    if text.first() == Some(&b',') || text.last() == Some(&b',') {
        return false;
    }
    let mut open = [0u8; 32];
    let mut depth = 0;
    let mut in_string = false;
    let mut escaped = false;
    for &byte in text {
        if !(byte.is_ascii_graphic() || (in_string && byte == b' ')) {
            return false;
        }
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' if depth == open.len() => return false,
            b'{' | b'[' => {
                open[depth] = byte + 2; // '{' + 2 is '}', '[' + 2 is ']'
                depth += 1;
            }
            b'}' | b']' if depth == 0 || open[depth - 1] != byte => return false,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    depth == 0 && !in_string
}
