//! What the feed tests share: a seeded generator, printers of the venue's frames, checks of a book.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fmt::Write as _;

use whitewire_core::event::{Kind, Side};
use whitewire_core::feed::Feed;
use whitewire_core::scan::Isa;

pub const MARKET: &str = "BTC_PERP";
pub const PRICE_DECIMALS: i8 = 1;
pub const AMOUNT_DECIMALS: i8 = 3;

/// Values captured from the venue.
pub const SNAPSHOT: &str = concat!(
    r#"{"method": "depth_update", "params": [true, {"timestamp": 1785730130.6040511, "#,
    r#""update_id": 22216665449, "asks": [["62957.3", "0.017"], ["62961.4", "0.029"], "#,
    r#"["63038.7", "0.285"]], "bids": [["62957.2", "0.017"], ["62951.7", "0.004"], ["62803.3", "#,
    r#""1.09"]], "event_time": 1785730135.194067}, "BTC_PERP"], "id": null}"#,
);
pub const DELTA: &str = concat!(
    r#"{"method": "depth_update", "params": [false, {"timestamp": 1785730136.175524, "#,
    r#""update_id": 22216668616, "past_update_id": 22216665449, "asks": [["62957.3", "0"], "#,
    r#"["62997.2", "0.13"]], "bids": [["62951.7", "0.453"], ["62816", "0.446"]], "#,
    r#""event_time": 1785730136.2352009}, "BTC_PERP"], "id": null}"#,
);
pub const TICKER: &str = concat!(
    r#"{"method": "bookTicker_update", "params": [[1785732678.2802551, 1785732678.2810941, "#,
    r#""BTC_PERP", 22217102542, "62965.8", "0.005", "62974.2", "0.017"]], "id": null}"#,
);
pub const TRADES: &str = concat!(
    r#"{"method": "trades_update", "params": ["BTC_PERP", [{"id": 22676096396, "#,
    r#""time": 1785727720.6707921, "price": "63117", "amount": "10.967", "type": "sell", "#,
    r#""rpi": false}, {"id": 22676096353, "time": 1785727720.1, "price": "63117.1", "#,
    r#""amount": "0.001", "type": "buy", "rpi": true}]], "id": null}"#,
);
pub const PENDING: &str = concat!(
    r#"{"method": "ordersPending_update", "params": [1, {"id": 1212904480922, "#,
    r#""market": "BTC_PERP", "type": 7, "side": 2, "post_only": true, "ioc": false, "#,
    r#""ctime": 1738250982.28914, "mtime": 1738250983.5, "price": "90000", "amount": "1", "#,
    r#""left": "0.25", "deal_stock": "0.75", "deal_money": "67500", "deal_fee": "0.0218733492", "#,
    r#""client_order_id": "q-7", "stp": "cn", "status": "PARTIALLY_FILLED", "#,
    r#""position_side": "BOTH", "rpi": true, "fee_asset": "USDT"}], "id": null}"#,
);
pub const DEAL: &str = concat!(
    r#"{"id":null,"method":"deals_update","params":[13674578673,1738251095.345432,"ETH_BTC","#,
    r#"1212909726406,"0.03084","0.2625","0.0002625","",2,2,"ETH"]}"#,
);
pub const BALANCES: &str = concat!(
    r#"{"method": "balanceSpot_update", "params": [{"USDT": {"available": "100.1885", "#,
    r#""freeze": "0"}, "BTC": {"available": "1e-8", "freeze": "0e-8"}}], "id": null}"#,
);
pub const REPLY: &str = r#"{"error": null, "result": {"status": "success"}, "id": 2000001}"#;
pub const REFUSAL: &str =
    r#"{"error": {"code": 6, "message": "require authentication"}, "result": null, "id": 7}"#;

pub const EXECUTED: &str = concat!(
    r#"{"method": "ordersExecuted_update", "params": [{"id": 1212904480922, "#,
    r#""market": "BTC_PERP", "type": 7, "side": 1, "post_only": false, "ioc": true, "#,
    r#""ctime": 1738250982.28914, "mtime": 1738250983.5, "price": "90000", "amount": "1", "#,
    r#""left": "0", "deal_stock": "1", "deal_money": "90000", "deal_fee": "9", "#,
    r#""client_order_id": "", "stp": "no", "status": "FILLED"}], "id": null}"#,
);

/// One frame of each kind.
/// [BOT] balanceMargin.
pub const MARGIN: &str = concat!(
    r#"{"method": "balanceMargin_update", "params": [{"a": "USDT", "B": "50", "b": "0", "#,
    r#""av": "41.4684437", "ab": "41.4684437"}], "id": null}"#
);
/// PROTOCOL 5.12; constructed from the documented fields.
pub const POSITIONS: &str = concat!(
    r#"{"method": "positionsMargin_update", "params": {"total": 1, "records": [{"id": 5, "#,
    r#""market": "BTC_PERP", "ctime": 1785730130.5, "mtime": 1785730131.25, "#,
    r#""amount": "-0.013", "amount_in_money": "818.4449", "base_price": "62957.3", "#,
    r#""pnl": "-1.5", "liq_price": "70000.1", "liq_stage": null, "unrealized_funding": "0.01", "#,
    r#""funding": "-0.02", "margin": "81.8", "free_margin": "918.2", "realized_pnl": "3", "#,
    r#""position_side": "BOTH"}]}, "id": null}"#
);
/// PROTOCOL 5.12; constructed from the documented fields.
pub const DANGER: &str = concat!(
    r#"{"method": "positionsAccountMargin_update", "params": [1, {"id": 5, "#,
    r#""market": "BTC_PERP", "ctime": 1785730130.5, "mtime": 1785730131.25, "#,
    r#""amount": "0.5", "amount_in_money": "818.4449", "base_price": "62957.3", "#,
    r#""pnl": "-1.5", "liq_price": null, "liq_stage": "margin_call", "#,
    r#""unrealized_funding": "0", "funding": "0", "margin": "81.8", "free_margin": "9", "#,
    r#""realized_pnl": "0", "position_side": "BOTH"}], "id": null}"#
);
pub const CAPTURES: [&str; 13] = [
    SNAPSHOT, DELTA, TICKER, TRADES, PENDING, EXECUTED, DEAL, BALANCES, REPLY, REFUSAL, MARGIN,
    POSITIONS, DANGER,
];

/// The instruction sets of this machine.
pub fn isas() -> Vec<Isa> {
    [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon]
        .into_iter()
        .filter(|isa| isa.is_available())
        .collect()
}

pub fn feed_on(isa: Isa, depth: u16) -> Feed {
    let mut feed = Feed::with_isa(isa);
    feed.add_market(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, depth).unwrap();
    assert_eq!(feed.isa(), isa);
    feed
}

pub fn take(feed: &mut Feed, frame: &str) -> Kind {
    feed.on_frame(frame.as_bytes(), 1).kind
}

/// Bids and asks of the first market, best first.
pub fn levels(feed: &Feed) -> [Vec<(i64, i64)>; 2] {
    [feed.book(0).bids().collect(), feed.book(0).asks().collect()]
}

/// The invariant of a book, whatever it was fed.
pub fn check_book(feed: &Feed, market: usize) {
    let book = feed.book(market);
    let (bids, asks): (Vec<_>, Vec<_>) = (book.bids().collect(), book.asks().collect());
    assert!(bids.windows(2).all(|pair| pair[0].0 > pair[1].0), "bids are not sorted");
    assert!(asks.windows(2).all(|pair| pair[0].0 < pair[1].0), "asks are not sorted");
    assert!(bids.iter().chain(&asks).all(|level| level.0 > 0 && level.1 > 0), "empty level");
    assert_eq!((bids.len(), asks.len()), (book.len(Side::Buy), book.len(Side::Sell)));
    assert!(bids.len().max(asks.len()) <= usize::from(book.depth()), "book is too deep");
    assert_eq!((book.best_bid(), book.best_ask()), (bids.first().copied(), asks.first().copied()));
    if let (Some(bid), Some(ask), false) = (bids.first(), asks.first(), book.is_stale()) {
        assert!(bid.0 < ask.0, "a fresh book is crossed");
    }
}

/// `splitmix64`: small, seeded, the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

/// How to print a depth frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As captured.
    Spaced,
    /// The same without spaces.
    Compact,
    /// Other key order, odd white space, escapes: nothing that the fast reader takes.
    Odd,
}

/// A depth message as a test writes it down: prices and amounts as texts.
#[derive(Clone, Debug)]
pub struct Message {
    pub snapshot: bool,
    pub past_update_id: i64,
    pub update_id: i64,
    pub asks: Option<Vec<(String, String)>>,
    pub bids: Option<Vec<(String, String)>>,
}

fn side(levels: &[(String, String)], escape: bool) -> String {
    let quote = |text: &str| {
        if escape && text.starts_with('6') {
            format!("\"\\u0036{}\"", &text[1..])
        } else {
            format!("\"{text}\"")
        }
    };
    let rows: Vec<String> = levels
        .iter()
        .map(|(price, amount)| format!("[{}, {}]", quote(price), quote(amount)))
        .collect();
    format!("[{}]", rows.join(", "))
}

impl Message {
    pub fn print(&self, style: Style) -> String {
        let odd = style == Style::Odd;
        let mut members = vec![format!("\"timestamp\": {}", "1785730136.175524")];
        members.push(format!("\"update_id\": {}", self.update_id));
        if !self.snapshot {
            members.push(format!("\"past_update_id\": {}", self.past_update_id));
        }
        for (name, levels) in [("asks", &self.asks), ("bids", &self.bids)] {
            if let Some(levels) = levels {
                members.push(format!("\"{name}\": {}", side(levels, odd)));
            }
        }
        members.push("\"event_time\": 1785730136.2352009".to_owned());
        if odd {
            members.reverse();
            members.push("\"new_key\": {\"nested\": [1, 2.5e3, \"\\\"x\\n\", true]}".to_owned());
        }
        let (flag, body) = (self.snapshot, members.join(", "));
        if odd {
            let method = r#""meth\u006fd": "depth_update""#;
            let params = format!("[ {flag} ,{{ {body} }}, \"BTC\\u005fPERP\" ]");
            return format!(" {{\"id\" :null,\n\t\"params\":{params} , {method}}} ");
        }
        let params = format!("[{flag}, {{{body}}}, \"{MARKET}\"]");
        let frame = format!(r#"{{"method": "depth_update", "params": {params}, "id": null}}"#);
        if style == Style::Compact {
            frame.replace(' ', "")
        } else {
            frame
        }
    }
}

/// A random walk of a book in the venue's form: sorted changes, mostly near the top.
pub struct Walk {
    pub random: Random,
    pub update_id: i64,
}

impl Walk {
    pub fn new(seed: u64) -> Self {
        Self { random: Random(seed), update_id: 22_216_665_449 }
    }

    fn changes(&mut self, sign: i64, base: i64, zero_share: usize) -> Vec<(String, String)> {
        let mut offset = 0;
        let mut rows = Vec::new();
        for _ in 0..self.random.below(12) {
            offset += 1 + i64::try_from(self.random.below(9)).unwrap();
            let ticks = base + sign * offset;
            let mut price = format!("{}", ticks / 10);
            if ticks % 10 != 0 {
                write!(price, ".{}", ticks % 10).unwrap();
            }
            let amount = if self.random.below(zero_share) == 0 {
                "0".to_owned()
            } else {
                format!("{}.{:03}", self.random.below(4), 1 + self.random.below(999))
            };
            rows.push((price, amount));
        }
        rows
    }

    /// The next message: a snapshot or a delta that chains.
    pub fn message(&mut self, snapshot: bool) -> Message {
        let past_update_id = self.update_id;
        self.update_id += 1 + i64::try_from(self.random.below(60)).unwrap();
        let zeros = if snapshot { usize::MAX } else { 3 };
        Message {
            snapshot,
            past_update_id,
            update_id: self.update_id,
            asks: Some(self.changes(1, 629_600, zeros)),
            bids: Some(self.changes(-1, 629_600, zeros)),
        }
    }
}
