//! The feed against a naive twin: `serde_json`, tree maps and no cleverness.

mod feed_support;

use std::collections::BTreeMap;

use feed_support::*;
use proptest::prelude::*;
use serde_json::Value;
use whitewire_core::event::Kind;

/// A book as one would write it in an afternoon.
#[derive(Default)]
struct Twin {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    update_id: i64,
    fresh: bool,
    depth: usize,
}

/// Digits and a power of ten, in 128 bits; none if the text is not exact at the scale.
fn scaled(text: &str, decimals: i8) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let (mantissa, power) = lower.split_once('e').unwrap_or((&lower, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let plain = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || mantissa.ends_with('.') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift =
        power.parse::<i32>().ok()? + i32::from(decimals) - i32::try_from(fraction.len()).ok()?;
    if digits == 0 {
        return Some(0);
    }
    let unit = 10i128.checked_pow(shift.unsigned_abs())?;
    let value = if shift >= 0 {
        digits.checked_mul(unit)?
    } else if digits % unit == 0 {
        digits / unit
    } else {
        return None;
    };
    i64::try_from(value).ok()
}

impl Twin {
    fn side(value: &Value) -> Option<Vec<(i64, i64)>> {
        let Some(rows) = value.as_array() else {
            return value.is_null().then(Vec::new);
        };
        let row = |row: &Value| {
            let [price, amount] = row.as_array()?.as_slice() else {
                return None;
            };
            let price = scaled(price.as_str()?, PRICE_DECIMALS)?;
            let amount = scaled(amount.as_str()?, AMOUNT_DECIMALS)?;
            (price > 0).then_some((price, amount))
        };
        rows.iter().map(row).collect()
    }

    fn take(&mut self, frame: &str) -> Kind {
        let Some(kind) = self.try_take(frame) else {
            self.fresh = false;
            return Kind::Malformed;
        };
        kind
    }

    fn try_take(&mut self, frame: &str) -> Option<Kind> {
        let frame: Value = serde_json::from_str(frame).ok()?;
        let params = frame["params"].as_array()?;
        let (snapshot, body) = (params[0].as_bool()?, &params[1]);
        let (bids, asks) = (Self::side(&body["bids"])?, Self::side(&body["asks"])?);
        let update_id = body["update_id"].as_i64()?;
        if snapshot {
            self.bids.clear();
            self.asks.clear();
        } else {
            let past = body["past_update_id"].as_i64()?;
            if !self.fresh {
                return Some(Kind::BookStale);
            }
            if update_id <= self.update_id {
                return Some(Kind::BookIgnored);
            }
            if past != self.update_id {
                self.fresh = false;
                return Some(Kind::BookGap);
            }
        }
        (self.update_id, self.fresh) = (update_id, true);
        for (map, rows) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for (price, amount) in rows {
                if amount == 0 {
                    map.remove(&price);
                } else {
                    map.insert(price, amount);
                }
            }
        }
        while self.bids.len() > self.depth {
            self.bids.pop_first();
        }
        while self.asks.len() > self.depth {
            self.asks.pop_last();
        }
        if let (Some(bid), Some(ask)) = (self.bids.last_key_value(), self.asks.first_key_value()) {
            if bid.0 >= ask.0 {
                self.fresh = false;
                return Some(Kind::BookGap);
            }
        }
        Some(if snapshot { Kind::BookSnapshot } else { Kind::BookDelta })
    }
}

/// A price near the middle, in one of the forms in which a number can be written.
fn price(sign: i64) -> impl Strategy<Value = String> {
    (0i64..40, 0u8..40).prop_map(move |(offset, form)| {
        let ticks = 629_600 + sign * offset;
        match form {
            0 => format!("{ticks}e-1"),
            1 => format!("{}.{}0", ticks / 10, ticks % 10),
            2 => format!("0{}.{}", ticks / 10, ticks % 10),
            3 => format!("{}.{}5", ticks / 10, ticks % 10),
            _ if ticks % 10 == 0 => format!("{}", ticks / 10),
            _ => format!("{}.{}", ticks / 10, ticks % 10),
        }
    })
}

fn amount() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("0".to_owned()),
        1 => prop::sample::select(vec!["0.0", "0e-8", "0.000", "1e-3", "2E+2"])
            .prop_map(str::to_owned),
        9 => (1u32..5000).prop_map(|lots| format!("{}.{:03}", lots / 1000, lots % 1000)),
        1 => (1u64..100_000_000).prop_map(|whole| whole.to_string()),
    ]
}

fn side(sign: i64) -> impl Strategy<Value = Option<Vec<(String, String)>>> {
    let rows = prop::collection::vec((price(sign), amount()), 0..14);
    (prop::option::weighted(0.9, rows), 0u8..5).prop_map(move |(rows, order)| {
        rows.map(|mut rows| {
            if order > 0 {
                let ticks = |row: &(String, String)| scaled(&row.0, 2).unwrap_or(0);
                rows.sort_by_key(|row| sign * ticks(row));
            }
            rows
        })
    })
}

/// What a message does to the chain, and how it is printed.
fn step() -> impl Strategy<Value = (Message, u8, Style)> {
    let style =
        prop::sample::select(vec![Style::Spaced, Style::Spaced, Style::Compact, Style::Odd]);
    // Asks start above the bids; one in a while reaches over and crosses.
    let asks = prop_oneof![19 => side(1), 1 => side(-1)];
    (side(-1), asks, 0u8..40, style).prop_map(|(bids, asks, chain, style)| {
        let message = Message { snapshot: chain < 4, past_update_id: 0, update_id: 0, asks, bids };
        (message, chain, style)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_reader_agrees_with_the_twin(
        steps in prop::collection::vec(step(), 1..40),
        depth in 1u16..12,
    ) {
        let mut feeds: Vec<_> = isas().into_iter().map(|isa| feed_on(isa, depth)).collect();
        let mut twin = Twin { depth: usize::from(depth), ..Twin::default() };
        let mut id = 1000;
        for (mut message, chain, style) in steps {
            (message.past_update_id, message.update_id) = match chain {
                4 => (id - 7, id + 5),
                5 => (id - 20, id),
                6 => (id - 20, id - 10),
                _ => (id, id + 5),
            };
            id = id.max(message.update_id);
            let frame = message.print(style);
            let want = twin.take(&frame);
            for feed in &mut feeds {
                let got = take(feed, &frame);
                prop_assert_eq!(got, want, "{:?} {} {}", feed.isa(), feed.fault(), frame);
                check_book(feed, 0);
                let book = feed.book(0);
                prop_assert_eq!(book.is_stale(), !twin.fresh);
                let bids: Vec<_> = twin.bids.iter().rev().map(|(k, v)| (*k, *v)).collect();
                let asks: Vec<_> = twin.asks.iter().map(|(k, v)| (*k, *v)).collect();
                prop_assert_eq!(levels(feed), [bids, asks]);
                prop_assert_eq!(book.update_id(), twin.update_id);
            }
        }
    }

    /// A long chain without faults, as a session sees it.
    #[test]
    fn a_session_agrees_with_the_twin(seed: u64, depth in 1u16..30) {
        let mut feeds: Vec<_> = isas().into_iter().map(|isa| feed_on(isa, depth)).collect();
        let mut twin = Twin { depth: usize::from(depth), ..Twin::default() };
        let mut walk = Walk::new(seed);
        for round in 0..60 {
            let frame = walk.message(round % 25 == 0).print(Style::Spaced);
            let want = twin.take(&frame);
            for feed in &mut feeds {
                prop_assert_eq!(take(feed, &frame), want);
                prop_assert!(feed.book(0).bids().eq(twin.bids.iter().rev().map(|(k, v)| (*k, *v))));
                prop_assert!(feed.book(0).asks().eq(twin.asks.iter().map(|(k, v)| (*k, *v))));
                prop_assert_eq!(feed.counters().general_path, 0);
            }
        }
    }
}
