//! Tickers of every shape: all instruction sets against the general reader.
//!
//! `WHITEWIRE_FUZZ_ITERS` sets the number of frames, 20 000 if unset.

#![allow(clippy::cast_possible_truncation, reason = "random numbers")]

mod feed_support;

use feed_support::*;
use whitewire_core::event::Kind;
use whitewire_core::feed::Feed;
use whitewire_core::scan::Isa;

/// Of 1 to 32 bytes, with decimals of price and amount; some are known to the general reader only.
const MARKETS: [(&str, i8, i8); 9] = [
    ("BTC_PERP", 1, 3),
    ("BTC_USDT", 2, 6),
    ("SHIB_PERP", 9, 0),
    ("A", 0, 0),
    ("A_B", 12, 12),
    ("A_BC", 8, 8),
    ("SIXTEEN_LONG_USD", 4, 2),
    ("SEVENTEEN_LONG_US", 4, 2),
    ("THIRTY_TWO_BYTES_IS_THE_LONGEST_", -2, -1),
];

fn feed(isa: Isa) -> Feed {
    let mut feed = Feed::with_isa(isa);
    for (name, price, amount) in MARKETS {
        feed.add_market(name, price, amount, 5).unwrap();
    }
    feed
}

/// A number as the venue may print it, and some that it must not.
fn number(random: &mut Random, decimals: i8) -> String {
    let limit =
        if random.below(40) == 0 { u64::MAX } else { 10u64.pow(1 + random.next() as u32 % 9) };
    let whole = random.next() % limit;
    let most = usize::try_from(decimals.max(0)).unwrap();
    let places = random.below(most + 1) + usize::from(random.below(40) == 0);
    let zeros = "0".repeat(usize::from(decimals.min(0).unsigned_abs()));
    let fraction: String =
        (0..places).map(|_| char::from(b'0' + random.next().to_le_bytes()[0] % 10)).collect();
    match random.below(80) {
        0 => "0".into(),
        1 => format!("{whole}."),
        2 => format!(".{fraction}"),
        3 => format!("{fraction}.{whole}.5"),
        _ if places == 0 => format!("{whole}{zeros}"),
        _ => format!("{whole}.{fraction}"),
    }
}

fn seconds(random: &mut Random) -> String {
    let whole = 1_785_732_678 + random.next() % 1000;
    let places = 1 + random.below(8);
    let fraction: String =
        (0..places).map(|_| char::from(b'0' + random.next().to_le_bytes()[0] % 10)).collect();
    match random.below(80) {
        0 => whole.to_string(),
        1 => format!("0{whole}.{fraction}"),
        2 => format!("9{}.{fraction}", whole / 10),
        3 => format!("{whole}.{fraction}{fraction}{fraction}"),
        _ => format!("{whole}.{fraction}"),
    }
}

fn ticker(random: &mut Random, update_id: u64) -> String {
    let (name, price, amount) = MARKETS[random.below(MARKETS.len())];
    let numbers = [price, amount, price, amount].map(|decimals| number(random, decimals));
    let [bid, bid_amount, ask, ask_amount] = numbers;
    let (time, sent) = (seconds(random), seconds(random));
    let spaced = format!(
        "{{\"method\": \"bookTicker_update\", \"params\": [[{time}, {sent}, \"{name}\", \
         {update_id}, \"{bid}\", \"{bid_amount}\", \"{ask}\", \"{ask_amount}\"]], \"id\": null}}"
    );
    if random.below(3) == 0 {
        spaced.replace(' ', "")
    } else {
        spaced
    }
}

/// Changes, drops or doubles a byte, most often one that structures the frame.
fn mutate(random: &mut Random, frame: &mut Vec<u8>) {
    const BYTES: &[u8] = b"\",: .[]{}0159-eE\0\x7f\xff";
    let from = random.below(frame.len());
    let at = match random.below(3) {
        0 => from,
        _ => frame[from..].iter().position(|c| b"\", .:[]".contains(c)).map_or(from, |n| from + n),
    };
    match random.below(4) {
        0 => drop(frame.remove(at)),
        1 => frame.insert(at, frame[at]),
        2 => frame[at] ^= 1 << random.below(8),
        _ => frame[at] = BYTES[random.below(BYTES.len())],
    }
}

#[test]
fn every_instruction_set_reads_what_the_general_reader_reads() {
    let count = std::env::var("WHITEWIRE_FUZZ_ITERS")
        .map_or(20_000, |n| n.parse::<u64>().expect("a number of frames"));
    let mut random = Random(0x71c);
    let mut feeds: Vec<Feed> = isas().into_iter().map(feed).collect();
    let mut general = feed(Isa::Scalar);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..count {
        let mut frame = ticker(&mut random, 22_217_102_542 + round).into_bytes();
        if random.below(3) == 0 {
            mutate(&mut random, &mut frame);
        }
        // Leading white space means nothing, but only the general reader takes it.
        let want = general.on_frame(&[b" ", frame.as_slice()].concat(), 7);
        taken += usize::from(want.kind == Kind::Ticker);
        refused += usize::from(want.kind == Kind::Malformed);
        for feed in &mut feeds {
            let text = String::from_utf8_lossy(&frame);
            assert_eq!(feed.on_frame(&frame, 7), want, "{:?} {text}", feed.isa());
            for market in 0..MARKETS.len() {
                let (got, want) = (feed.ticker(market), general.ticker(market));
                assert_eq!(got, want, "{:?} {text}", feed.isa());
            }
        }
    }
    assert_eq!(general.counters().fast_path, 0);
    let tenth = usize::try_from(count / 10).unwrap();
    assert!(taken > tenth && refused > tenth, "{taken} taken, {refused} refused");
    for feed in feeds {
        assert!(feed.counters().fast_path > count / 10, "{:?}", feed.counters());
    }
}

#[test]
fn what_the_venue_prints_takes_the_fast_path() {
    let frames = [
        ("BTC_PERP", ["62965.8", "0.005", "62974.2", "0.017"]),
        ("BTC_USDT", ["62965.87", "0.123456", "62974.21", "12.000001"]),
        ("SHIB_PERP", ["0.000011751", "123456789", "0.00001176", "987654321"]),
        ("A_BC", ["0.00001234", "1234.5678", "0.00001235", "99999999.1"]),
        ("SIXTEEN_LONG_USD", ["1", "2", "3", "4"]),
        // One decimal more than the scale has, but a zero.
        ("BTC_PERP", ["62965.80", "0.005", "62974.2", "0"]),
    ];
    for isa in isas() {
        let mut feed = feed(isa);
        for (name, [bid, bid_amount, ask, ask_amount]) in frames {
            let spaced = format!(
                "{{\"method\": \"bookTicker_update\", \"params\": [[1785732678.2802551, \
                 1785732678.2810941, \"{name}\", 22217102542, \"{bid}\", \"{bid_amount}\", \
                 \"{ask}\", \"{ask_amount}\"]], \"id\": null}}"
            );
            for frame in [spaced.replace(' ', ""), spaced] {
                assert_eq!(take(&mut feed, &frame), Kind::Ticker, "{isa:?} {frame}");
            }
        }
        let top = feed.ticker(2);
        assert_eq!((top.bid, top.ask_amount), (11_751, 987_654_321));
        let top = feed.ticker(0);
        assert_eq!((top.bid, top.bid_amount, top.ask, top.ask_amount), (629_658, 5, 0, 0));
        assert_eq!(feed.counters().fast_path, 2 * 6, "{isa:?}");
    }
}
