//! Cancels signed in advance: made when an order rests, copied when it is canceled.
//!
//! Owns: which template signs them, and that a copy counts as a cancel. Must not know: when they
//! are made and remade (`presigning` does). Invariant: what `cancel_ready` gives is byte for byte
//! what `cancel` would have written with the same nonce.

use super::outbound::sequence_of;
use super::Engine;

impl Engine {
    /// Signs the cancel of an order that rests, so that `cancel_ready` only copies it; false where
    /// it could not be made ready, and `cancel` will sign it.
    pub fn presign(&mut self, market: usize, client_id: &[u8], nonce: u64) -> bool {
        let template = self.trading.get(market).and_then(|trading| trading.cancel.as_ref());
        let (Some(template), Ok(market)) = (template, u16::try_from(market)) else {
            return false;
        };
        let order = (sequence_of(client_id), client_id);
        self.presigned.put(market, order, nonce, |out| template.encode(client_id, nonce, out))
    }

    /// The cancel that was signed in advance: its length and its nonce. None where there is none,
    /// or where its nonce cannot be used at `epoch_ms`, by the clock of the nonces. In any case it
    /// is used up. Never gated, but counted.
    pub fn cancel_ready(
        &mut self,
        market: usize,
        client_id: &[u8],
        epoch_ms: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Option<(usize, u64)> {
        let order = (sequence_of(client_id), client_id);
        let taken = self.presigned.take(u16::try_from(market).ok()?, order, epoch_ms, out)?;
        self.guard.on_cancel(now_ns);
        Some(taken)
    }

    /// The order is done: its cancel is needed no more.
    pub fn forget_presigned(&mut self, client_id: &[u8]) {
        self.presigned.forget(sequence_of(client_id));
    }

    /// How many cancels lie ready.
    pub fn presigned_count(&self) -> usize {
        self.presigned.count()
    }
}
