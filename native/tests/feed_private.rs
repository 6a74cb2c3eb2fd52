//! Pushes about the own account, of every shape: the one-pass reader against the general one.
//!
//! `WHITEWIRE_FUZZ_ITERS` sets the number of frames, 20 000 if unset.

mod feed_support;

use feed_support::*;
use whitewire_core::event::Kind;
use whitewire_core::feed::Feed;

/// One of these, mostly of the first.
fn pick(random: &mut Random, usual: &str, rare: &[&str]) -> String {
    match random.below(300 + rare.len()).checked_sub(300) {
        None => usual.to_owned(),
        Some(at) => rare[at].to_owned(),
    }
}

fn amount(random: &mut Random) -> String {
    let number = format!("\"{}.{:03}\"", random.below(90_000), random.below(1000));
    pick(random, &number, &["\"0\"", "\"1e-8\"", "\"-0.5\"", "\"\"", "1.5", "null", "\"1.\"", "[]"])
}

fn seconds(random: &mut Random) -> String {
    let time = format!("17{:08}.{}", random.below(100_000_000), random.below(10_000_000));
    pick(
        random,
        &time,
        &["1785730136", "0", "1e9", "-1.5", "null", "99999999999.5", "1.23456789012"],
    )
}

fn id(random: &mut Random) -> String {
    let number = (random.next() % 10_000_000_000_000).to_string();
    pick(random, &number, &["0", "01", "1.5", "9223372036854775807", "9223372036854775808", "-7"])
}

fn text(random: &mut Random, usual: &str) -> String {
    let long = format!("\"{}\"", "q".repeat(127 + random.below(3)));
    pick(
        random,
        &format!("\"{usual}\""),
        &["null", "\"\"", "7", "\"a\\u0062c\"", "\"\u{e9}\"", "\"\\\"\"", "\"\t\"", "{}", &long],
    )
}

/// Joins members in the order in which the venue sends them, or nearly so.
fn object(random: &mut Random, mut members: Vec<(&str, String)>) -> String {
    match random.below(12) {
        0 => drop(members.remove(random.below(members.len()))),
        1 => members.reverse(),
        2 => members.push(members[random.below(members.len())].clone()),
        3 => members.push(("new_key", pick(random, "0.5", &["{\"a\": 1}", "\"x\"", "[1]", "1e3"]))),
        _ => {}
    }
    let rows: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
    format!("{{{}}}", rows.join(", "))
}

fn order(random: &mut Random) -> String {
    let members = vec![
        ("id", id(random)),
        ("market", text(random, MARKET)),
        ("type", pick(random, "7", &["202", "null"])),
        ("side", pick(random, "2", &["1", "3", "\"sell\"", "\"2\"", "null"])),
        ("post_only", pick(random, "true", &["false", "null", "1"])),
        ("ioc", pick(random, "false", &["true", "null"])),
        ("ctime", seconds(random)),
        ("mtime", seconds(random)),
        ("price", amount(random)),
        ("amount", amount(random)),
        ("left", amount(random)),
        ("deal_stock", amount(random)),
        ("deal_money", amount(random)),
        ("deal_fee", amount(random)),
        ("client_order_id", text(random, "ww-mbl2k3x9-0000000001")),
        ("stp", text(random, "cn")),
        ("status", text(random, "PARTIALLY_FILLED")),
        ("position_side", text(random, "BOTH")),
        ("rpi", pick(random, "false", &["true"])),
        ("fee_asset", text(random, "USDT")),
    ];
    object(random, members)
}

fn deal(random: &mut Random) -> String {
    let mut fields = vec![
        id(random),
        seconds(random),
        text(random, MARKET),
        id(random),
        amount(random),
        amount(random),
        amount(random),
        text(random, "q-7"),
        pick(random, "1", &["2", "\"buy\"", "0"]),
        pick(random, "2", &["1", "\"maker\"", "null"]),
        text(random, "ETH"),
    ];
    match random.below(20) {
        0 => fields.truncate(random.below(11)),
        1 => fields.push("null".into()),
        _ => {}
    }
    fields.join(", ")
}

fn balances(random: &mut Random) -> String {
    let rows: Vec<_> = (0..random.below(11))
        .map(|number| {
            let members = vec![("available", amount(random)), ("freeze", amount(random))];
            format!("\"A{number}\": {}", object(random, members))
        })
        .collect();
    format!("{{{}}}", rows.join(", "))
}

fn push(random: &mut Random) -> String {
    let (method, params) = match random.below(4) {
        0 => ("ordersPending_update", {
            let event = pick(random, "1", &["2", "3", "4", "\"1\"", "null"]);
            format!("{event}, {}", order(random))
        }),
        1 => ("ordersExecuted_update", order(random)),
        2 => ("deals_update", deal(random)),
        _ => ("balanceSpot_update", balances(random)),
    };
    let end =
        pick(random, "], \"id\": null}", &["]}", "], \"id\": 7}", ", 1]}", "], \"id\": null} "]);
    let frame = format!("{{\"method\": \"{method}\", \"params\": [{params}{end}");
    match random.below(12) {
        0..4 => frame.replace(", ", ",").replace(": ", ":"),
        4 => frame.replacen(": ", " : ", 1 + random.below(4)),
        _ => frame,
    }
}

/// Changes, drops or doubles a byte.
fn mutate(random: &mut Random, frame: &mut Vec<u8>) {
    const BYTES: &[u8] = b"\",: .[]{}0159-eE\\\0\x7f\xff";
    let at = random.below(frame.len());
    match random.below(4) {
        0 => drop(frame.remove(at)),
        1 => frame.insert(at, frame[at]),
        2 => frame[at] ^= 1 << random.below(8),
        _ => frame[at] = BYTES[random.below(BYTES.len())],
    }
}

fn state(feed: &Feed) -> String {
    let cold = feed.cold();
    format!("{:?} {:?} {:?} {}", cold.order, cold.deal, cold.balances(), cold.method)
}

#[test]
fn every_reader_finds_the_same() {
    let count = std::env::var("WHITEWIRE_FUZZ_ITERS")
        .map_or(20_000, |n| n.parse::<usize>().expect("a number of frames"));
    let mut random = Random(0x0e4);
    let mut feeds: Vec<Feed> = isas().into_iter().map(|isa| feed_on(isa, 5)).collect();
    let mut general = feed_on(isas()[0], 5);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..count {
        let mut frame = push(&mut random).into_bytes();
        if random.below(4) == 0 {
            mutate(&mut random, &mut frame);
        }
        // Leading white space means nothing, but only the general reader takes it.
        let want = general.on_frame(&[b" ", frame.as_slice()].concat(), 7);
        refused += usize::from(want.kind == Kind::Malformed);
        taken += usize::from(want.kind != Kind::Malformed);
        for feed in &mut feeds {
            let text = String::from_utf8_lossy(&frame);
            assert_eq!(feed.on_frame(&frame, 7), want, "{:?} {text}", feed.isa());
            assert_eq!(state(feed), state(&general), "{:?} {text}", feed.isa());
            if want.kind == Kind::Malformed {
                assert_eq!(feed.fault(), general.fault(), "{:?} {text}", feed.isa());
            }
        }
    }
    assert_eq!(general.counters().fast_path, 0);
    for feed in &feeds {
        let counters = feed.counters();
        let few = count as u64 / 5;
        assert!(counters.fast_path > few && counters.general_path > few, "{counters:?}");
    }
    assert!(taken > count / 10 && refused > count / 10, "{taken} taken, {refused} refused");
}

#[test]
fn what_the_venue_prints_is_read_in_one_pass() {
    let spaced = [PENDING, EXECUTED, BALANCES];
    let compact = spaced.map(|frame| frame.replace(", ", ",").replace(": ", ":"));
    for isa in isas() {
        let mut feed = feed_on(isa, 5);
        for frame in spaced.into_iter().chain(compact.iter().map(String::as_str)) {
            assert_ne!(take(&mut feed, frame), Kind::Malformed, "{isa:?} {frame}");
        }
        // Another order of the envelope's members is for the general reader.
        assert_eq!(take(&mut feed, DEAL), Kind::Deal);
        assert_eq!((feed.counters().fast_path, feed.counters().general_path), (6, 1), "{isa:?}");
    }
}
