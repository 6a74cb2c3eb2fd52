//! Order requests with holes: place, modify, cancel, bulk, and any other private endpoint.
//!
//! Owns the JSON bodies of the order endpoints. Must not know sockets, clocks, ticks or lots: it
//! takes decimals and a nonce. Invariant: what `encode` returns is a complete, signed,
//! compact request, or an error and nothing to send.
//!
//! Rules obeyed, by number:
//! * T1 — the body is compact JSON; numbers of money travel as strings, the nonce as an integer.
//! * T2 — post-only excludes IOC (37), RPI excludes IOC (40), RPI is post-only by itself and
//!   refuses to be told so (30).
//! * T3 — STP modes travel abbreviated: `no`, `cb`, `cn`, `co`.
//! * T4 — a client id has at most 64 characters: letters, digits and dashes where we create it;
//!   one that another program created may also hold dots and underscores.
//! * T5 — modify resets the STP mode unless it is sent again, so it always is.
//! * T6 — a bulk holds 1 to 20 orders, each as in a single request but without `request`/`nonce`.
//! * T7 — cancel and modify name an order by its client id, which survives a modify.
//!
//! Constants come first and changing fields last, so that the start of the payload is hashed once.

mod amend;
mod bulk;
mod burst;
mod envelope;
mod error;
mod place;
mod raw;
mod socket;
mod text;

use crate::digits;
use envelope::Tail;
use text::{is_any_id, is_market, is_plain, MAX_CLIENT_ID};

pub use amend::{CancelTemplate, ModifyFields, ModifyTemplate, Naming};
pub use bulk::{BulkLeg, BulkTemplate, MAX_LEGS};
pub use burst::{sign_all, Draft};
pub use error::{EncodeError, TemplateError};
pub use place::{PlaceFields, PlaceNumbers, PlaceSpec, PlaceTemplate, SEQUENCE_DIGITS};
pub use raw::RawTemplate;
pub use socket::{SocketChange, SocketPlace};

/// Digits of the longest nonce.
const MAX_NONCE_LEN: usize = digits::count(u64::MAX);
const AMOUNT: &[u8; 12] = b"\",\"amount\":\"";
const PRICE: &[u8; 11] = b"\",\"price\":\"";
const NONCE: &[u8; 9] = b",\"nonce\":";

/// Which way an order trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Buys the stock.
    Buy,
    /// Sells the stock.
    Sell,
}

/// What happens where an order would meet another order of the same account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stp {
    /// They trade.
    No,
    /// Both are cancelled.
    CancelBoth,
    /// The new one is cancelled.
    CancelNew,
    /// The resting one is cancelled.
    CancelOld,
}

impl Stp {
    /// The abbreviation that travels (T3).
    fn wire(self) -> &'static str {
        match self {
            Stp::No => "no",
            Stp::CancelBoth => "cb",
            Stp::CancelNew => "cn",
            Stp::CancelOld => "co",
        }
    }
}

const fn nonce_tail_len(digits: usize) -> usize {
    NONCE.len() + digits + 1
}

#[inline(always)]
fn put_nonce(body: &mut Tail<'_>, nonce: u64) {
    body.put(NONCE);
    body.put_number(nonce);
    body.put(b"}");
}

fn check_market(market: &str) -> Result<(), TemplateError> {
    if is_market(market) {
        Ok(())
    } else {
        Err(TemplateError::BadMarket)
    }
}

fn check_nonce(nonce: u64) -> Result<(), EncodeError> {
    if nonce == 0 {
        Err(EncodeError::BadNonce)
    } else {
        Ok(())
    }
}

fn check_amount(amount: &[u8]) -> Result<(), EncodeError> {
    if is_plain(amount) {
        Ok(())
    } else {
        Err(EncodeError::BadAmount)
    }
}

fn check_price(price: &[u8]) -> Result<(), EncodeError> {
    if is_plain(price) {
        Ok(())
    } else {
        Err(EncodeError::BadPrice)
    }
}

fn check_any_id(client_id: &[u8]) -> Result<(), EncodeError> {
    let fits = !client_id.is_empty() && client_id.len() <= MAX_CLIENT_ID; // T4
    if fits && is_any_id(client_id) {
        Ok(())
    } else {
        Err(EncodeError::BadClientId)
    }
}
