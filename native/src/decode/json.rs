//! A small validating JSON reader over a text.
//!
//! Owns JSON's grammar and nothing of the venue. It builds no tree: a value is its kind and its
//! bytes, and whoever wants the inside walks again. Invariant: every byte is checked before it is
//! believed, nesting and text lengths are bounded, nothing is allocated.

mod text;

use text::unescape;

pub(crate) use text::{Buffer, Text};

/// Why a frame cannot be used; a sentence for logs.
pub(crate) type Reason = &'static str;

/// Deepest nesting; the venue's deepest message has five levels.
const MAX_NESTING: u32 = 32;

/// One JSON value of a text that was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a [u8]),
    Text(Text<'a>),
    /// With its brackets.
    Array(&'a str),
    /// With its braces.
    Object(&'a str),
}

/// Reads values from left to right.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    /// The next byte that is not white space, not consumed; 0 at the end.
    fn peek(&mut self) -> u8 {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return *byte;
            }
            self.at += 1;
        }
        0
    }

    /// Consumes the next byte that is not white space if it is this one.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// Fails unless only white space is left.
    pub(crate) fn finish(&mut self) -> Result<(), Reason> {
        self.peek();
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err("bytes after the end of the JSON value")
        }
    }

    /// The next value, checked to its end.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, Reason> {
        self.nested(0)
    }

    /// Calls `each` with every member of the object that comes next; fails if none comes.
    pub(crate) fn members(
        &mut self,
        each: impl FnMut(Text<'a>, Value<'a>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        self.object(0, each)
    }

    fn nested(&mut self, depth: u32) -> Result<Value<'a>, Reason> {
        if depth > MAX_NESTING {
            return Err("JSON is nested too deeply");
        }
        let first = self.peek();
        let start = self.at;
        match first {
            b'"' => Ok(Value::Text(self.text()?)),
            b'-' | b'0'..=b'9' => self.number(),
            b'[' => {
                self.array(depth, |_| Ok(()))?;
                Ok(Value::Array(&self.text[start..self.at]))
            }
            b'{' => {
                self.object(depth, |_, _| Ok(()))?;
                Ok(Value::Object(&self.text[start..self.at]))
            }
            b't' => self.word(b"true", Value::Bool(true)),
            b'f' => self.word(b"false", Value::Bool(false)),
            b'n' => self.word(b"null", Value::Null),
            _ => Err("JSON value expected"),
        }
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Result<Value<'a>, Reason> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            Err("JSON value expected")
        }
    }

    fn digits(&mut self) -> usize {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Result<Value<'a>, Reason> {
        const BAD: Reason = "JSON number is not valid";
        let start = self.at;
        self.at += usize::from(self.bytes[self.at] == b'-');
        let zero = self.bytes.get(self.at) == Some(&b'0');
        let whole = self.digits();
        if whole == 0 || (zero && whole > 1) {
            return Err(BAD);
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(BAD);
            }
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(BAD);
            }
        }
        Ok(Value::Number(&self.bytes[start..self.at]))
    }

    fn text(&mut self) -> Result<Text<'a>, Reason> {
        self.at += 1;
        let (start, mut escaped) = (self.at, false);
        loop {
            match self.bytes.get(self.at) {
                None => return Err("JSON string has no end"),
                Some(b'"') => break,
                Some(b'\\') => {
                    let after = &self.bytes[self.at + 1..];
                    let (_, rest) = unescape(after).ok_or("JSON escape is not valid")?;
                    self.at = self.bytes.len() - rest.len();
                    escaped = true;
                }
                Some(..0x20) => return Err("control character in a JSON string"),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(Text { raw: &self.text[start..self.at - 1], escaped })
    }

    fn array(
        &mut self,
        depth: u32,
        mut each: impl FnMut(Value<'a>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        if !self.take(b'[') {
            return Err("JSON array expected");
        }
        if self.take(b']') {
            return Ok(());
        }
        loop {
            each(self.nested(depth + 1)?)?;
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("JSON array has no end");
            }
        }
    }

    fn object(
        &mut self,
        depth: u32,
        mut each: impl FnMut(Text<'a>, Value<'a>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        if !self.take(b'{') {
            return Err("JSON object expected");
        }
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != b'"' {
                return Err("JSON key expected");
            }
            let key = self.text()?;
            if !self.take(b':') {
                return Err("JSON key without a value");
            }
            each(key, self.nested(depth + 1)?)?;
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("JSON object has no end");
            }
        }
    }
}

impl<'a> Value<'a> {
    /// The value as it was written.
    pub(crate) fn raw(self) -> [&'a [u8]; 3] {
        match self {
            Self::Null => [b"null", b"", b""],
            Self::Bool(true) => [b"true", b"", b""],
            Self::Bool(false) => [b"false", b"", b""],
            Self::Text(text) => [b"\"", text.raw.as_bytes(), b"\""],
            Self::Number(bytes) => [bytes, b"", b""],
            Self::Array(text) | Self::Object(text) => [text.as_bytes(), b"", b""],
        }
    }

    /// Calls `each` with every element; fails if this is no array.
    pub(crate) fn elements(
        self,
        each: impl FnMut(Value<'a>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        match self {
            Self::Array(text) => Cursor::new(text).array(0, each),
            _ => Err("JSON array expected"),
        }
    }

    /// Calls `each` with every member; fails if this is no object.
    pub(crate) fn members(
        self,
        each: impl FnMut(Text<'a>, Value<'a>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        match self {
            Self::Object(text) => Cursor::new(text).object(0, each),
            _ => Err("JSON object expected"),
        }
    }

    /// The first `N` elements and how many there are in all; missing ones are null.
    pub(crate) fn tuple<const N: usize>(self) -> Result<([Self; N], usize), Reason> {
        let (mut slots, mut count) = ([Self::Null; N], 0);
        self.elements(|value| {
            if let Some(slot) = slots.get_mut(count) {
                *slot = value;
            }
            count += 1;
            Ok(())
        })?;
        Ok((slots, count))
    }

    /// The values of some keys; missing ones are null, of repeated ones the last counts.
    pub(crate) fn fields<const N: usize>(self, names: &[&str; N]) -> Result<[Self; N], Reason> {
        let mut slots = [Self::Null; N];
        self.members(|key, value| {
            if let Some(at) = names.iter().position(|name| key.is(name)) {
                slots[at] = value;
            }
            Ok(())
        })?;
        Ok(slots)
    }
}
