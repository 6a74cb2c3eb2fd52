//! A JSON string, its escapes still in place.
//!
//! Owns the meaning of escapes. Must not know: where a string begins and ends. Invariant: what is
//! longer than a record keeps is an error, never cut unasked.

use super::Reason;
use crate::event::MAX_TEXT;

/// Room for the unescaped form of a text that must be looked at.
pub(crate) type Buffer = [u8; MAX_TEXT];

/// A JSON string without its quotes, escapes still in place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(super) raw: &'a str,
    pub(super) escaped: bool,
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digit = |value: u32, c: &u8| Some(value << 4 | char::from(*c).to_digit(16)?);
    digits.iter().try_fold(0, digit)
}

/// The character of an escape sequence, `text` standing behind its backslash, and what follows it.
pub(super) fn unescape(text: &[u8]) -> Option<(char, &[u8])> {
    let (kind, rest) = text.split_first()?;
    let plain = match kind {
        b'"' | b'\\' | b'/' => char::from(*kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let (unit, rest) = rest.split_at_checked(4)?;
            let unit = hex(unit)?;
            if !(0xd800..0xdc00).contains(&unit) {
                return Some((char::from_u32(unit)?, rest));
            }
            let (low, rest) = rest.strip_prefix(b"\\u")?.split_at_checked(4)?;
            let low = hex(low)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
            return Some((char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low)?, rest));
        }
        _ => return None,
    };
    Some((plain, rest))
}

impl<'a> Text<'a> {
    /// A text that was found to have no escapes.
    pub(crate) fn plain(raw: &'a str) -> Self {
        Self { raw, escaped: false }
    }

    /// The text without escapes, in `buffer` if it has any.
    pub(crate) fn get<'b>(&self, buffer: &'b mut Buffer) -> Result<&'b [u8], Reason>
    where
        'a: 'b,
    {
        if !self.escaped {
            return Ok(self.short()?.as_bytes());
        }
        let (mut rest, mut len) = (self.raw.as_bytes(), 0);
        while let Some((byte, after)) = rest.split_first() {
            let mut utf8 = [0; 4];
            let piece: &[u8] = if *byte == b'\\' {
                let (c, after) = unescape(after).ok_or("escape is not valid")?;
                rest = after;
                c.encode_utf8(&mut utf8).as_bytes()
            } else {
                rest = after;
                core::slice::from_ref(byte)
            };
            let room = buffer.get_mut(len..len + piece.len()).ok_or("text is too long")?;
            room.copy_from_slice(piece);
            len += piece.len();
        }
        Ok(&buffer[..len])
    }

    /// The text as it was written.
    fn short(&self) -> Result<&'a str, Reason> {
        if self.raw.len() <= MAX_TEXT {
            Ok(self.raw)
        } else {
            Err("text is too long")
        }
    }

    /// Appends the text without escapes.
    pub(crate) fn append_to(&self, out: &mut String) -> Result<(), Reason> {
        if self.escaped {
            let mut buffer = [0; MAX_TEXT];
            let text = self.get(&mut buffer)?;
            out.push_str(core::str::from_utf8(text).map_err(|_| "text is not UTF-8")?);
        } else {
            out.push_str(self.short()?);
        }
        Ok(())
    }

    /// The text as it was written, None where it has escapes.
    pub(crate) fn unescaped(&self) -> Option<&'a [u8]> {
        (!self.escaped).then_some(self.raw.as_bytes())
    }

    /// Whether the text is exactly this one.
    pub(crate) fn is(&self, name: &str) -> bool {
        if !self.escaped {
            return self.raw == name;
        }
        let mut buffer = [0; MAX_TEXT];
        self.get(&mut buffer).is_ok_and(|text| text == name.as_bytes())
    }

    /// Replaces `out` by the text, cut at the last whole character within `max` bytes.
    pub(crate) fn cut_into(&self, out: &mut String, max: usize) -> Result<(), Reason> {
        out.clear();
        let mut rest = self.raw;
        while let Some(c) = rest.chars().next() {
            let (c, after) = if c == '\\' {
                let (c, after) = unescape(&rest.as_bytes()[1..]).ok_or("escape is not valid")?;
                (c, &rest[rest.len() - after.len()..])
            } else {
                (c, &rest[c.len_utf8()..])
            };
            if out.len() + c.len_utf8() > max {
                break;
            }
            out.push(c);
            rest = after;
        }
        Ok(())
    }
}
