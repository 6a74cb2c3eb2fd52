//! Pushes about the own account in the form in which the venue prints them, read in one pass.
//!
//! Owns the walk from quote to quote. What a member means is the business of `account`, which is
//! handed the same values that the general reader would find: here they are only found sooner.
//! Keys come in any order, but those that follow each other as the venue sends them are recognised
//! at once. Whatever is escaped, nested, repeated or spaced in another way is left to the general
//! reader.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

use super::account::{self, BALANCE, DEAL, ORDER};
use super::general::harmless;
use super::json::{Reason, Text, Value};
use super::markets::{Markets, LAST};
use super::{Fault, Message};
use crate::event::{Cold, Kind};
use crate::scan::{Kernel, Tokens, MAX_FAST_FRAME};

/// Most assets of a push that is read here.
const MOST_ASSETS: usize = 8;

/// A name at the end of a window of zeros.
#[derive(Clone, Copy)]
struct Key {
    name: u128,
    len: usize,
}

impl Key {
    const fn new(name: &str) -> Self {
        let (name, len) = (name.as_bytes(), name.len());
        let (mut window, mut at) = ([0; 16], 0);
        while at < len {
            window[16 - len + at] = name[at];
            at += 1;
        }
        Self { name: u128::from_le_bytes(window), len }
    }

    const fn all<const N: usize>(names: &[&str; N]) -> [Self; N] {
        let mut keys = [Self { name: 0, len: 0 }; N];
        let mut at = 0;
        while at < N {
            keys[at] = Self::new(names[at]);
            at += 1;
        }
        keys
    }
}

static ORDER_KEYS: [Key; ORDER.len()] = Key::all(&ORDER);
static BALANCE_KEYS: [Key; BALANCE.len()] = Key::all(&BALANCE);

/// Whether a frame may be a push that is read here: one word decides, and [`read`] verifies.
#[inline(always)]
fn is_likely(frame: &[u8]) -> bool {
    let method = match frame.strip_prefix(b"{\"method\":") {
        Some([b' ', rest @ ..] | rest) => rest.first_chunk(),
        None => None,
    };
    matches!(method, Some(b"\"ordersP" | b"\"ordersE" | b"\"deals_u" | b"\"balance"))
}

/// Whether all bytes are printable ASCII and none is a backslash: then each text is what it says.
#[inline(always)]
fn is_plain(frame: &[u8]) -> bool {
    let mut strange = false;
    for byte in frame {
        strange |= !matches!(byte, b' '..=b'[' | b']'..=b'~');
    }
    !strange
}

/// A plain frame and the positions of its quotes, read from left to right.
struct Walk<'a> {
    text: &'a str,
    quotes: &'a [u16],
    /// The byte to be read next.
    at: usize,
    /// Index of the first quote at or after it.
    next: usize,
}

impl<'a> Walk<'a> {
    /// The byte to be read next, 0 at the end.
    #[inline(always)]
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Consumes this byte.
    #[inline(always)]
    fn take(&mut self, byte: u8) -> Option<()> {
        let found = self.peek() == byte;
        self.at += 1;
        found.then_some(())
    }

    /// Consumes a comma or a colon and the space behind it, if there is one.
    #[inline(always)]
    fn part(&mut self, byte: u8) -> Option<()> {
        self.take(byte)?;
        self.at += usize::from(self.peek() == b' ');
        Some(())
    }

    /// Consumes a text.
    #[inline(always)]
    fn quoted(&mut self) -> Option<&'a str> {
        let [open, close] = *self.quotes.get(self.next..)?.first_chunk()?;
        let (open, close) = (usize::from(open), usize::from(close));
        let is_here = open == self.at;
        (self.at, self.next) = (close + 1, self.next + 2);
        self.text.get(open + 1..close).filter(|_| is_here)
    }

    /// Consumes a key and its colon; where it stands among these, or `N`. `likely` is tried first.
    #[inline(always)]
    fn key<const N: usize>(&mut self, keys: &[Key; N], likely: usize) -> Option<usize> {
        let len = self.quoted()?.len();
        // Before a member stands a head of more than 16 bytes.
        let window = self.text.as_bytes().get(self.at.checked_sub(17)?..)?.first_chunk()?;
        let name = u128::from_le_bytes(*window) & LAST.get(len).unwrap_or(&0);
        self.part(b':')?;
        let is_it = |key: &Key| key.name == name && key.len == len;
        if keys.get(likely).is_some_and(is_it) {
            return Some(likely);
        }
        Some(keys.iter().position(is_it).unwrap_or(N))
    }

    /// Consumes digits; whether there are any.
    #[inline(always)]
    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        self.at > start
    }

    /// Consumes a number without a sign and an exponent.
    #[inline(always)]
    fn number(&mut self) -> Option<Value<'a>> {
        let (start, is_zero) = (self.at, self.peek() == b'0');
        let is_whole = self.digits() && (!is_zero || self.at == start + 1);
        let is_number =
            is_whole && (self.peek() != b'.' || self.take(b'.').is_some() && self.digits());
        is_number.then(|| Value::Number(&self.text.as_bytes()[start..self.at]))
    }

    #[inline(always)]
    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(value)
    }

    /// Consumes a value that is neither an array nor an object.
    #[inline(always)]
    fn scalar(&mut self) -> Option<Value<'a>> {
        match self.peek() {
            b'"' => Some(Value::Text(Text::plain(self.quoted()?))),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    /// Consumes an object of scalars; the values of some keys, null for those that are missing.
    #[inline(always)]
    fn object<const N: usize>(&mut self, keys: &[Key; N]) -> Option<[Value<'a>; N]> {
        let (mut values, mut found, mut likely) = ([Value::Null; N], 0u32, 0);
        self.take(b'{')?;
        loop {
            let key = self.key(keys, likely)?;
            let value = self.scalar()?;
            if let Some(slot) = values.get_mut(key) {
                if found & 1 << key != 0 {
                    return None;
                }
                found |= 1 << key;
                *slot = value;
                likely = key + 1;
            }
            if self.peek() != b',' {
                break;
            }
            self.part(b',')?;
        }
        self.take(b'}')?;
        Some(values)
    }

    /// Consumes `], "id": null}` and the frame with it.
    #[inline(always)]
    fn end(&mut self) -> Option<()> {
        self.take(b']')?;
        if self.peek() == b',' {
            self.part(b',')?;
            (self.quoted()? == "id").then_some(())?;
            self.part(b':')?;
            self.word("null", Value::Null)?;
        }
        self.take(b'}')?;
        (self.at == self.text.len()).then_some(())
    }

    fn deal(&mut self) -> Option<[Value<'a>; DEAL]> {
        let mut values = [Value::Null; DEAL];
        for (at, value) in values.iter_mut().enumerate() {
            if at > 0 {
                self.part(b',')?;
            }
            *value = self.scalar()?;
        }
        self.end()?;
        Some(values)
    }

    fn balances(&mut self) -> Option<([Balance<'a>; MOST_ASSETS], usize)> {
        let mut rows = [Balance { asset: Text::plain(""), values: [Value::Null; 2] }; MOST_ASSETS];
        let mut count = 0;
        self.take(b'{')?;
        loop {
            let asset = Text::plain(self.quoted()?);
            self.part(b':')?;
            *rows.get_mut(count)? = Balance { asset, values: self.object(&BALANCE_KEYS)? };
            count += 1;
            if self.peek() != b',' {
                break;
            }
            self.part(b',')?;
        }
        self.take(b'}')?;
        self.end()?;
        Some((rows, count))
    }
}

/// The balance of one asset.
#[derive(Clone, Copy)]
struct Balance<'a> {
    asset: Text<'a>,
    values: [Value<'a>; BALANCE.len()],
}

/// Reads a push about the own account in the captured form.
///
/// # Safety
/// The machine has the kernel's instruction set.
#[inline(always)]
pub(super) unsafe fn read<K: Kernel>(
    frame: &[u8],
    tokens: &mut Tokens,
    markets: &Markets,
    cold: &mut Cold,
) -> Option<Result<Message, Fault>> {
    if !is_likely(frame) || frame.len() >= MAX_FAST_FRAME || !is_plain(frame) {
        return None;
    }
    let text = core::str::from_utf8(frame).ok()?;
    // SAFETY: the caller vouches for the machine.
    unsafe { K::quotes(frame, tokens) };
    // Behind the first key and its colon.
    let mut walk = Walk { text, quotes: tokens.positions(), at: 9, next: 2 };
    walk.part(b':')?;
    let method = walk.quoted()?;
    walk.part(b',')?;
    (walk.quoted()? == "params").then_some(())?;
    walk.part(b':')?;
    walk.take(b'[')?;
    let read = match method {
        "ordersPending_update" => {
            let event = walk.scalar()?;
            walk.part(b',')?;
            let values = walk.object(&ORDER_KEYS)?;
            walk.end()?;
            account::take_order(event, &values, markets, cold)
        }
        "ordersExecuted_update" => {
            let values = walk.object(&ORDER_KEYS)?;
            walk.end()?;
            account::take_finished(&values, markets, cold)
        }
        "deals_update" => account::take_deal(&walk.deal()?, markets, cold),
        "balanceSpot_update" => {
            let (rows, count) = walk.balances()?;
            take_balances(&rows[..count], cold)
        }
        _ => return None,
    };
    method.clone_into(&mut cold.method);
    Some(read.map_err(harmless))
}

fn take_balances(rows: &[Balance<'_>], cold: &mut Cold) -> Result<Message, Reason> {
    cold.clear_balances();
    for row in rows {
        account::take_balance(row.asset, row.values, cold)?;
    }
    Ok(Message::Cold(Kind::Balances, None))
}
