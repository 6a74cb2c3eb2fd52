//! Trades, orders, deals and balances.

mod feed_support;

use feed_support::*;
use whitewire_core::event::{Kind, Outcome, Side, TradeRec, NO_MARKET};
use whitewire_core::feed::Feed;

fn feed() -> Feed {
    feed_on(isas()[0], 100)
}

#[test]
fn trades_are_kept_as_sent() {
    let mut feed = feed();
    let outcome = feed.on_frame(TRADES.as_bytes(), 1);
    assert_eq!(outcome, Outcome { kind: Kind::Trades, market: 0 });
    let first = TradeRec {
        id: 22_676_096_396,
        time_ns: 1_785_727_720_670_792_100,
        price: 631_170,
        amount: 10_967,
        side: Side::Sell,
        rpi: false,
    };
    let second = TradeRec {
        id: 22_676_096_353,
        time_ns: 1_785_727_720_100_000_000,
        price: 631_171,
        amount: 1,
        side: Side::Buy,
        rpi: true,
    };
    assert_eq!(feed.cold().trades(), [first, second]);
    assert_eq!(
        take(&mut feed, r#"{"method": "trades_update", "params": ["BTC_PERP", []]}"#),
        Kind::Trades
    );
    assert!(feed.cold().trades().is_empty());
}

#[test]
fn a_trade_without_a_flag_is_no_rpi_trade() {
    let mut feed = feed();
    take(&mut feed, &TRADES.replace(", \"rpi\": true", ""));
    assert!(!feed.cold().trades()[1].rpi);
}

#[test]
fn bad_trades_are_malformed_but_harm_no_book() {
    let changes = [
        ("\"buy\"", "\"hold\""),
        ("\"63117.1\"", "\"63117.15\""),
        ("\"0.001\"", "0.001"),
        ("22676096353", "22676096353.5"),
        ("22676096353", "99999999999999999999"),
        ("\"rpi\": true", "\"rpi\": 1"),
        ("1785727720.1", "\"1785727720.1\""),
        ("1785727720.1", "-1785727720.1"),
    ];
    for (from, to) in changes {
        let mut feed = feed();
        take(&mut feed, SNAPSHOT);
        assert_eq!(take(&mut feed, &TRADES.replace(from, to)), Kind::Malformed, "{to}");
        assert!(!feed.book(0).is_stale());
    }
    let row = r#"{"id": 1, "time": 1.5, "price": "1", "amount": "1", "type": "buy"}"#;
    let many = vec![row; 1025].join(",");
    let frame = format!(r#"{{"method": "trades_update", "params": ["BTC_PERP", [{many}]]}}"#);
    assert_eq!(take(&mut feed(), &frame), Kind::Malformed);
}

#[test]
fn an_order_event_is_read_whole() {
    let mut feed = feed();
    let outcome = feed.on_frame(PENDING.as_bytes(), 1);
    assert_eq!(outcome, Outcome { kind: Kind::OrderPending, market: 0 });
    let order = &feed.cold().order;
    assert_eq!((order.event, order.id, order.order_type), (1, 1_212_904_480_922, 7));
    assert_eq!((order.market.as_str(), order.side), ("BTC_PERP", Side::Buy));
    assert_eq!((order.post_only, order.ioc, order.rpi), (true, false, true));
    assert_eq!(order.ctime_ns, 1_738_250_982_289_140_000);
    assert_eq!(order.mtime_ns, 1_738_250_983_500_000_000);
    assert_eq!((order.price.as_str(), order.amount.as_str()), ("90000", "1"));
    assert_eq!((order.left.as_str(), order.deal_stock.as_str()), ("0.25", "0.75"));
    assert_eq!((order.deal_money.as_str(), order.deal_fee.as_str()), ("67500", "0.0218733492"));
    assert_eq!((order.client_order_id.as_str(), order.stp.as_str()), ("q-7", "cn"));
    assert_eq!((order.status.as_str(), order.fee_asset.as_str()), ("PARTIALLY_FILLED", "USDT"));
}

#[test]
fn what_an_order_event_leaves_out_is_empty() {
    let mut feed = feed();
    take(&mut feed, PENDING);
    let bare = concat!(
        r#"{"method": "ordersPending_update", "params": [3, {"id": 5, "market": "ETH_BTC", "#,
        r#""type": 202, "side": 1, "amount": "1", "left": "0", "deal_stock": "1"}]}"#,
    );
    let outcome = feed.on_frame(bare.as_bytes(), 1);
    assert_eq!(outcome, Outcome { kind: Kind::OrderPending, market: NO_MARKET });
    let order = &feed.cold().order;
    assert_eq!((order.event, order.id, order.side), (3, 5, Side::Sell));
    assert_eq!(order.order_type, 202);
    assert!(!order.post_only && !order.rpi);
    assert_eq!((order.ctime_ns, order.mtime_ns), (0, 0));
    for text in [&order.price, &order.client_order_id, &order.status, &order.stp, &order.fee_asset]
    {
        assert_eq!(text, "");
    }
}

#[test]
fn an_executed_order_is_finished() {
    let mut feed = feed();
    let frame = PENDING.replace("ordersPending", "ordersExecuted").replace("[1, {", "[{");
    assert_eq!(take(&mut feed, &frame), Kind::OrderExecuted);
    assert_eq!((feed.cold().order.event, feed.cold().order.client_order_id.as_str()), (3, "q-7"));
}

#[test]
fn bad_orders_are_malformed() {
    let changes = [
        ("[1, {", "[4, {"),
        ("[1, {", "[\"1\", {"),
        ("\"side\": 2", "\"side\": 3"),
        ("\"left\": \"0.25\"", "\"left\": \"much\""),
        ("\"left\": \"0.25\"", "\"left\": \"\""),
        ("\"left\": \"0.25\"", "\"left\": 0.25"),
        ("\"left\": \"0.25\", ", ""),
        ("\"post_only\": true", "\"post_only\": \"true\""),
        ("\"id\": 1212904480922, ", ""),
        ("\"market\": \"BTC_PERP\", ", ""),
        ("\"q-7\"", "7"),
    ];
    for (from, to) in changes {
        assert!(PENDING.contains(from), "{from}");
        assert_eq!(take(&mut feed(), &PENDING.replacen(from, to, 1)), Kind::Malformed, "{to}");
    }
    let long = PENDING.replace("q-7", &"q".repeat(129));
    assert_eq!(take(&mut feed(), &long), Kind::Malformed);
    let fits = PENDING.replace("q-7", &"q".repeat(128));
    assert_eq!(take(&mut feed(), &fits), Kind::OrderPending);
}

#[test]
fn a_deal_is_read_whole() {
    let mut feed = feed();
    assert_eq!(feed.on_frame(DEAL.as_bytes(), 1), Outcome { kind: Kind::Deal, market: NO_MARKET });
    let deal = &feed.cold().deal;
    assert_eq!((deal.id, deal.order_id), (13_674_578_673, 1_212_909_726_406));
    assert_eq!(deal.time_ns, 1_738_251_095_345_432_000);
    assert_eq!((deal.market.as_str(), deal.client_order_id.as_str()), ("ETH_BTC", ""));
    assert_eq!((deal.price.as_str(), deal.amount.as_str()), ("0.03084", "0.2625"));
    assert_eq!((deal.fee.as_str(), deal.fee_asset.as_str()), ("0.0002625", "ETH"));
    assert_eq!((deal.side, deal.role), (Side::Buy, 2));
    assert_eq!(feed.on_frame(DEAL.replace("ETH_BTC", MARKET).as_bytes(), 1).market, 0);
}

#[test]
fn side_and_role_may_be_texts() {
    for (side, role) in [("\"1\"", "\"1\""), ("\"sell\"", "\"maker\"")] {
        let mut feed = feed();
        let frame = DEAL.replace(",2,2,", &format!(",{side},{role},"));
        assert_eq!(take(&mut feed, &frame), Kind::Deal);
        assert_eq!((feed.cold().deal.side, feed.cold().deal.role), (Side::Sell, 1));
    }
}

#[test]
fn bad_deals_are_malformed() {
    let changes = [
        (",\"ETH\"]", "]"),
        ("\"0.03084\"", "null"),
        ("\"0.2625\"", "\"a lot\""),
        (",2,2,", ",0,2,"),
        (",2,2,", ",2,\"none\","),
        ("13674578673", "\"13674578673\""),
    ];
    for (from, to) in changes {
        assert!(DEAL.contains(from), "{from}");
        assert_eq!(take(&mut feed(), &DEAL.replace(from, to)), Kind::Malformed, "{to}");
    }
}

#[test]
fn balances_are_those_of_the_last_message() {
    let mut feed = feed();
    let outcome = feed.on_frame(BALANCES.as_bytes(), 1);
    assert_eq!(outcome, Outcome { kind: Kind::Balances, market: NO_MARKET });
    let rows = |feed: &Feed| -> Vec<[String; 3]> {
        let row = |row: &whitewire_core::event::BalanceRec| {
            [row.asset.clone(), row.available.clone(), row.freeze.clone()]
        };
        feed.cold().balances().iter().map(row).collect()
    };
    assert_eq!(rows(&feed), [["USDT", "100.1885", "0"], ["BTC", "1e-8", "0e-8"]]);
    let one = concat!(
        r#"{"method": "balanceSpot_update", "params": [{"ETH": {"freeze": "2", "#,
        r#""available": "1"}}]}"#,
    );
    assert_eq!(take(&mut feed, one), Kind::Balances);
    assert_eq!(rows(&feed), [["ETH", "1", "2"]]);
    for bad in [
        one.replace("\"1\"", "1"),
        one.replace("\"freeze\": \"2\", ", ""),
        one.replace("\"2\"", "\"x\""),
    ] {
        assert_eq!(take(&mut feed, &bad), Kind::Malformed, "{bad}");
    }
}
