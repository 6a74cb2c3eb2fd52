//! A request to any private endpoint, for the cold path.
//!
//! Owns the frame around members that the caller wrote. Must not know any endpoint. Invariant: the
//! caller's members cannot leave the object that they are put into.

use super::envelope::Envelope;
use super::text::is_members;
use super::{check_nonce, nonce_tail_len, put_nonce, EncodeError, TemplateError, MAX_NONCE_LEN};
use crate::digits;
use crate::sign::Signer;

/// A request to any private endpoint, for the cold path.
pub struct RawTemplate {
    envelope: Envelope,
}

impl RawTemplate {
    /// Lays out the request.
    ///
    /// # Errors
    /// A text that would need escaping.
    pub fn new(signer: &Signer, host: &str, path: &str) -> Result<RawTemplate, TemplateError> {
        Ok(RawTemplate { envelope: Envelope::new(signer, host, path, "")? })
    }

    /// Builds one signed request at the start of `out` and returns its length in bytes.
    ///
    /// `body_fields` is what stands between the braces of the endpoint's own parameters, in
    /// compact JSON without `request`, `nonce` and `nonceWindow`; it may be empty.
    ///
    /// # Errors
    /// Members that would break out of the object, or an output that is too short.
    pub fn encode(
        &self,
        body_fields: &[u8],
        nonce: u64,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        check_nonce(nonce)?;
        if !is_members(body_fields) {
            return Err(EncodeError::BadMembers); // T1
        }
        let comma = usize::from(!body_fields.is_empty());
        let tail = comma + body_fields.len() + nonce_tail_len(digits::count(nonce));
        self.envelope.encode(tail, out, |body| {
            body.put(&b","[..comma]);
            body.put(body_fields);
            put_nonce(body, nonce);
        })
    }

    /// The longest request with `body_fields` bytes of parameters, bytes.
    #[must_use]
    pub fn max_len(&self, body_fields: usize) -> usize {
        self.envelope.request_len(1 + body_fields + nonce_tail_len(MAX_NONCE_LEN))
    }
}
