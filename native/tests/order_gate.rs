//! The gate: exact boundaries, the order of its questions, and a twin in exact fractions.

use proptest::prelude::*;
use whitewire_core::gate::{check, MarketLimits, Refusal, Top};
use whitewire_core::template::Side;

const NOW: i64 = 1_000_000_000;

const LIMITS: MarketLimits = MarketLimits {
    min_order_lots: 10,
    max_order_lots: 1_000,
    min_notional: 90_000,
    max_notional: 5_000_000,
    collar_ppm: 10_000,
    max_book_age_ns: 500,
    price_step: 5,
    amount_step: 2,
};
const TOP: Top = Top { best_bid: 9_995, best_ask: 10_005, stale: false, recv_ns: NOW };

fn buy(price: i64, amount: i64) -> Result<(), Refusal> {
    check(&LIMITS, &TOP, Side::Buy, price, amount, false, false, NOW)
}

#[test]
fn an_ordinary_order_passes() {
    assert_eq!(buy(9_995, 10), Ok(()));
}

#[test]
fn halted_beats_every_other_reason() {
    let refused = check(&LIMITS, &TOP, Side::Buy, -1, -1, false, true, NOW);
    assert_eq!(refused, Err(Refusal::Halted));
}

#[test]
fn sizes_are_judged_bounds_included() {
    let wide = MarketLimits { max_notional: i128::MAX, amount_step: 1, ..LIMITS };
    let judge = |amount| check(&wide, &TOP, Side::Buy, 10_000, amount, false, false, NOW);
    assert_eq!(judge(9), Err(Refusal::AmountTooSmall));
    assert_eq!(judge(10), Ok(()));
    assert_eq!(judge(1_000), Ok(()));
    assert_eq!(judge(1_001), Err(Refusal::AmountTooLarge));
    let loose = MarketLimits { min_order_lots: -5, min_notional: -5, ..wide };
    let judge = |amount| check(&loose, &TOP, Side::Buy, 10_000, amount, false, false, NOW);
    assert_eq!(judge(0), Err(Refusal::AmountTooSmall));
    assert_eq!(judge(-1), Err(Refusal::AmountTooSmall));
    assert_eq!(judge(i64::MIN), Err(Refusal::AmountTooSmall));
}

#[test]
fn steps_are_exact() {
    assert_eq!(buy(9_996, 12), Err(Refusal::OffTick));
    assert_eq!(buy(9_995, 11), Err(Refusal::OffLot));
    for step in [1, 0, -7] {
        let any = MarketLimits { price_step: step, amount_step: step, ..LIMITS };
        assert_eq!(check(&any, &TOP, Side::Buy, 9_997, 11, false, false, NOW), Ok(()));
    }
}

#[test]
fn prices_are_positive() {
    for price in [0, -5, i64::MIN] {
        assert_eq!(buy(price, 10), Err(Refusal::PriceNotPositive));
    }
}

#[test]
fn notional_is_judged_bounds_included() {
    let tight = MarketLimits { min_notional: 99_951, ..LIMITS };
    let judge = |limits: &MarketLimits, amount| {
        check(limits, &TOP, Side::Buy, 9_995, amount, false, false, NOW)
    };
    assert_eq!(judge(&tight, 10), Err(Refusal::NotionalTooSmall));
    assert_eq!(judge(&MarketLimits { min_notional: 99_950, ..LIMITS }, 10), Ok(()));
    assert_eq!(
        judge(&MarketLimits { min_notional: 0, max_notional: 99_950, ..LIMITS }, 10),
        Ok(())
    );
    assert_eq!(
        judge(&MarketLimits { min_notional: 0, max_notional: 99_949, ..LIMITS }, 10),
        Err(Refusal::NotionalTooLarge)
    );
}

#[test]
fn age_is_judged_bound_included() {
    let judge = |now_ns| check(&LIMITS, &TOP, Side::Buy, 9_995, 10, false, false, now_ns);
    assert_eq!(judge(NOW + 500), Ok(()));
    assert_eq!(judge(NOW + 501), Err(Refusal::StaleBook));
    assert_eq!(judge(NOW - 1), Ok(()), "a time taken before the frame arrived");
    let old = Top { recv_ns: i64::MIN, ..TOP };
    let refused = check(&LIMITS, &old, Side::Buy, 9_995, 10, false, false, i64::MAX);
    assert_eq!(refused, Err(Refusal::StaleBook), "the age itself must not wrap");
    let stale = Top { stale: true, ..TOP };
    let refused = check(&LIMITS, &stale, Side::Buy, 9_995, 10, false, false, NOW);
    assert_eq!(refused, Err(Refusal::StaleBook));
}

#[test]
fn the_collar_is_judged_bound_included() {
    let limits = MarketLimits { price_step: 1, ..LIMITS };
    let judge = |top: &Top, price| check(&limits, top, Side::Sell, price, 10, false, false, NOW);
    // Middle 10 000, one percent.
    for (price, expected) in [
        (9_899, Err(Refusal::PriceCollar)),
        (9_900, Ok(())),
        (10_100, Ok(())),
        (10_101, Err(Refusal::PriceCollar)),
    ] {
        assert_eq!(judge(&TOP, price), expected, "{price}");
    }
    // A middle between two ticks: 10 000.5 and one percent is 9 900.495 to 10 100.505.
    let half = Top { best_ask: 10_006, ..TOP };
    for (price, expected) in [
        (9_900, Err(Refusal::PriceCollar)),
        (9_901, Ok(())),
        (10_100, Ok(())),
        (10_101, Err(Refusal::PriceCollar)),
    ] {
        assert_eq!(judge(&half, price), expected, "{price}");
    }
}

#[test]
fn one_side_is_reference_enough_and_none_is_not() {
    let limits = MarketLimits { price_step: 1, ..LIMITS };
    let judge = |best_bid, best_ask, price| {
        let top = Top { best_bid, best_ask, ..TOP };
        check(&limits, &top, Side::Buy, price, 10, false, false, NOW)
    };
    assert_eq!(judge(10_000, 0, 10_100), Ok(()));
    assert_eq!(judge(10_000, 0, 10_101), Err(Refusal::PriceCollar));
    assert_eq!(judge(0, 10_000, 9_900), Ok(()));
    assert_eq!(judge(0, 10_000, 9_899), Err(Refusal::PriceCollar));
    assert_eq!(judge(0, 0, 10_000), Err(Refusal::NoReference));
}

#[test]
fn post_only_stays_on_its_side() {
    let limits = MarketLimits { price_step: 1, ..LIMITS };
    let judge =
        |side, price, post_only| check(&limits, &TOP, side, price, 10, post_only, false, NOW);
    assert_eq!(judge(Side::Buy, 10_004, true), Ok(()));
    assert_eq!(judge(Side::Buy, 10_005, true), Err(Refusal::WouldCross));
    assert_eq!(judge(Side::Buy, 10_005, false), Ok(()));
    assert_eq!(judge(Side::Sell, 9_996, true), Ok(()));
    assert_eq!(judge(Side::Sell, 9_995, true), Err(Refusal::WouldCross));
    assert_eq!(judge(Side::Sell, 9_995, false), Ok(()));
    for (side, top) in
        [(Side::Buy, Top { best_ask: 0, ..TOP }), (Side::Sell, Top { best_bid: 0, ..TOP })]
    {
        let judged = check(&limits, &top, side, 10_000, 10, true, false, NOW);
        assert_eq!(judged, Ok(()), "no other side, nothing to cross");
    }
}

#[test]
fn extremes_are_refused_not_wrapped() {
    let open = MarketLimits {
        min_order_lots: 1,
        max_order_lots: i64::MAX,
        min_notional: 0,
        max_notional: i128::MAX,
        collar_ppm: u32::MAX,
        max_book_age_ns: i64::MAX,
        price_step: 1,
        amount_step: 1,
    };
    let top = Top { best_bid: i64::MAX, best_ask: i64::MAX, stale: false, recv_ns: NOW };
    let judge = |limits: &MarketLimits, price| {
        check(limits, &top, Side::Buy, price, i64::MAX, false, false, NOW)
    };
    assert_eq!(judge(&open, i64::MAX), Ok(()));
    let narrow = MarketLimits { collar_ppm: 0, ..open };
    assert_eq!(judge(&narrow, i64::MAX), Ok(()));
    assert_eq!(judge(&narrow, 1), Err(Refusal::PriceCollar));
    let capped = MarketLimits { max_notional: i128::from(i64::MAX), ..open };
    assert_eq!(judge(&capped, i64::MAX), Err(Refusal::NotionalTooLarge));
}

#[test]
fn codes_and_reasons_are_stable_and_distinct() {
    use Refusal::*;
    let all = [
        Halted,
        AmountTooSmall,
        AmountTooLarge,
        NotionalTooSmall,
        NotionalTooLarge,
        PriceCollar,
        StaleBook,
        NoReference,
        OffTick,
        OffLot,
        PriceNotPositive,
        WouldCross,
        Killed,
        OnlyReducing,
        OrderRate,
        CancelRate,
        Duplicate,
        SelfCross,
        OpenOrders,
        OpenNotional,
        Position,
        NoMark,
        TooManyOrders,
    ];
    let mut reasons: Vec<_> = all.iter().map(|refusal| refusal.reason()).collect();
    assert!(all.iter().map(|refusal| refusal.code()).eq(1..=23));
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), all.len());
}

/// The gate once more, as independent statements over exact fractions; checked arithmetic, so an
/// input that could overflow would fail the test.
fn twin(
    limits: &MarketLimits,
    top: &Top,
    side: Side,
    (price, amount): (i64, i64),
    post_only: bool,
    now_ns: i64,
) -> Result<(), Refusal> {
    let times = |a: i128, b: i128| a.checked_mul(b).expect("fits");
    let notional = times(i128::from(price), i128::from(amount));
    let sides: Vec<i128> =
        [top.best_bid, top.best_ask].into_iter().filter(|side| *side > 0).map(i128::from).collect();
    // The reference is sum / n; |price - sum/n| / (sum/n) > ppm / 1e6, all multiplied out.
    let (sum, n) = (sides.iter().sum::<i128>(), sides.len() as i128);
    let off = times((times(i128::from(price), n) - sum).abs(), 1_000_000);
    let allowed = times(sum, i128::from(limits.collar_ppm));
    let age = i128::from(now_ns) - i128::from(top.recv_ns);
    let multiple = |value: i64, step: i64| step < 1 || value % step == 0;
    let crosses = match side {
        Side::Buy => top.best_ask > 0 && price >= top.best_ask,
        Side::Sell => top.best_bid > 0 && price <= top.best_bid,
    };
    let statements = [
        (price < 1, Refusal::PriceNotPositive),
        (amount < 1 || amount < limits.min_order_lots, Refusal::AmountTooSmall),
        (amount > limits.max_order_lots, Refusal::AmountTooLarge),
        (!multiple(price, limits.price_step), Refusal::OffTick),
        (!multiple(amount, limits.amount_step), Refusal::OffLot),
        (limits.min_notional > notional, Refusal::NotionalTooSmall),
        (notional > limits.max_notional, Refusal::NotionalTooLarge),
        (top.stale || age > i128::from(limits.max_book_age_ns), Refusal::StaleBook),
        (sides.is_empty(), Refusal::NoReference),
        (off > allowed, Refusal::PriceCollar),
        (post_only && crosses, Refusal::WouldCross),
    ];
    statements.into_iter().find(|(broken, _)| *broken).map_or(Ok(()), |(_, refusal)| Err(refusal))
}

/// Small numbers, where the rules meet, and any number at all.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -2..40i64, 1 => 0..=i64::MAX, 1 => any::<i64>()]
}

fn wide_number() -> impl Strategy<Value = i128> {
    prop_oneof![3 => -2..900i128, 1 => any::<i128>(), 1 => Just(i128::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn every_verdict_is_the_twins(
        amounts in (number(), number()),
        notionals in (wide_number(), wide_number()),
        collar_ppm in prop_oneof![0..400_000u32, any::<u32>()],
        ages in (number(), number(), number()),
        steps in (-1..4i64, -1..4i64),
        best in (number(), number()),
        order in (number(), number()),
        flags in any::<(bool, bool)>(),
        stale in proptest::bool::weighted(0.05),
    ) {
        let limits = MarketLimits {
            min_order_lots: amounts.0,
            max_order_lots: amounts.1,
            min_notional: notionals.0,
            max_notional: notionals.1,
            collar_ppm,
            max_book_age_ns: ages.0,
            price_step: steps.0,
            amount_step: steps.1,
        };
        // A negative best price is as good as none.
        let top = Top { best_bid: best.0, best_ask: best.1, stale, recv_ns: ages.1 };
        let side = if flags.0 { Side::Buy } else { Side::Sell };
        let ours = check(&limits, &top, side, order.0, order.1, flags.1, false, ages.2);
        prop_assert_eq!(ours, twin(&limits, &top, side, order, flags.1, ages.2));
    }
}
