//! The chain of depth messages, rule by rule.

use proptest::prelude::*;
use whitewire_core::sequence::{Sequence, Verdict};

#[test]
fn s1_a_snapshot_starts_the_chain() {
    let mut chain = Sequence::new();
    assert!(chain.is_stale());
    assert_eq!(chain.on_snapshot(100), Verdict::Snapshot);
    assert!(!chain.is_stale());
    assert_eq!(chain.update_id(), 100);
}

#[test]
fn s2_a_repeated_snapshot_is_no_gap() {
    let mut chain = Sequence::new();
    chain.on_snapshot(100);
    assert_eq!(chain.on_snapshot(250), Verdict::Snapshot);
    assert_eq!(chain.on_delta(250, 260), Verdict::Apply);
}

#[test]
fn s1_an_older_snapshot_is_still_the_venues_word() {
    let mut chain = Sequence::new();
    chain.on_snapshot(250);
    assert_eq!(chain.on_snapshot(100), Verdict::Snapshot);
    assert_eq!(chain.on_delta(100, 110), Verdict::Apply);
}

#[test]
fn s3_the_counter_may_jump() {
    let mut chain = Sequence::new();
    chain.on_snapshot(22_216_665_449);
    assert_eq!(chain.on_delta(22_216_665_449, 22_216_668_570), Verdict::Apply);
    assert_eq!(chain.on_delta(22_216_668_570, 22_216_668_616), Verdict::Apply);
    assert_eq!(chain.update_id(), 22_216_668_616);
}

#[test]
fn s4_and_s7_a_gap_lasts_until_the_next_snapshot() {
    let mut chain = Sequence::new();
    chain.on_snapshot(100);
    assert_eq!(chain.on_delta(101, 105), Verdict::Gap);
    assert!(chain.is_stale());
    assert_eq!(chain.update_id(), 100);
    assert_eq!(chain.on_delta(100, 106), Verdict::Stale);
    chain.on_snapshot(110);
    assert_eq!(chain.on_delta(110, 111), Verdict::Apply);
}

#[test]
fn s5_and_s6_what_is_not_newer_changes_nothing() {
    let mut chain = Sequence::new();
    chain.on_snapshot(100);
    chain.on_delta(100, 110);
    assert_eq!(chain.on_delta(100, 110), Verdict::Duplicate);
    assert_eq!(chain.on_delta(90, 105), Verdict::Older);
    assert!(!chain.is_stale());
    assert_eq!(chain.on_delta(110, 120), Verdict::Apply);
}

#[test]
fn s7_nothing_applies_before_a_snapshot() {
    let mut chain = Sequence::new();
    assert_eq!(chain.on_delta(0, 1), Verdict::Stale);
    chain.on_snapshot(5);
    chain.reset();
    assert_eq!(chain.on_delta(5, 6), Verdict::Stale);
}

proptest! {
    /// Dropping any message of a good chain is noticed at the next delta that arrives.
    #[test]
    fn a_lost_message_is_always_noticed(
        steps in prop::collection::vec(1i64..50, 2..40),
        lost: prop::sample::Index,
    ) {
        let lost = lost.index(steps.len() - 1);
        let mut chain = Sequence::new();
        chain.on_snapshot(1000);
        let mut id = 1000;
        for (at, step) in steps.iter().enumerate() {
            let past = id;
            id += step;
            if at == lost {
                continue;
            }
            let want = match at {
                _ if at < lost => Verdict::Apply,
                _ if at == lost + 1 => Verdict::Gap,
                _ => Verdict::Stale,
            };
            prop_assert_eq!(chain.on_delta(past, id), want);
        }
        prop_assert!(chain.is_stale());
    }
}
