//! Counts of what frames came to.

/// How many frames came to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// All frames.
    pub frames: u64,
    /// Deltas that were applied.
    pub deltas: u64,
    /// Snapshots that were applied.
    pub snapshots: u64,
    /// Deltas that did not follow their predecessor.
    pub gaps: u64,
    /// Deltas for a book that waits for its snapshot.
    pub stale: u64,
    /// Deltas and tickers that were not newer.
    pub ignored: u64,
    /// Books and tickers that came out crossed.
    pub crossed: u64,
    /// Tickers that were taken.
    pub tickers: u64,
    /// Pushes of methods that are not followed.
    pub unknown_methods: u64,
    /// Public pushes of markets that were never added.
    pub unknown_markets: u64,
    /// Frames that break the protocol.
    pub malformed: u64,
    /// Frames that the fast reader took.
    pub fast_path: u64,
    /// Frames that the general reader took.
    pub general_path: u64,
}

impl Counters {
    /// Names and values, in the order of the fields.
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, u64); 13] {
        [
            ("frames", self.frames),
            ("deltas", self.deltas),
            ("snapshots", self.snapshots),
            ("gaps", self.gaps),
            ("stale", self.stale),
            ("ignored", self.ignored),
            ("crossed", self.crossed),
            ("tickers", self.tickers),
            ("unknown_methods", self.unknown_methods),
            ("unknown_markets", self.unknown_markets),
            ("malformed", self.malformed),
            ("fast_path", self.fast_path),
            ("general_path", self.general_path),
        ]
    }
}
