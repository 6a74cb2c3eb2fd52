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

/// Whether `text` is a positive decimal in plain notation: `digits[.digits]`, at most 32 bytes,
/// not zero.
pub(super) fn is_plain(text: &[u8]) -> bool {
    if text.is_empty() || text.len() > MAX_NUMBER {
        return false;
    }
    let mut points = 0;
    let mut not_zero = 0;
    let mut foreign = false;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        points += usize::from(byte == b'.');
        foreign |= digit > 9 && byte != b'.';
        not_zero |= if byte == b'.' { 0 } else { digit };
    }
    let inside = text[0] != b'.' && text[text.len() - 1] != b'.';
    !foreign && points <= 1 && not_zero != 0 && inside
}

/// Whether every byte may stand in a client id that we create: letters, digits and dashes.
pub(super) fn is_own_id(text: &[u8]) -> bool {
    text.iter()
        .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether every byte may stand in a client id that anyone created: dots and underscores too.
pub(super) fn is_any_id(text: &[u8]) -> bool {
    text.iter()
        .all(|&byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
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
