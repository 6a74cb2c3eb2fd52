//! The usual answer to an order request: the order object, with nothing of the order dealt.
//!
//! Owns the names of that object, over REST and as a call's result, and what is usual in it. It is
//! a short cut beside the general reader, which is Python's. Invariant: what is accepted here means
//! the same there; whatever could mean anything else is left to that reader, errors included.

use super::json::{Cursor, Reason, Text, Value};
use crate::price;

/// Longest answer that is looked at; the venue's have some 400 bytes.
const MAX_ANSWER: usize = 4096;
/// Longest number that is looked at, in bytes.
const MAX_NUMBER: usize = 32;
/// Most digits of an id; any such number fits an i64.
const MAX_ID: usize = 18;

const UNUSUAL: Reason = "not the usual answer";

/// The order that was asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The market's name, as the venue prints it.
    pub market: &'a str,
    /// Our id of the order.
    pub client_id: &'a str,
    /// Decimals of a tick.
    pub price_decimals: i8,
    /// Decimals of a lot.
    pub amount_decimals: i8,
    /// A call on the WebSocket, whose object has other names.
    pub is_call: bool,
}

/// How the order stands: nothing of it was dealt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The venue's order id.
    pub venue_id: i64,
    /// Price in ticks, positive.
    pub price: i64,
    /// Amount in lots.
    pub lots: i64,
    /// It was canceled; otherwise it rests.
    pub is_canceled: bool,
}

/// A member that is read or checked.
#[derive(Clone, Copy)]
enum Field {
    Id,
    Market,
    Amount,
    Left,
    Price,
    Status,
    ClientId,
    Dealt,
    Money,
    Fee,
    FeeAsset,
    Side,
    Kind,
    Time,
}

/// Without these the answer is not usual.
const REQUIRED: u32 = bit(Field::Id)
    | bit(Field::Market)
    | bit(Field::Amount)
    | bit(Field::Left)
    | bit(Field::Price)
    | bit(Field::Status);

const fn bit(field: Field) -> u32 {
    1 << field as u32
}

fn of_request(name: &[u8]) -> Option<Field> {
    Some(match name {
        b"orderId" => Field::Id,
        b"clientOrderId" => Field::ClientId,
        b"dealStock" => Field::Dealt,
        b"dealMoney" => Field::Money,
        b"dealFee" => Field::Fee,
        b"feeAsset" => Field::FeeAsset,
        b"type" => Field::Kind,
        b"timestamp" => Field::Time,
        _ => return of_both(name),
    })
}

fn of_call(name: &[u8]) -> Option<Field> {
    Some(match name {
        b"id" => Field::Id,
        b"client_order_id" => Field::ClientId,
        b"deal_stock" => Field::Dealt,
        b"deal_money" => Field::Money,
        b"deal_fee" => Field::Fee,
        b"fee_asset" => Field::FeeAsset,
        b"ctime" => Field::Time,
        _ => return of_both(name),
    })
}

fn of_both(name: &[u8]) -> Option<Field> {
    Some(match name {
        b"market" => Field::Market,
        b"side" => Field::Side,
        b"amount" => Field::Amount,
        b"left" => Field::Left,
        b"price" => Field::Price,
        b"status" => Field::Status,
        _ => return None,
    })
}

fn text(value: Value<'_>) -> Option<&[u8]> {
    match value {
        Value::Text(text) => text.unescaped(),
        _ => None,
    }
}

/// Whether there is neither sign nor exponent, and not too much.
fn is_short(number: &[u8]) -> bool {
    number.len() <= MAX_NUMBER && number.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.'))
}

/// Whether it is `digits[.digits]`, not too long.
fn is_plain(number: &[u8]) -> bool {
    is_short(number) && price::is_number(number)
}

fn id(value: Value<'_>) -> Option<i64> {
    let Value::Number(digits) = value else {
        return None;
    };
    let is_whole = digits.len() <= MAX_ID && digits.iter().all(u8::is_ascii_digit);
    is_whole.then(|| digits.iter().fold(0, |id, digit| id * 10 + i64::from(digit - b'0')))
}

fn scaled(value: Value<'_>, decimals: i8) -> Option<i64> {
    let number = text(value)?;
    is_short(number).then(|| price::parse(number, decimals).ok()).flatten()
}

/// What was found so far.
struct Found<'a> {
    asked: &'a Asked<'a>,
    seen: u32,
    standing: Standing,
}

impl Found<'_> {
    /// Takes a member in; None where it is not what it usually is.
    fn take(&mut self, name: Text<'_>, value: Value<'_>) -> Option<()> {
        let asked = self.asked;
        let name = name.unescaped()?;
        let Some(field) = (if asked.is_call { of_call(name) } else { of_request(name) }) else {
            return Some(());
        };
        if self.seen & bit(field) != 0 {
            return None;
        }
        self.seen |= bit(field);
        let is_usual = match field {
            Field::Id => {
                self.standing.venue_id = id(value)?;
                true
            }
            Field::Amount => {
                self.standing.lots = scaled(value, asked.amount_decimals)?;
                true
            }
            Field::Price => {
                self.standing.price = scaled(value, asked.price_decimals)?;
                self.standing.price != 0
            }
            Field::Status => {
                let status = text(value)?;
                self.standing.is_canceled = status == b"CANCELED";
                self.standing.is_canceled || status == b"OPEN"
            }
            Field::Market => text(value)? == asked.market.as_bytes(),
            Field::ClientId => {
                let found = text(value)?;
                found.is_empty() || found == asked.client_id.as_bytes()
            }
            Field::Dealt => scaled(value, 0)? == 0,
            Field::Left | Field::Money | Field::Fee => is_plain(text(value)?),
            Field::Side if asked.is_call => id(value).is_some(),
            Field::Side | Field::Kind | Field::FeeAsset => text(value).is_some(),
            Field::Time => match value {
                Value::Number(number) => is_plain(number),
                _ => is_plain(text(value)?),
            },
        };
        is_usual.then_some(())
    }
}

/// Reads an answer about an order; None where it is not the usual one.
#[must_use]
pub fn read(answer: &[u8], asked: &Asked<'_>) -> Option<Standing> {
    if answer.len() > MAX_ANSWER || !answer.is_ascii() {
        return None;
    }
    let answer = std::str::from_utf8(answer).ok()?;
    let standing = Standing { venue_id: 0, price: 0, lots: 0, is_canceled: false };
    let mut found = Found { asked, seen: 0, standing };
    let mut cursor = Cursor::new(answer);
    let whole = cursor.members(|name, value| found.take(name, value).ok_or(UNUSUAL));
    whole.and_then(|()| cursor.finish()).ok()?;
    (found.seen & REQUIRED == REQUIRED).then_some(found.standing)
}
