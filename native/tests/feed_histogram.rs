//! The histogram against a sorted list.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "shares of small counts"
)]

use proptest::prelude::*;
use whitewire_core::histogram::Histogram;

const QUANTILES: [f64; 9] = [0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0];

fn filled(values: &[i64]) -> Histogram {
    let mut histogram = Histogram::new();
    for ns in values {
        histogram.record(*ns);
    }
    histogram
}

#[test]
fn an_empty_one_reports_zeros() {
    let histogram = Histogram::new();
    assert_eq!((histogram.count(), histogram.min(), histogram.max()), (0, 0, 0));
    assert_eq!(histogram.value_at(0.5), 0);
    assert!(histogram.mean().abs() < f64::EPSILON);
}

#[test]
fn small_values_are_exact() {
    let histogram = filled(&(1..=255).collect::<Vec<_>>());
    for ns in 1..=255_i64 {
        let share = ns as f64 / 255.0;
        assert_eq!(histogram.value_at(share), ns);
    }
    assert!((histogram.mean() - 128.0).abs() < 1e-9);
}

#[test]
fn out_of_range_values_are_counted_at_the_ends() {
    let histogram = filled(&[i64::MIN, -1, 0, 1, 1 << 40, i64::MAX]);
    assert_eq!(histogram.count(), 6);
    assert_eq!((histogram.min(), histogram.max()), (1, (1 << 40) - 1));
    assert_eq!(histogram.value_at(0.5), 1);
    assert_eq!(histogram.value_at(1.0), (1 << 40) - 1);
}

#[test]
fn odd_quantiles_are_clamped() {
    let histogram = filled(&[10, 20, 30]);
    assert_eq!(histogram.value_at(-1.0), 10);
    assert_eq!(histogram.value_at(f64::NAN), 10);
    assert_eq!(histogram.value_at(2.0), 30);
    assert_eq!(histogram.value_at(f64::INFINITY), 30);
}

#[test]
fn reset_forgets() {
    let mut histogram = filled(&[5, 500_000]);
    histogram.reset();
    assert_eq!((histogram.count(), histogram.min(), histogram.max()), (0, 0, 0));
    histogram.record(7);
    assert_eq!(histogram.value_at(1.0), 7);
}

fn durations() -> impl Strategy<Value = Vec<i64>> {
    let magnitude = (0u32..40).prop_flat_map(|bits| (1i64 << bits)..(1i64 << (bits + 1)));
    prop::collection::vec(magnitude, 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn quantiles_are_within_one_percent(values in durations()) {
        let histogram = filled(&values);
        let mut sorted = values.clone();
        sorted.sort_unstable();
        for share in QUANTILES {
            let rank = ((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len());
            let exact = sorted[rank - 1];
            let got = histogram.value_at(share);
            prop_assert!(got >= exact, "{} of {} reported below", got, exact);
            prop_assert!((got - exact) as f64 <= 0.008 * exact as f64, "{} for {}", got, exact);
        }
        prop_assert_eq!(histogram.min(), sorted[0]);
        prop_assert_eq!(histogram.max(), sorted[sorted.len() - 1]);
        let mean = values.iter().map(|ns| *ns as f64).sum::<f64>() / values.len() as f64;
        prop_assert!((histogram.mean() - mean).abs() <= mean * 1e-9);
    }

    #[test]
    fn merging_is_recording_all(left in durations(), right in durations()) {
        let mut merged = filled(&left);
        merged.merge(&filled(&right));
        let all = filled(&[left, right].concat());
        prop_assert_eq!(merged.count(), all.count());
        prop_assert_eq!((merged.min(), merged.max()), (all.min(), all.max()));
        for share in QUANTILES {
            prop_assert_eq!(merged.value_at(share), all.value_at(share));
        }
    }
}
