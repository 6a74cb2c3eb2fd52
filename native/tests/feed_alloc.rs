//! Nothing is allocated after the first frame of each kind, whatever arrives.

mod feed_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use feed_support::*;
use whitewire_core::feed::Feed;
use whitewire_core::histogram::Histogram;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting the calls of each thread.
struct Counting;

// SAFETY: every call is handed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

/// The largest frames that are still taken, and some that are not.
fn extremes() -> Vec<String> {
    let trade = r#"{"id": 1, "time": 1.5, "price": "1", "amount": "1", "type": "buy"}"#;
    let levels: Vec<String> = (1..=1024).map(|n| format!("[\"{}\", \"1\"]", 70_000 + n)).collect();
    let balance = |n: usize| format!(r#""A{n}": {{"available": "1", "freeze": "2"}}"#);
    let balances: Vec<String> = (0..1024).map(balance).collect();
    let text = "x".repeat(128);
    vec![
        format!(
            r#"{{"method": "trades_update", "params": ["BTC_PERP", [{}]]}}"#,
            vec![trade; 1024].join(",")
        ),
        SNAPSHOT.replace("[\"63038.7\", \"0.285\"]", &levels.join(", ")),
        SNAPSHOT.replace("\"BTC_PERP\"", &format!("\"{text}\"")),
        format!(r#"{{"method": "balanceSpot_update", "params": [{{{}}}]}}"#, balances.join(",")),
        PENDING.replace("q-7", &text).replace("PARTIALLY_FILLED", &text),
        DEAL.replace("ETH_BTC", &text),
        format!("{{\"id\": 1, \"result\": \"{}\"}}", "r".repeat((1 << 20) - 2)),
        REFUSAL.replace("require", &"\\u00e9".repeat(5000)),
        format!("{{\"method\": \"{}\"}}", "m".repeat(5000)),
        "[".repeat(100_000),
        "\"".repeat(60_000),
    ]
}

#[test]
fn decoding_and_books_do_not_allocate() {
    for isa in isas() {
        let mut feed = feed_on(isa, 100);
        let mut frames: Vec<Vec<u8>> = extremes().into_iter().map(String::into_bytes).collect();
        frames.extend(CAPTURES.map(|frame| frame.as_bytes().to_vec()));
        let warm_up = |feed: &mut Feed| {
            for frame in &frames {
                feed.on_frame(frame, 1);
            }
        };
        warm_up(&mut feed);
        let mut walk = Walk::new(7);
        for round in 0..2000 {
            let style = [Style::Spaced, Style::Compact, Style::Odd][round % 3];
            frames.push(walk.message(round % 50 == 0).print(style).into_bytes());
        }
        for _ in 0..1000 {
            let mut broken = frames[walk.random.below(frames.len())].clone();
            let at = walk.random.below(broken.len());
            broken[at] = walk.random.next().to_le_bytes()[0];
            broken.truncate(1 + walk.random.below(broken.len()));
            frames.push(broken);
        }
        let used = allocations(|| {
            for frame in &frames {
                feed.on_frame(frame, 1);
            }
            feed.reset();
        });
        assert_eq!(used, 0, "{isa:?}");
        assert!(feed.counters().malformed > 100 && feed.counters().deltas > 1000);
    }
}

#[test]
fn histograms_do_not_allocate() {
    let (mut histogram, mut other) = (Histogram::new(), Histogram::new());
    let used = allocations(|| {
        (0..100_000).for_each(|ns| histogram.record(ns * 977));
        other.record(5);
        histogram.merge(&other);
        assert!(histogram.value_at(0.99) > 0);
        other.reset();
    });
    assert_eq!(used, 0);
}

#[test]
fn the_counter_counts() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))) > 0);
}
