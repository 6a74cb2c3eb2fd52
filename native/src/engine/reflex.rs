//! Reflexes at work: from a frame to the bytes that a rule asks for.
//!
//! Owns: which top a rule is shown, the nonces set aside for it, the order of checks on one step.
//! Must not know: connections, Python's orders. Invariants: nothing is asked of a stale book; a
//! move passes the gate like any other; no nonce is used twice, nor after its time.

use super::{Engine, Failure, ModifyRequest};
use crate::event::Kind;
use crate::reflex::{Desk, Others, Quota, Step};
use crate::template::Side;

/// Nonces that nobody else has, and until when they are fresh.
#[derive(Clone, Copy, Debug, Default)]
struct Nonces {
    next: u64,
    end: u64,
    expires_ns: i64,
    /// What the nonces' own clock said at a monotonic time.
    clock: (u64, i64),
}

impl Nonces {
    fn left(&self, now_ns: i64) -> u64 {
        if now_ns < self.expires_ns {
            self.end - self.next
        } else {
            0
        }
    }

    /// Unix milliseconds by the nonces' own clock.
    fn epoch_ms(&self, now_ns: i64) -> u64 {
        let (epoch_ms, told_ns) = self.clock;
        epoch_ms.saturating_add_signed(now_ns.saturating_sub(told_ns) / 1_000_000)
    }
}

/// See the module's documentation.
#[derive(Default)]
pub struct Reflexes {
    desks: Vec<Desk>,
    steps: Vec<Step>,
    next: usize,
    nonces: Nonces,
    cancels: Option<Quota>,
    moves: Option<Quota>,
    refused: u64,
}

impl Reflexes {
    pub(super) fn add_market(&mut self) {
        self.desks.push(Desk::default());
    }

    /// The rules and orders of a market.
    pub fn desk(&mut self, market: usize) -> Option<&mut Desk> {
        self.desks.get_mut(market)
    }

    /// Whether there is something to do since the last frame.
    #[inline]
    #[must_use]
    pub fn has_steps(&self) -> bool {
        self.next < self.steps.len()
    }

    /// The next thing to do.
    pub fn next_step(&mut self) -> Option<Step> {
        let step = self.steps.get(self.next).copied();
        self.next += usize::from(step.is_some());
        step
    }

    /// Replaces the nonces set aside: from `first`, so many, until a monotonic time.
    pub fn set_nonces(&mut self, first: u64, count: u32, expires_ns: i64) {
        let end = first.saturating_add(u64::from(count));
        self.nonces = Nonces { next: first, end, expires_ns, ..self.nonces };
    }

    /// What the nonces' own clock says now; by it a cancel signed in advance is fresh or not.
    pub fn set_clock(&mut self, epoch_ms: u64, now_ns: i64) {
        self.nonces.clock = (epoch_ms, now_ns);
    }

    /// How many nonces are left and fresh.
    #[must_use]
    pub fn nonces_left(&self, now_ns: i64) -> u64 {
        self.nonces.left(now_ns)
    }

    /// Which of the throttle's buckets cancels and moves are counted in.
    pub fn set_quotas(&mut self, cancels: Quota, moves: Quota) {
        (self.cancels, self.moves) = (Some(cancels), Some(moves));
    }

    /// How many moves the gate refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl Engine {
    /// Looks at a market after a frame of this kind.
    #[inline]
    pub(super) fn react(&mut self, kind: Kind, market: usize, now_ns: i64) {
        self.reflexes.steps.clear();
        self.reflexes.next = 0;
        let is_top = matches!(kind, Kind::BookDelta | Kind::BookSnapshot | Kind::Ticker);
        if is_top && self.reflexes.desks.get(market).is_some_and(Desk::is_armed) {
            self.react_to(kind, market, now_ns);
        }
    }

    fn react_to(&mut self, kind: Kind, market: usize, now_ns: i64) {
        let (book, ticker) = (self.feed.book(market), self.feed.ticker(market));
        if book.is_stale() {
            return;
        }
        let desk = &self.reflexes.desks[market];
        // depth and ticker share the venue's counter: what is behind the other shows the past
        let others = if kind == Kind::Ticker {
            if !ticker.valid || ticker.update_id < book.update_id() {
                return;
            }
            Others {
                bid: desk.foreign_top(Side::Buy, ticker.bid, ticker.bid_amount),
                ask: desk.foreign_top(Side::Sell, ticker.ask, ticker.ask_amount),
            }
        } else {
            if ticker.valid && ticker.update_id > book.update_id() {
                return;
            }
            Others {
                bid: desk.foreign(Side::Buy, book.bids()),
                ask: desk.foreign(Side::Sell, book.asks()),
            }
        };
        let may_move = self.guard.open_state(market, now_ns).is_ok();
        let grid = self.trading[market].limits.price_step;
        let number = u16::try_from(market).unwrap_or(u16::MAX);
        desk.react(number, others, grid, may_move, &mut self.reflexes.steps);
    }

    /// Nonce, call of the throttle, gate, template and signature of one step.
    ///
    /// `Left` says that the core lacks a nonce or a call, or that something is in flight.
    pub fn write_step(
        &mut self,
        step: &mut Step,
        cells: &mut [i64],
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let market = usize::from(step.market);
        let desk = self.reflexes.desks.get(market).ok_or(Failure::UnknownMarket)?;
        let order = *desk.order(step.key).filter(|one| one.is_ready).ok_or(Failure::Left)?;
        if self.reflexes.nonces.left(now_ns) == 0 {
            return Err(Failure::Left);
        }
        let is_cancel = step.is_move == 0;
        let quota = if is_cancel { self.reflexes.cancels } else { self.reflexes.moves };
        let quota = quota.filter(|one| one.take(cells, now_ns, is_cancel)).ok_or(Failure::Left)?;
        let (nonce, id) = (self.reflexes.nonces.next, order.id.as_bytes());
        if is_cancel {
            let epoch_ms = self.reflexes.nonces.epoch_ms(now_ns);
            if let Some((len, ready)) = self.cancel_ready(market, id, epoch_ms, now_ns, out) {
                step.nonce = ready;
                self.reflexes.desks[market].is_sent(step.key, step.price);
                return Ok(len);
            }
        }
        let written = if is_cancel {
            self.cancel(market, id, nonce, now_ns, out)
        } else {
            let (price, amount) = (step.price, step.amount);
            let request = ModifyRequest {
                market: step.market,
                flags: order.flags,
                reserved: [0; 5],
                price,
                amount,
            };
            self.modify(&request, id, nonce, now_ns, out)
        };
        if written.is_ok() {
            self.reflexes.nonces.next += 1;
            step.nonce = nonce;
            self.reflexes.desks[market].is_sent(step.key, step.price);
        } else {
            quota.give_back(cells, is_cancel);
            self.reflexes.refused += 1;
        }
        written
    }

    /// Rules, orders and nonces of the reflexes.
    pub fn reflexes(&self) -> &Reflexes {
        &self.reflexes
    }

    pub fn reflexes_mut(&mut self) -> &mut Reflexes {
        &mut self.reflexes
    }
}
