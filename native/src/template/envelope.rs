//! One signed HTTP/1.1 request, laid out in advance up to its first changing byte.
//!
//! Owns the wire layout of a private request: request line, headers, payload, signature, body.
//! Must not know what a body says. Invariant: the payload header is the base64 of exactly the
//! body bytes that follow it, whatever the caller's tail.
//!
//! Rules obeyed, by number:
//! * E1 — every private endpoint is a POST with a JSON body and the three `X-TXC-` headers.
//! * E2 — body and payload are the same bytes: the body is built once, compact.
//! * E3 — `request` inside the body is the path of the request line.
//! * E4 — `nonceWindow` is true: many requests are in flight and may overtake each other.

use super::burst::Draft;
use super::error::{EncodeError, TemplateError};
use crate::base64::{encoded_len, Codec};
use crate::digits;
use crate::price::Short;
use crate::sha512::{Sha512, BLOCK, PADDING};
use crate::sign::{Midstate, Signer};

/// Body bytes whose base64 text is exactly one SHA-512 block; also a multiple of 3, so that text
/// before and after such a boundary can be encoded apart.
pub(super) const GRAIN: usize = BLOCK / 4 * 3;

/// Longest rest of a body after such a boundary whose base64 text and the SHA-512 padding
/// share one block.
pub(super) const ONE_BLOCK_TAIL: usize = (BLOCK - PADDING) / 4 * 3;

const SIGNATURE_HEADER: &[u8; 19] = b"\r\nX-TXC-SIGNATURE: ";
const LENGTH_HEADER: &[u8; 18] = b"\r\nContent-Length: ";
const BLANK_LINE: &[u8; 4] = b"\r\n\r\n";
const SIGNATURE_LEN: usize = 128;

/// The constant start of a body: the members that every body has, and then `rest`.
pub(super) fn body_prefix(path: &str, rest: &str) -> String {
    format!("{{\"request\":\"{path}\",\"nonceWindow\":true{rest}") // E3, E4
}

/// Copies a few bytes without a call: two overlapping words where the length allows it.
#[inline]
fn copy_short(to: &mut [u8], from: &[u8]) {
    if from.len() <= 16 {
        if let (Some(first), Some(last)) = (from.first_chunk::<8>(), from.last_chunk::<8>()) {
            let end = to.len() - 8;
            to[..8].copy_from_slice(first);
            to[end..].copy_from_slice(last);
            return;
        }
        if let (Some(first), Some(last)) = (from.first_chunk::<4>(), from.last_chunk::<4>()) {
            let end = to.len() - 4;
            to[..4].copy_from_slice(first);
            to[end..].copy_from_slice(last);
            return;
        }
    }
    to.copy_from_slice(from);
}

/// Sequential writer over the changing end of a body, whose length was computed beforehand.
pub(super) struct Tail<'a> {
    room: &'a mut [u8],
}

impl<'a> Tail<'a> {
    pub(super) fn new(room: &'a mut [u8]) -> Self {
        Tail { room }
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let (here, rest) = std::mem::take(&mut self.room).split_at_mut(bytes.len());
        copy_short(here, bytes);
        self.room = rest;
    }

    /// Puts a text from registers, and what follows it there under what is put next.
    #[inline]
    pub(super) fn put_short(&mut self, text: Short) {
        let room = std::mem::take(&mut self.room);
        let bytes = text.bytes.to_le_bytes();
        match room.first_chunk_mut() {
            Some(here) => *here = bytes,
            None => room[..text.len].copy_from_slice(&bytes[..text.len]),
        }
        self.room = &mut room[text.len..];
    }

    #[inline]
    pub(super) fn put_number(&mut self, value: u64) {
        let (here, rest) = std::mem::take(&mut self.room).split_at_mut(digits::count(value));
        digits::put(value, here);
        self.room = rest;
    }
}

/// Writes the headers behind the payload; where the signature goes, 128 bytes.
#[inline(always)]
pub(super) fn put_headers(rest: &mut [u8], body_len: usize) -> &mut [u8; SIGNATURE_LEN] {
    let (header, rest) = rest.split_at_mut(SIGNATURE_HEADER.len());
    header.copy_from_slice(SIGNATURE_HEADER);
    let (signature, rest) = rest.split_first_chunk_mut().expect("request_len counted it");
    let (header, rest) = rest.split_at_mut(LENGTH_HEADER.len());
    header.copy_from_slice(LENGTH_HEADER);
    let (length, blank) = rest.split_at_mut(rest.len() - BLANK_LINE.len());
    digits::put(body_len as u64, length);
    blank.copy_from_slice(BLANK_LINE);
    signature
}

pub(super) struct Envelope {
    /// Request line, headers, and the payload text of the absorbed bytes.
    head: Box<[u8]>,
    /// The constant start of every body.
    prefix: Box<[u8]>,
    /// How much of `prefix` is already in `inner` and in `head`.
    absorbed: usize,
    pub(super) inner: Midstate,
    pub(super) outer: Midstate,
    pub(super) codec: Codec,
    pub(super) sha: Sha512,
}

/// `Envelope::new` or `Envelope::padded`.
pub(super) type Layout = fn(&Signer, &str, &str, &str) -> Result<Envelope, TemplateError>;

impl Envelope {
    /// Lays out a request to `path` whose bodies go on with `rest` after the members that all have.
    pub(super) fn new(
        signer: &Signer,
        host: &str,
        path: &str,
        rest: &str,
    ) -> Result<Envelope, TemplateError> {
        if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TemplateError::BadHost);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        if !path.starts_with('/') || !path.bytes().all(plain) {
            return Err(TemplateError::BadPath);
        }
        let prefix = body_prefix(path, rest);
        let absorbed = prefix.len() / GRAIN * GRAIN;
        let mut constant = Vec::new();
        Signer::payload_b64(&prefix.as_bytes()[..absorbed], &mut constant);
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             X-TXC-APIKEY: {}\r\nX-TXC-PAYLOAD: ",
            signer.api_key()
        )
        .into_bytes(); // E1
        head.extend_from_slice(&constant);
        Ok(Envelope {
            head: head.into(),
            prefix: prefix.into_bytes().into(),
            absorbed,
            inner: signer.inner_after(&constant),
            outer: signer.outer(),
            codec: Codec::get(),
            sha: Sha512::get(),
        })
    }

    /// The same with a member more, which makes the constant start whole blocks of payload text.
    ///
    /// White space would do so too, but the venue compares a payload with its compact form (E2).
    /// A member that it does not know is compact, and untested there.
    pub(super) fn padded(
        signer: &Signer,
        host: &str,
        path: &str,
        rest: &str,
    ) -> Result<Envelope, TemplateError> {
        const MEMBER: usize = ",\"pad\":\"\"".len();
        let len = body_prefix(path, rest).len();
        if len.is_multiple_of(GRAIN) {
            return Envelope::new(signer, host, path, rest);
        }
        let zeros = "0".repeat((len + MEMBER).next_multiple_of(GRAIN) - len - MEMBER);
        Envelope::new(signer, host, path, &format!(",\"pad\":\"{zeros}\"{rest}"))
    }

    /// The constant start of the body.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Bytes of the whole request when its body ends with `tail` changing bytes.
    pub(super) fn request_len(&self, tail: usize) -> usize {
        let body = self.prefix.len() + tail;
        self.head.len()
            + encoded_len(body - self.absorbed)
            + SIGNATURE_HEADER.len()
            + SIGNATURE_LEN
            + LENGTH_HEADER.len()
            + digits::count(body as u64)
            + BLANK_LINE.len()
            + body
    }

    /// Builds and signs one request whose body is the prefix and then what `write` puts: exactly
    /// `tail` bytes. Returns the length of the request.
    #[inline(always)]
    pub(super) fn encode(
        &self,
        tail: usize,
        out: &mut [u8],
        write: impl FnOnce(&mut Tail<'_>),
    ) -> Result<usize, EncodeError> {
        self.draft(tail, out, write).map(Draft::sign)
    }

    /// The same without the headers behind the payload, of which the signature is one.
    #[inline(always)]
    pub(super) fn draft<'a>(
        &'a self,
        tail: usize,
        out: &'a mut [u8],
        write: impl FnOnce(&mut Tail<'_>),
    ) -> Result<Draft<'a>, EncodeError> {
        let body_len = self.prefix.len() + tail;
        let total = self.request_len(tail);
        if out.len() < total {
            return Err(EncodeError::DoesNotFit { needed: total });
        }
        let (top, body) = out[..total].split_at_mut(total - body_len);
        body[..self.prefix.len()].copy_from_slice(&self.prefix);
        let mut room = Tail::new(&mut body[self.prefix.len()..]);
        write(&mut room);
        debug_assert!(room.room.is_empty(), "the tail is as long as announced");

        let (head, rest) = top.split_at_mut(self.head.len());
        head.copy_from_slice(&self.head);
        // The slack that the encoder may scribble over is the signature, written after it.
        let text = self.codec.encode(&body[self.absorbed..], rest); // E2
        let (payload, rest) = rest.split_at_mut(text);
        Ok(Draft { envelope: self, payload, rest, body_len, len: total })
    }

    /// Bytes that the inner state has absorbed: the key's block and the constant payload text.
    pub(super) fn before(&self) -> usize {
        BLOCK + self.absorbed / 3 * 4
    }
}
