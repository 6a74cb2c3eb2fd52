//! What the referee and the native clients of `whitewire bench tick` are made of.
//!
//! Owns: nothing beyond its modules. Must not know: the gateway under test; only `bin/floor.rs`
//! calls the core. Invariant: nothing here sleeps while a measurement runs.

pub mod judge;
pub mod market;
pub mod options;
pub mod report;
pub mod request;
pub mod schedule;
pub mod server;
pub mod stream;
pub mod websocket;

use std::time::Instant;

/// Nanoseconds since the process began to measure.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that reads 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// What it reads.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
