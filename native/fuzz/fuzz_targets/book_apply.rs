//! Any sequence of changes: the book equals two tree maps that are cut to its depth.
#![no_main]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use libfuzzer_sys::fuzz_target;
use whitewire_core::feed::Feed;

const DEPTH: usize = 4;

/// Four bytes of the input make a level; small numbers, so that prices repeat.
fn level(bytes: &[u8; 4]) -> (i64, i64) {
    let [low, high, lots, some] = bytes.map(i64::from);
    (1 + low + 4 * (high % 3), if some % 3 == 0 { 0 } else { 1 + lots })
}

fn print(levels: &[(i64, i64)]) -> String {
    let mut text = String::new();
    for (at, (price, lots)) in levels.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(text, "{comma}[\"{price}\", \"{lots}\"]").expect("a string takes all");
    }
    text
}

fuzz_target!(|input: &[u8]| {
    let mut feed = Feed::new();
    feed.add_market("BTC_PERP", 0, 0, DEPTH as u16).expect("the market is fit");
    let (mut bids, mut asks) = (BTreeMap::new(), BTreeMap::new());
    for (at, message) in input.chunks(64).enumerate() {
        let snapshot = at == 0 || message[0] % 8 == 0;
        if snapshot {
            (bids, asks) = (BTreeMap::new(), BTreeMap::new());
        }
        let levels: Vec<(i64, i64)> = message.as_chunks().0.iter().map(level).collect();
        let (low, high) = levels.split_at(levels.len() / 2);
        let high: Vec<(i64, i64)> = high.iter().map(|(price, lots)| (price + 500, *lots)).collect();
        let past = if snapshot { String::new() } else { format!("\"past_update_id\": {at}, ") };
        let (asks_text, bids_text, id) = (print(&high), print(low), at + 1);
        let sides = format!(r#""asks": [{asks_text}], "bids": [{bids_text}]"#);
        let body = format!(r#""update_id": {id}, {past}{sides}, "event_time": 1785730136.5"#);
        let params = format!(r#"[{snapshot}, {{"timestamp": 1785730136.5, {body}}}, "BTC_PERP"]"#);
        let frame = format!(r#"{{"method": "depth_update", "params": {params}, "id": null}}"#);
        feed.on_frame(frame.as_bytes(), 1);
        for (map, levels) in [(&mut bids, low), (&mut asks, high.as_slice())] {
            for (price, lots) in levels {
                if *lots == 0 {
                    map.remove(price);
                } else {
                    map.insert(*price, *lots);
                }
            }
        }
        while bids.len() > DEPTH {
            bids.pop_first();
        }
        while asks.len() > DEPTH {
            asks.pop_last();
        }
        assert!(!feed.book(0).is_stale(), "{}", feed.fault());
        assert!(feed.book(0).bids().eq(bids.iter().rev().map(|(k, v)| (*k, *v))));
        assert!(feed.book(0).asks().eq(asks.iter().map(|(k, v)| (*k, *v))));
    }
});
