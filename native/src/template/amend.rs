//! Cancel and modify: requests about an order that exists.
//!
//! Owns the bodies of the two requests. Must not know whether the order does exist. Invariant: an
//! order is named by its client id alone, never by the venue's id, which a modify replaces (T7).

use super::envelope::{digits, Envelope};
use super::place::order_tail_len;
use super::text::{MAX_CLIENT_ID, MAX_NUMBER};
use super::{
    check_amount, check_any_id, check_market, check_nonce, check_price, nonce_tail_len, put_nonce,
    EncodeError, Stp, TemplateError, AMOUNT, MAX_NONCE_LEN, PRICE,
};
use crate::sign::Signer;

/// The cancel request of one market.
pub struct CancelTemplate {
    envelope: Envelope,
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
        check_market(market)?;
        let rest = format!(",\"market\":\"{market}\",\"clientOrderId\":\""); // T7
        Ok(CancelTemplate { envelope: Envelope::new(signer, host, path, &rest)? })
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
        let tail = client_id.len() + 1 + nonce_tail_len(digits(nonce));
        self.envelope.encode(tail, out, |body| {
            body.put(client_id);
            body.put(b"\"");
            put_nonce(body, nonce);
        })
    }

    /// The longest request that this template can build, bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.envelope.request_len(MAX_CLIENT_ID + 1 + nonce_tail_len(MAX_NONCE_LEN))
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
    envelope: Envelope,
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
        check_market(market)?;
        let stp = stp.wire(); // T5
        let rest = format!(",\"stp\":\"{stp}\",\"market\":\"{market}\",\"clientOrderId\":\""); // T7
        Ok(ModifyTemplate { envelope: Envelope::new(signer, host, path, &rest)? })
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
        let tail = client_id.len() + numbers + 1 + nonce_tail_len(digits(nonce));
        self.envelope.encode(tail, out, |body| {
            body.put(client_id);
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
        let order = order_tail_len(MAX_CLIENT_ID, 2 * MAX_NUMBER);
        self.envelope.request_len(order + nonce_tail_len(MAX_NONCE_LEN))
    }
}
