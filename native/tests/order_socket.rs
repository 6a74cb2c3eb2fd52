//! Calls of the WebSocket: frames taken apart the slow way, the same gate, and no allocation.

mod order_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use order_support::{fields, plain_spec, signer};
use proptest::prelude::*;
use serde_json::{json, Value};
use whitewire_core::engine::{flags, Engine, Failure, ModifyRequest, OrderPaths, PlaceRequest};
use whitewire_core::gate::{MarketLimits, Refusal};
use whitewire_core::template::{
    EncodeError, PlaceSpec, Side, SocketChange, SocketPlace, Stp, TemplateError,
};

thread_local!(static ALLOCATIONS: Cell<u64> = const { Cell::new(0) });

struct Counting;

// SAFETY: passes everything on to the system's allocator; the counter does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const QUOTE: u8 = flags::POST_ONLY | (2 << flags::STP_SHIFT);
const NOW: i64 = 1_000_000_000;
const ID: &[u8] = b"ww-0000000001";
const CALL: u64 = 1 << 32;

/// The frames in `bytes`, unmasked byte by byte, with the mask of each.
fn frames(mut bytes: &[u8]) -> Vec<(Value, [u8; 4])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        assert_eq!(bytes[0], 0x81, "one whole text frame");
        assert_eq!(bytes[1] & 0x80, 0x80, "a client masks");
        let (length, start) = match usize::from(bytes[1] & 0x7f) {
            126 => (usize::from(bytes[2]) << 8 | usize::from(bytes[3]), 4),
            short => (short, 2),
        };
        assert_eq!(start == 4, length >= 126, "the shortest header");
        let mask: [u8; 4] = bytes[start..start + 4].try_into().expect("a mask");
        let (payload, rest) = bytes[start + 4..].split_at(length);
        let text: Vec<u8> =
            payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
        found.push((serde_json::from_slice(&text).expect("JSON"), mask));
        bytes = rest;
    }
    found
}

fn one(bytes: &[u8]) -> Value {
    let mut all = frames(bytes);
    assert_eq!(all.len(), 1);
    all.remove(0).0
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof!["[1-9][0-9]{0,15}", "[0-9]{1,12}\\.[0-9]{0,15}[1-9]"]
}

fn any_stp() -> impl Strategy<Value = Option<(Stp, &'static str)>> {
    prop::option::of(prop_oneof![
        Just((Stp::No, "no")),
        Just((Stp::CancelBoth, "cb")),
        Just((Stp::CancelNew, "cn")),
        Just((Stp::CancelOld, "co")),
    ])
}

proptest! {
    #[test]
    fn any_placement_says_what_was_asked_for(
        market in "[A-Z0-9_]{1,32}",
        flag in 0..4u8,
        (sells, reduces) in (any::<bool>(), any::<bool>()),
        stp in any_stp(),
        prefix in "[A-Za-z0-9-]{0,40}",
        id in "[A-Za-z0-9-]{1,24}",
        (amount, price) in (number(), number()),
        (call, mask) in (any::<u64>(), any::<u32>()),
    ) {
        let spec = PlaceSpec {
            market: &market,
            side: if sells { Side::Sell } else { Side::Buy },
            post_only: flag == 1,
            ioc: flag == 2,
            rpi: flag == 3,
            reduce_only: reduces,
            stp: stp.map(|(mode, _)| mode),
            ..plain_spec(&prefix)
        };
        let template = SocketPlace::new("order_limit_place", &spec).expect("a valid spec");
        let mut out = [0u8; 1024];
        let len = template.encode(&fields(&id, &amount, &price), call, mask, &mut out).expect("fits");
        prop_assert!(len <= template.max_len());
        let mut wanted = json!({
            "market": market, "side": if sells { "sell" } else { "buy" },
            "client_order_id": format!("{prefix}{id}"), "amount": amount, "price": price,
        });
        for (name, is_set) in
            [("post_only", flag == 1), ("ioc", flag == 2), ("rpi", flag == 3), ("reduce_only", reduces)]
        {
            if is_set {
                wanted[name] = json!(true);
            }
        }
        if let Some((_, text)) = stp {
            wanted["stp"] = json!(text);
        }
        prop_assert_eq!(
            one(&out[..len]),
            json!({"id": call, "method": "order_limit_place", "params": [wanted]})
        );
        let short = template.encode(&fields(&id, &amount, &price), call, mask, &mut out[..len - 1]);
        prop_assert_eq!(short, Err(EncodeError::DoesNotFit { needed: len }));
    }

    #[test]
    fn any_change_says_what_was_asked_for(
        id in "[A-Za-z0-9._-]{1,64}",
        (amount, price) in (number(), number()),
        (call, mask) in (any::<u64>(), any::<u32>()),
    ) {
        let template = SocketChange::new("BTC_USDT").expect("a market");
        let mut out = [0u8; 1024];
        let len = template.modify(&fields(&id, &amount, &price), call, mask, &mut out).expect("fits");
        let object = json!({
            "market": "BTC_USDT", "client_order_id": id, "amount": amount, "price": price,
        });
        prop_assert_eq!(
            one(&out[..len]), json!({"id": call, "method": "order_modify", "params": [object]})
        );
        let len = template.cancel(id.as_bytes(), call, mask, &mut out).expect("fits");
        let object = json!({"market": "BTC_USDT", "client_order_id": id});
        prop_assert_eq!(
            one(&out[..len]), json!({"id": call, "method": "order_cancel", "params": [object]})
        );
    }
}

#[test]
fn what_is_not_safe_to_send_is_refused() {
    let mut out = [0u8; 1024];
    let template = SocketPlace::new("order_limit_place", &plain_spec("ww-")).expect("a spec");
    for (id, amount, price, error) in [
        ("a\"b", "1", "1", EncodeError::BadClientId),
        ("", "1", "1", EncodeError::BadClientId),
        ("a", "1e5", "1", EncodeError::BadAmount),
        ("a", "1", "0", EncodeError::BadPrice),
    ] {
        let outcome = template.encode(&fields(id, amount, price), 1, 2, &mut out);
        assert_eq!(outcome, Err(error));
    }
    let change = SocketChange::new("BTC_USDT").expect("a market");
    assert_eq!(change.cancel(b"a b", 1, 2, &mut out), Err(EncodeError::BadClientId));
    assert_eq!(out, [0u8; 1024]);
    let both = PlaceSpec { post_only: true, ioc: true, ..plain_spec("ww-") };
    let refused = SocketPlace::new("order_limit_place", &both).err();
    assert_eq!(refused, Some(TemplateError::IocPostOnly));
    assert!(SocketPlace::new("order\"", &plain_spec("ww-")).is_err());
    assert!(SocketChange::new("BTC\"USDT").is_err());
}

fn limits() -> MarketLimits {
    MarketLimits {
        min_order_lots: 10,
        max_order_lots: 1_000_000,
        min_notional: 500_000_000,
        max_notional: i128::MAX,
        collar_ppm: 20_000,
        max_book_age_ns: 11_000_000_000,
        price_step: 1,
        amount_step: 1,
    }
}

/// `BTC_USDT` at 60000 to 60001.
fn engine() -> Engine {
    let path = |name: &str| format!("/api/v4/order/{name}");
    let paths = OrderPaths {
        host: "venue.test".to_owned(),
        place: path("new"),
        cancel: path("cancel"),
        modify: path("modify"),
        bulk: path("bulk"),
    };
    let mut engine = Engine::new(Some(signer()), paths, "ww-abc-");
    engine.add_market("BTC_USDT", 2, 6, 100, limits()).expect("a usable market");
    let frame = br#"{"method":"depth_update","params":[true,{"timestamp":1.5,"update_id":1,"asks":[["60001","1"]],"bids":[["60000","1"]],"event_time":1.6},"BTC_USDT"],"id":null}"#;
    engine.feed_mut().on_frame(frame, NOW);
    engine.set_halted(false);
    engine
}

fn order(price: i64, sequence: u64) -> PlaceRequest {
    PlaceRequest {
        market: 0,
        flags: QUOTE,
        price,
        amount: 10_000,
        sequence,
        ..PlaceRequest::default()
    }
}

fn change() -> ModifyRequest {
    ModifyRequest { flags: QUOTE, price: 5_999_900, amount: 10_000, ..ModifyRequest::default() }
}

#[test]
fn a_call_names_the_order_as_the_signed_request_would() {
    let mut engine = engine();
    let mut out = [0u8; 4096];
    let first = engine.call_place(&order(5_999_950, 42), CALL, NOW, &mut out).expect("sent");
    let second =
        engine.call_modify(&change(), ID, CALL + 1, NOW, &mut out[first..]).expect("sent") + first;
    let third =
        engine.call_cancel(0, ID, CALL + 2, NOW, &mut out[second..]).expect("sent") + second;
    let found = frames(&out[..third]);
    let prefix = engine.client_id_prefix(0, QUOTE).expect("a prefix");
    assert_eq!(
        found[0].0,
        json!({"id": CALL, "method": "order_limit_place", "params": [{
            "market": "BTC_USDT", "side": "buy", "post_only": true, "stp": "cn",
            "client_order_id": format!("{prefix}0000000042"), "amount": "0.01", "price": "59999.5",
        }]})
    );
    assert_eq!(found[1].0["params"][0]["price"], "59999");
    assert_eq!(found[2].0["method"], "order_cancel");
    assert!(found[0].1 != found[1].1 && found[1].1 != found[2].1, "every frame has its own mask");
}

#[test]
fn a_collateral_market_has_a_method_of_its_own() {
    let mut engine = engine();
    let mut out = [0u8; 4096];
    let reduces = PlaceRequest { flags: QUOTE | flags::REDUCE_ONLY, ..order(5_999_950, 1) };
    let len = engine.call_place(&reduces, CALL, NOW, &mut out).expect("sent");
    assert!(one(&out[..len])["params"][0].get("reduce_only").is_none(), "spot has no such member");
    let place = "/api/v4/order/collateral/limit".to_owned();
    engine.route_orders(0, place, "/api/v4/order/collateral/bulk").expect("a route");
    engine.set_halted(false);
    let len = engine.call_place(&order(5_999_950, 2), CALL, NOW, &mut out).expect("sent");
    assert_eq!(one(&out[..len])["method"], "collateral_order_limit_place");
    let len = engine.call_modify(&change(), ID, CALL, NOW, &mut out).expect("sent");
    assert_eq!(one(&out[..len])["method"], "order_modify");
}

#[test]
fn the_gate_is_the_same_and_never_holds_a_cancel() {
    let mut engine = engine();
    let mut out = [0u8; 4096];
    for (price, refusal) in [(6_000_100, Refusal::WouldCross), (5_000_000, Refusal::PriceCollar)] {
        let refused = Err(Failure::Refused(refusal));
        assert_eq!(engine.call_place(&order(price, 1), CALL, NOW, &mut out), refused);
        assert_eq!(engine.place(&order(price, 1), 7, NOW, &mut out), refused);
    }
    engine.set_halted(true);
    let halted = Err(Failure::Refused(Refusal::Halted));
    assert_eq!(engine.call_place(&order(5_999_900, 1), CALL, NOW, &mut out), halted);
    assert_eq!(engine.call_modify(&change(), ID, CALL, NOW, &mut out), halted);
    assert_eq!(out, [0u8; 4096], "no byte of a refused call is written");
    assert!(engine.call_cancel(0, ID, CALL, NOW, &mut out).is_ok());
    assert_eq!(engine.call_cancel(9, ID, CALL, NOW, &mut out), Err(Failure::UnknownMarket));
}

#[test]
fn nothing_is_allocated_once_warm() {
    let mut engine = engine();
    let mut out = [0u8; 4096];
    engine.prepare_call(0, QUOTE).expect("a template");
    let before = ALLOCATIONS.get();
    for number in 1..=5 {
        engine.call_place(&order(5_999_900, number), CALL, NOW, &mut out).expect("sent");
        engine.call_modify(&change(), ID, CALL, NOW, &mut out).expect("sent");
        engine.call_cancel(0, ID, CALL, NOW, &mut out).expect("sent");
    }
    assert_eq!(ALLOCATIONS.get(), before);
}
