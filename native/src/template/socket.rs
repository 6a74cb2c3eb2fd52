//! Order methods of the WebSocket: a text frame with holes, complete with its mask.
//!
//! Owns the JSON text of place, modify and cancel calls and the frame around it. Must not know
//! sockets, sessions or which ids are taken. Invariant: what `encode` returns is one whole masked
//! frame, or an error and nothing to send.
//!
//! Rules obeyed, by number (T1 to T4 and T7 of `template` hold as well):
//! * W1 — a call has exactly one object as its parameters; nothing in it is signed.
//! * W2 — a client masks its frames. The mask guards proxies against texts that an attacker chose;
//!   ours are our own, so any changing number will do.
//! * W3 — a modify has no STP mode of its own; what is left out stays as it is.

use super::envelope::Tail;
use super::place::{check_flags, order_tail_len, put_order_tail};
use super::text::{is_own_id, MAX_CLIENT_ID, MAX_NUMBER};
use super::{
    check_amount, check_any_id, check_market, check_price, EncodeError, PlaceFields, PlaceSpec,
    Side, TemplateError,
};
use crate::digits;

const START: &[u8; 6] = b"{\"id\":";
const END: &[u8; 3] = b"}]}";
const FIN_TEXT: u8 = 0x81;
const IS_MASKED: u8 = 0x80;
/// Lengths from here on take two further bytes; a call is always shorter than 65536.
const LONG: usize = 126;
const MASK_LEN: usize = 4;
/// Digits of the longest id of a call.
const MAX_ID_LEN: usize = digits::count(u64::MAX);

/// What every call is made of: its id, a constant text, and what the caller puts behind it.
struct Call {
    /// From behind the id to the client id's own text.
    text: Box<[u8]>,
}

impl Call {
    fn new(method: &str, members: &str) -> Result<Call, TemplateError> {
        if !method.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(TemplateError::BadPath);
        }
        let text = format!(",\"method\":\"{method}\",\"params\":[{{{members}"); // W1
        Ok(Call { text: text.into_bytes().into() })
    }

    const fn payload_len(&self, id_digits: usize, tail: usize) -> usize {
        START.len() + id_digits + self.text.len() + tail + END.len()
    }

    /// The longest frame with `tail` bytes from the caller.
    const fn max_len(&self, tail: usize) -> usize {
        self.payload_len(MAX_ID_LEN, tail) + 4 + MASK_LEN
    }

    /// Builds one frame; `write` puts exactly `tail` bytes behind the constant text.
    fn encode(
        &self,
        id: u64,
        mask: u32,
        tail: usize,
        out: &mut [u8],
        write: impl FnOnce(&mut Tail<'_>),
    ) -> Result<usize, EncodeError> {
        let payload_len = self.payload_len(digits::count(id), tail);
        let header = if payload_len < LONG { 2 } else { 4 } + MASK_LEN;
        let total = header + payload_len;
        if out.len() < total {
            return Err(EncodeError::DoesNotFit { needed: total });
        }
        let (head, payload) = out[..total].split_at_mut(header);
        let key = mask.to_ne_bytes();
        put_header(head, payload_len, key);
        let mut room = Tail::new(payload);
        room.put(START);
        room.put_number(id);
        room.put(&self.text);
        write(&mut room);
        room.put(END);
        for word in payload.chunks_mut(MASK_LEN) {
            word.iter_mut().zip(key).for_each(|(byte, secret)| *byte ^= secret);
            // W2
        }
        Ok(total)
    }
}

#[allow(clippy::cast_possible_truncation)] // the length's two bytes, see `LONG`
fn put_header(head: &mut [u8], payload_len: usize, key: [u8; MASK_LEN]) {
    let (start, mask) = head.split_at_mut(head.len() - MASK_LEN);
    start[0] = FIN_TEXT;
    if let [_, kind, high, low] = start {
        *kind = IS_MASKED | LONG as u8;
        (*high, *low) = ((payload_len >> 8) as u8, payload_len as u8);
    } else {
        start[1] = IS_MASKED | payload_len as u8;
    }
    mask.copy_from_slice(&key);
}

/// The placement of one market, side and set of flags.
pub struct SocketPlace {
    call: Call,
    max_suffix: usize,
}

impl SocketPlace {
    /// Checks the flags and lays out the call; the spec's host and path are not looked at.
    ///
    /// # Errors
    /// Flags that the venue refuses together, or a text that would need escaping.
    pub fn new(method: &str, spec: &PlaceSpec<'_>) -> Result<SocketPlace, TemplateError> {
        let prefix = spec.client_id_prefix;
        if prefix.len() >= MAX_CLIENT_ID || !is_own_id(prefix.as_bytes()) {
            return Err(TemplateError::BadClientIdPrefix); // T4
        }
        check_flags(spec)?;
        check_market(spec.market)?;
        let side = if spec.side == Side::Buy { "buy" } else { "sell" };
        let mut members = vec![format!("\"market\":\"{}\",\"side\":\"{side}\"", spec.market)];
        for (name, is_set) in [
            ("post_only", spec.post_only),
            ("ioc", spec.ioc),
            ("rpi", spec.rpi),
            ("reduce_only", spec.reduce_only),
        ] {
            if is_set {
                members.push(format!("\"{name}\":true"));
            }
        }
        if let Some(stp) = spec.stp {
            members.push(format!("\"stp\":\"{}\"", stp.wire()));
        }
        members.push(format!("\"client_order_id\":\"{prefix}"));
        Ok(SocketPlace {
            call: Call::new(method, &members.join(","))?,
            max_suffix: MAX_CLIENT_ID - prefix.len(),
        })
    }

    /// Builds one frame at the start of `out` and returns its length; the fields' nonce is not
    /// looked at.
    ///
    /// # Errors
    /// A field that is not safe to send, or an output that is too short.
    pub fn encode(
        &self,
        f: &PlaceFields<'_>,
        id: u64,
        mask: u32,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let fits = !f.client_id.is_empty() && f.client_id.len() <= self.max_suffix; // T4
        if !fits || !is_own_id(f.client_id) {
            return Err(EncodeError::BadClientId);
        }
        check_amount(f.amount)?;
        check_price(f.price)?;
        let tail = order_tail_len(f.client_id.len(), f.amount.len() + f.price.len());
        self.call.encode(id, mask, tail, out, |text| put_order_tail(text, f))
    }

    /// The longest frame that this template can build, bytes.
    #[must_use]
    pub fn max_len(&self) -> usize {
        self.call.max_len(order_tail_len(self.max_suffix, 2 * MAX_NUMBER))
    }
}

/// Modify and cancel of the orders of one market.
pub struct SocketChange {
    modify: Call,
    cancel: Call,
}

impl SocketChange {
    /// Lays out both calls.
    ///
    /// # Errors
    /// A text that would need escaping.
    pub fn new(market: &str) -> Result<SocketChange, TemplateError> {
        check_market(market)?;
        let members = format!("\"market\":\"{market}\",\"client_order_id\":\""); // T7
        Ok(SocketChange {
            modify: Call::new("order_modify", &members)?,
            cancel: Call::new("order_cancel", &members)?,
        })
    }

    /// Builds a modification to this price and amount, and returns its length.
    ///
    /// # Errors
    /// A field that is not safe to send, or an output that is too short.
    pub fn modify(
        &self,
        f: &PlaceFields<'_>,
        id: u64,
        mask: u32,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        check_any_id(f.client_id)?;
        check_amount(f.amount)?;
        check_price(f.price)?;
        let tail = order_tail_len(f.client_id.len(), f.amount.len() + f.price.len());
        self.modify.encode(id, mask, tail, out, |text| put_order_tail(text, f)) // W3
    }

    /// Builds a cancel and returns its length.
    ///
    /// # Errors
    /// A client id that is not safe to send, or an output that is too short.
    pub fn cancel(
        &self,
        client_id: &[u8],
        id: u64,
        mask: u32,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        check_any_id(client_id)?;
        self.cancel.encode(id, mask, client_id.len() + 1, out, |text| {
            text.put(client_id);
            text.put(b"\"");
        })
    }
}
