//! The place request, and the text of one order that a bulk leg shares with it.
//!
//! Owns the layout of an order: flags, STP, market, side, client id, amount, price. Must not know
//! how it is framed or signed. Invariant: the order's constant text is one run of bytes, the end
//! of the constant body prefix.

use super::burst::Draft;
use super::envelope::{body_prefix, Envelope, Layout, Tail, GRAIN, ONE_BLOCK_TAIL};
use super::text::{is_own_id, MAX_CLIENT_ID, MAX_MARKET, MAX_NUMBER};
use super::{
    check_amount, check_market, check_nonce, check_price, nonce_tail_len, put_nonce, EncodeError,
    Side, Stp, TemplateError, AMOUNT, MAX_NONCE_LEN, PRICE,
};
use crate::digits;
use crate::price::{self, Scaled, Short};
use crate::sign::Signer;

/// Decimal digits of the sequence number that ends each of our client ids.
pub const SEQUENCE_DIGITS: usize = 10;
/// Digits of a nonce in milliseconds, until the year 2286.
const NONCE_DIGITS: usize = 13;

/// What stays the same in all orders of one template.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools)] // the venue's flags, each by its own name
pub struct PlaceSpec<'a> {
    /// The `Host` header.
    pub host: &'a str,
    /// The endpoint, for example `/api/v4/order/new`.
    pub path: &'a str,
    /// The market, for example `BTC_USDT`.
    pub market: &'a str,
    /// The side.
    pub side: Side,
    /// Refused by the venue rather than executed on arrival.
    pub post_only: bool,
    /// Executed on arrival as far as possible, the rest cancelled.
    pub ioc: bool,
    /// Visible to retail takers only; implies post-only.
    pub rpi: bool,
    /// Only reduces a position; shrunk to it by the venue.
    pub reduce_only: bool,
    /// Self-trade prevention; `None` leaves the venue's default.
    pub stp: Option<Stp>,
    /// The constant start of every client id.
    pub client_id_prefix: &'a str,
}

/// What changes from order to order.
#[derive(Clone, Copy, Debug)]
pub struct PlaceFields<'a> {
    /// The client id after the template's prefix.
    pub client_id: &'a [u8],
    /// The amount, a plain decimal.
    pub amount: &'a [u8],
    /// The price, a plain decimal.
    pub price: &'a [u8],
    /// The nonce, milliseconds; a leg of a bulk has none of its own, so there it is not looked at.
    pub nonce: u64,
}

/// The same as integers, which become text on their way into the request.
#[derive(Clone, Copy, Debug)]
pub struct PlaceNumbers {
    /// The client id after the template's prefix: the last [`SEQUENCE_DIGITS`] digits.
    pub sequence: u64,
    /// The amount.
    pub amount: Scaled,
    /// The price.
    pub price: Scaled,
    /// The nonce, milliseconds.
    pub nonce: u64,
}

/// The place request of one market and side.
pub struct PlaceTemplate {
    envelope: Envelope,
    /// Where the order itself starts within the constant body prefix.
    leg_start: usize,
    max_suffix: usize,
}

impl PlaceTemplate {
    /// Checks the flags and lays out the request.
    ///
    /// # Errors
    /// Flags that the venue refuses together, or a text that would need escaping.
    pub fn new(signer: &Signer, spec: &PlaceSpec<'_>) -> Result<PlaceTemplate, TemplateError> {
        PlaceTemplate::laid_out(signer, spec, Envelope::new)
    }

    /// The same with a member before the order that the venue does not know: the constant text ends
    /// with a block, and a client id needs no zeros. That the venue ignores it was never tried.
    ///
    /// # Errors
    /// As for `new`.
    pub fn padded(signer: &Signer, spec: &PlaceSpec<'_>) -> Result<PlaceTemplate, TemplateError> {
        PlaceTemplate::laid_out(signer, spec, Envelope::padded)
    }

    fn laid_out(
        signer: &Signer,
        spec: &PlaceSpec<'_>,
        envelope: Layout,
    ) -> Result<PlaceTemplate, TemplateError> {
        let prefix = spec.client_id_prefix;
        if prefix.len() >= MAX_CLIENT_ID || !is_own_id(prefix.as_bytes()) {
            return Err(TemplateError::BadClientIdPrefix); // T4
        }
        let leg = leg_prefix(spec)?;
        let envelope = envelope(signer, spec.host, spec.path, &format!(",{leg}"))?;
        let leg_start = envelope.prefix().len() - leg.len();
        Ok(PlaceTemplate { envelope, leg_start, max_suffix: MAX_CLIENT_ID - prefix.len() })
    }

    /// The client id prefix that starts with `base` and makes an order cost two compressions.
    ///
    /// Appends as many zeros as bring the constant start of the body to a whole number of SHA-512
    /// blocks of payload text; amount and price may then take `34 - suffix_len` bytes together at
    /// that cost. Returns `base` itself where the zeros would make ids of `suffix_len` further
    /// characters longer than 64, or where the rest would need a second block anyway, or where
    /// [`PlaceTemplate::new`] would refuse the spec. The spec's own prefix is not looked at.
    #[must_use]
    pub fn aligned_client_id_prefix(spec: &PlaceSpec<'_>, base: &str, suffix_len: usize) -> String {
        let Ok(leg) = leg_prefix(&PlaceSpec { client_id_prefix: base, ..*spec }) else {
            return base.to_owned();
        };
        let constant = body_prefix(spec.path, &format!(",{leg}")).len();
        let zeros = constant.next_multiple_of(GRAIN) - constant;
        let shortest_tail = order_tail_len(suffix_len, 2) + nonce_tail_len(NONCE_DIGITS);
        let fits = base.len() + zeros + suffix_len <= MAX_CLIENT_ID;
        let padding = if fits && shortest_tail <= ONE_BLOCK_TAIL { zeros } else { 0 };
        format!("{base}{}", "0".repeat(padding))
    }

    /// Builds one signed request at the start of `out` and returns its length in bytes.
    ///
    /// # Errors
    /// A field that is not safe to send, or an output that is too short.
    pub fn encode(&self, f: &PlaceFields<'_>, out: &mut [u8]) -> Result<usize, EncodeError> {
        self.draft(f, out).map(Draft::sign)
    }

    /// The same without the signature, which `sign_all` adds for many requests at a time.
    ///
    /// # Errors
    /// As for `encode`.
    #[inline(always)]
    pub fn draft<'a>(
        &'a self,
        f: &PlaceFields<'_>,
        out: &'a mut [u8],
    ) -> Result<Draft<'a>, EncodeError> {
        check_nonce(f.nonce)?;
        self.check(f)?;
        let tail = order_tail_len(f.client_id.len(), f.amount.len() + f.price.len());
        self.envelope.draft(tail + nonce_tail_len(digits::count(f.nonce)), out, |body| {
            put_order_tail(body, f);
            put_nonce(body, f.nonce);
        })
    }

    /// The same from integers.
    ///
    /// # Errors
    /// As for `encode`.
    #[inline(always)]
    pub fn draft_numbers<'a>(
        &'a self,
        n: &PlaceNumbers,
        out: &'a mut [u8],
    ) -> Result<Draft<'a>, EncodeError> {
        let (Some(amount), Some(price)) = (n.amount.short(), n.price.short()) else {
            return self.draft_texts(n, out);
        };
        if n.amount.value == 0 || n.price.value == 0 || self.max_suffix < SEQUENCE_DIGITS {
            return self.draft_texts(n, out); // and refused there
        }
        check_nonce(n.nonce)?;
        let tail = order_tail_len(SEQUENCE_DIGITS, amount.len + price.len);
        let id = Short { bytes: digits::last(n.sequence, SEQUENCE_DIGITS), len: SEQUENCE_DIGITS };
        self.envelope.draft(tail + nonce_tail_len(digits::count(n.nonce)), out, |body| {
            body.put_short(id);
            body.put(AMOUNT);
            body.put_short(amount);
            body.put(PRICE);
            body.put_short(price);
            body.put(b"\"");
            put_nonce(body, n.nonce);
        })
    }

    /// The same for numbers of any length.
    #[cold]
    fn draft_texts<'a>(
        &'a self,
        n: &PlaceNumbers,
        out: &'a mut [u8],
    ) -> Result<Draft<'a>, EncodeError> {
        let (mut id, mut amount, mut price) = ([0; SEQUENCE_DIGITS], [0; 40], [0; 40]);
        digits::put(n.sequence, &mut id);
        let amount_len = price::format(n.amount.value, n.amount.decimals, &mut amount);
        let price_len = price::format(n.price.value, n.price.decimals, &mut price);
        let fields = PlaceFields {
            client_id: &id,
            amount: &amount[..amount_len],
            price: &price[..price_len],
            nonce: n.nonce,
        };
        self.draft(&fields, out)
    }

    /// The longest request that this template can build, bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        let tail = order_tail_len(self.max_suffix, 2 * MAX_NUMBER);
        self.envelope.request_len(tail + nonce_tail_len(MAX_NONCE_LEN))
    }

    /// The order's constant text, for a bulk leg.
    pub(super) fn leg(&self) -> &[u8] {
        &self.envelope.prefix()[self.leg_start..]
    }

    #[inline(always)]
    pub(super) fn check(&self, f: &PlaceFields<'_>) -> Result<(), EncodeError> {
        let fits = !f.client_id.is_empty() && f.client_id.len() <= self.max_suffix; // T4
        if !fits || !is_own_id(f.client_id) {
            return Err(EncodeError::BadClientId);
        }
        check_amount(f.amount)?;
        check_price(f.price)
    }
}

/// The longest order, client id and numbers included.
pub(super) const MAX_ORDER_LEN: usize = {
    const OPTIONS: usize =
        "\"postOnly\":false,\"ioc\":false,\"reduceOnly\":true,\"stp\":\"cn\",".len();
    const NAMES: usize = "\"market\":\"\",\"side\":\"sell\",\"clientOrderId\":\"".len();
    OPTIONS + NAMES + MAX_MARKET + order_tail_len(MAX_CLIENT_ID, 2 * MAX_NUMBER)
};

/// The constant text of one order: every field whose value does not change, and the start of the
/// client id.
///
/// An order with any option states post-only and IOC as a pair, true or false: with the twelve to
/// seventeen bytes of the false one, a client id can reach the next block within its 64 characters
/// (see `aligned_client_id_prefix`). Next to RPI, post-only must not be mentioned (T2).
fn leg_prefix(spec: &PlaceSpec<'_>) -> Result<String, TemplateError> {
    check_flags(spec)?;
    check_market(spec.market)?;
    let (post_only, ioc, market) = (spec.post_only, spec.ioc, spec.market);
    let flags = match (spec.rpi, post_only || ioc || spec.stp.is_some()) {
        (true, _) => "\"rpi\":true,".to_owned(),
        (false, true) => format!("\"postOnly\":{post_only},\"ioc\":{ioc},"),
        (false, false) => String::new(),
    };
    let stp = spec.stp.map_or(String::new(), |stp| format!("\"stp\":\"{}\",", stp.wire()));
    let reduce_only = if spec.reduce_only { "\"reduceOnly\":true," } else { "" };
    let side = match spec.side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    };
    let prefix = spec.client_id_prefix;
    Ok(format!(
        "{flags}{reduce_only}{stp}\"market\":\"{market}\",\"side\":\"{side}\",\
         \"clientOrderId\":\"{prefix}"
    ))
}

/// Whether the venue takes the flags together (T2).
pub(super) fn check_flags(spec: &PlaceSpec<'_>) -> Result<(), TemplateError> {
    match (spec.post_only, spec.ioc, spec.rpi) {
        (true, true, _) => Err(TemplateError::IocPostOnly),
        (_, true, true) => Err(TemplateError::IocRpi),
        (true, _, true) => Err(TemplateError::RpiPostOnly),
        _ => Ok(()),
    }
}

pub(super) const fn order_tail_len(client_id: usize, numbers: usize) -> usize {
    client_id + AMOUNT.len() + PRICE.len() + numbers + 1
}

#[inline(always)]
pub(super) fn put_order_tail(body: &mut Tail<'_>, f: &PlaceFields<'_>) {
    body.put(f.client_id);
    body.put(AMOUNT);
    body.put(f.amount);
    body.put(PRICE);
    body.put(f.price);
    body.put(b"\"");
}
