//! A frame and an order that never happen, so that the way of the next real ones is warm.
//!
//! Caches forget a way that nothing took for milliseconds: a tick after a pause costs ten times
//! the work. So the same code runs on a book of its own and on the real templates and limits.
//! Owns: that book. Must not know: when there is time. Invariant: nothing that anybody could see
//! changes: no count, no nonce, no state of the gate, no book.

use std::hint::black_box;

use super::{side_of, Engine, PlaceRequest};
use crate::decode::sample;
use crate::feed::Feed;
use crate::gate;
use crate::template::Draft;

const ROOM: usize = 2048;

/// See the module's documentation.
pub struct Warmth {
    feed: Feed,
    out: Vec<u8>,
}

impl Warmth {
    pub(super) fn new() -> Self {
        let mut feed = Feed::new();
        let added = feed.add_market(sample::MARKET, 2, 6, 100);
        debug_assert!(added.is_ok());
        Self { feed, out: vec![0; ROOM] }
    }

    /// Whether each of its frames took the quick reader's way.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.feed.counters().fast_path == self.feed.counters().frames
    }

    /// The best bid of its own book; None before the first frame.
    #[must_use]
    pub fn best_bid(&self) -> Option<i64> {
        self.feed.book(0).best_bid().map(|level| level.0)
    }
}

impl Engine {
    /// Takes both frames, and signs an order of these flags at the market's best bid; whether there
    /// was a template for it.
    pub fn keep_warm(&mut self, market: u16, flags: u8, now_ns: i64) -> bool {
        for frame in sample::FRAMES {
            self.warmth.feed.on_frame(frame, now_ns);
        }
        let number = usize::from(market);
        let Some(trading) = self.trading.get(number) else { return false };
        let top = self.top(number);
        let price = top.best_bid.max(1);
        let request = PlaceRequest { market, flags, price, amount: 1, ..PlaceRequest::default() };
        let side = side_of(flags);
        let lots = trading.limits.min_order_lots;
        let verdict = gate::check(&trading.limits, &top, side, price, lots, true, false, now_ns);
        // the answers matter to nobody, but asking has to happen
        let _ = black_box((verdict, self.guard.open_state(number, now_ns)));
        let nonce = self.allowance.epoch_ms(now_ns);
        let mut out = std::mem::take(&mut self.warmth.out);
        let signed = self.draft_place(&request, nonce, &mut out).map(Draft::sign).is_ok();
        self.warmth.out = out;
        signed
    }

    pub fn warmth(&self) -> &Warmth {
        &self.warmth
    }
}
