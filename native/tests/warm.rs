//! What keeps the way warm changes nothing that anybody could see.

mod engine_support;

use engine_support::{engine, quote, NONCE, NOW};
use whitewire_core::engine::{flags, STAGES};
use whitewire_core::reflex::Quota;

#[test]
fn nothing_changes_by_it_and_the_next_order_is_the_same() {
    let (mut warm, mut cold) = (engine(false), engine(false));
    let leg = quote(5_999_000, 10_000, 7);
    for engine in [&mut warm, &mut cold] {
        engine.allowance_mut().set_quotas([Quota::new((0, 1, 9), (1, 1, 9), (2, 1, 9), 3); 4]);
        engine.allowance_mut().set_nonces(NONCE, 5, NOW + 1);
        engine.allowance_mut().set_clock(NONCE, NOW);
        engine.prepare(0, leg.flags).expect("a template");
    }
    for _ in 0..50 {
        assert!(warm.keep_warm(0, leg.flags, NOW));
    }
    assert_eq!(warm.guard().totals(), cold.guard().totals());
    assert_eq!(warm.allowance().nonces_left(NOW), 5);
    assert_eq!(warm.feed().counters(), cold.feed().counters());
    assert_eq!(warm.feed().book(0).update_id(), cold.feed().book(0).update_id());
    assert!((0..STAGES).all(|stage| warm.stage(stage).is_some_and(|one| one.count() == 0)));
    let (mut cells, mut twin, mut out, mut plain) = ([0; 4], [0; 4], [0; 2048], [0; 2048]);
    let found = warm.place_now(&leg, &mut cells, NOW, &mut out);
    assert_eq!(found, cold.place_now(&leg, &mut twin, NOW, &mut plain));
    assert!(found.is_ok());
    assert_eq!((cells, out), (twin, plain));
}

#[test]
fn its_frames_take_the_quick_way_and_move_its_own_book() {
    let mut engine = engine(false);
    assert_eq!(engine.warmth().best_bid(), None);
    engine.keep_warm(0, quote(1, 1, 1).flags, NOW);
    assert_eq!(engine.warmth().best_bid(), Some(6_000_050));
    assert!(engine.warmth().is_quick(), "every frame takes the quick way");
}

#[test]
fn without_a_market_or_a_template_nothing_is_signed() {
    let mut engine = engine(false);
    assert!(!engine.keep_warm(9, 0, NOW));
    let other = flags::SELL | flags::IOC;
    assert!(!engine.keep_warm(0, other, NOW));
    engine.prepare(0, other).expect("a template");
    engine.allowance_mut().set_clock(NONCE, NOW);
    assert!(engine.keep_warm(0, other, NOW));
}
