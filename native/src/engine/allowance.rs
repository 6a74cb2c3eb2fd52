//! What the core may spend without asking: nonces set aside for it, and calls of the throttle.
//!
//! Owns: which nonce is next, by whose clock it is fresh, which bucket a request is counted in.
//! Must not know: what the requests are, who else counts in the cells. Invariant: no nonce is used
//! twice, nor after its time; what became no request is given back.

use super::Engine;
use crate::reflex::Quota;

/// What a request is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    Cancel,
    Modify,
    Place,
    /// Of a market that is traded against collateral.
    PlaceCollateral,
}

const KINDS: usize = 4;

/// See the module's documentation.
#[derive(Default)]
pub struct Allowance {
    next: u64,
    end: u64,
    expires_ns: i64,
    /// What the nonces' own clock said at a monotonic time.
    clock: (u64, i64),
    quotas: [Option<Quota>; KINDS],
}

impl Allowance {
    /// Replaces the nonces set aside: from `first`, so many, until a monotonic time.
    pub fn set_nonces(&mut self, first: u64, count: u32, expires_ns: i64) {
        (self.next, self.end) = (first, first.saturating_add(u64::from(count)));
        self.expires_ns = expires_ns;
    }

    /// What the nonces' own clock says now; by it a cancel signed in advance is fresh or not.
    pub fn set_clock(&mut self, epoch_ms: u64, now_ns: i64) {
        self.clock = (epoch_ms, now_ns);
    }

    /// How many nonces are left and fresh.
    #[must_use]
    pub fn nonces_left(&self, now_ns: i64) -> u64 {
        if now_ns < self.expires_ns {
            self.end - self.next
        } else {
            0
        }
    }

    /// Unix milliseconds by the nonces' own clock.
    #[must_use]
    pub fn epoch_ms(&self, now_ns: i64) -> u64 {
        let (epoch_ms, told_ns) = self.clock;
        epoch_ms.saturating_add_signed(now_ns.saturating_sub(told_ns) / 1_000_000)
    }

    /// Which of the throttle's buckets requests are counted in, by kind, in their order.
    pub fn set_quotas(&mut self, quotas: [Quota; KINDS]) {
        self.quotas = quotas.map(Some);
    }

    /// Counts one request in the throttle's cells, and the nonce that it may use; None where there
    /// is no call or no nonce now.
    pub(super) fn take(&mut self, kind: Spending, cells: &mut [i64], now_ns: i64) -> Option<u64> {
        if self.nonces_left(now_ns) == 0 {
            return None;
        }
        let is_cancel = kind == Spending::Cancel;
        let quota = self.quotas[kind as usize]?;
        quota.take(cells, now_ns, is_cancel).then_some(self.next)
    }

    /// The nonce that `take` gave is on a request.
    pub(super) fn use_up(&mut self) {
        self.next += 1;
    }

    /// What `take` counted became no request; its nonce is still free.
    pub(super) fn give_back(&self, kind: Spending, cells: &mut [i64]) {
        if let Some(quota) = self.quotas[kind as usize] {
            quota.give_back(cells, kind == Spending::Cancel);
        }
    }
}

impl Engine {
    /// What this core may spend by itself.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    pub fn allowance_mut(&mut self) -> &mut Allowance {
        &mut self.allowance
    }
}
