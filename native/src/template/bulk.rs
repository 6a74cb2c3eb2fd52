//! The bulk request: up to 20 orders in one body.
//!
//! Owns the array around the orders. Must not know how an order is laid out. Invariant: the n-th
//! leg is the n-th element of the array, so that answers match legs by position (T6).

use super::envelope::Envelope;
use super::place::{order_tail_len, put_order_tail, PlaceFields, PlaceTemplate, MAX_ORDER_LEN};
use super::{check_nonce, nonce_tail_len, put_nonce, EncodeError, TemplateError, MAX_NONCE_LEN};
use crate::digits;
use crate::sign::Signer;

/// Most orders of one bulk request.
pub const MAX_LEGS: usize = 20;

/// One order of a bulk request.
#[derive(Clone, Copy)]
pub struct BulkLeg<'a> {
    /// Gives the order's constant text; its host, path and signer do not matter here.
    pub place: &'a PlaceTemplate,
    /// The order's changing fields.
    pub fields: PlaceFields<'a>,
}

/// The request that places up to 20 orders at once.
pub struct BulkTemplate {
    envelope: Envelope,
}

impl BulkTemplate {
    /// Lays out the request; with `stop_on_fail` the venue leaves out everything after the first
    /// order that fails.
    ///
    /// # Errors
    /// A text that would need escaping.
    pub fn new(
        signer: &Signer,
        host: &str,
        path: &str,
        stop_on_fail: bool,
    ) -> Result<BulkTemplate, TemplateError> {
        let stop = if stop_on_fail { ",\"stopOnFail\":true" } else { "" };
        let rest = format!("{stop},\"orders\":[");
        Ok(BulkTemplate { envelope: Envelope::new(signer, host, path, &rest)? })
    }

    /// Builds one signed request at the start of `out` and returns its length in bytes.
    ///
    /// # Errors
    /// No leg or more than 20, a field that is not safe to send, or an output that is too short.
    pub fn encode(
        &self,
        legs: &[BulkLeg<'_>],
        nonce: u64,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        check_nonce(nonce)?;
        if legs.is_empty() || legs.len() > MAX_LEGS {
            return Err(EncodeError::BadLegCount); // T6
        }
        let mut tail = legs.len() - 1 + 1 + nonce_tail_len(digits::count(nonce));
        for leg in legs {
            leg.place.check(&leg.fields)?;
            let numbers = leg.fields.amount.len() + leg.fields.price.len();
            tail += leg.place.leg().len() + order_tail_len(leg.fields.client_id.len(), numbers) + 2;
        }
        self.envelope.encode(tail, out, |body| {
            for (index, leg) in legs.iter().enumerate() {
                body.put(if index == 0 { b"{" } else { b",{" });
                body.put(leg.place.leg());
                put_order_tail(body, &leg.fields);
                body.put(b"}");
            }
            body.put(b"]");
            put_nonce(body, nonce);
        })
    }

    /// The longest request that this template can build, bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.envelope.request_len(
            MAX_LEGS * (MAX_ORDER_LEN + ",{}".len()) + 1 + nonce_tail_len(MAX_NONCE_LEN),
        )
    }
}
