//! Whether a request is the order that a tick demands, and signed.
//!
//! Owns: the venue's authentication and the fields that matter. Must not know: times, sockets.
//! Invariant: an order is right only with the account's signature over the very body that came.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use ring::hmac;
use serde::Deserialize;

use crate::market::{is_decimal, ticks, MARKET};
use crate::request::Request;

/// The one request that is an order.
pub const PLACE: &str = "/api/v4/order/new";

/// Why a request is not a right order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Key or signature are not the account's, or the payload is not the body.
    Signature,
    /// It is signed and no limit order to buy in the market.
    Order,
}

/// What the referee wants to know of an order.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// Its price, ticks.
    pub price: i64,
    /// Its amount as sent.
    pub amount: String,
    /// Its client id; empty without one.
    pub client_id: String,
}

#[derive(Deserialize)]
struct Body<'a> {
    market: &'a str,
    side: &'a str,
    amount: &'a str,
    price: &'a str,
    request: &'a str,
    nonce: serde_json::Value,
    #[serde(default, rename = "clientOrderId")]
    client_id: &'a str,
}

/// Verifies orders of one account.
pub struct Judge {
    key: String,
    secret: hmac::Key,
}

impl Judge {
    /// A judge of this account.
    #[must_use]
    pub fn new(key: &str, secret: &str) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
        Self { key: key.to_owned(), secret }
    }

    /// The order of a complete request to `PLACE`.
    pub fn order(&self, bytes: &[u8], request: &Request) -> Result<Order, Fault> {
        let body = &bytes[request.body.clone()];
        let payload = &bytes[request.payload.clone()];
        let is_signed = bytes[request.key.clone()] == *self.key.as_bytes()
            && hex(&bytes[request.signature.clone()])
                .is_some_and(|tag| hmac::verify(&self.secret, payload, &tag).is_ok())
            && STANDARD.decode(payload).is_ok_and(|decoded| decoded == body);
        if !is_signed {
            return Err(Fault::Signature);
        }
        let body: Body = serde_json::from_slice(body).map_err(|_| Fault::Order)?;
        let is_ours = body.market == MARKET && body.side == "buy" && body.request == PLACE;
        // clients send it as a number or as text, and the venue takes both
        let is_nonce = body.nonce.as_str().map_or(body.nonce.is_u64(), is_decimal);
        if !is_ours || !is_decimal(body.amount) || !is_nonce {
            return Err(Fault::Order);
        }
        let price = ticks(body.price).ok_or(Fault::Order)?;
        Ok(Order { price, amount: body.amount.to_owned(), client_id: body.client_id.to_owned() })
    }
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    text.len().is_multiple_of(2).then(|| text.chunks(2).map(pair).collect())?
}

/// What the venue answers to an order that it took and that found no match.
#[must_use]
pub fn answer(order: &Order, id: u64, price: &str) -> String {
    let Order { amount, client_id, .. } = order;
    format!(
        "{{\"orderId\": {id}, \"clientOrderId\": \"{client_id}\", \"market\": \"{MARKET}\", \
        \"side\": \"buy\", \"type\": \"limit\", \"timestamp\": 1785730136.175524, \
        \"dealMoney\": \"0\", \"dealStock\": \"0\", \"amount\": \"{amount}\", \
        \"left\": \"{amount}\", \"dealFee\": \"0\", \"price\": \"{price}\", \"postOnly\": false, \
        \"ioc\": true, \"status\": \"CANCELED\", \"stp\": \"no\", \"rpi\": false}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::next;

    const ORDER: &str = "{\"market\":\"BTC_USDT\",\"side\":\"buy\",\"amount\":\"0.01\",\
        \"price\":\"60000.1\",\"clientOrderId\":\"q-1\",\"request\":\"/api/v4/order/new\",\
        \"nonce\":1785730136175,\"ioc\":true}";

    /// A request with this body, signed with this secret over this payload's text.
    fn signed(body: &str, signed_body: &str, secret: &str) -> Vec<u8> {
        let payload = STANDARD.encode(signed_body);
        let key = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
        let tag = hmac::sign(&key, payload.as_bytes());
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
        let tag: String =
            tag.as_ref().iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect();
        format!(
            "POST {PLACE} HTTP/1.1\r\nHost: h\r\nX-TXC-APIKEY: key\r\nX-TXC-PAYLOAD: {payload}\r\n\
            X-TXC-SIGNATURE: {tag}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    fn judged(bytes: &[u8]) -> Result<Order, Fault> {
        let request = next(bytes).expect("well formed").expect("complete");
        Judge::new("key", "secret").order(bytes, &request)
    }

    #[test]
    fn a_signed_order_is_read() {
        let order = judged(&signed(ORDER, ORDER, "secret")).expect("it is right");
        assert_eq!((order.price, order.amount.as_str()), (6_000_010, "0.01"));
        assert_eq!(order.client_id, "q-1");
        let answer = answer(&order, 7, "60000.1");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("it is JSON");
        assert_eq!(answer["clientOrderId"], "q-1");
    }

    #[test]
    fn a_signature_of_anything_else_is_none() {
        let other = ORDER.replace("60000.1", "60000.2");
        assert_eq!(judged(&signed(ORDER, ORDER, "another")), Err(Fault::Signature));
        assert_eq!(judged(&signed(&other, ORDER, "secret")), Err(Fault::Signature));
        let mut bytes = signed(ORDER, ORDER, "secret");
        let at = bytes.windows(11).position(|w| w == b"SIGNATURE: ").expect("it is there") + 11;
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        assert_eq!(judged(&bytes), Err(Fault::Signature));
        bytes[at] = b'z';
        assert_eq!(judged(&bytes), Err(Fault::Signature));
    }

    #[test]
    fn a_signed_request_that_is_no_such_order_is_told_apart() {
        for (old, new) in [
            ("BTC_USDT", "ETH_USDT"),
            ("buy", "sell"),
            ("60000.1", "60000.123"),
            ("0.01", "much"),
            ("order/new", "order/old"),
            ("1785730136175", "\"soon\""),
            ("\"price\"", "\"prize\""),
        ] {
            let body = ORDER.replace(old, new);
            assert_eq!(judged(&signed(&body, &body, "secret")), Err(Fault::Order), "{new}");
        }
    }
}
