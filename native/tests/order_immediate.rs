//! Placements in one go against the same placements step by step.

mod engine_support;

use engine_support::{engine, quote, NONCE, NOW};
use proptest::prelude::*;
use whitewire_core::engine::{Engine, Failure, PlaceRequest, MAX_LEGS};
use whitewire_core::reflex::Quota;

const STRIDE: usize = 2048;
const COST: i64 = 10;

/// A quota whose buckets hold so many calls at once.
fn quota(calls: i64) -> Quota {
    let room = (calls - 1) * COST;
    Quota::new((0, COST, room), (1, COST, room), (2, COST, room), 3)
}

fn spender(nonces: u32, calls: i64) -> Engine {
    let mut engine = engine(false);
    engine.allowance_mut().set_quotas([quota(calls); 4]);
    engine.allowance_mut().set_nonces(NONCE, nonces, NOW + 1);
    engine
}

fn leg() -> impl Strategy<Value = PlaceRequest> {
    let price = prop_oneof![4 => 5_990_000..5_999_999i64, 1 => 1..9_999_999i64];
    let amount = prop_oneof![4 => 10_000..1_000_000i64, 1 => 1..2_000_000i64];
    (price, amount).prop_map(|(price, amount)| quote(price, amount, 0))
}

fn numbered(legs: Vec<PlaceRequest>) -> Vec<PlaceRequest> {
    (1..).zip(legs).map(|(sequence, leg)| PlaceRequest { sequence, ..leg }).collect()
}

proptest! {
    #[test]
    fn one_go_is_what_the_steps_are(
        legs in proptest::collection::vec(leg(), 1..12),
        nonces in 1..10u32,
        calls in 1..10i64,
    ) {
        let (mut now, mut steps) = (spender(nonces, calls), engine(false));
        let (mut cells, mut twin) = ([NOW; 4], [NOW; 4]);
        (cells[3], twin[3]) = (0, 0);
        let mut next = NONCE;
        let (mut out, mut plain) = (vec![0; STRIDE], vec![0; STRIDE]);
        for leg in numbered(legs) {
            let found = now.place_now(&leg, &mut cells, NOW, &mut out);
            if next == NONCE + u64::from(nonces) || !quota(calls).take(&mut twin, NOW, false) {
                prop_assert_eq!(found, Err(Failure::Left));
                continue;
            }
            let expected = steps.place(&leg, next, NOW, &mut plain);
            prop_assert_eq!(found, expected.map(|len| (len, next)));
            if let Ok(len) = expected {
                prop_assert_eq!(&out[..len], &plain[..len]);
                next += 1;
            } else {
                quota(calls).give_back(&mut twin, false);
            }
            prop_assert_eq!(cells, twin);
        }
        prop_assert_eq!(now.guard().totals(), steps.guard().totals());
        prop_assert_eq!(now.allowance().nonces_left(NOW), NONCE + u64::from(nonces) - next);
    }

    #[test]
    fn many_in_one_go_are_a_burst_as_far_as_the_allowance_reaches(
        legs in proptest::collection::vec(leg(), 1..=MAX_LEGS),
        nonces in 1..25u32,
        calls in 1..25i64,
    ) {
        let (mut now, mut steps) = (spender(nonces, calls), engine(false));
        let legs = numbered(legs);
        let reach = legs.len().min(nonces as usize).min(usize::try_from(calls).unwrap_or(0));
        let mut cells = [NOW, NOW, NOW, 0];
        let (mut arena, mut plain) = (vec![0; MAX_LEGS * STRIDE], vec![0; MAX_LEGS * STRIDE]);
        let (results, given) = now.place_many_now(&legs, &mut cells, NOW, &mut arena, STRIDE);
        let row: Vec<_> = (NONCE..).take(reach).collect();
        let expected = steps.place_many(&legs[..reach], &row, NOW, &mut plain, STRIDE);
        prop_assert_eq!(&given[..reach], &row[..]);
        prop_assert_eq!(&results[..reach], &expected[..reach]);
        prop_assert!(results[reach..].iter().all(|one| *one == Err(Failure::Left)));
        for (at, result) in results.iter().enumerate() {
            if let Ok(len) = result {
                let from = at * STRIDE;
                prop_assert_eq!(&arena[from..][..*len], &plain[from..][..*len]);
            }
        }
        let sent = results.iter().filter(|one| one.is_ok()).count();
        prop_assert_eq!(cells[0], NOW + COST * i64::try_from(sent).unwrap_or(0));
        prop_assert_eq!(now.guard().totals(), steps.guard().totals());
    }
}

#[test]
fn stale_nonces_and_unknown_markets_spend_nothing() {
    let (mut engine, mut out, mut cells) = (spender(5, 5), vec![0; STRIDE], [0; 4]);
    let unknown = PlaceRequest { market: 9, ..quote(5_999_000, 10_000, 1) };
    let found = engine.place_now(&unknown, &mut cells, NOW, &mut out);
    assert_eq!(found, Err(Failure::UnknownMarket));
    let late = engine.place_now(&quote(5_999_000, 10_000, 1), &mut cells, NOW + 1, &mut out);
    assert_eq!((late, cells), (Err(Failure::Left), [0; 4]));
    assert_eq!(
        (engine.allowance().nonces_left(NOW), engine.allowance().nonces_left(NOW + 1)),
        (5, 0)
    );
}

#[test]
fn the_nonces_have_a_clock_of_their_own() {
    let mut engine = engine(false);
    engine.allowance_mut().set_clock(1_000, 5_000_000);
    assert_eq!(engine.allowance().epoch_ms(5_000_000), 1_000);
    assert_eq!(engine.allowance().epoch_ms(7_999_999), 1_002);
    assert_eq!(engine.allowance().epoch_ms(0), 995);
}

#[test]
fn further_nonces_follow_when_the_first_are_gone_and_none_is_lost_or_used_twice() {
    let (mut engine, mut out) = (spender(2, 9), vec![0; STRIDE]);
    engine.allowance_mut().add_nonces(NONCE + 100, 2, NOW + 1);
    assert_eq!(engine.allowance().nonces_left(NOW), 4);
    let mut used = Vec::new();
    for sequence in 1..7 {
        let leg = quote(5_999_000, 10_000, sequence);
        if let Ok((_, nonce)) = engine.place_now(&leg, &mut [0; 4], NOW, &mut out) {
            used.push(nonce);
        }
        if sequence == 3 {
            engine.allowance_mut().add_nonces(NONCE + 200, 1, NOW + 1);
        }
    }
    assert_eq!(used, [NONCE, NONCE + 1, NONCE + 100, NONCE + 101, NONCE + 200]);
    engine.allowance_mut().set_nonces(NONCE + 300, 1, NOW);
    engine.allowance_mut().add_nonces(NONCE + 400, 1, NOW + 1);
    assert_eq!(engine.allowance().nonces_left(NOW), 1, "what is old is not used");
    let found = engine.place_now(&quote(5_999_000, 10_000, 9), &mut [0; 4], NOW, &mut out);
    assert_eq!(found.map(|(_, nonce)| nonce), Ok(NONCE + 400));
}
