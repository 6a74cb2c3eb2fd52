//! Seeded mutation of captured frames: whatever the bytes, nothing panics, every book keeps its
//! invariant, and all readers agree.
//!
//! `WHITEWIRE_FUZZ_ITERS` sets the number of frames, 20 000 if unset.

mod feed_support;

use feed_support::*;
use whitewire_core::feed::Feed;

/// The one kind that no frame has.
const NO_FRAME: usize = 15;

fn iterations() -> usize {
    std::env::var("WHITEWIRE_FUZZ_ITERS").map_or(20_000, |n| n.parse().expect("a number of frames"))
}

/// Texts that are worth more than random bytes.
const WORDS: [&str; 24] = [
    "\"",
    "\\",
    "\\u0030",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    " ",
    "0",
    "-",
    "1e-8",
    "0e-8",
    ".",
    "null",
    "true",
    "99999999999999999999",
    "\"0\"",
    "\", \"",
    "[\"62957.3\", \"0\"], ",
    "BTC_PERP",
    "\u{e9}",
    "9223372036854775807",
];

fn mutate(random: &mut Random, frame: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..=random.below(3) {
        let at = random.below(frame.len() + 1);
        match random.below(12) {
            0 if at < frame.len() => frame[at] ^= 1 << random.below(8),
            1 if at < frame.len() => frame[at] = random.next().to_le_bytes()[0],
            2 => frame.truncate(at),
            3 => {
                let word = WORDS[random.below(WORDS.len())].as_bytes();
                frame.splice(at..at, word.iter().copied());
            }
            4 => {
                let end = (at + random.below(12)).min(frame.len());
                frame.drain(at..end);
            }
            5 => {
                let other = &others[random.below(others.len())];
                let from = random.below(other.len() + 1);
                let end = (at + random.below(40)).min(frame.len());
                let piece = &other[from..(from + random.below(60)).min(other.len())];
                frame.splice(at..end, piece.iter().copied());
            }
            6 => {
                let end = (at + random.below(60)).min(frame.len());
                let piece = frame[at..end].to_vec();
                frame.splice(end..end, piece);
            }
            // Half of all mutations keep the frame valid.
            _ => {
                if let Some(digit) = frame[at..].iter_mut().find(|c| (b'1'..=b'9').contains(c)) {
                    *digit = b'1' + random.next().to_le_bytes()[0] % 9;
                }
            }
        }
    }
}

/// Everything that a frame can change and that a caller can see.
fn state(feed: &Feed) -> String {
    let book = feed.book(0);
    let cold = feed.cold();
    format!(
        "{:?} {} {} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {} {:?}",
        levels(feed),
        book.is_stale(),
        book.update_id(),
        book.ts_exch_ns(),
        book.timestamp_ns(),
        feed.ticker(0),
        cold.trades(),
        cold.order,
        cold.deal,
        cold.balances(),
        cold.reply,
        cold.method,
        (cold.margin.balances.rows(), cold.margin.positions.rows(), cold.margin.danger),
    )
}

#[test]
fn mutated_frames_break_nothing() {
    let mut random = Random(0x5eed);
    let mut walk = Walk::new(11);
    let mut feeds: Vec<Feed> = isas().into_iter().map(|isa| feed_on(isa, 5)).collect();
    let mut general = feed_on(isas()[0], 5);
    let captures: Vec<Vec<u8>> = CAPTURES.map(|frame| frame.as_bytes().to_vec()).into();
    let mut kinds = [0usize; 19];
    let mut last = Vec::new();
    for (round, recv_ns) in (0..iterations()).zip(0i64..) {
        let mut frame = if round % 3 == 0 {
            captures[random.below(captures.len())].clone()
        } else {
            let style = [Style::Spaced, Style::Compact, Style::Odd][random.below(3)];
            let snapshot = random.below(4) == 0;
            walk.message(snapshot).print(style).into_bytes()
        };
        match random.below(8) {
            0 => frame.clone_from(&last),
            1..4 => mutate(&mut random, &mut frame, &captures),
            _ => {}
        }
        last.clone_from(&frame);
        // Leading white space means nothing, but only the general reader takes it.
        let spaced: Vec<u8> = [b" ", frame.as_slice()].concat();
        let want = general.on_frame(&spaced, recv_ns);
        let want_state = state(&general);
        kinds[want.kind as usize] += 1;
        check_book(&general, 0);
        for feed in &mut feeds {
            let got = feed.on_frame(&frame, recv_ns);
            let text = String::from_utf8_lossy(&frame);
            assert_eq!(got, want, "{:?} {text}", feed.isa());
            assert_eq!(state(feed), want_state, "{:?} {text}", feed.isa());
        }
    }
    assert_eq!(general.counters().fast_path, 0);
    assert!(feeds.iter().all(|feed| feed.counters().fast_path > 0));
    if iterations() >= 20_000 {
        let rare: Vec<_> =
            (0..19).filter(|kind| *kind != NO_FRAME).filter(|kind| kinds[*kind] < 20).collect();
        assert!(rare.is_empty(), "kinds {rare:?} were hardly reached: {kinds:?}");
    }
}

#[test]
fn random_bytes_break_nothing() {
    let mut random = Random(3);
    let mut feeds: Vec<Feed> = isas().into_iter().map(|isa| feed_on(isa, 5)).collect();
    for _ in 0..iterations() / 10 {
        let mut frame: Vec<u8> = DELTA.as_bytes()[..random.below(DELTA.len())].to_vec();
        frame.extend((0..random.below(200)).map(|_| random.next().to_le_bytes()[0]));
        let outcomes: Vec<_> = feeds.iter_mut().map(|feed| feed.on_frame(&frame, 1)).collect();
        assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
