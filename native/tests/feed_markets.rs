//! Tickers, markets and scales, on every instruction set of this machine.

mod feed_support;

use feed_support::*;
use whitewire_core::event::{Kind, Outcome};
use whitewire_core::feed::{Feed, FeedError};

fn each(check: impl Fn(&mut Feed)) {
    for isa in isas() {
        check(&mut feed_on(isa, 100));
    }
}

#[test]
fn the_ticker_is_the_top() {
    each(|feed| {
        assert!(!feed.ticker(0).valid);
        assert_eq!(feed.on_frame(TICKER.as_bytes(), 9), Outcome { kind: Kind::Ticker, market: 0 });
        let ticker = *feed.ticker(0);
        assert!(ticker.valid);
        assert_eq!((ticker.bid, ticker.bid_amount), (629_658, 5));
        assert_eq!((ticker.ask, ticker.ask_amount), (629_742, 17));
        assert_eq!((ticker.update_id, ticker.recv_ns), (22_217_102_542, 9));
        assert_eq!(ticker.time_ns, 1_785_732_678_280_255_100);
        assert_eq!(feed.counters().fast_path, 1);
    });
}

#[test]
fn an_older_ticker_is_ignored_and_a_repeated_one_is_not() {
    each(|feed| {
        take(feed, TICKER);
        let older = TICKER.replace("22217102542", "22217102541").replace("62965.8", "1");
        assert_eq!(take(feed, &older), Kind::BookIgnored);
        assert_eq!(feed.ticker(0).bid, 629_658);
        assert_eq!(take(feed, &TICKER.replace("0.005", "0.006")), Kind::Ticker);
        assert_eq!(feed.ticker(0).bid_amount, 6);
    });
}

#[test]
fn an_empty_side_of_the_ticker_is_none() {
    each(|feed| {
        let frame = TICKER.replace("\"62965.8\", \"0.005\"", "\"0\", \"0\"");
        assert_eq!(take(feed, &frame), Kind::Ticker);
        let ticker = feed.ticker(0);
        assert_eq!((ticker.bid, ticker.bid_amount, ticker.ask), (0, 0, 629_742));
        assert!(ticker.valid);
    });
}

#[test]
fn a_crossed_ticker_is_not_valid() {
    each(|feed| {
        assert_eq!(take(feed, &TICKER.replace("62965.8", "62974.2")), Kind::Ticker);
        assert!(!feed.ticker(0).valid);
        assert_eq!(feed.counters().crossed, 1);
        assert_eq!(take(feed, TICKER), Kind::Ticker);
        assert!(feed.ticker(0).valid);
    });
}

#[test]
fn a_bad_ticker_is_malformed_and_invalidates_only_itself() {
    each(|feed| {
        take(feed, SNAPSHOT);
        take(feed, TICKER);
        let outcome = feed.on_frame(TICKER.replace("62965.8", "62965.85").as_bytes(), 1);
        assert_eq!(outcome, Outcome { kind: Kind::Malformed, market: 0 });
        assert!(!feed.ticker(0).valid);
        assert!(!feed.book(0).is_stale());
    });
}

#[test]
fn a_new_session_trusts_nothing() {
    each(|feed| {
        take(feed, SNAPSHOT);
        take(feed, TICKER);
        feed.reset();
        assert!(feed.book(0).is_stale());
        assert!(!feed.ticker(0).valid);
        assert_eq!(take(feed, DELTA), Kind::BookStale);
        let restarted = TICKER.replace("22217102542", "5");
        assert_eq!(take(feed, &restarted), Kind::Ticker);
        assert_eq!(feed.ticker(0).update_id, 5);
    });
}

#[test]
fn markets_are_told_apart() {
    for isa in isas() {
        let mut feed = Feed::with_isa(isa);
        let names: Vec<String> = (0..300)
            .map(|n| format!("{}{n}_PERP", ["A", "BB", "VERY_LONG_MARKET_NAME"][n % 3]))
            .collect();
        for (index, name) in names.iter().enumerate() {
            assert_eq!(feed.add_market(name, 1, 3, 5), Ok(index));
        }
        for (index, name) in names.iter().enumerate() {
            assert_eq!(feed.market_index(name.as_bytes()), Some(index));
            let outcome = feed.on_frame(SNAPSHOT.replace(MARKET, name).as_bytes(), 1);
            assert_eq!(
                outcome,
                Outcome { kind: Kind::BookSnapshot, market: u16::try_from(index).unwrap() }
            );
            let outcome = feed.on_frame(TICKER.replace(MARKET, name).as_bytes(), 1);
            assert_eq!(
                outcome,
                Outcome { kind: Kind::Ticker, market: u16::try_from(index).unwrap() }
            );
        }
        assert_eq!(feed.market_index(b"A1_PERP"), None);
        assert_eq!(feed.market_index(b""), None);
    }
}

#[test]
fn markets_are_checked_when_added() {
    let mut feed = Feed::new();
    assert_eq!(feed.add_market("BTC_PERP", 1, 3, 100), Ok(0));
    assert!(matches!(feed.add_market("BTC_PERP", 1, 3, 100), Err(FeedError::Duplicate(_))));
    for name in ["", "BTC/PERP", "a\"b", "B\u{e9}", &"X".repeat(33)] {
        assert!(matches!(feed.add_market(name, 1, 3, 100), Err(FeedError::Name(_))), "{name}");
    }
    assert!(matches!(feed.add_market("A", 13, 3, 100), Err(FeedError::Book(_))));
    assert!(matches!(feed.add_market("A", 1, -13, 100), Err(FeedError::Book(_))));
    assert!(matches!(feed.add_market("A", 1, 3, 0), Err(FeedError::Book(_))));
    assert!(matches!(feed.add_market("A", 1, 3, 1001), Err(FeedError::Book(_))));
    assert_eq!(feed.add_market("A", -12, 12, 1000), Ok(1));
}

#[test]
fn every_scale_reads_its_numbers() {
    for decimals in -3i8..=12 {
        for isa in isas() {
            let mut feed = Feed::with_isa(isa);
            feed.add_market(MARKET, decimals, decimals, 10).unwrap();
            let text = |ticks: i64| {
                let mut out = [0; 40];
                let len = whitewire_core::price::format(ticks, decimals, &mut out);
                String::from_utf8(out[..len].to_vec()).unwrap()
            };
            let frame = format!(
                concat!(
                    r#"{{"method": "depth_update", "params": [true, {{"timestamp": 1785730130.6, "#,
                    r#""update_id": 7, "asks": [["{}", "{}"]], "bids": [["{}", "{}"]], "#,
                    r#""event_time": 1785730135.1}}, "BTC_PERP"], "id": null}}"#,
                ),
                text(123_457),
                text(98_765),
                text(123_456),
                text(1)
            );
            assert_eq!(take(&mut feed, &frame), Kind::BookSnapshot, "{}", feed.fault());
            assert_eq!(feed.book(0).best_ask(), Some((123_457, 98_765)));
            assert_eq!(feed.book(0).best_bid(), Some((123_456, 1)));
            assert_eq!(feed.counters().fast_path, 1);
        }
    }
}

#[test]
fn books_of_different_depths_do_not_disturb_each_other() {
    let other = "ETH_PERP";
    for isa in isas() {
        for depths in [[5, 1000], [1000, 5], [5, 5]] {
            let mut both = feed_on(isa, depths[0]);
            both.add_market(other, PRICE_DECIMALS, AMOUNT_DECIMALS, depths[1]).unwrap();
            let mut alone = depths.map(|depth| feed_on(isa, depth));
            let mut walks = [Walk::new(3), Walk::new(4)];
            let mut random = Random(5);
            for round in 0..600 {
                let market = random.below(2);
                let style = [Style::Spaced, Style::Compact][random.below(2)];
                let frame = walks[market].message(round < 8 || random.below(50) == 0).print(style);
                let named = frame.replace(MARKET, [MARKET, other][market]);
                assert_eq!(take(&mut both, &named), take(&mut alone[market], &frame));
                for (at, feed) in alone.iter().enumerate() {
                    let book = both.book(at);
                    let found: [Vec<_>; 2] = [book.bids().collect(), book.asks().collect()];
                    assert_eq!(found, levels(feed), "{isa:?} {depths:?} {round}");
                    check_book(&both, at);
                }
            }
        }
    }
}
