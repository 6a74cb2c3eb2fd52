//! The engine's order path: gate before template, refusals with reasons, cancels always pass, and
//! no allocation once warm.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use whitewire_core::engine::{flags, Engine, Failure, ModifyRequest, OrderPaths, PlaceRequest};
use whitewire_core::event::Kind;
use whitewire_core::gate::{
    AccountLimits, Event, Exposure, ExposureLimits, FillReport, MarketLimits, Refusal,
};
use whitewire_core::sign::Signer;
use whitewire_core::template::Side;

struct Counting;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

// SAFETY: passes everything on to the system's allocator; the counter does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
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
const NONCE: u64 = 1_700_000_000_000;
const NOW: i64 = 1_000_000_000;
const ID: &[u8] = b"ww-0000000001";

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

/// An engine with `BTC_USDT` (2 and 6 decimals) at 60000 to 60001.
fn engine() -> Engine {
    let paths = OrderPaths {
        host: "venue.test".to_owned(),
        place: "/api/v4/order/new".to_owned(),
        cancel: "/api/v4/order/cancel".to_owned(),
        modify: "/api/v4/order/modify".to_owned(),
        bulk: "/api/v4/order/bulk".to_owned(),
    };
    let signer = Signer::new("key", "secret").expect("a usable key");
    let mut engine = Engine::new(Some(signer), paths, "ww-abc-");
    let index = engine.add_market("BTC_USDT", 2, 6, 100, limits()).expect("a usable market");
    assert_eq!(index, 0);
    snapshot(&mut engine, 1, "60000", "60001");
    engine.set_halted(false);
    engine
}

fn snapshot(engine: &mut Engine, id: u64, bid: &str, ask: &str) {
    let frame = format!(
        r#"{{"method": "depth_update", "params": [true, {{"timestamp": 1.5, "update_id": {id}, "asks": [["{ask}", "1"]], "bids": [["{bid}", "1"]], "event_time": 1.6}}, "BTC_USDT"], "id": null}}"#
    );
    let outcome = engine.feed_mut().on_frame(frame.as_bytes(), NOW);
    assert_eq!(outcome.kind, Kind::BookSnapshot);
}

fn order(price: i64, amount: i64, sequence: u64) -> PlaceRequest {
    PlaceRequest { market: 0, flags: QUOTE, price, amount, sequence, ..PlaceRequest::default() }
}

fn body(request: &[u8]) -> serde_json::Value {
    let text = std::str::from_utf8(request).expect("ASCII");
    let (_, body) = text.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).expect("a JSON body")
}

/// Every rule of the account at work, none so tight that it refuses.
fn limit_everything(engine: &mut Engine) {
    let account = AccountLimits {
        max_open_orders: 1_000,
        max_open_notional: i128::MAX / 2,
        max_loss: Some(1 << 60),
        max_drawdown: Some(1 << 60),
        order_interval_ns: 1,
        order_burst: 1_000_000,
        cancel_interval_ns: 1,
        cancel_burst: 1_000_000,
        max_rejects: 100,
        reject_window_ns: 1_000,
    };
    let market = ExposureLimits {
        max_open_orders: 1_000,
        max_side_orders: 1_000,
        max_open_notional: i128::MAX / 2,
        max_side_notional: i128::MAX / 2,
        max_position: 1 << 60,
        duplicate_ns: 0,
        max_move_ppm: 1_000_000,
        move_window_ns: 1_000_000_000,
        max_fills: 1_000,
        max_fill_lots: 1 << 60,
        fill_window_ns: 1_000,
        frozen_ns: 1,
        max_repeats: 1_000,
        repeat_window_ns: 1_000,
        max_mark_age_ns: i64::MAX,
        weight: 1,
        may_cross_own: false,
    };
    engine.guard_mut().set_limits(&account);
    assert!(engine.guard_mut().set_market_limits(0, &market));
}

#[test]
fn a_placement_carries_ticks_lots_and_identity_as_text() {
    let mut engine = engine();
    let mut out = [0u8; 4096];
    let len = engine.place(&order(5_999_950, 10_000, 42), NONCE, NOW, &mut out).expect("sent");
    let body = body(&out[..len]);
    let prefix = engine.client_id_prefix(0, QUOTE).expect("a prefix");
    assert_eq!(body["price"], "59999.5");
    assert_eq!(body["amount"], "0.01");
    assert_eq!(body["clientOrderId"], format!("{prefix}0000000042"));
    assert_eq!((&body["side"], &body["stp"]), (&"buy".into(), &"cn".into()));
    assert_eq!((&body["postOnly"], &body["nonce"]), (&true.into(), &NONCE.into()));
}

#[test]
fn negative_amount_decimals_write_whole_multiples() {
    let mut engine = engine();
    let open = MarketLimits { min_order_lots: 1, min_notional: 0, ..limits() };
    let index = engine.add_market("PEPE_USDT", 10, -6, 20, open).expect("a usable market");
    let frame = br#"{"method":"depth_update","params":[true,{"timestamp":1.5,"update_id":7,"asks":[["0.0000123","5000000"]],"bids":[["0.0000122","3000000"]],"event_time":1.6},"PEPE_USDT"],"id":null}"#;
    assert_eq!(engine.feed_mut().on_frame(frame, NOW).kind, Kind::BookSnapshot);
    let request = PlaceRequest { market: 1, ..order(122_000, 7, 1) };
    let mut out = [0u8; 4096];
    let len = engine.place(&request, NONCE, NOW, &mut out).expect("sent");
    assert_eq!(index, 1);
    assert_eq!(body(&out[..len])["amount"], "7000000");
    assert_eq!(body(&out[..len])["price"], "0.0000122");
}

#[test]
fn the_gate_comes_first_and_says_why() {
    let mut engine = engine();
    let mut out = [0u8; 4096];
    let cases = [
        (order(5_999_900, 9, 1), Refusal::AmountTooSmall),
        (order(5_999_900, 1_000_001, 1), Refusal::AmountTooLarge),
        (order(5_999_900, 20, 1), Refusal::NotionalTooSmall),
        (order(5_000_000, 10_000, 1), Refusal::PriceCollar),
        (order(6_000_100, 10_000, 1), Refusal::WouldCross),
        (order(0, 10_000, 1), Refusal::PriceNotPositive),
    ];
    for (request, refusal) in cases {
        let outcome = engine.place(&request, NONCE, NOW, &mut out);
        assert_eq!(outcome, Err(Failure::Refused(refusal)), "{request:?}");
        assert_eq!(out, [0u8; 4096], "no byte of a refused order is written");
    }
    let old = engine.place(&order(5_999_900, 10_000, 1), NONCE, NOW + 12_000_000_000, &mut out);
    assert_eq!(old, Err(Failure::Refused(Refusal::StaleBook)));
    engine.feed_mut().reset();
    let stale = engine.place(&order(5_999_900, 10_000, 1), NONCE, NOW, &mut out);
    assert_eq!(stale, Err(Failure::Refused(Refusal::StaleBook)));
}

#[test]
fn a_halt_stops_placements_and_changes_but_never_a_cancel() {
    let mut engine = engine();
    let mut out = [0u8; 4096];
    let change =
        ModifyRequest { flags: QUOTE, price: 5_999_900, amount: 10_000, ..Default::default() };
    engine.set_market_halted(0, true).expect("known");
    for step in 0..2 {
        let halted = Err(Failure::Refused(Refusal::Halted));
        assert_eq!(engine.place(&order(5_999_900, 10_000, 1), NONCE, NOW, &mut out), halted);
        assert_eq!(engine.modify(&change, ID, NONCE, NOW, &mut out), halted);
        assert!(engine.cancel(0, ID, NONCE, NOW, &mut out).is_ok(), "step {step}");
        engine.set_market_halted(0, false).expect("known");
        engine.set_halted(true);
    }
    engine.set_halted(false);
    let len = engine.modify(&change, ID, NONCE, NOW, &mut out).expect("sent");
    let body = body(&out[..len]);
    assert_eq!((&body["price"], &body["amount"]), (&"59999".into(), &"0.01".into()));
    assert_eq!((&body["stp"], &body["clientOrderId"]), (&"cn".into(), &"ww-0000000001".into()));
}

#[test]
fn a_bulk_leaves_out_the_legs_that_the_gate_refuses() {
    let mut engine = engine();
    let mut legs = [order(5_999_900, 10_000, 1), order(1, 10_000, 2), order(5_999_800, 10_000, 3)];
    let mut out = [0u8; 8192];
    let len = engine.bulk(&mut legs, NONCE, NOW, &mut out).expect("sent");
    let body = body(&out[..len]);
    assert_eq!(legs.map(|leg| leg.refusal), [0, Refusal::NotionalTooSmall.code(), 0]);
    let prices: Vec<_> =
        body["orders"].as_array().expect("legs").iter().map(|leg| &leg["price"]).collect();
    assert_eq!(prices, ["59999", "59998"]);
    let mut refused = [order(1, 10_000, 2)];
    assert_eq!(engine.bulk(&mut refused, NONCE, NOW, &mut out), Err(Failure::Legs));
    let mut many = [order(5_999_900, 10_000, 1); 21];
    assert_eq!(engine.bulk(&mut many, NONCE, NOW, &mut out), Err(Failure::Legs));
}

#[test]
fn unknown_markets_and_missing_keys_are_failures_not_panics() {
    let mut engine = engine();
    let mut out = [0u8; 4096];
    let elsewhere = PlaceRequest { market: 9, ..order(5_999_900, 10_000, 1) };
    assert_eq!(engine.place(&elsewhere, NONCE, NOW, &mut out), Err(Failure::UnknownMarket));
    assert_eq!(engine.cancel(9, ID, NONCE, NOW, &mut out), Err(Failure::UnknownMarket));
    assert_eq!(
        engine.place(&order(5_999_900, 10_000, 1), 0, NOW, &mut out).map_err(Failure::code),
        Err(Failure::ENCODE)
    );
    let small = engine.place(&order(5_999_900, 10_000, 1), NONCE, NOW, &mut [0u8; 100]);
    assert_eq!(small.map_err(Failure::code), Err(Failure::ENCODE));
}

#[test]
fn nothing_is_allocated_once_warm() {
    let mut engine = engine();
    let mut out = [0u8; 16_384];
    let sell = QUOTE | flags::SELL;
    engine.prepare(0, QUOTE).expect("a template");
    engine.prepare(0, sell).expect("a template");
    limit_everything(&mut engine);
    let top = r#"{"method": "depth_update", "params": [false, {"timestamp": 1.5, "update_id": 2, "past_update_id": 1, "asks": [["60002", "1"]], "bids": [], "event_time": 1.6}, "BTC_USDT"], "id": null}"#;
    assert!(engine.presign(0, ID, NONCE), "the slab is made now");
    let before = ALLOCATIONS.with(Cell::get);
    for sequence in 0..100 {
        let first = 6 * sequence + 1;
        let mut legs = [
            order(5_999_900, 10_000, first),
            PlaceRequest { flags: sell, ..order(6_000_200, 10_000, first + 1) },
            order(0, 10_000, first + 2),
        ];
        engine.place(&order(5_999_900, 10_000, first + 3), NONCE, NOW, &mut out).expect("sent");
        engine.bulk(&mut legs, NONCE, NOW, &mut out).expect("sent");
        let change =
            ModifyRequest { flags: QUOTE, price: 5_999_900, amount: 10_000, ..Default::default() };
        engine.modify(&change, ID, NONCE, NOW, &mut out).expect("sent");
        engine.cancel(0, ID, NONCE, NOW, &mut out).expect("sent");
        assert!(engine.presign(0, ID, NONCE));
        engine.cancel_ready(0, ID, NONCE, NOW, &mut out).expect("ready");
        let burst = [order(5_999_900, 10_000, first + 4), order(0, 10_000, first + 5)];
        assert!(engine.place_many(&burst, &[NONCE; 2], NOW, &mut out, 4096)[0].is_ok());
        engine.record(2, 1_000);
        engine.on_frame(top.as_bytes(), NOW);
        let guard = engine.guard_mut();
        for number in first..first + 5 {
            let side = if number == first + 1 { Side::Sell } else { Side::Buy };
            let (price, lots) = (5_999_900, 1);
            let fill = FillReport { market: 0, side, price, lots, fee: 1, sequence: number };
            assert!(guard.on_fill(&fill, NOW));
            guard.on_reject(NOW);
            let (sequence, market, is_open) = (number, 0, false);
            let done = Exposure { sequence, market, side, is_open, price, lots: 0, notional: 0 };
            assert!(guard.set_order(done));
        }
        guard.account_event(Event::Rearm);
    }
    assert_eq!(ALLOCATIONS.with(Cell::get), before);
}

#[test]
fn a_market_can_have_other_order_endpoints_which_never_share_a_bulk() {
    let mut engine = engine();
    let perp = engine.add_market("BTC_PERP", 2, 6, 100, limits()).expect("a market");
    let (place, bulk) = ("/api/v4/order/collateral/limit", "/api/v4/order/collateral/bulk");
    engine.route_orders(perp, place.to_owned(), bulk).expect("routed");
    let frame = r#"{"method":"depth_update","params":[true,{"timestamp":1,"update_id":1,
        "asks":[["60001","1"]],"bids":[["60000","1"]],"event_time":1},"BTC_PERP"]}"#;
    assert_eq!(engine.on_frame(frame.as_bytes(), NOW).kind, Kind::BookSnapshot);
    let mut out = vec![0; 65_536];
    let reducing = QUOTE | flags::REDUCE_ONLY;
    let leg = PlaceRequest { market: 1, flags: reducing, ..order(6_000_000, 10_000, 7) };
    let len = engine.place(&leg, NONCE, NOW, &mut out).expect("passes");
    assert!(out[..len].starts_with(b"POST /api/v4/order/collateral/limit HTTP/1.1\r\n"));
    let sent = body(&out[..len]);
    assert_eq!((&sent["reduceOnly"], &sent["market"]), (&true.into(), &"BTC_PERP".into()));
    let other = PlaceRequest { flags: QUOTE, sequence: 10, ..leg };
    let leg = PlaceRequest { sequence: 11, ..leg };
    let mut legs = [leg, order(6_000_000, 10_000, 8), other];
    let len = engine.bulk(&mut legs, NONCE, NOW, &mut out).expect("two legs");
    assert_eq!(legs.map(|leg| leg.refusal), [0, Failure::Legs.code(), 0]);
    assert!(out[..len].starts_with(b"POST /api/v4/order/collateral/bulk HTTP/1.1\r\n"));
    assert_eq!(body(&out[..len])["orders"].as_array().map(Vec::len), Some(2));
    let mut legs = [order(6_000_000, 10_000, 9)];
    let len = engine.bulk(&mut legs, NONCE, NOW, &mut out).expect("one leg");
    assert!(out[..len].starts_with(b"POST /api/v4/order/bulk HTTP/1.1\r\n"));
    assert!(matches!(
        engine.route_orders(9, place.to_owned(), bulk),
        Err(whitewire_core::engine::SetupError::UnknownMarket)
    ));
}
