//! Log-linear histogram of durations.
//!
//! Owns the counts and nothing else: no clock, no names, no output format. Invariant: `count` is
//! the sum of all buckets, and the value reported for a quantile is at most 0.8 % above a recorded
//! one.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "buckets and counts are far below 2^52"
)]

/// Buckets per octave as a power of two: 128, so that a bucket is less than 0.8 % wide.
const PRECISION_BITS: u32 = 7;
const SUB_BUCKETS: usize = 1 << PRECISION_BITS;
/// Durations reach up to 2^40 ns, which is 18 minutes; longer ones count in the last bucket.
const MAX_BITS: u32 = 40;
const MAX_NS: i64 = (1 << MAX_BITS) - 1;
/// Values below 2 * `SUB_BUCKETS` have a bucket each; every further octave adds `SUB_BUCKETS`.
const BUCKETS: usize = (MAX_BITS - PRECISION_BITS + 1) as usize * SUB_BUCKETS;

/// Distribution of durations from 1 ns to 2^40 ns in fixed memory (35 KB).
#[derive(Clone)]
pub struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    sum: u128,
    min: i64,
    max: i64,
}

impl core::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count)
            .field("min", &self.min())
            .field("max", &self.max())
            .finish_non_exhaustive()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Bucket of a duration in 1..=`MAX_NS`.
#[inline]
const fn bucket(ns: u64) -> usize {
    let shift = (ns | SUB_BUCKETS as u64).ilog2() - PRECISION_BITS;
    shift as usize * SUB_BUCKETS + (ns >> shift) as usize
}

/// Largest duration of a bucket.
const fn upper_edge(bucket: usize) -> i64 {
    if bucket < 2 * SUB_BUCKETS {
        return bucket as i64;
    }
    let shift = bucket / SUB_BUCKETS - 1;
    (((bucket - shift * SUB_BUCKETS + 1) as i64) << shift) - 1
}

impl Histogram {
    /// An empty histogram; allocates once, here.
    #[must_use]
    pub fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            count: 0,
            sum: 0,
            min: i64::MAX,
            max: 0,
        }
    }

    /// Counts one duration in nanoseconds; those below 1 count as 1, those above 2^40 as 2^40 - 1.
    #[inline]
    pub fn record(&mut self, ns: i64) {
        let ns = ns.clamp(1, MAX_NS);
        self.counts[bucket(ns.unsigned_abs())] += 1;
        self.count += 1;
        self.sum += u128::from(ns.unsigned_abs());
        self.min = self.min.min(ns);
        self.max = self.max.max(ns);
    }

    /// How many durations were recorded.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Shortest duration in ns, 0 while empty.
    #[must_use]
    pub const fn min(&self) -> i64 {
        if self.count == 0 {
            0
        } else {
            self.min
        }
    }

    /// Longest duration in ns, 0 while empty.
    #[must_use]
    pub const fn max(&self) -> i64 {
        self.max
    }

    /// Mean duration in ns, 0 while empty. Exact up to the conversion to `f64`.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            self.sum as f64 / self.count as f64
        }
    }

    /// Duration in ns that the given share of all records does not exceed; 0 while empty.
    ///
    /// `quantile` is clamped to 0..=1, and NaN counts as 0. The answer is the upper edge of the
    /// record's bucket, but never outside of [`Histogram::min`] and [`Histogram::max`].
    #[must_use]
    pub fn value_at(&self, quantile: f64) -> i64 {
        let share = if quantile.is_nan() { 0.0 } else { quantile.clamp(0.0, 1.0) };
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (at, n) in self.counts.iter().enumerate() {
            seen += n;
            if seen >= rank {
                return upper_edge(at).clamp(self.min, self.max);
            }
        }
        0
    }

    /// Adds all records of another histogram to this one.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts.iter()) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Forgets all records.
    pub fn reset(&mut self) {
        self.counts.fill(0);
        (self.count, self.sum, self.min, self.max) = (0, 0, i64::MAX, 0);
    }
}
