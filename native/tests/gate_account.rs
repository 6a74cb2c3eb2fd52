//! The account's gate, rule by rule: each limit at its bound, windows by time.

mod gate_support;

use gate_support::{done, fill, guard, intent, limited, place, try_at, SECOND};
use whitewire_core::gate::{
    AccountLimits, Event, Exposure, ExposureLimits, FillReport, Guard, Intent, Reason, Refusal,
    State,
};
use whitewire_core::template::Side::{Buy, Sell};

#[test]
fn open_orders_are_counted_by_side_market_and_account() {
    let side = ExposureLimits { max_side_orders: 1, ..ExposureLimits::default() };
    let mut one = limited(side);
    assert_eq!(place(&mut one, Buy, 90, 1, 1), Ok(()));
    assert_eq!(place(&mut one, Buy, 90, 1, 2), Err(Refusal::OpenOrders));
    assert_eq!(place(&mut one, Sell, 110, 1, 3), Ok(()));
    done(&mut one, Buy, 1);
    assert_eq!(place(&mut one, Buy, 90, 1, 2), Ok(()));

    let mut both = limited(ExposureLimits { max_open_orders: 2, ..ExposureLimits::default() });
    assert_eq!(place(&mut both, Buy, 90, 1, 1), Ok(()));
    assert_eq!(place(&mut both, Sell, 110, 1, 2), Ok(()));
    assert_eq!(place(&mut both, Buy, 90, 1, 3), Err(Refusal::OpenOrders));
    let change = Intent { is_change: true, ..intent(Buy, 91, 1, 1) };
    assert_eq!(try_at(&mut both, &change, 0), Ok(()), "a change is no further order");

    let account = AccountLimits { max_open_orders: 1, ..AccountLimits::default() };
    let mut all = guard(&account, &ExposureLimits::default());
    assert_eq!(place(&mut all, Buy, 90, 1, 1), Ok(()));
    let elsewhere = Intent { market: 1, ..intent(Buy, 90, 1, 2) };
    assert_eq!(try_at(&mut all, &elsewhere, 0), Err(Refusal::OpenOrders));
}

#[test]
fn open_notional_is_summed_by_side_market_and_account() {
    let mut side = limited(ExposureLimits { max_side_notional: 900, ..ExposureLimits::default() });
    assert_eq!(place(&mut side, Buy, 90, 5, 1), Ok(()));
    assert_eq!(place(&mut side, Sell, 110, 5, 2), Ok(()));
    assert_eq!(place(&mut side, Buy, 90, 6, 3), Err(Refusal::OpenNotional));
    assert_eq!(place(&mut side, Buy, 90, 5, 3), Ok(()));

    let mut both =
        limited(ExposureLimits { max_open_notional: 1_000, ..ExposureLimits::default() });
    assert_eq!(place(&mut both, Buy, 90, 5, 1), Ok(()));
    assert_eq!(place(&mut both, Sell, 110, 6, 2), Err(Refusal::OpenNotional));
    assert_eq!(place(&mut both, Sell, 110, 5, 2), Ok(()));
    let change = Intent { is_change: true, ..intent(Sell, 111, 5, 2) };
    assert_eq!(try_at(&mut both, &change, 0), Err(Refusal::OpenNotional), "5 above the limit");

    let account = AccountLimits { max_open_notional: 10_000, ..AccountLimits::default() };
    let heavy = ExposureLimits { weight: 10, ..ExposureLimits::default() };
    let mut all = guard(&account, &heavy);
    assert_eq!(place(&mut all, Buy, 90, 11, 1), Ok(()));
    assert_eq!(place(&mut all, Buy, 90, 2, 2), Err(Refusal::OpenNotional));
    let elsewhere = Intent { market: 1, ..intent(Buy, 100, 1, 3) };
    assert_eq!(try_at(&mut all, &elsewhere, 0), Ok(()), "of weight 1");
}

#[test]
fn the_position_is_judged_with_every_open_order_filled() {
    let mut guard = limited(ExposureLimits { max_position: 10, ..ExposureLimits::default() });
    assert_eq!(place(&mut guard, Buy, 90, 6, 1), Ok(()));
    assert_eq!(place(&mut guard, Buy, 90, 5, 2), Err(Refusal::Position));
    assert_eq!(place(&mut guard, Buy, 90, 4, 2), Ok(()));
    assert_eq!(place(&mut guard, Sell, 110, 10, 3), Ok(()), "sells are judged by themselves");
    fill(&mut guard, Buy, 90, 6, 1, 0);
    done(&mut guard, Buy, 1);
    assert_eq!(place(&mut guard, Buy, 90, 1, 4), Err(Refusal::Position));
    assert_eq!(place(&mut guard, Sell, 110, 6, 5), Ok(()), "6 - 16 is the other bound");
    assert_eq!(place(&mut guard, Sell, 110, 1, 6), Err(Refusal::Position));
}

#[test]
fn a_change_counts_the_old_order_and_the_new_one() {
    let mut guard = limited(ExposureLimits { max_position: 10, ..ExposureLimits::default() });
    assert_eq!(place(&mut guard, Buy, 90, 6, 1), Ok(()));
    let change = |lots| Intent { is_change: true, ..intent(Buy, 91, lots, 1) };
    assert_eq!(try_at(&mut guard, &change(5), 0), Err(Refusal::Position));
    assert_eq!(try_at(&mut guard, &change(4), 0), Ok(()));
    let (_, lots, notional, best) = guard.market(0).expect("known").side_sums(Buy);
    assert_eq!((lots, notional, best), (10, 540, 91));
}

#[test]
fn what_became_no_bytes_is_taken_back() {
    let mut guard = limited(ExposureLimits::default());
    assert_eq!(place(&mut guard, Buy, 90, 6, 1), Ok(()));
    let before = guard.market(0).expect("known").side_sums(Buy);
    for order in [intent(Buy, 95, 3, 2), Intent { is_change: true, ..intent(Buy, 97, 9, 1) }] {
        let admitted = guard.admit(&order, State::Active, 0).expect("passes");
        assert_ne!(guard.market(0).expect("known").side_sums(Buy), before);
        guard.take_back(&admitted);
        assert_eq!(guard.market(0).expect("known").side_sums(Buy), before);
    }
    assert_eq!(guard.totals().0, 1);
}

#[test]
fn an_order_does_not_meet_our_own() {
    let strict = ExposureLimits { may_cross_own: false, ..ExposureLimits::default() };
    let mut guard = limited(strict);
    assert_eq!(place(&mut guard, Sell, 105, 1, 1), Ok(()));
    assert_eq!(place(&mut guard, Sell, 103, 1, 2), Ok(()));
    assert_eq!(place(&mut guard, Buy, 103, 1, 3), Err(Refusal::SelfCross));
    assert_eq!(place(&mut guard, Buy, 102, 1, 3), Ok(()));
    assert_eq!(place(&mut guard, Sell, 102, 1, 4), Err(Refusal::SelfCross));
    done(&mut guard, Sell, 2);
    assert_eq!(place(&mut guard, Buy, 104, 1, 5), Ok(()), "the best sell is 105 again");
    assert_eq!(place(&mut limited(ExposureLimits::default()), Buy, 104, 1, 5), Ok(()));
}

#[test]
fn a_duplicate_is_one_within_its_time() {
    let mut guard = limited(ExposureLimits { duplicate_ns: 50, ..ExposureLimits::default() });
    let at = |guard: &mut Guard, side, price, lots, sequence, now| {
        try_at(guard, &intent(side, price, lots, sequence), now)
    };
    assert_eq!(at(&mut guard, Buy, 90, 1, 1, 0), Ok(()));
    assert_eq!(at(&mut guard, Buy, 90, 1, 2, 49), Err(Refusal::Duplicate));
    assert_eq!(at(&mut guard, Buy, 90, 2, 3, 49), Ok(()));
    assert_eq!(at(&mut guard, Buy, 91, 1, 4, 49), Ok(()));
    assert_eq!(at(&mut guard, Sell, 90, 1, 5, 49), Ok(()));
    assert_eq!(at(&mut guard, Buy, 90, 1, 6, 50), Ok(()));
    assert_eq!(at(&mut guard, Buy, 90, 1, 6, 500), Err(Refusal::Duplicate), "its number is taken");
}

#[test]
fn rates_are_buckets_of_nanoseconds_and_cancels_are_never_refused() {
    let limits = AccountLimits {
        order_interval_ns: 100,
        order_burst: 2,
        cancel_interval_ns: 100,
        cancel_burst: 2,
        ..AccountLimits::default()
    };
    let mut guard = guard(&limits, &ExposureLimits::default());
    let mut at = |sequence, now| try_at(&mut guard, &intent(Buy, 90, 1, sequence), now);
    assert_eq!([at(1, 0), at(2, 0)], [Ok(()), Ok(())]);
    assert_eq!(at(3, 99), Err(Refusal::OrderRate));
    assert_eq!(at(3, 100), Ok(()));
    assert_eq!(at(4, 100), Err(Refusal::OrderRate));
    assert_eq!(at(4, 1_000), Ok(()));
    for _ in 0..1_000 {
        guard.on_cancel(2_000);
    }
    let mut at = |sequence, now| try_at(&mut guard, &intent(Buy, 90, 1, sequence), now);
    assert_eq!(at(5, 2_299), Err(Refusal::CancelRate), "the debt is bounded");
    assert_eq!(at(5, 2_300), Ok(()));
}

#[test]
fn a_reference_that_moved_too_far_leaves_only_less() {
    let limits = ExposureLimits {
        max_move_ppm: 30_000,
        move_window_ns: 5 * SECOND,
        ..ExposureLimits::default()
    };
    let mut guard = limited(limits);
    guard.on_top(0, 102, 104, SECOND);
    assert_eq!(guard.market_state(0, SECOND), Some((State::Active, Reason::Nothing)), "3 %");
    assert!(!guard.take_alarm());
    guard.on_top(0, 102, 105, 2 * SECOND);
    assert_eq!(guard.market_state(0, 2 * SECOND), Some((State::Reducing, Reason::PriceMove)));
    assert!(guard.take_alarm() && !guard.take_alarm());
    assert_eq!(try_at(&mut guard, &intent(Buy, 100, 1, 1), 3 * SECOND), Err(Refusal::OnlyReducing));
    assert_eq!(guard.market_state(0, 7 * SECOND), Some((State::Active, Reason::Nothing)));
    // Slowly it may move as far as it likes.
    for step in 0..40 {
        guard.on_top(0, 102 + step, 105 + step, (8 + 5 * step) * SECOND);
    }
    assert!(!guard.take_alarm());
}

#[test]
fn reducing_lets_through_what_lessens_the_position_at_its_worst() {
    let mut guard = limited(ExposureLimits::default());
    assert_eq!(place(&mut guard, Sell, 120, 2, 1), Ok(()));
    guard.market_event(0, Event::Reduce(Reason::Asked, i64::MAX));
    assert_eq!(place(&mut guard, Sell, 110, 1, 2), Err(Refusal::OnlyReducing));
    assert_eq!(place(&mut guard, Buy, 90, 1, 2), Err(Refusal::OnlyReducing));
    fill(&mut guard, Buy, 100, 5, 9, 0);
    assert_eq!(place(&mut guard, Buy, 90, 1, 2), Err(Refusal::OnlyReducing));
    assert_eq!(place(&mut guard, Sell, 110, 4, 2), Err(Refusal::OnlyReducing), "2 rest already");
    assert_eq!(place(&mut guard, Sell, 110, 3, 2), Ok(()));
}

#[test]
fn a_burst_of_fills_freezes_the_market() {
    let count = ExposureLimits {
        max_fills: 2,
        fill_window_ns: 100,
        frozen_ns: 1_000,
        ..ExposureLimits::default()
    };
    let mut guard = limited(count);
    for now in [0, 60, 100] {
        fill(&mut guard, Buy, 100, 1, 1, now);
    }
    assert!(!guard.take_alarm(), "the first is out of the window");
    fill(&mut guard, Buy, 100, 1, 1, 110);
    assert!(guard.take_alarm());
    assert_eq!(guard.market_state(0, 1_109), Some((State::Halted, Reason::FillBurst)));
    assert_eq!(guard.market_state(0, 1_110), Some((State::Active, Reason::Nothing)));
    assert_eq!(guard.state(200).0, State::Active, "other markets go on");

    let lots = ExposureLimits { max_fill_lots: 10, frozen_ns: 0, max_fills: 0, ..count };
    let mut guard = limited(lots);
    fill(&mut guard, Buy, 100, 10, 1, 0);
    assert_eq!(guard.market_state(0, 0).map(|found| found.0), Some(State::Active));
    fill(&mut guard, Sell, 100, 1, 1, 0);
    assert_eq!(guard.market_state(0, i64::MAX - 1).map(|found| found.0), Some(State::Halted));
    guard.market_event(0, Event::Reset);
    assert_eq!(guard.market_state(0, 0).map(|found| found.0), Some(State::Active));
}

#[test]
fn repeated_executions_halt_until_a_human_arms() {
    let limits =
        ExposureLimits { max_repeats: 3, repeat_window_ns: 100, ..ExposureLimits::default() };
    let mut guard = limited(limits);
    fill(&mut guard, Buy, 100, 1, 1, 0);
    fill(&mut guard, Buy, 100, 1, 1, 1);
    fill(&mut guard, Buy, 100, 1, 2, 2);
    fill(&mut guard, Buy, 99, 1, 3, 3);
    fill(&mut guard, Sell, 100, 1, 4, 4);
    assert!(!guard.take_alarm(), "two quotes at most");
    fill(&mut guard, Buy, 100, 1, 5, 100);
    assert!(!guard.take_alarm(), "the first is out of the window, its second part is not new");
    fill(&mut guard, Buy, 100, 1, 6, 101);
    assert_eq!(guard.state(101), (State::Halted, Reason::Repeats));
    guard.account_event(Event::Reset);
    assert_eq!(guard.state(101).0, State::Halted);
    assert_eq!(place(&mut guard, Buy, 90, 1, 7), Err(Refusal::Halted));
    guard.account_event(Event::Rearm);
    assert_eq!(place(&mut guard, Buy, 90, 1, 7), Ok(()));
    fill(&mut guard, Buy, 100, 1, 8, 102);
    assert_eq!(guard.state(102).0, State::Active, "counted anew");
}

#[test]
fn refusals_of_the_venue_reduce_then_halt() {
    let limits =
        AccountLimits { max_rejects: 3, reject_window_ns: 100, ..AccountLimits::default() };
    let mut guard = guard(&limits, &ExposureLimits::default());
    for now in 0..3 {
        guard.on_reject(now);
    }
    assert_eq!(guard.state(3).0, State::Active);
    guard.on_reject(4);
    assert_eq!(guard.state(103), (State::Reducing, Reason::Rejects));
    assert_eq!(guard.state(104).0, State::Active);
    for now in 5..7 {
        guard.on_reject(now);
    }
    assert_eq!(guard.state(7).0, State::Reducing);
    guard.on_reject(8);
    assert_eq!(guard.state(1_000_000), (State::Halted, Reason::Rejects));
}

#[test]
fn losses_kill_at_the_mark_that_shows_them() {
    let loss = AccountLimits { max_loss: Some(20), ..AccountLimits::default() };
    let mut day = guard(&loss, &ExposureLimits::default());
    fill(&mut day, Buy, 100, 10, 1, 0);
    day.on_top(0, 97, 99, 1);
    assert_eq!(day.state(1).0, State::Active, "20 lost");
    day.begin_day();
    day.on_top(0, 95, 97, 2);
    assert_eq!(day.state(2).0, State::Active, "40 lost, 20 today");
    day.on_top(0, 95, 96, 3);
    assert_eq!(day.state(3), (State::Killed, Reason::Loss));
    assert!(day.take_alarm());
    assert_eq!(place(&mut day, Buy, 90, 1, 2), Err(Refusal::Killed));
    day.account_event(Event::Rearm);
    assert_eq!(day.state(3).0, State::Disarmed);

    let drawdown = AccountLimits { max_drawdown: Some(20), ..AccountLimits::default() };
    let mut peak = guard(&drawdown, &ExposureLimits::default());
    fill(&mut peak, Buy, 100, 10, 1, 0);
    peak.on_top(0, 109, 111, 1);
    peak.on_top(0, 107, 109, 2);
    assert_eq!(peak.state(2).0, State::Active);
    let fee = FillReport { market: 0, side: Sell, price: 108, lots: 10, fee: 1, sequence: 2 };
    assert!(peak.on_fill(&fee, 3));
    assert_eq!(peak.state(3), (State::Killed, Reason::Drawdown), "the fee was too much");
}

#[test]
fn a_position_without_a_mark_may_only_shrink() {
    let loss = AccountLimits { max_loss: Some(1_000), ..AccountLimits::default() };
    let stale = ExposureLimits { max_mark_age_ns: 100, ..ExposureLimits::default() };
    let mut guard = guard(&loss, &stale);
    let elsewhere = |sequence| Intent { market: 1, ..intent(Buy, 90, 1, sequence) };
    assert_eq!(try_at(&mut guard, &elsewhere(1), 500), Ok(()), "no position, no mark needed");
    fill(&mut guard, Buy, 100, 10, 9, 0);
    assert_eq!(try_at(&mut guard, &elsewhere(2), 100), Ok(()));
    assert_eq!(try_at(&mut guard, &elsewhere(3), 101), Err(Refusal::NoMark));
    assert_eq!(try_at(&mut guard, &intent(Sell, 110, 10, 4), 101), Ok(()));
    guard.on_top(0, 99, 0, 101);
    assert_eq!(try_at(&mut guard, &elsewhere(5), 101), Err(Refusal::NoMark), "one side, no middle");
    guard.on_top(0, 99, 101, 101);
    assert_eq!(try_at(&mut guard, &elsewhere(5), 101), Ok(()));
    guard.forget_marks();
    assert_eq!(try_at(&mut guard, &elsewhere(6), 101), Err(Refusal::NoMark));
}

#[test]
fn a_position_from_elsewhere_is_no_profit() {
    let mut guard = limited(ExposureLimits { max_position: 10, ..ExposureLimits::default() });
    guard.forget_marks();
    assert!(guard.set_position(0, -10));
    assert_eq!(place(&mut guard, Sell, 110, 1, 1), Err(Refusal::Position));
    guard.on_top(0, 99, 102, 1);
    assert_eq!(guard.totals().2, 0);
    guard.on_top(0, 100, 102, 2);
    assert_eq!(guard.totals().2, -10, "short 10, half a tick up, doubled");
    assert!(guard.set_position(0, 4));
    assert_eq!(guard.totals().2, -10);
}

#[test]
fn more_than_can_be_counted_is_refused() {
    let mut guard = limited(ExposureLimits::default());
    assert_eq!(place(&mut guard, Buy, 90, 1, 0), Err(Refusal::TooManyOrders));
    let huge = intent(Buy, i64::MAX, i64::MAX, 1);
    assert_eq!(try_at(&mut guard, &huge, 0), Err(Refusal::OpenNotional));
    for sequence in 1..=6_144 {
        assert_eq!(place(&mut guard, Buy, 90, 1, sequence), Ok(()), "{sequence}");
    }
    assert_eq!(place(&mut guard, Buy, 90, 1, 6_145), Err(Refusal::TooManyOrders));
    let late = Exposure {
        sequence: 7_000,
        lots: 1,
        notional: 90,
        price: 90,
        market: 0,
        side: Buy,
        is_open: true,
    };
    assert!(guard.set_order(late));
    assert_eq!(guard.state(0), (State::Halted, Reason::Overflow));
    for sequence in (1..=6_144).rev() {
        done(&mut guard, Buy, sequence);
    }
    assert_eq!(guard.totals().0, 0);
    assert_eq!(guard.market(0).expect("known").side_sums(Buy), (0, 0, 0, 0));
}
