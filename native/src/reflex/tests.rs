//! The decision, rule by rule.

use super::*;

const TOP: Others = Others { bid: Seen::Price(100), ask: Seen::Price(110) };
const UNKNOWN: Others = Others { bid: Seen::Unknown, ask: Seen::Unknown };
const EMPTY: Others = Others { bid: Seen::Empty, ask: Seen::Empty };

fn through(limit: i64) -> Rule {
    Rule::Pull { through: Some(limit), within: None }
}

fn within(ticks: i64) -> Rule {
    Rule::Pull { through: None, within: Some(ticks) }
}

fn follow(distance: i64, tolerance: i64, worst: i64) -> Rule {
    Rule::Follow { is_opposite: false, distance, tolerance, worst }
}

#[test]
fn a_bid_is_pulled_once_the_best_bid_is_at_the_price_or_below() {
    assert!(!through(99).pulls(Side::Buy, TOP, 90));
    assert!(through(100).pulls(Side::Buy, TOP, 90));
    assert!(through(101).pulls(Side::Buy, TOP, 90));
}

#[test]
fn an_ask_is_pulled_once_the_best_ask_is_at_the_price_or_above() {
    assert!(!through(111).pulls(Side::Sell, TOP, 120));
    assert!(through(110).pulls(Side::Sell, TOP, 120));
    assert!(through(109).pulls(Side::Sell, TOP, 120));
}

#[test]
fn a_side_without_others_is_through_and_an_unknown_one_is_not() {
    for side in [Side::Buy, Side::Sell] {
        assert!(through(1).pulls(side, EMPTY, 1));
        assert!(!through(1).pulls(side, UNKNOWN, 1));
        assert!(!within(1_000).pulls(side, EMPTY, 1));
        assert!(!within(1_000).pulls(side, UNKNOWN, 1));
    }
}

#[test]
fn an_order_is_pulled_once_the_other_side_is_near() {
    assert!(within(10).pulls(Side::Buy, TOP, 100));
    assert!(!within(9).pulls(Side::Buy, TOP, 100));
    assert!(within(5).pulls(Side::Sell, TOP, 105));
    assert!(!within(4).pulls(Side::Sell, TOP, 105));
}

#[test]
fn each_condition_of_a_pull_suffices() {
    let both = Rule::Pull { through: Some(50), within: Some(3) };
    assert!(both.pulls(Side::Buy, TOP, 107));
    assert!(!both.pulls(Side::Buy, TOP, 90));
    let gone = Others { bid: Seen::Price(50), ask: Seen::Price(110) };
    assert!(both.pulls(Side::Buy, gone, 40));
}

#[test]
fn a_quote_follows_its_own_side_at_a_distance() {
    assert_eq!(follow(3, 0, 1_000).moves(Side::Buy, TOP, 90, 1), Some(97));
    assert_eq!(follow(3, 0, 1).moves(Side::Sell, TOP, 90, 1), Some(113));
    assert_eq!(follow(3, 0, 1_000).moves(Side::Buy, TOP, 97, 1), None);
}

#[test]
fn a_quote_follows_the_other_side_at_a_distance() {
    let rule = Rule::Follow { is_opposite: true, distance: 20, tolerance: 0, worst: 95 };
    assert_eq!(rule.moves(Side::Buy, TOP, 1, 1), Some(90));
    assert_eq!(rule.moves(Side::Sell, TOP, 1, 1), Some(120));
    let half = Others { ask: Seen::Unknown, ..TOP };
    assert_eq!(rule.moves(Side::Buy, half, 1, 1), None);
}

#[test]
fn a_quote_within_the_tolerance_stays_unless_it_is_beyond_its_worst_price() {
    assert_eq!(follow(3, 2, 1_000).moves(Side::Buy, TOP, 95, 1), None);
    assert_eq!(follow(3, 2, 1_000).moves(Side::Buy, TOP, 99, 1), None);
    assert_eq!(follow(3, 2, 1_000).moves(Side::Buy, TOP, 94, 1), Some(97));
    assert_eq!(follow(3, 2, 97).moves(Side::Buy, TOP, 98, 1), Some(97));
    assert_eq!(follow(3, 2, 113).moves(Side::Sell, TOP, 112, 1), Some(113));
}

#[test]
fn a_quote_never_goes_beyond_its_worst_price_nor_through_the_other_side() {
    assert_eq!(follow(0, 0, 99).moves(Side::Buy, TOP, 90, 1), Some(99));
    assert_eq!(follow(0, 0, 112).moves(Side::Sell, TOP, 120, 1), Some(112));
    assert_eq!(follow(-50, 0, 1_000).moves(Side::Buy, TOP, 90, 1), Some(109));
    assert_eq!(follow(-50, 0, 1).moves(Side::Sell, TOP, 120, 1), Some(101));
}

#[test]
fn a_move_lands_on_the_grid_away_from_the_market() {
    assert_eq!(follow(3, 0, 1_000).moves(Side::Buy, TOP, 80, 5), Some(95));
    assert_eq!(follow(3, 0, 1).moves(Side::Sell, TOP, 80, 5), Some(115));
    assert_eq!(follow(3, 0, 1_000).moves(Side::Buy, TOP, 95, 5), None);
}

#[test]
fn extremes_neither_panic_nor_wrap() {
    let numbers = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for a in numbers {
        for b in numbers {
            for side in [Side::Buy, Side::Sell] {
                let top = Others { bid: Seen::Price(a), ask: Seen::Price(b) };
                let _ = through(a).pulls(side, top, b);
                let _ = within(a).pulls(side, top, b);
                for step in [i64::MIN, 0, 1, i64::MAX] {
                    if let Some(price) = follow(a, b, b).moves(side, top, a, step) {
                        assert!(price > 0);
                    }
                }
            }
        }
    }
}
