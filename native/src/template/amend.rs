//! Cancel and modify: requests about an order that exists.
//!
//! Owns the bodies of the two requests. Must not know whether the order does exist. Invariant: an
//! order is named by its client id alone, never by the venue's id, which a modify replaces (T7).

use super::envelope::Envelope;
use super::place::order_tail_len;
use super::text::{is_own_id, MAX_CLIENT_ID, MAX_NUMBER};
use super::{
    check_amount, check_any_id, check_market, check_nonce, check_price, nonce_tail_len, put_nonce,
    EncodeError, Stp, TemplateError, AMOUNT, MAX_NONCE_LEN, PRICE,
};
use crate::digits;
use crate::sign::Signer;

/// Whose orders a request is about, and how it is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// How our client ids start: in the constant text, this start is hashed but once. Other ids
    /// are written as well.
    pub id_start: &'a str,
    /// Whether a member that the venue does not know fills the constant text up to whole blocks;
    /// that it ignores such a member was never tried.
    pub is_padded: bool,
}

impl Naming<'_> {
    /// Any client id, no padding.
    pub const ANY: Naming<'static> = Naming { id_start: "", is_padded: false };
}

/// The layouts of one request: for our client ids, and for those of others.
struct Layouts {
    id_start: Box<[u8]>,
    own: Envelope,
    any: Envelope,
}

impl Layouts {
    fn new(
        signer: &Signer,
        (host, path): (&str, &str),
        rest: &str,
        naming: Naming<'_>,
    ) -> Result<Layouts, TemplateError> {
        let Naming { id_start, is_padded } = naming;
        if id_start.len() >= MAX_CLIENT_ID || !is_own_id(id_start.as_bytes()) {
            return Err(TemplateError::BadClientIdPrefix); // T4
        }
        let layout = if is_padded { Envelope::padded } else { Envelope::new };
        Ok(Layouts {
            id_start: id_start.as_bytes().into(),
            own: layout(signer, host, path, &format!("{rest}{id_start}"))?,
            any: layout(signer, host, path, rest)?,
        })
    }

    /// The layout for a client id, and what it lacks of the id.
    #[inline]
    fn of<'a>(&self, client_id: &'a [u8]) -> (&Envelope, &'a [u8]) {
        match client_id.strip_prefix(&*self.id_start) {
            Some(rest) => (&self.own, rest),
            None => (&self.any, client_id),
        }
    }

    /// The longest request with `rest` bytes behind the client id.
    fn max_len(&self, rest: usize) -> usize {
        let own = self.own.request_len(MAX_CLIENT_ID - self.id_start.len() + rest);
        own.max(self.any.request_len(MAX_CLIENT_ID + rest))
    }
}

/// The cancel request of one market.
pub struct CancelTemplate {
    layouts: Layouts,
}

impl CancelTemplate {
    /// Lays out the request.
    ///
    /// # Errors
    /// A text that would need escaping.
    pub fn new(
        signer: &Signer,
        host: &str,
        path: &str,
        market: &str,
    ) -> Result<CancelTemplate, TemplateError> {
        CancelTemplate::named(signer, host, path, market, Naming::ANY)
    }

    /// The same for client ids with a known start: two compressions instead of three.
    ///
    /// # Errors
    /// As for `new`, or a start that no client id of ours has.
    pub fn named(
        signer: &Signer,
        host: &str,
        path: &str,
        market: &str,
        naming: Naming<'_>,
    ) -> Result<CancelTemplate, TemplateError> {
        check_market(market)?;
        let rest = format!(",\"market\":\"{market}\",\"clientOrderId\":\""); // T7
        Ok(CancelTemplate { layouts: Layouts::new(signer, (host, path), &rest, naming)? })
    }

    /// Builds one signed request at the start of `out` and returns its length in bytes.
    ///
    /// # Errors
    /// A field that is not safe to send, or an output that is too short.
    pub fn encode(
        &self,
        client_id: &[u8],
        nonce: u64,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        check_nonce(nonce)?;
        check_any_id(client_id)?;
        let (envelope, id) = self.layouts.of(client_id);
        let tail = id.len() + 1 + nonce_tail_len(digits::count(nonce));
        envelope.encode(tail, out, |body| {
            body.put(id);
            body.put(b"\"");
            put_nonce(body, nonce);
        })
    }

    /// The longest request that this template can build, bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.layouts.max_len(1 + nonce_tail_len(MAX_NONCE_LEN))
    }
}

/// What a modify changes.
#[derive(Clone, Copy, Debug)]
pub struct ModifyFields<'a> {
    /// The whole client id.
    pub client_id: &'a [u8],
    /// The new amount, a plain decimal; `None` keeps it.
    pub amount: Option<&'a [u8]>,
    /// The new price, a plain decimal; `None` keeps it.
    pub price: Option<&'a [u8]>,
    /// The nonce, milliseconds.
    pub nonce: u64,
}

/// The modify request of one market.
pub struct ModifyTemplate {
    layouts: Layouts,
}

impl ModifyTemplate {
    /// Lays out the request.
    ///
    /// # Errors
    /// A text that would need escaping.
    pub fn new(
        signer: &Signer,
        host: &str,
        path: &str,
        market: &str,
        stp: Stp,
    ) -> Result<ModifyTemplate, TemplateError> {
        ModifyTemplate::named(signer, host, path, (market, stp), Naming::ANY)
    }

    /// The same for client ids with a known start. Padded it costs two compressions, as long as
    /// amount and price take 24 bytes together behind an id of ten further characters.
    ///
    /// # Errors
    /// As for `new`, or a start that no client id of ours has.
    pub fn named(
        signer: &Signer,
        host: &str,
        path: &str,
        (market, stp): (&str, Stp),
        naming: Naming<'_>,
    ) -> Result<ModifyTemplate, TemplateError> {
        check_market(market)?;
        let stp = stp.wire(); // T5
        let rest = format!(",\"stp\":\"{stp}\",\"market\":\"{market}\",\"clientOrderId\":\""); // T7
        Ok(ModifyTemplate { layouts: Layouts::new(signer, (host, path), &rest, naming)? })
    }

    /// Builds one signed request at the start of `out` and returns its length in bytes.
    ///
    /// # Errors
    /// Neither amount nor price, a field that is not safe to send, or an output that is too short.
    pub fn encode(&self, f: &ModifyFields<'_>, out: &mut [u8]) -> Result<usize, EncodeError> {
        let ModifyFields { client_id, amount, price, nonce } = *f;
        check_nonce(nonce)?;
        check_any_id(client_id)?;
        if amount.is_none() && price.is_none() {
            return Err(EncodeError::NothingToModify);
        }
        amount.map_or(Ok(()), check_amount)?;
        price.map_or(Ok(()), check_price)?;
        let numbers = amount.map_or(0, |text| AMOUNT.len() + text.len())
            + price.map_or(0, |text| PRICE.len() + text.len());
        let (envelope, id) = self.layouts.of(client_id);
        let tail = id.len() + numbers + 1 + nonce_tail_len(digits::count(nonce));
        envelope.encode(tail, out, |body| {
            body.put(id);
            if let Some(text) = amount {
                body.put(AMOUNT);
                body.put(text);
            }
            if let Some(text) = price {
                body.put(PRICE);
                body.put(text);
            }
            body.put(b"\"");
            put_nonce(body, nonce);
        })
    }

    /// The longest request that this template can build, bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        let order = order_tail_len(0, 2 * MAX_NUMBER);
        self.layouts.max_len(order + nonce_tail_len(MAX_NONCE_LEN))
    }
}
