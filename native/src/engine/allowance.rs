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

/// Nonces in a row, and until when they are fresh.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    next: u64,
    end: u64,
    expires_ns: i64,
}

impl Row {
    fn left(&self, now_ns: i64) -> u64 {
        if now_ns < self.expires_ns {
            self.end - self.next
        } else {
            0
        }
    }
}

/// See the module's documentation.
#[derive(Default)]
pub struct Allowance {
    /// The first is used; the second follows when that is empty or old.
    rows: [Row; 2],
    /// What the nonces' own clock said at a monotonic time.
    clock: (u64, i64),
    quotas: [Option<Quota>; KINDS],
}

impl Allowance {
    /// Replaces the nonces set aside: from `first`, so many, until a monotonic time.
    pub fn set_nonces(&mut self, first: u64, count: u32, expires_ns: i64) {
        self.rows = [Row::default(); 2];
        self.add_nonces(first, count, expires_ns);
    }

    /// Sets further ones aside, for when those that are used now are gone; only one such row is
    /// kept.
    pub fn add_nonces(&mut self, first: u64, count: u32, expires_ns: i64) {
        let end = first.saturating_add(u64::from(count));
        let spare = usize::from(self.rows[0].next < self.rows[0].end);
        self.rows[spare] = Row { next: first, end, expires_ns };
    }

    /// What the nonces' own clock says now; by it a cancel signed in advance is fresh or not.
    pub fn set_clock(&mut self, epoch_ms: u64, now_ns: i64) {
        self.clock = (epoch_ms, now_ns);
    }

    /// How many nonces are left and fresh.
    #[must_use]
    pub fn nonces_left(&self, now_ns: i64) -> u64 {
        self.rows.iter().map(|row| row.left(now_ns)).sum()
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
        if self.rows[0].left(now_ns) == 0 {
            self.rows.swap(0, 1);
            if self.rows[0].left(now_ns) == 0 {
                return None;
            }
        }
        let is_cancel = kind == Spending::Cancel;
        let quota = self.quotas[kind as usize]?;
        quota.take(cells, now_ns, is_cancel).then_some(self.rows[0].next)
    }

    /// The nonce that `take` gave is on a request.
    pub(super) fn use_up(&mut self) {
        self.rows[0].next += 1;
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
