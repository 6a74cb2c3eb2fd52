//! What a run found.
//!
//! Owns: histograms, counts and their JSON. Must not know: how they came about. Invariant: a
//! histogram is exact to three digits, and nothing that was recorded is left out.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Three digits up to a minute; longer is a minute.
const LONGEST_NS: u64 = 60_000_000_000;

/// Durations in nanoseconds.
pub struct Durations(Histogram<u64>);

impl Default for Durations {
    fn default() -> Self {
        Self(Histogram::new_with_max(LONGEST_NS, 3).expect("the bounds are legal"))
    }
}

impl Durations {
    /// Counts one.
    pub fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }
}

impl Serialize for Durations {
    /// Pairs of a duration and how often it came, ascending.
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value())))
    }
}

/// Everything that the referee says at the end.
#[derive(Default, Serialize)]
pub struct Report {
    /// From a tick's send to the arrival of its complete order, the last one where it demands
    /// several, or of a later tick's where that came first; in ns, as pairs of a value and its
    /// count.
    pub tick_to_order: Durations,
    /// From a tick's send to the moment at which the answer to its last order was written.
    pub tick_to_answer: Durations,
    /// How late ticks were sent.
    pub lateness: Durations,
    /// Ticks that count, without those that called the client and warmed it up.
    pub ticks: u64,
    /// Ticks of them that a later tick's order answered: the client took several at once.
    pub folded: u64,
    /// Ticks of them that nothing answered.
    pub missed: u64,
    /// Orders that no tick demands, of all ticks.
    pub wrong: u64,
    /// Orders that came a second time, of all ticks.
    pub repeated: u64,
    /// Requests whose signature, key or payload was not right, of all ticks.
    pub bad_signatures: u64,
    /// Why the run ended before all ticks were sent; empty if it did not.
    pub trouble: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_pairs_exact_to_three_digits() {
        let mut found = Durations::default();
        for ns in [20_000, 20_000, 1_234_567, u64::MAX] {
            found.record(ns);
        }
        let pairs: Vec<(u64, u64)> =
            serde_json::from_value(serde_json::to_value(&found).expect("plain")).expect("pairs");
        assert_eq!(pairs.iter().map(|pair| pair.1).collect::<Vec<_>>(), [2, 1, 1]);
        assert!(pairs[0].0.abs_diff(20_000) <= 20);
        assert!(pairs[1].0.abs_diff(1_234_567) <= 1_234);
        assert!(pairs[2].0.abs_diff(LONGEST_NS) <= LONGEST_NS / 1000);
        assert_eq!(found.count(), 4);
    }
}
