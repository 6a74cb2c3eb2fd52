//! Margin balances, positions, positions in danger; and a twin that reads the same with serde.

mod feed_support;

use feed_support::*;
use proptest::prelude::*;
use serde_json::{json, Value};
use whitewire_core::event::{Kind, Outcome, PositionRec, NO_MARKET};
use whitewire_core::feed::Feed;

fn feed() -> Feed {
    feed_on(isas()[0], 100)
}

#[test]
fn a_margin_balance_is_read_whole() {
    let mut feed = feed();
    let outcome = feed.on_frame(MARGIN.as_bytes(), 1);
    assert_eq!(outcome, Outcome { kind: Kind::MarginBalances, market: NO_MARKET });
    let [row] = feed.cold().margin.balances.rows() else { panic!("one row") };
    assert_eq!(
        (row.asset.as_str(), row.balance.as_str(), row.borrow.as_str()),
        ("USDT", "50", "0")
    );
    assert_eq!((row.available.as_str(), row.available_with_borrow.len()), ("41.4684437", 10));
}

#[test]
fn positions_are_replaced_by_each_message() {
    let mut feed = feed();
    let outcome = feed.on_frame(POSITIONS.as_bytes(), 1);
    assert_eq!(outcome, Outcome { kind: Kind::Positions, market: NO_MARKET });
    let [row] = feed.cold().margin.positions.rows() else { panic!("one row") };
    assert_eq!((row.id, row.market.as_str(), row.amount.as_str()), (5, "BTC_PERP", "-0.013"));
    assert_eq!(
        (row.ctime_ns, row.mtime_ns),
        (1_785_730_130_500_000_000, 1_785_730_131_250_000_000)
    );
    assert_eq!((row.liq_price.as_str(), row.liq_stage.as_str()), ("70000.1", ""));
    assert_eq!((row.funding.as_str(), row.realized_pnl.as_str()), ("-0.02", "3"));
    let empty = r#"{"method":"positionsMargin_update","params":{"total":0,"records":[]}}"#;
    assert_eq!(take(&mut feed, empty), Kind::Positions);
    assert!(feed.cold().margin.positions.rows().is_empty());
}

#[test]
fn a_closed_position_may_lack_its_prices() {
    let mut feed = feed();
    let frame = POSITIONS.replace("\"62957.3\"", "\"\"").replace("\"-0.013\"", "\"0\"");
    assert_eq!(take(&mut feed, &frame), Kind::Positions);
    assert_eq!(feed.cold().margin.positions.rows()[0].base_price, "");
}

#[test]
fn danger_names_its_event_and_market() {
    let mut feed = feed();
    let outcome = feed.on_frame(DANGER.as_bytes(), 1);
    assert_eq!(outcome, Outcome { kind: Kind::Danger, market: 0 });
    assert_eq!(feed.cold().margin.danger, 1);
    assert_eq!(feed.cold().margin.positions.rows()[0].liq_stage, "margin_call");
    assert_eq!(feed.cold().margin.positions.rows()[0].liq_price, "");
    take(&mut feed, &DANGER.replace("[1, {", "[2, {").replace("BTC_PERP", "NEW_PERP"));
    assert_eq!(feed.cold().margin.danger, 2);
}

#[test]
fn what_lacks_a_part_is_malformed_and_harms_no_book() {
    let cases = [
        MARGIN.replace("\"B\"", "\"C\""),
        MARGIN.replace("\"50\"", "50"),
        MARGIN.replace("\"0\"", "\"x\""),
        POSITIONS.replace("\"-0.013\"", "null"),
        POSITIONS.replace("\"-0.013\"", "\"\""),
        POSITIONS.replace("\"market\": \"BTC_PERP\", ", ""),
        POSITIONS.replace("records", "rows"),
        POSITIONS.replace("\"-1.5\"", "\"nan\""),
        DANGER.replace("[1, {", "[3, {"),
        DANGER.replace("[1, {", "[{"),
    ];
    for frame in cases {
        let mut feed = feed();
        take(&mut feed, SNAPSHOT);
        assert_eq!(take(&mut feed, &frame), Kind::Malformed, "{frame}");
        assert!(!feed.book(0).is_stale());
    }
    let row = r#"{"market":"A","amount":"1","id":1}"#;
    let many = vec![row; 1025].join(",");
    let frame = format!(r#"{{"method":"positionsMargin_update","params":{{"records":[{many}]}}}}"#);
    assert_eq!(take(&mut feed(), &frame), Kind::Malformed);
}

// ---- the twin -------------------------------------------------------------------------------

const NUMBERS: [&str; 10] = [
    "amount",
    "amount_in_money",
    "base_price",
    "pnl",
    "liq_price",
    "unrealized_funding",
    "funding",
    "margin",
    "free_margin",
    "realized_pnl",
];

fn texts(row: &PositionRec) -> [&str; 10] {
    [
        &row.amount,
        &row.amount_in_money,
        &row.base_price,
        &row.pnl,
        &row.liq_price,
        &row.unrealized_funding,
        &row.funding,
        &row.margin,
        &row.free_margin,
        &row.realized_pnl,
    ]
}

/// What serde makes of a field: its text, nothing for null; none where that is no such text.
fn slow(value: &Value, is_needed: bool) -> Option<String> {
    match value {
        Value::Null if is_needed => None,
        Value::Null => Some(String::new()),
        Value::String(text) if text.is_empty() && !is_needed => Some(String::new()),
        Value::String(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => Some(text.clone()),
        _ => None,
    }
}

fn field() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,9})?".prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!("")),
        1 => "[a-z]{1,3}x".prop_map(Value::from),
        1 => any::<u32>().prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn the_reader_agrees_with_the_twin(
        rows in prop::collection::vec(prop::collection::vec(field(), 10), 0..4),
        is_danger in any::<bool>(),
    ) {
        let records: Vec<Value> = rows
            .iter()
            .zip(1..)
            .map(|(row, id): (_, i64)| {
                let mut record = json!({"position_side": "BOTH", "id": id, "market": "BTC_PERP"});
                for (name, value) in NUMBERS.iter().zip(row) {
                    record[*name] = value.clone();
                }
                record
            })
            .collect();
        let used = if is_danger { &rows[..rows.len().min(1)] } else { &rows[..] };
        let expected: Option<Vec<Vec<String>>> = used
            .iter()
            .map(|row| row.iter().enumerate().map(|(at, value)| slow(value, at == 0)).collect())
            .collect();
        let frame = if is_danger {
            json!({"method": "positionsAccountMargin_update",
                "params": [2, records.first().cloned().unwrap_or(Value::Null)]})
        } else {
            json!({"method": "positionsMargin_update", "params": {"records": records}})
        };
        let mut feed = feed();
        let kind = take(&mut feed, &frame.to_string());
        let Some(expected) = expected.filter(|rows| !is_danger || rows.len() == 1) else {
            prop_assert_eq!(kind, Kind::Malformed);
            return Ok(());
        };
        prop_assert_eq!(kind, if is_danger { Kind::Danger } else { Kind::Positions });
        let read: Vec<Vec<String>> = feed.cold().margin.positions.rows().iter()
            .map(|row| texts(row).map(str::to_owned).to_vec()).collect();
        prop_assert_eq!(read, expected);
    }
}
