//! The venue's request signature: HMAC-SHA512 over the base64 text of the body.
//!
//! Owns the key material (as HMAC midstates, never as text) and the finishing of a signature.
//! Must not know what a body says or how a request is framed. Invariant: the secret itself is
//! gone from memory when `new` returns, and the midstates go when the signer is dropped.
//!
//! Rules obeyed, by number:
//! * S1 — the payload header is the padded standard base64 of the very bytes of the body.
//! * S2 — the signature is the lower-case hex HMAC-SHA512 of that text, keyed with the API secret.

use std::fmt;
use std::sync::atomic::{compiler_fence, Ordering};

use crate::base64::{encoded_len, Codec, SLACK};
#[cfg(any(test, feature = "count-compressions"))]
pub use crate::sha512::compressions;
use crate::sha512::{Sha512, State, BLOCK, INITIAL};

/// Why a signer was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignError {
    /// The API key is empty.
    EmptyKey,
    /// The API key holds a byte that has no place in a header: only visible ASCII is allowed.
    BadKey,
    /// The API secret is empty.
    EmptySecret,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignError::EmptyKey => "the API key is empty",
            SignError::BadKey => "the API key may hold visible ASCII characters only",
            SignError::EmptySecret => "the API secret is empty",
        })
    }
}

impl std::error::Error for SignError {}

/// A SHA-512 state from which signatures can be made: as secret as the secret, so wiped on drop.
pub(crate) struct Midstate(pub(crate) State);

impl Drop for Midstate {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites key material with zeros in a way that the compiler keeps.
fn wipe<T: Copy + Default>(values: &mut [T]) {
    for value in values {
        // SAFETY: `value` is an exclusive, aligned reference to a live `T`, and `T: Copy` has no
        // destructor to skip.
        unsafe { std::ptr::write_volatile(value, T::default()) };
    }
    compiler_fence(Ordering::SeqCst);
}

/// An API key that can sign.
pub struct Signer {
    api_key: String,
    inner: Midstate,
    outer: Midstate,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("api_key", &self.api_key).finish_non_exhaustive()
    }
}

impl Signer {
    /// Absorbs the secret into the two HMAC pads and forgets it.
    ///
    /// # Errors
    /// An empty key or secret, or a key that could not stand in a header line.
    pub fn new(api_key: &str, secret: &str) -> Result<Signer, SignError> {
        if api_key.is_empty() {
            return Err(SignError::EmptyKey);
        }
        if !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SignError::BadKey);
        }
        if secret.is_empty() {
            return Err(SignError::EmptySecret);
        }
        let mut key = [0u8; BLOCK];
        if secret.len() > BLOCK {
            // HMAC replaces a key longer than a block by its digest.
            let mut digest = Midstate(INITIAL);
            Sha512::get().finish(&mut digest.0, 0, secret.as_bytes());
            for (bytes, word) in key.as_chunks_mut().0.iter_mut().zip(digest.0) {
                *bytes = word.to_be_bytes();
            }
        } else {
            key[..secret.len()].copy_from_slice(secret.as_bytes());
        }
        let mut signer = Signer {
            api_key: api_key.to_owned(),
            inner: Midstate(INITIAL),
            outer: Midstate(INITIAL),
        };
        absorb_pad(&mut signer.inner, &mut key, 0x36);
        absorb_pad(&mut signer.outer, &mut key, 0x5c);
        wipe(&mut key);
        Ok(signer)
    }

    /// The public half, as it stands in the header.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Signs base64 text (S2) into 128 hex digits.
    pub fn signature_hex(&self, payload_b64: &[u8], out: &mut [u8; 128]) {
        let mut inner = self.inner.0;
        Sha512::get().finish(&mut inner, BLOCK, payload_b64);
        sign_outer(&self.outer, &inner, Sha512::get(), Codec::get(), out);
    }

    /// Replaces the contents of `out` with the payload text of `body` (S1).
    pub fn payload_b64(body: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.resize(encoded_len(body.len()) + SLACK, 0);
        let len = Codec::get().encode(body, out);
        out.truncate(len);
    }

    /// The inner state after the constant start of a payload, which must be whole blocks.
    pub(crate) fn inner_after(&self, constant_b64: &[u8]) -> Midstate {
        let mut state = Midstate(self.inner.0);
        Sha512::get().compress(&mut state.0, constant_b64.as_chunks().0);
        state
    }

    pub(crate) fn outer(&self) -> Midstate {
        Midstate(self.outer.0)
    }
}

/// The second hash of the HMAC, written as hex.
#[inline]
pub(crate) fn sign_outer(
    outer: &Midstate,
    inner: &State,
    sha: Sha512,
    codec: Codec,
    out: &mut [u8; 128],
) {
    let mut state = outer.0;
    sha.outer(&mut state, inner);
    codec.hex(&state, out);
}

fn absorb_pad(state: &mut Midstate, key: &mut [u8; BLOCK], pad: u8) {
    for byte in key.iter_mut() {
        *byte ^= pad;
    }
    Sha512::get().compress(&mut state.0, std::slice::from_ref(key));
    for byte in key.iter_mut() {
        *byte ^= pad;
    }
}
