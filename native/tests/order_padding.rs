//! Named and padded layouts say what the plain ones say, but for one member of zeros.

mod engine_support;
mod order_support;

use engine_support::{
    client_id, engine, price_of, quote, BASE, CANCEL, MODIFY, NEW, NONCE, NOW, QUOTE,
};
use order_support::{open, signer, HOST};
use proptest::prelude::*;
use whitewire_core::engine::{flags, ModifyRequest, PlaceRequest};
use whitewire_core::template::{
    CancelTemplate, ModifyFields, ModifyTemplate, Naming, Stp, TemplateError,
};

fn json(body: &str) -> serde_json::Value {
    serde_json::from_str(body).expect("JSON")
}

/// The body without the member of zeros that padding puts into one place.
fn squeezed(body: &str) -> String {
    let Some((before, rest)) = body.split_once(",\"pad\":\"") else { return body.to_owned() };
    let (zeros, after) = rest.split_once('"').expect("its end");
    assert!(before.ends_with("\"nonceWindow\":true"), "behind what all bodies have: {body}");
    assert!(zeros.bytes().all(|byte| byte == b'0') && zeros.len() < 96, "no more than a block");
    format!("{before}{after}")
}

fn naming(is_padded: bool) -> Naming<'static> {
    Naming { id_start: BASE, is_padded }
}

proptest! {
    #[test]
    fn any_layout_of_a_cancel_says_the_same(
        id in "[A-Za-z0-9._-]{1,64}",
        is_own: bool,
        market in "[A-Z0-9_]{1,32}",
        nonce in 1..=u64::MAX,
    ) {
        let id = if is_own { format!("{BASE}{}", &id[..id.len().min(52)]) } else { id };
        let plain = CancelTemplate::new(&signer(), HOST, CANCEL, &market).expect("valid");
        let mut expected = vec![0; plain.max_len()];
        let len = plain.encode(id.as_bytes(), nonce, &mut expected).expect("encodes");
        expected.truncate(len);
        for is_padded in [false, true] {
            let naming = naming(is_padded);
            let named = CancelTemplate::named(&signer(), HOST, CANCEL, &market, naming).expect("valid");
            let mut out = vec![0; named.max_len()];
            let len = named.encode(id.as_bytes(), nonce, &mut out).expect("encodes");
            if is_padded {
                let body = squeezed(&open(&out[..len], CANCEL));
                prop_assert_eq!(body, open(&expected, CANCEL));
            } else {
                prop_assert_eq!(&out[..len], &expected[..], "byte for byte");
            }
        }
    }

    #[test]
    fn any_layout_of_a_modify_says_the_same(
        id in "[A-Za-z0-9._-]{1,64}",
        is_own: bool,
        (amount, price) in ("[1-9][0-9]{0,15}", "[1-9][0-9]{0,15}\\.[0-9]{0,14}[1-9]"),
        nonce in 1..=u64::MAX,
    ) {
        let id = if is_own { format!("{BASE}{}", &id[..id.len().min(52)]) } else { id };
        let market = ("BTC_USDT", Stp::CancelOld);
        let plain = ModifyTemplate::new(&signer(), HOST, MODIFY, market.0, market.1).expect("valid");
        let fields = ModifyFields {
            client_id: id.as_bytes(),
            amount: Some(amount.as_bytes()),
            price: Some(price.as_bytes()),
            nonce,
        };
        let mut expected = vec![0; plain.max_len()];
        let len = plain.encode(&fields, &mut expected).expect("encodes");
        expected.truncate(len);
        for is_padded in [false, true] {
            let naming = naming(is_padded);
            let named = ModifyTemplate::named(&signer(), HOST, MODIFY, market, naming).expect("valid");
            let mut out = vec![0; named.max_len()];
            let len = named.encode(&fields, &mut out).expect("encodes");
            if is_padded {
                let body = squeezed(&open(&out[..len], MODIFY));
                prop_assert_eq!(body, open(&expected, MODIFY));
            } else {
                prop_assert_eq!(&out[..len], &expected[..], "byte for byte");
            }
        }
    }
}

#[test]
fn ids_are_short_and_every_request_is_about_the_same_order() {
    let mut out = vec![0; 4096];
    for kind in [QUOTE, QUOTE | flags::SELL, flags::IOC] {
        let mut engine = engine(true);
        let id = client_id(&mut engine, kind, 42);
        assert_eq!(id, format!("{BASE}0000000042").into_bytes());
        let order = PlaceRequest { flags: kind, ..quote(price_of(kind), 10_000, 42) };
        let len = engine.place(&order, NONCE, NOW, &mut out).expect("passes");
        let placed = open(&out[..len], NEW);
        assert!(squeezed(&placed).len() < placed.len());
        let (price, amount) = (price_of(kind), 10_001);
        let change = ModifyRequest { flags: kind, price, amount, ..ModifyRequest::default() };
        let len = engine.modify(&change, &id, NONCE, NOW, &mut out).expect("passes");
        let modified = open(&out[..len], MODIFY);
        let len = engine.cancel(0, &id, NONCE, NOW, &mut out).expect("signed");
        for body in [placed, modified, open(&out[..len], CANCEL)] {
            assert_eq!(json(&body)["clientOrderId"].as_str().map(str::as_bytes), Some(&id[..]));
        }
    }
}

#[test]
fn a_leg_of_a_bulk_is_not_padded() {
    let (mut engine, mut out) = (engine(true), vec![0; 4096]);
    let mut legs = [quote(5_999_900, 10_000, 1), quote(5_999_800, 10_000, 2)];
    let len = engine.bulk(&mut legs, NONCE, NOW, &mut out).expect("passes");
    let body = open(&out[..len], "/api/v4/order/bulk");
    assert!(!body.contains("\"pad\""));
    assert_eq!(json(&body)["orders"][1]["clientOrderId"], format!("{BASE}0000000002"));
}

#[test]
fn an_id_that_cannot_start_like_that_is_refused() {
    let wrong = ["a b".to_owned(), "i".repeat(64)];
    for start in wrong {
        let naming = Naming { id_start: &start, is_padded: false };
        let refused = CancelTemplate::named(&signer(), HOST, CANCEL, "BTC_USDT", naming).err();
        assert_eq!(refused, Some(TemplateError::BadClientIdPrefix));
    }
}
