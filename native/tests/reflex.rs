//! Reflexes from a frame to a signed request: with the gate, the nonces and the throttle's cells,
//! and without an allocation.

mod reflex_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use reflex_support::*;
use whitewire_core::engine::{Engine, Failure};
use whitewire_core::event::Kind;
use whitewire_core::reflex::{Rule, Watched};
use whitewire_core::template::Side;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

/// The system's allocator, counting this thread's calls that take memory.
struct Counting;

fn note() {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_pull_becomes_a_cancel_and_a_follow_a_modification() {
    let (mut engine, mut cells) = (engine(1), [0; 4]);
    arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(99), within: None });
    let follow = Rule::Follow { is_opposite: false, distance: 2, tolerance: 0, worst: 105 };
    arm(&mut engine, 1, Side::Sell, follow);
    watch(&mut engine, order(7, Side::Buy, 95, 3, 1));
    watch(&mut engine, order(8, Side::Sell, 120, 4, 2));
    snapshot(&mut engine, 1, &vec![(99, 9)], &vec![(110, 9)]);
    let mut found = steps(&mut engine);
    assert_eq!(found.len(), 2);
    let cancel = write(&mut engine, &mut found[0], &mut cells).expect("sent");
    assert!(cancel.starts_with("POST /api/v4/order/cancel "));
    assert_eq!(body(&cancel)["clientOrderId"], "ww-abc-0000000007");
    let change = write(&mut engine, &mut found[1], &mut cells).expect("sent");
    assert!(change.starts_with("POST /api/v4/order/modify "));
    let body = body(&change);
    assert_eq!((&body["price"], &body["amount"]), (&"112".into(), &"4".into()));
    assert_eq!(body["nonce"], NONCE + 1);
    // both count as any other request of their kind
    assert_eq!(cells, [NOW + 2, NOW + 2, NOW + 1, 0]);
    let (open, _, _, best) = engine.guard().market(0).expect("a market").side_sums(Side::Sell);
    assert_eq!((open, best), (1, 112));
}

#[test]
fn what_was_written_is_not_written_again() {
    let (mut engine, mut cells) = (engine(1), [0; 4]);
    arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(99), within: None });
    watch(&mut engine, order(7, Side::Buy, 95, 3, 1));
    snapshot(&mut engine, 1, &vec![(99, 9)], &vec![(110, 9)]);
    let mut step = steps(&mut engine)[0];
    assert!(write(&mut engine, &mut step, &mut cells).is_ok());
    assert_eq!(write(&mut engine, &mut step, &mut cells), Err(Failure::Left));
    snapshot(&mut engine, 2, &vec![(99, 9)], &vec![(110, 9)]);
    assert!(!engine.reflexes().has_steps());
}

#[test]
fn the_gate_judges_a_move_and_its_call_is_given_back() {
    let (mut engine, mut cells) = (engine(1), [0; 4]);
    let follow = Rule::Follow { is_opposite: false, distance: 100, tolerance: 0, worst: 200 };
    arm(&mut engine, 0, Side::Buy, follow);
    watch(&mut engine, order(7, Side::Buy, 95, 3, 1));
    snapshot(&mut engine, 1, &vec![(101, 9)], &vec![(110, 9)]); // to 1: outside the collar
    let mut step = steps(&mut engine)[0];
    let refused = write(&mut engine, &mut step, &mut cells);
    assert!(matches!(refused, Err(Failure::Refused(_))), "{refused:?}");
    assert_eq!(cells, [NOW, NOW, NOW, 0]);
    assert_eq!((step.nonce, engine.allowance().nonces_left(NOW)), (0, 1_000));
    assert_eq!(engine.reflexes().refused(), 1);
    assert!(engine.reflexes_mut().desk(0).expect("there").order(7).expect("watched").is_ready);
}

#[test]
fn a_shut_market_is_left_cancels_only() {
    let mut engine = engine(1);
    arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(99), within: None });
    let follow = Rule::Follow { is_opposite: false, distance: 2, tolerance: 0, worst: 105 };
    arm(&mut engine, 1, Side::Sell, follow);
    watch(&mut engine, order(7, Side::Buy, 95, 3, 1));
    watch(&mut engine, order(8, Side::Sell, 120, 4, 2));
    engine.set_halted(true);
    snapshot(&mut engine, 1, &vec![(99, 9)], &vec![(110, 9)]);
    let found = steps(&mut engine);
    assert_eq!(found.iter().map(|step| (step.key, step.is_move)).collect::<Vec<_>>(), [(7, 0)]);
}

#[test]
fn a_stale_book_asks_for_nothing() {
    let mut engine = engine(1);
    arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(200), within: None });
    watch(&mut engine, order(7, Side::Buy, 95, 3, 1));
    assert_eq!(ticker(&mut engine, 1, (99, 9), (110, 9)), Kind::Ticker);
    assert!(!engine.reflexes().has_steps());
    snapshot(&mut engine, 2, &vec![(99, 9)], &vec![(110, 9)]);
    assert!(engine.reflexes().has_steps());
    let gap = br#"{"method":"depth_update","params":[false,{"timestamp":1.5,"update_id":9,"past_update_id":7,"asks":[],"bids":[],"event_time":1.6},"M"],"id":null}"#;
    assert_eq!(engine.on_frame(gap, NOW).kind, Kind::BookGap);
    assert!(!engine.reflexes().has_steps());
    assert_eq!(ticker(&mut engine, 10, (99, 9), (110, 9)), Kind::Ticker);
    assert!(!engine.reflexes().has_steps());
}

#[test]
fn the_newer_of_depth_and_ticker_decides() {
    let mut engine = engine(1);
    arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(99), within: None });
    watch(&mut engine, order(7, Side::Buy, 95, 3, 1));
    snapshot(&mut engine, 5, &vec![(100, 9)], &vec![(110, 9)]);
    ticker(&mut engine, 4, (99, 9), (110, 9));
    assert!(!engine.reflexes().has_steps(), "the ticker is older than the book");
    ticker(&mut engine, 8, (100, 9), (110, 9));
    snapshot(&mut engine, 7, &vec![(99, 9)], &vec![(110, 9)]);
    assert!(!engine.reflexes().has_steps(), "the book is older than the ticker");
    ticker(&mut engine, 9, (99, 9), (110, 9));
    assert!(engine.reflexes().has_steps());
}

#[test]
fn a_ticker_whose_top_is_ours_tells_nothing_of_the_others() {
    let mut engine = engine(1);
    arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(99), within: None });
    snapshot(&mut engine, 5, &vec![(100, 3), (98, 1)], &vec![(110, 9)]);
    watch(&mut engine, order(7, Side::Buy, 99, 3, 1));
    ticker(&mut engine, 6, (99, 3), (110, 9));
    assert!(!engine.reflexes().has_steps());
    ticker(&mut engine, 7, (99, 4), (110, 9));
    assert!(engine.reflexes().has_steps());
}

#[test]
fn nonces_end_with_their_time_and_cells_must_be_there() {
    let mut engine = engine(1);
    arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(99), within: None });
    watch(&mut engine, order(7, Side::Buy, 95, 3, 1));
    snapshot(&mut engine, 1, &vec![(99, 9)], &vec![(110, 9)]);
    let mut step = steps(&mut engine)[0];
    engine.allowance_mut().set_nonces(NONCE, 10, NOW);
    assert_eq!(engine.allowance().nonces_left(NOW - 1), 10);
    assert_eq!(write(&mut engine, &mut step, &mut [0; 4]), Err(Failure::Left));
    engine.allowance_mut().set_nonces(NONCE, 10, NOW + 1);
    assert_eq!(engine.write_step(&mut step, &mut [], NOW, &mut [0; 4_096]), Err(Failure::Left));
    assert_eq!(write(&mut engine, &mut step, &mut [0, 0, 0, NOW + 1]), Err(Failure::Left));
    assert!(write(&mut engine, &mut step, &mut [0; 4]).is_ok());
}

#[test]
fn a_cancel_that_was_signed_in_advance_is_copied_while_it_is_fresh() {
    for (age_ms, is_fresh) in [(0, true), (2_400, true), (2_401, false)] {
        let mut engine = engine(1);
        arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(99), within: None });
        let one = order(7, Side::Buy, 95, 3, 1);
        let id = one.id.as_bytes().to_vec();
        watch(&mut engine, one);
        engine.allowance_mut().set_clock(NONCE + age_ms, NOW - 5_000_000);
        let ready = NONCE + 5; // five milliseconds have passed since the clock was told
        assert!(engine.presign(0, &id, ready));
        snapshot(&mut engine, 1, &vec![(99, 9)], &vec![(110, 9)]);
        let mut step = steps(&mut engine)[0];
        assert!(write(&mut engine, &mut step, &mut [0; 4]).is_ok());
        assert_eq!(step.nonce, if is_fresh { ready } else { NONCE });
        assert_eq!(engine.allowance().nonces_left(NOW), if is_fresh { 1_000 } else { 999 });
        assert_eq!(engine.presigned_count(), 0);
        snapshot(&mut engine, 2, &vec![(98, 9)], &vec![(110, 9)]);
        assert!(!engine.reflexes().has_steps(), "one cancel is enough");
    }
}

#[test]
fn nothing_is_allocated_once_warm() {
    let mut engine = engine(1);
    arm(&mut engine, 0, Side::Buy, Rule::Pull { through: None, within: Some(3) });
    let follow = Rule::Follow { is_opposite: true, distance: 4, tolerance: 0, worst: 120 };
    arm(&mut engine, 1, Side::Buy, follow);
    let frame = |id: i64, ask: i64| {
        format!(
            r#"{{"method":"bookTicker_update","params":[[1.5,1.6,"M",{id},"90","9","{ask}","9"]],"id":null}}"#
        )
    };
    snapshot(&mut engine, 1, &vec![(90, 9)], &vec![(110, 9)]);
    let frames: Vec<String> = (2..400).map(|id| frame(id, 100 + id % 20)).collect();
    let orders: Vec<Watched> = (1..=4).map(|key| order(key, Side::Buy, 88, 1, 3)).collect();
    let (mut cells, mut out) = ([0; 4], [0u8; 4_096]);
    let mut round = |engine: &mut Engine, frames: &[String]| {
        let mut sent = 0;
        for frame in frames {
            for one in &orders {
                watch(engine, *one);
            }
            engine.on_frame(frame.as_bytes(), NOW);
            while let Some(mut step) = engine.reflexes_mut().next_step() {
                let written = engine.write_step(&mut step, &mut cells, NOW, &mut out);
                sent += usize::from(written.is_ok());
            }
        }
        sent
    };
    round(&mut engine, &frames[..199]);
    engine.allowance_mut().set_nonces(NONCE, 10_000, i64::MAX);
    let before = ALLOCATIONS.get();
    let sent = round(&mut engine, &frames[199..]);
    assert_eq!(ALLOCATIONS.get(), before);
    assert!(sent > 100, "{sent}");
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get(), before + 1, "the counter counts");
}
