//! Reflexes against a model that is all loops; nonces and calls, whatever happens.

mod reflex_support;

use proptest::prelude::*;
use reflex_support::*;
use whitewire_core::engine::Failure;
use whitewire_core::event::Kind;
use whitewire_core::reflex::{Quota, Rule, Watched};
use whitewire_core::template::Side;

/// The best level of somebody else, in loops; None for nobody.
fn best_of_others(levels: &Levels, side: Side, orders: &[Watched]) -> Option<i64> {
    let mut best = None;
    for (price, lots) in levels {
        let mut ours = 0;
        for one in orders {
            if one.side == side && [one.price, one.target].contains(price) {
                ours += one.lots;
            }
        }
        let is_better = |old: i64| if side == Side::Buy { *price > old } else { *price < old };
        if *lots > ours && best.is_none_or(is_better) {
            best = Some(*price);
        }
    }
    best
}

fn is_pulled(rule: Rule, one: &Watched, own: Option<i64>, other: Option<i64>) -> bool {
    let Rule::Pull { through, within } = rule else { return false };
    let is_bid = one.side == Side::Buy;
    let is_through = through.is_some_and(|limit| {
        own.is_none_or(|top| if is_bid { top <= limit } else { top >= limit })
    });
    let prices = [one.price, if one.target == 0 { one.price } else { one.target }];
    let is_near = within.is_some_and(|ticks| {
        other.is_some_and(|top| {
            prices.iter().any(|price| (if is_bid { top - price } else { price - top }) <= ticks)
        })
    });
    is_through || is_near
}

/// The best price on the grid that a follow allows, found by trying all, and whether to go there.
fn moved(
    rule: Rule,
    one: &Watched,
    own: Option<i64>,
    other: Option<i64>,
    grid: i64,
) -> Option<i64> {
    let Rule::Follow { is_opposite, distance, tolerance, worst } = rule else { return None };
    let is_bid = one.side == Side::Buy;
    let top = if is_opposite { other } else { own }?;
    let allowed = |price: i64| {
        let is_inside = other.is_none_or(|edge| if is_bid { price < edge } else { price > edge });
        let is_far = if is_bid { top - price >= distance } else { price - top >= distance };
        let is_bearable = if is_bid { price <= worst } else { price >= worst };
        price % grid == 0 && is_inside && is_far && is_bearable
    };
    let mut found = (1..1_000).filter(|price| allowed(*price));
    let target = if is_bid { found.next_back() } else { found.next() }?;
    let is_beyond = if is_bid { one.price > worst } else { one.price < worst };
    let is_off = (one.price - target).abs() > tolerance;
    (target != one.price && (is_off || is_beyond)).then_some(target)
}

/// (key, rule, where to or None) of all that is to be done.
fn model(
    rules: &[(Side, Rule)],
    orders: &[Watched],
    bids: &Levels,
    asks: &Levels,
    grid: i64,
    may_move: bool,
) -> Vec<(u64, usize, Option<i64>)> {
    let bid = best_of_others(bids, Side::Buy, orders);
    let ask = best_of_others(asks, Side::Sell, orders);
    let (mut pulls, mut moves) = (Vec::new(), Vec::new());
    for one in orders {
        let (own, other) = if one.side == Side::Buy { (bid, ask) } else { (ask, bid) };
        let mine = |bit: &usize| rules[*bit].0 == one.side && one.rules & (1 << bit) != 0;
        let covering: Vec<usize> = (0..rules.len()).filter(mine).collect();
        if let Some(bit) = covering.iter().find(|bit| is_pulled(rules[**bit].1, one, own, other)) {
            pulls.push((one.key, *bit, None));
            continue;
        }
        let answers = |bit: &usize| moved(rules[*bit].1, one, own, other, grid).map(|p| (*bit, p));
        if let Some((bit, price)) = covering.iter().find_map(answers) {
            if one.is_ready && one.lots > 0 && may_move {
                moves.push((one.key, bit, Some(price)));
            }
        }
    }
    pulls.extend(moves);
    pulls
}

fn rule() -> impl Strategy<Value = Rule> {
    let price = || 80i64..130;
    prop_oneof![
        (prop::option::of(price()), prop::option::of(0i64..15))
            .prop_map(|(through, within)| Rule::Pull { through, within }),
        (any::<bool>(), -8i64..15, 0i64..6, price()).prop_map(
            |(is_opposite, distance, tolerance, worst)| Rule::Follow {
                is_opposite,
                distance,
                tolerance,
                worst
            }
        ),
    ]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn watched() -> impl Strategy<Value = Watched> {
    let at = (side(), 85i64..125, prop_oneof![2 => Just(0i64), 1 => 85i64..125], 0i64..6);
    (at, 0u64..32, prop::bool::weighted(0.8)).prop_map(
        |((side, price, target, lots), rules, is_ready)| Watched {
            target,
            is_ready,
            ..order(1, side, price, lots, rules)
        },
    )
}

/// Bids below 106 and asks above, sorted, best first; sometimes none.
fn levels(bids: bool) -> impl Strategy<Value = Levels> {
    let range = if bids { 90i64..106 } else { 106i64..122 };
    prop::collection::btree_map(range, 1i64..8, 0..8).prop_map(move |found| {
        let mut rows: Levels = found.into_iter().collect();
        if bids {
            rows.reverse();
        }
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn what_is_to_be_done_is_what_the_model_says(
        rules in prop::collection::vec((side(), rule()), 1..5),
        mut orders in prop::collection::vec(watched(), 0..8),
        bids in levels(true),
        asks in levels(false),
        grid in prop_oneof![Just(1i64), Just(2), Just(5)],
        may_move in prop::bool::weighted(0.9),
    ) {
        let mut engine = engine(grid);
        for (bit, (side, rule)) in rules.iter().enumerate() {
            arm(&mut engine, bit, *side, *rule);
        }
        for (key, one) in (1..).zip(orders.iter_mut()) {
            one.key = key;
            watch(&mut engine, *one);
        }
        prop_assert!(engine.set_market_halted(0, !may_move).is_ok());
        prop_assert_eq!(snapshot(&mut engine, 1, &bids, &asks), Kind::BookSnapshot);
        let found: Vec<_> = steps(&mut engine)
            .iter()
            .map(|one| (one.key, usize::from(one.rule), (one.is_move == 1).then_some(one.price)))
            .collect();
        prop_assert_eq!(found, model(&rules, &orders, &bids, &asks, grid, may_move));
    }

    #[test]
    fn no_nonce_is_used_twice_and_no_order_acted_on_twice(
        counts in prop::collection::vec(0u32..4, 1..12),
    ) {
        let (mut engine, mut cells, mut first) = (engine(1), [0; 4], NONCE);
        let (mut seen, mut id) = (std::collections::HashSet::new(), 1);
        arm(&mut engine, 0, Side::Buy, Rule::Pull { through: Some(1_000), within: None });
        for count in counts {
            engine.allowance_mut().set_nonces(first, count, i64::MAX);
            first += u64::from(count);
            for key in 1..=3 {
                watch(&mut engine, order(key, Side::Buy, 50, 1, 1));
            }
            let mut sent = 0;
            for _ in 0..2 {
                snapshot(&mut engine, id, &vec![(100, 9)], &vec![(110, 9)]);
                id += 1;
                for mut step in steps(&mut engine) {
                    match write(&mut engine, &mut step, &mut cells) {
                        Ok(_) => {
                            prop_assert!(seen.insert(step.nonce));
                            sent += 1;
                        }
                        Err(failure) => prop_assert_eq!(failure, Failure::Left),
                    }
                }
            }
            prop_assert_eq!(sent, count.min(3));
        }
    }

    #[test]
    fn calls_counted_here_never_exceed_the_limit(
        pauses in prop::collection::vec(0i64..3_000, 1..200),
        is_cancel in any::<bool>(),
    ) {
        // 20 calls in a window of 10 000: two at once, then one every 556
        let quota = Quota::new((0, 556, 556), (1, 100, 5_000), (2, 100, 5_000), 3);
        let (mut cells, mut now, mut calls) = ([0; 4], 0, Vec::new());
        for pause in pauses {
            now += pause;
            while quota.take(&mut cells, now, is_cancel) {
                calls.push(now);
            }
        }
        for (at, call) in calls.iter().enumerate() {
            prop_assert!(calls[at..].iter().take_while(|one| **one < call + 10_000).count() <= 20);
        }
        prop_assert_eq!(cells[2] == 0, is_cancel || calls.is_empty());
    }
}
