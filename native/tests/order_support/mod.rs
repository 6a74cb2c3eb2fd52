//! What several order tests share: a fixed key, specs, and the slow way to take a request apart.
#![allow(dead_code)] // each test file uses its part

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use whitewire_core::sign::Signer;
use whitewire_core::template::{EncodeError, PlaceFields, PlaceSpec, PlaceTemplate, Side, Stp};

pub const KEY: &str = "abcdef0123456789abcdef0123456789";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const HOST: &str = "colo.example";
pub const CANCEL: &str = "/api/v4/order/cancel";
pub const MODIFY: &str = "/api/v4/order/modify";
pub const BULK: &str = "/api/v4/order/bulk";
pub const NEW: &str = "/api/v4/order/new";
pub const NONCE: u64 = 1_785_730_136_175;

pub fn signer() -> Signer {
    Signer::new(KEY, SECRET).expect("a valid pair")
}

/// A plain order: no flag, no STP mode.
pub fn plain_spec(client_id_prefix: &str) -> PlaceSpec<'_> {
    PlaceSpec {
        host: HOST,
        path: NEW,
        market: "BTC_USDT",
        side: Side::Buy,
        post_only: false,
        ioc: false,
        rpi: false,
        reduce_only: false,
        stp: None,
        client_id_prefix,
    }
}

/// A quote: post-only, the new order cancelled where it would meet one of ours.
pub fn quote_spec(client_id_prefix: &str) -> PlaceSpec<'_> {
    PlaceSpec { post_only: true, stp: Some(Stp::CancelNew), ..plain_spec(client_id_prefix) }
}

pub fn place(spec: &PlaceSpec<'_>) -> PlaceTemplate {
    PlaceTemplate::new(&signer(), spec).expect("a valid spec")
}

/// Checks everything about a request but its body, which it returns.
pub fn open(request: &[u8], path: &str) -> String {
    let text = std::str::from_utf8(request).expect("ASCII");
    let (head, body) = text.split_once("\r\n\r\n").expect("a blank line");
    let payload = STANDARD.encode(body);
    let mut mac =
        Hmac::<sha2::Sha512>::new_from_slice(SECRET.as_bytes()).expect("any length is a key");
    mac.update(payload.as_bytes());
    let digest = mac.finalize().into_bytes();
    let signature = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let expected = [
        format!("POST {path} HTTP/1.1"),
        format!("Host: {HOST}"),
        "Content-Type: application/json".to_owned(),
        format!("X-TXC-APIKEY: {KEY}"),
        format!("X-TXC-PAYLOAD: {payload}"),
        format!("X-TXC-SIGNATURE: {signature}"),
        format!("Content-Length: {}", body.len()),
    ];
    assert_eq!(head.split("\r\n").collect::<Vec<_>>(), expected);
    body.to_owned()
}

pub fn fields<'a>(client_id: &'a str, amount: &'a str, price: &'a str) -> PlaceFields<'a> {
    PlaceFields {
        client_id: client_id.as_bytes(),
        amount: amount.as_bytes(),
        price: price.as_bytes(),
        nonce: NONCE,
    }
}

/// Encodes into exactly `max_len` bytes and opens the request.
pub fn placed(template: &PlaceTemplate, f: &PlaceFields<'_>) -> Result<String, EncodeError> {
    let mut out = vec![0; template.max_len()];
    template.encode(f, &mut out).map(|len| open(&out[..len], NEW))
}
