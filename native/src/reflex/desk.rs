//! The rules of one market and our orders in it.
//!
//! Owns: which rule covers which order, and what is to be done when the top is new. Must not know:
//! how it is done. Invariant: a decision allocates nothing once the list of steps has room.

use super::{Others, Rule, Seen};
use crate::template::Side;

/// Most rules of a market.
pub const MAX_RULES: usize = 64;
const MAX_ID: usize = 64;

/// A client order id, of at most 64 bytes.
#[derive(Clone, Copy, Debug)]
pub struct ClientId {
    text: [u8; MAX_ID],
    len: usize,
}

impl ClientId {
    /// None where it is too long.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut id = ClientId { text: [0; MAX_ID], len: text.len() };
        id.text.get_mut(..text.len())?.copy_from_slice(text);
        Some(id)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

/// An order of ours that may rest.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// The caller's name of it.
    pub key: u64,
    /// Its client id.
    pub id: ClientId,
    /// Buy or sell.
    pub side: Side,
    /// As the engine takes them.
    pub flags: u8,
    /// Which rules cover it, by bit.
    pub rules: u64,
    /// Where it rests, ticks.
    pub price: i64,
    /// Where a modification in flight takes it, ticks; 0 for none.
    pub target: i64,
    /// Most that it may have at either price, lots.
    pub lots: i64,
    /// Whether nothing about it is in flight.
    pub is_ready: bool,
}

impl Watched {
    fn nearest(&self) -> i64 {
        match self.side {
            Side::Buy => self.price.max(self.target),
            Side::Sell if self.target > 0 => self.price.min(self.target),
            Side::Sell => self.price,
        }
    }
}

/// What is to be done about one order; the bridge gets it by pointer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Step {
    pub market: u16,
    /// 0 to cancel, 1 to move.
    pub is_move: u8,
    /// The rule's bit.
    pub rule: u8,
    /// 0 where something about the order is in flight.
    pub is_ready: u8,
    pub reserved: [u8; 3],
    /// Of a move, where to, ticks.
    pub price: i64,
    /// Of a move, what is left, lots.
    pub amount: i64,
    /// The order.
    pub key: u64,
    /// Of what was written, its nonce.
    pub nonce: u64,
}

/// See the module's documentation.
pub struct Desk {
    rules: [Option<(Side, Rule)>; MAX_RULES],
    armed: u64,
    orders: Vec<Watched>,
}

impl Default for Desk {
    fn default() -> Self {
        Desk { rules: [None; MAX_RULES], armed: 0, orders: Vec::new() }
    }
}

impl Desk {
    /// Whether any rule is armed.
    #[inline]
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.armed != 0
    }

    /// Declares a rule; False where there is no such bit.
    pub fn arm(&mut self, bit: usize, side: Side, rule: Rule) -> bool {
        let Some(slot) = self.rules.get_mut(bit) else { return false };
        *slot = Some((side, rule));
        self.armed |= 1 << bit;
        true
    }

    /// Ends a rule.
    pub fn disarm(&mut self, bit: usize) {
        if let Some(slot) = self.rules.get_mut(bit) {
            *slot = None;
            self.armed &= !(1 << bit);
        }
    }

    /// Adds an order, or replaces what is known of it.
    pub fn watch(&mut self, order: Watched) {
        match self.orders.iter_mut().find(|known| known.key == order.key) {
            Some(known) => *known = order,
            None => self.orders.push(order),
        }
    }

    /// Forgets an order.
    pub fn unwatch(&mut self, key: u64) {
        self.orders.retain(|order| order.key != key);
    }

    /// Something about an order is in flight now; where a move takes it, 0 for a cancel.
    pub fn is_sent(&mut self, key: u64, target: i64) {
        if let Some(order) = self.orders.iter_mut().find(|order| order.key == key) {
            (order.is_ready, order.target) = (false, target);
            if target == 0 {
                order.rules = 0; // a cancel is under way: nothing else is asked
            }
        }
    }

    /// An order by its key.
    #[must_use]
    pub fn order(&self, key: u64) -> Option<&Watched> {
        self.orders.iter().find(|order| order.key == key)
    }

    /// Our orders, oldest first.
    #[must_use]
    pub fn orders(&self) -> &[Watched] {
        &self.orders
    }

    fn own_lots(&self, side: Side, price: i64) -> i64 {
        let there = |one: &&Watched| {
            one.side == side && (one.price == price || (one.target > 0 && one.target == price))
        };
        self.orders.iter().filter(there).fold(0, |sum: i64, one| sum.saturating_add(one.lots))
    }

    /// The best of a side's levels, best first, that is not all ours (F1).
    #[must_use]
    pub fn foreign(&self, side: Side, levels: impl Iterator<Item = (i64, i64)>) -> Seen {
        for (price, lots) in levels {
            if lots > self.own_lots(side, price) {
                return Seen::Price(price);
            }
        }
        Seen::Empty
    }

    /// The same of a single level; 0 for none (F1).
    #[must_use]
    pub fn foreign_top(&self, side: Side, price: i64, lots: i64) -> Seen {
        if price == 0 {
            Seen::Empty
        } else if lots > self.own_lots(side, price) {
            Seen::Price(price)
        } else {
            Seen::Unknown
        }
    }

    /// Adds what is to be done now that the top is `others`, pulls first (F4).
    pub fn react(
        &self,
        market: u16,
        others: Others,
        grid: i64,
        may_move: bool,
        steps: &mut Vec<Step>,
    ) {
        for order in &self.orders {
            if let Some(rule) = self
                .first(order, |rule| rule.pulls(order.side, others, order.nearest()).then_some(0))
            {
                steps.push(Self::step(market, order, rule.0, None));
            }
        }
        if !may_move {
            return;
        }
        let pulls = steps.len();
        for order in self.orders.iter().filter(|order| order.is_ready && order.lots > 0) {
            if steps[..pulls].iter().any(|step| step.key == order.key) {
                continue;
            }
            if let Some((rule, price)) =
                self.first(order, |rule| rule.moves(order.side, others, order.price, grid))
            {
                steps.push(Self::step(market, order, rule, Some(price)));
            }
        }
    }

    /// The first rule that covers an order and has an answer, and the answer.
    #[inline]
    fn first(
        &self,
        order: &Watched,
        answer: impl Fn(&Rule) -> Option<i64>,
    ) -> Option<(usize, i64)> {
        let mut bits = order.rules & self.armed;
        while bits != 0 {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            if let Some((side, rule)) = &self.rules[bit] {
                if *side == order.side {
                    if let Some(found) = answer(rule) {
                        return Some((bit, found));
                    }
                }
            }
        }
        None
    }

    fn step(market: u16, order: &Watched, rule: usize, price: Option<i64>) -> Step {
        Step {
            market,
            is_move: u8::from(price.is_some()),
            rule: u8::try_from(rule).unwrap_or(u8::MAX),
            is_ready: u8::from(order.is_ready),
            reserved: [0; 3],
            price: price.unwrap_or(0),
            amount: if price.is_some() { order.lots } else { 0 },
            key: order.key,
            nonce: 0,
        }
    }
}
