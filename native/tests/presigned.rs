//! Cancels signed in advance: the same bytes as otherwise, each taken once, none out of its time.

mod engine_support;
mod order_support;

use std::collections::{HashMap, HashSet};

use engine_support::{client_id, engine, CANCEL, NONCE, NOW, QUOTE};
use order_support::open;
use proptest::prelude::*;
use whitewire_core::presigned::{Presigned, CAPACITY, MAX_AGE_MS, MAX_LEAD_MS};

const NEVER: u64 = 0;

/// What a test writes for a nonce; the real requests are those of the engine's tests.
fn text(nonce: u64) -> Vec<u8> {
    format!("request {nonce}").into_bytes()
}

fn put(slab: &mut Presigned, market: u16, number: u64, id: &[u8], nonce: u64) -> bool {
    slab.put(market, (number, id), nonce, |out| {
        let text = text(nonce);
        out[..text.len()].copy_from_slice(&text);
        Ok::<_, ()>(text.len())
    })
}

fn take(slab: &mut Presigned, market: u16, number: u64, id: &[u8], now: u64) -> u64 {
    let mut out = [0; 64];
    let Some((len, nonce)) = slab.take(market, (number, id), now, &mut out) else { return NEVER };
    assert_eq!(out[..len], *text(nonce));
    nonce
}

#[derive(Clone, Debug)]
enum Step {
    Put { number: u64, market: u16 },
    Take { number: u64, market: u16 },
    Forget { number: u64 },
    Wait { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (number, market) = (1..40u64, 0..2u16);
    prop_oneof![
        4 => (number.clone(), market.clone())
            .prop_map(|(number, market)| Step::Put { number, market }),
        3 => (number.clone(), market).prop_map(|(number, market)| Step::Take { number, market }),
        1 => number.prop_map(|number| Step::Forget { number }),
        2 => (1..1_500u64).prop_map(|ms| Step::Wait { ms }),
    ]
}

proptest! {
    #[test]
    fn the_slab_is_a_map_whose_entries_age(steps in proptest::collection::vec(step(), 1..200)) {
        let mut slab = Presigned::default();
        let mut model: HashMap<u64, (u16, u64)> = HashMap::new();
        let mut used = HashSet::new();
        let (mut now, mut nonce) = (NONCE, NONCE);
        for step in steps {
            match step {
                Step::Put { number, market } => {
                    nonce = now.max(nonce + 1);
                    prop_assert!(put(&mut slab, market, number, b"id", nonce));
                    model.insert(number, (market, nonce));
                }
                Step::Take { number, market } => {
                    let known = model.get(&number).copied().filter(|(at, _)| *at == market);
                    if known.is_some() {
                        model.remove(&number);
                    }
                    let fresh = known.filter(|(_, nonce)| nonce + MAX_AGE_MS >= now);
                    let taken = take(&mut slab, market, number, b"id", now);
                    prop_assert_eq!(taken, fresh.map_or(NEVER, |(_, nonce)| nonce));
                    prop_assert!(taken == NEVER || used.insert(taken), "a nonce was used twice");
                }
                Step::Forget { number } => {
                    model.remove(&number);
                    slab.forget(number);
                }
                Step::Wait { ms } => now += ms,
            }
            prop_assert_eq!(slab.count(), model.len());
        }
    }

    #[test]
    fn a_ready_cancel_is_the_one_that_would_have_been_signed(
        sequence in 1..9_999_999_999u64,
        nonce in 1_000_000_000_000..9_999_999_999_999u64,
        is_padded: bool,
        foreign in "[A-Za-z0-9._-]{0,50}",
    ) {
        let mut engine = engine(is_padded);
        let own = client_id(&mut engine, QUOTE, sequence);
        for id in [own, format!("{foreign}{sequence:010}").into_bytes()] {
            let (mut ready, mut plain) = ([0; 2048], [0; 2048]);
            prop_assert!(engine.presign(0, &id, nonce));
            let taken = engine.cancel_ready(0, &id, nonce, NOW, &mut ready);
            let len = engine.cancel(0, &id, nonce, NOW, &mut plain).expect("signed");
            prop_assert_eq!(taken, Some((len, nonce)));
            prop_assert_eq!(&ready[..len], &plain[..len]);
            let body = open(&ready[..len], CANCEL);
            let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
            prop_assert_eq!(body["clientOrderId"].as_str().map(str::as_bytes), Some(&id[..]));
            prop_assert_eq!(body["nonce"].as_u64(), Some(nonce));
            prop_assert_eq!(engine.cancel_ready(0, &id, nonce, NOW, &mut ready), None);
        }
    }
}

#[test]
fn a_nonce_is_used_within_its_span_only() {
    let mut slab = Presigned::default();
    let cases = [
        (NONCE + MAX_AGE_MS, NONCE),
        (NONCE + MAX_AGE_MS + 1, NEVER),
        (NONCE - MAX_LEAD_MS, NONCE),
        (NONCE - MAX_LEAD_MS - 1, NEVER),
    ];
    for (now, expected) in cases {
        assert!(put(&mut slab, 0, 7, b"id", NONCE));
        assert_eq!(take(&mut slab, 0, 7, b"id", now), expected);
        assert_eq!(take(&mut slab, 0, 7, b"id", NONCE), NEVER, "what is asked for is gone");
    }
}

#[test]
fn an_order_of_another_session_or_market_is_another_order() {
    let mut slab = Presigned::default();
    assert!(put(&mut slab, 0, 7, b"ww-b-7", NONCE));
    assert_eq!(take(&mut slab, 0, 7, b"ww-a-7", NONCE), NEVER);
    assert_eq!(take(&mut slab, 0, 7, b"ww-b-77", NONCE), NEVER);
    assert_eq!(take(&mut slab, 1, 7, b"ww-b-7", NONCE), NEVER);
    assert_eq!(take(&mut slab, 0, 7, b"ww-b-7", NONCE), NONCE);
}

#[test]
fn what_has_no_place_is_signed_when_it_is_sent() {
    let mut slab = Presigned::default();
    assert!(!put(&mut slab, 0, 0, b"not-ours", NONCE));
    assert!(!put(&mut slab, 0, 1, &[b'i'; 65], NONCE));
    let sent: u64 = (1..=CAPACITY as u64).map(|n| u64::from(put(&mut slab, 0, n, b"id", n))).sum();
    assert_eq!((sent, slab.count()), (CAPACITY as u64, CAPACITY));
    assert!(!put(&mut slab, 0, CAPACITY as u64 + 1, b"id", NONCE));
    slab.forget(1);
    assert!(put(&mut slab, 0, CAPACITY as u64 + 1, b"id", NONCE), "in the same set as 1");
}

#[test]
fn a_failed_remake_leaves_nothing_half_made() {
    let mut slab = Presigned::default();
    assert!(put(&mut slab, 0, 7, b"id", NONCE));
    assert!(!slab.put(0, (7, b"id"), NONCE + 1, |out| {
        out.fill(b'x');
        Err(())
    }));
    assert_eq!(take(&mut slab, 0, 7, b"id", NONCE), NEVER);
}

#[test]
fn an_output_that_is_too_short_gets_nothing() {
    let mut slab = Presigned::default();
    assert!(put(&mut slab, 0, 7, b"id", NONCE));
    assert_eq!(slab.take(0, (7, b"id"), NONCE, &mut [0; 4]), None);
}

#[test]
fn a_cancel_without_a_market_or_a_key_is_not_made_ready() {
    let mut engine = engine(false);
    assert!(!engine.presign(1, b"ww-0000000001", NONCE));
    assert!(!engine.presign(0, b"with space 0000000001", NONCE));
    assert!(!engine.presign(0, b"ww-0000000001", 0), "no request has the nonce 0");
    assert_eq!(engine.cancel_ready(0, b"ww-0000000001", NONCE, NOW, &mut [0; 2048]), None);
    assert_eq!(engine.presigned_count(), 0);
}
