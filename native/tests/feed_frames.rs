//! Depth frames, one behaviour a test, on every instruction set of this machine.

mod feed_support;

use feed_support::*;
use whitewire_core::event::{Kind, Outcome, NO_MARKET};
use whitewire_core::feed::Feed;

fn each(check: impl Fn(&mut Feed)) {
    for isa in isas() {
        check(&mut feed_on(isa, 100));
    }
}

#[test]
fn a_snapshot_and_a_delta_make_the_book() {
    each(|feed| {
        assert_eq!(
            feed.on_frame(SNAPSHOT.as_bytes(), 77),
            Outcome { kind: Kind::BookSnapshot, market: 0 }
        );
        assert_eq!(feed.book(0).best_bid(), Some((629_572, 17)));
        assert_eq!(feed.book(0).best_ask(), Some((629_573, 17)));
        assert_eq!(feed.book(0).recv_ns(), 77);
        assert_eq!(feed.book(0).timestamp_ns(), 1_785_730_130_604_051_100);
        assert_eq!(feed.book(0).ts_exch_ns(), 1_785_730_135_194_067_000);
        assert_eq!(take(feed, DELTA), Kind::BookDelta);
        let [bids, asks] = levels(feed);
        assert_eq!(asks, [(629_614, 29), (629_972, 130), (630_387, 285)]);
        assert_eq!(bids, [(629_572, 17), (629_517, 453), (628_160, 446), (628_033, 1090)]);
        assert_eq!(feed.book(0).update_id(), 22_216_668_616);
        assert_eq!(feed.book(0).ts_exch_ns(), 1_785_730_136_235_200_900);
        assert!(!feed.book(0).is_stale());
        assert_eq!((feed.counters().fast_path, feed.counters().general_path), (2, 0));
    });
}

#[test]
fn the_compact_form_is_fast_too() {
    each(|feed| {
        assert_eq!(take(feed, &SNAPSHOT.replace(' ', "")), Kind::BookSnapshot);
        assert_eq!(take(feed, &DELTA.replace(' ', "")), Kind::BookDelta);
        assert_eq!(take(feed, &TICKER.replace(' ', "")), Kind::Ticker);
        assert_eq!(feed.counters().general_path, 0);
    });
}

#[test]
fn a_missing_side_is_unchanged() {
    each(|feed| {
        take(feed, SNAPSHOT);
        let before = levels(feed);
        let asks_only =
            DELTA.replace(", \"bids\": [[\"62951.7\", \"0.453\"], [\"62816\", \"0.446\"]]", "");
        assert_eq!(take(feed, &asks_only), Kind::BookDelta);
        assert_eq!(levels(feed)[0], before[0]);
        assert_ne!(levels(feed)[1], before[1]);
        assert_eq!(feed.counters().general_path, 0);
    });
}

#[test]
fn an_empty_side_is_unchanged() {
    each(|feed| {
        take(feed, SNAPSHOT);
        let before = levels(feed);
        let empty = DELTA.replace("[[\"62951.7\", \"0.453\"], [\"62816\", \"0.446\"]]", "[]");
        assert_eq!(take(feed, &empty), Kind::BookDelta);
        assert_eq!(levels(feed)[0], before[0]);
        assert_eq!(feed.counters().general_path, 0);
    });
}

#[test]
fn any_zero_removes_a_level() {
    for zero in ["0", "0.0", "0.000", "0e-8", "0E+5", "00"] {
        each(|feed| {
            take(feed, SNAPSHOT);
            let frame =
                DELTA.replace("[\"62957.3\", \"0\"]", &format!("[\"62957.3\", \"{zero}\"]"));
            assert_eq!(take(feed, &frame), Kind::BookDelta, "{zero}");
            assert_eq!(feed.book(0).best_ask(), Some((629_614, 29)), "{zero}");
        });
    }
}

#[test]
fn a_gap_makes_the_book_stale_until_a_snapshot() {
    each(|feed| {
        take(feed, SNAPSHOT);
        let lost = DELTA.replace("22216665449", "22216665450");
        assert_eq!(take(feed, &lost), Kind::BookGap);
        assert!(feed.book(0).is_stale());
        assert_eq!(take(feed, DELTA), Kind::BookStale);
        assert_eq!(take(feed, SNAPSHOT), Kind::BookSnapshot);
        assert!(!feed.book(0).is_stale());
        assert_eq!(take(feed, DELTA), Kind::BookDelta);
        assert_eq!((feed.counters().gaps, feed.counters().stale), (1, 1));
    });
}

#[test]
fn duplicates_and_older_deltas_change_nothing() {
    each(|feed| {
        take(feed, SNAPSHOT);
        take(feed, DELTA);
        let before = levels(feed);
        assert_eq!(take(feed, DELTA), Kind::BookIgnored);
        assert_eq!(take(feed, &DELTA.replace("22216668616", "22216668000")), Kind::BookIgnored);
        assert_eq!(levels(feed), before);
        assert!(!feed.book(0).is_stale());
        assert_eq!(feed.counters().ignored, 2);
    });
}

#[test]
fn a_delta_before_any_snapshot_is_stale() {
    each(|feed| {
        assert_eq!(take(feed, DELTA), Kind::BookStale);
        assert!(feed.book(0).is_stale());
        assert_eq!(feed.book(0).best_bid(), None);
    });
}

#[test]
fn a_keepalive_snapshot_replaces_the_book() {
    each(|feed| {
        take(feed, SNAPSHOT);
        take(feed, DELTA);
        let keepalive = SNAPSHOT.replace("22216665449", "22216669000").replace("62961.4", "62960");
        assert_eq!(take(feed, &keepalive), Kind::BookSnapshot);
        assert_eq!(levels(feed)[1], [(629_573, 17), (629_600, 29), (630_387, 285)]);
        assert_eq!(feed.book(0).update_id(), 22_216_669_000);
    });
}

#[test]
fn a_crossed_book_is_stale() {
    each(|feed| {
        take(feed, SNAPSHOT);
        let crossing = DELTA.replace("[\"62957.3\", \"0\"]", "[\"62957.2\", \"1\"]");
        assert_eq!(take(feed, &crossing), Kind::BookGap);
        assert!(feed.book(0).is_stale());
        assert_eq!((feed.counters().crossed, feed.counters().gaps), (1, 0));
        assert_eq!(take(feed, SNAPSHOT), Kind::BookSnapshot);
        assert!(!feed.book(0).is_stale());
    });
}

#[test]
fn the_book_is_cut_to_its_depth() {
    for isa in isas() {
        let mut feed = feed_on(isa, 2);
        take(&mut feed, SNAPSHOT);
        assert_eq!(levels(&feed)[1], [(629_573, 17), (629_614, 29)]);
        take(&mut feed, DELTA);
        assert_eq!(levels(&feed)[1], [(629_614, 29), (629_972, 130)], "no ghost of 63038.7");
        assert_eq!(levels(&feed)[0], [(629_572, 17), (629_517, 453)]);
    }
}

#[test]
fn unsorted_and_repeated_changes_apply_in_order() {
    each(|feed| {
        take(feed, SNAPSHOT);
        let asks =
            r#"[["63000", "5"], ["62960", "1"], ["63000", "0"], ["62960", "2"], ["62957.3", "0"]]"#;
        let frame = DELTA.replace(r#"[["62957.3", "0"], ["62997.2", "0.13"]]"#, asks);
        assert_eq!(take(feed, &frame), Kind::BookDelta);
        assert_eq!(levels(feed)[1], [(629_600, 2000), (629_614, 29), (630_387, 285)]);
    });
}

#[test]
fn a_bad_number_makes_the_book_stale_not_half_applied() {
    let bad = ["62816.05", "62816.x", "", "-1", "0", "1e40", "9223372036854775807", "6 2816", "+5"];
    for text in bad {
        each(|feed| {
            take(feed, SNAPSHOT);
            let before = levels(feed);
            let frame = DELTA.replace("\"62816\"", &format!("\"{text}\""));
            let outcome = feed.on_frame(frame.as_bytes(), 5);
            assert_eq!(outcome, Outcome { kind: Kind::Malformed, market: 0 }, "{text}");
            assert!(!feed.fault().is_empty());
            assert!(feed.book(0).is_stale());
            assert_eq!(levels(feed), before);
            assert_eq!(take(feed, DELTA), Kind::BookStale);
        });
    }
}

#[test]
fn a_frame_that_breaks_the_protocol_is_malformed() {
    let frames = [
        "",
        " ",
        "{",
        "[]",
        "null",
        "{}",
        "{\"id\": null}",
        "{\"method\": 5}",
        "{\"method\": \"depth_update\"}",
        "{\"method\": \"depth_update\", \"params\": []}",
        "{\"method\": \"depth_update\", \"params\": [true, {}, \"BTC_PERP\"], \"id\": null}",
        "{\"method\": \"depth_update\", \"params\": [1, {\"update_id\": 5}, \"BTC_PERP\"]}",
        "{\"method\": \"bookTicker_update\", \"params\": [[1.5, 1.5]]}",
        "{\"method\": \"x_update\"} {}",
        "{\"method\": \"x_update\",}",
        "{\"method\": \"x\\q\"}",
        "{\"method\": \"x\\ud800\"}",
        "{\"method\": \"a\u{1}b\"}",
        "{\"method\": \"x\", \"params\": 01}",
        "{\"method\": \"x\", \"params\": 1.}",
        "{\"method\": \"x\", \"params\": nul}",
    ];
    for frame in frames {
        each(|feed| {
            take(feed, SNAPSHOT);
            assert_eq!(take(feed, frame), Kind::Malformed, "{frame}");
            assert!(!feed.fault().is_empty());
            assert!(feed.book(0).is_stale(), "{frame}: nobody knows what was lost");
        });
    }
    each(|feed| {
        assert_eq!(feed.on_frame(b"{\"method\": \"\xff\"}", 1).kind, Kind::Malformed);
        let deep =
            format!("{{\"method\": \"x\", \"params\": {}{}}}", "[".repeat(500), "]".repeat(500));
        assert_eq!(take(feed, &deep), Kind::Malformed);
        assert_eq!(feed.counters().malformed, 2);
    });
}

#[test]
fn a_delta_must_refer_back() {
    each(|feed| {
        take(feed, SNAPSHOT);
        let frame = DELTA.replace("\"past_update_id\": 22216665449, ", "");
        assert_eq!(take(feed, &frame), Kind::Malformed);
        assert!(feed.book(0).is_stale());
    });
}

#[test]
fn other_markets_and_methods_are_other() {
    each(|feed| {
        take(feed, SNAPSHOT);
        let outcome = feed.on_frame(DELTA.replace("BTC_PERP", "ETH_PERP").as_bytes(), 1);
        assert_eq!(outcome, Outcome { kind: Kind::Other, market: NO_MARKET });
        assert_eq!(feed.cold().method, "depth_update");
        assert_eq!(take(feed, &TICKER.replace("BTC_PERP", "ETH_PERP")), Kind::Other);
        assert_eq!(feed.cold().method, "bookTicker_update");
        assert_eq!(take(feed, &TRADES.replace("BTC_PERP", "ETH_PERP")), Kind::Other);
        assert_eq!(feed.counters().unknown_markets, 3);
        assert_eq!(
            take(feed, r#"{"method": "candles_update", "params": [], "id": null}"#),
            Kind::Other
        );
        assert_eq!(feed.cold().method, "candles_update");
        assert_eq!(feed.counters().unknown_methods, 1);
        let long = format!("{{\"method\": \"{}\"}}", "\u{e9}".repeat(300));
        assert_eq!(take(feed, &long), Kind::Other);
        assert_eq!(feed.cold().method, "\u{e9}".repeat(64));
        assert!(!feed.book(0).is_stale());
    });
}
