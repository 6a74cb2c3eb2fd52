//! Reflexes at work: from a frame to the bytes that a rule asks for.
//!
//! Owns: which top a rule is shown, the order of checks on one step. Must not know: connections,
//! Python's orders. Invariants: nothing is asked of a stale book; a move passes the gate like any
//! other.

use super::{Engine, Failure, ModifyRequest, Spending};
use crate::event::Kind;
use crate::reflex::{Desk, Others, Step};
use crate::template::Side;

/// See the module's documentation.
#[derive(Default)]
pub struct Reflexes {
    desks: Vec<Desk>,
    steps: Vec<Step>,
    next: usize,
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
        let is_cancel = step.is_move == 0;
        let kind = if is_cancel { Spending::Cancel } else { Spending::Modify };
        let nonce = self.allowance.take(kind, cells, now_ns).ok_or(Failure::Left)?;
        let id = order.id.as_bytes();
        if is_cancel {
            let epoch_ms = self.allowance.epoch_ms(now_ns);
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
            self.allowance.use_up();
            step.nonce = nonce;
            self.reflexes.desks[market].is_sent(step.key, step.price);
        } else {
            self.allowance.give_back(kind, cells);
            self.reflexes.refused += 1;
        }
        written
    }

    /// Rules and orders of the reflexes.
    pub fn reflexes(&self) -> &Reflexes {
        &self.reflexes
    }

    pub fn reflexes_mut(&mut self) -> &mut Reflexes {
        &mut self.reflexes
    }
}
