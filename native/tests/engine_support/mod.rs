//! An engine with a key and one market, for tests of what it writes.
#![allow(dead_code)] // each test file uses its part

use whitewire_core::engine::{flags, Engine, OrderPaths, PlaceRequest};
use whitewire_core::event::Kind;
use whitewire_core::gate::MarketLimits;
use whitewire_core::sign::Signer;

pub const KEY: &str = "abcdef0123456789abcdef0123456789";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const HOST: &str = "colo.example";
pub const CANCEL: &str = "/api/v4/order/cancel";
pub const MODIFY: &str = "/api/v4/order/modify";
pub const NEW: &str = "/api/v4/order/new";
pub const BASE: &str = "ww-mb5z1k2q-";
pub const QUOTE: u8 = flags::POST_ONLY | (2 << flags::STP_SHIFT);
pub const NONCE: u64 = 1_785_730_136_175;
pub const NOW: i64 = 1_000_000_000;

/// `BTC_USDT` (2 and 6 decimals) at 60000 to 60001, ready to trade.
pub fn engine(pads_requests: bool) -> Engine {
    let paths = OrderPaths {
        host: HOST.to_owned(),
        place: NEW.to_owned(),
        cancel: CANCEL.to_owned(),
        modify: MODIFY.to_owned(),
        bulk: "/api/v4/order/bulk".to_owned(),
    };
    let signer = Signer::new(KEY, SECRET).expect("a usable key");
    let mut engine = Engine::new(Some(signer), paths, BASE);
    if pads_requests {
        engine.pad_requests();
    }
    let limits = MarketLimits {
        min_order_lots: 10,
        max_order_lots: 1_000_000,
        min_notional: 500_000_000,
        max_notional: i128::MAX,
        collar_ppm: 20_000,
        max_book_age_ns: 11_000_000_000,
        price_step: 1,
        amount_step: 1,
    };
    let market = engine.add_market("BTC_USDT", 2, 6, 100, limits).expect("a usable market");
    assert_eq!(market, 0);
    let frame = include_bytes!("snapshot.json");
    assert_eq!(engine.on_frame(frame, NOW).kind, Kind::BookSnapshot);
    engine.set_halted(false);
    engine
}

/// The client id of an order with these flags.
pub fn client_id(engine: &mut Engine, flag_bits: u8, sequence: u64) -> Vec<u8> {
    let prefix = engine.client_id_prefix(0, flag_bits).expect("a prefix");
    format!("{prefix}{sequence:010}").into_bytes()
}

pub fn quote(price: i64, amount: i64, sequence: u64) -> PlaceRequest {
    PlaceRequest { market: 0, flags: QUOTE, price, amount, sequence, ..PlaceRequest::default() }
}

/// A decimal off the touch, on the side where an order with these flags rests.
pub fn price_of(flag_bits: u8) -> i64 {
    if flag_bits & flags::SELL == 0 {
        5_999_951
    } else {
        6_000_151
    }
}
