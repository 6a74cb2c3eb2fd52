//! An engine with one market, frames for it, and orders that rules can cover.
#![allow(dead_code, reason = "not every test uses everything")]

use whitewire_core::engine::{flags, Engine, Failure, OrderPaths};
use whitewire_core::event::Kind;
use whitewire_core::gate::MarketLimits;
use whitewire_core::reflex::{ClientId, Quota, Rule, Step, Watched};
use whitewire_core::sign::Signer;
use whitewire_core::template::Side;

pub const NOW: i64 = 1_000_000_000;
pub const NONCE: u64 = 1_700_000_000_000;
pub const QUOTE: u8 = flags::POST_ONLY | (2 << flags::STP_SHIFT);
pub const FREE: i64 = i64::MAX / 4;
/// Cells of a throttle: own, all, free and penalty.
pub type Cells = [i64; 4];

pub fn limits(step: i64) -> MarketLimits {
    MarketLimits {
        min_order_lots: 1,
        max_order_lots: i64::MAX,
        min_notional: 0,
        max_notional: i128::MAX,
        collar_ppm: 900_000,
        max_book_age_ns: 1 << 60,
        price_step: step,
        amount_step: 1,
    }
}

pub fn engine(step: i64) -> Engine {
    let path = |name: &str| format!("/api/v4/order/{name}");
    let paths = OrderPaths {
        host: "venue.test".to_owned(),
        place: path("new"),
        cancel: path("cancel"),
        modify: path("modify"),
        bulk: path("bulk"),
    };
    let signer = Signer::new("key", "secret").expect("a usable key");
    let mut engine = Engine::new(Some(signer), paths, "ww-abc-");
    engine.add_market("M", 0, 0, 100, limits(step)).expect("a usable market");
    engine.set_halted(false);
    let quota = Quota::new((0, 1, FREE), (1, 1, FREE), (2, 1, FREE), 3);
    engine.allowance_mut().set_quotas([quota; 4]);
    engine.allowance_mut().set_nonces(NONCE, 1_000, i64::MAX);
    engine
}

pub type Levels = Vec<(i64, i64)>;

pub fn side_text(levels: &Levels) -> String {
    let rows: Vec<String> = levels.iter().map(|(p, n)| format!("[\"{p}\",\"{n}\"]")).collect();
    rows.join(",")
}

pub fn snapshot(engine: &mut Engine, id: i64, bids: &Levels, asks: &Levels) -> Kind {
    let frame = format!(
        r#"{{"method":"depth_update","params":[true,{{"timestamp":1.5,"update_id":{id},"asks":[{}],"bids":[{}],"event_time":1.6}},"M"],"id":null}}"#,
        side_text(asks),
        side_text(bids),
    );
    engine.on_frame(frame.as_bytes(), NOW).kind
}

pub fn ticker(engine: &mut Engine, id: i64, bid: (i64, i64), ask: (i64, i64)) -> Kind {
    let frame = format!(
        r#"{{"method":"bookTicker_update","params":[[1.5,1.6,"M",{id},"{}","{}","{}","{}"]],"id":null}}"#,
        bid.0, bid.1, ask.0, ask.1
    );
    engine.on_frame(frame.as_bytes(), NOW).kind
}

pub fn order(key: u64, side: Side, price: i64, lots: i64, rules: u64) -> Watched {
    let id = ClientId::new(format!("ww-abc-{key:010}").as_bytes()).expect("short");
    let flags = QUOTE | u8::from(side == Side::Sell);
    Watched { key, id, side, flags, rules, price, target: 0, lots, is_ready: true }
}

pub fn watch(engine: &mut Engine, order: Watched) {
    engine.reflexes_mut().desk(0).expect("a market").watch(order);
}

pub fn arm(engine: &mut Engine, bit: usize, side: Side, rule: Rule) {
    assert!(engine.reflexes_mut().desk(0).expect("a market").arm(bit, side, rule));
}

pub fn steps(engine: &mut Engine) -> Vec<Step> {
    std::iter::from_fn(|| engine.reflexes_mut().next_step()).collect()
}

pub fn write(engine: &mut Engine, step: &mut Step, cells: &mut Cells) -> Result<String, Failure> {
    let mut out = [0u8; 4_096];
    let len = engine.write_step(step, cells, NOW, &mut out)?;
    Ok(String::from_utf8(out[..len].to_vec()).expect("ASCII"))
}

pub fn body(request: &str) -> serde_json::Value {
    serde_json::from_str(request.split_once("\r\n\r\n").expect("a head").1).expect("JSON")
}
