//! Placements in one go: nonce, call of the throttle, gate, template and signature.
//!
//! Owns: the order of these. Must not know: connections, who asked. Invariant: what passes here
//! would have passed step by step, with the same bytes for the same nonce; what does not pass
//! leaves the throttle's cells as they were, and of several at most a nonce is lost with it.

use super::allowance::Spending;
use super::{Engine, Failure, PlaceRequest, MAX_LEGS};

impl Engine {
    /// The length of the request in `out`, and its nonce.
    ///
    /// `Left` says that the core lacks a nonce or a call.
    pub fn place_now(
        &mut self,
        request: &PlaceRequest,
        cells: &mut [i64],
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<(usize, u64), Failure> {
        let kind = self.kind_of(request)?;
        let nonce = self.allowance.take(kind, cells, now_ns).ok_or(Failure::Left)?;
        match self.place(request, nonce, now_ns, out) {
            Ok(written) => {
                self.allowance.use_up();
                Ok((written, nonce))
            }
            Err(failure) => {
                self.allowance.give_back(kind, cells);
                Err(failure)
            }
        }
    }

    /// As `place_many`, with the nonces that the legs got.
    ///
    /// `Left` says that the allowance did not reach for a leg, nor for those behind it.
    pub fn place_many_now(
        &mut self,
        legs: &[PlaceRequest],
        cells: &mut [i64],
        now_ns: i64,
        out: &mut [u8],
        stride: usize,
    ) -> ([Result<usize, Failure>; MAX_LEGS], [u64; MAX_LEGS]) {
        let mut nonces = [0; MAX_LEGS];
        let mut paid = 0;
        for (leg, nonce) in legs.iter().zip(&mut nonces) {
            let kind = self.kind_of(leg).unwrap_or(Spending::Place);
            let Some(given) = self.allowance.take(kind, cells, now_ns) else { break };
            self.allowance.use_up();
            *nonce = given;
            paid += 1;
        }
        let mut results = self.place_many(&legs[..paid], &nonces[..paid], now_ns, out, stride);
        for (leg, result) in legs.iter().zip(&results).take(paid) {
            if result.is_err() {
                let kind = self.kind_of(leg).unwrap_or(Spending::Place);
                self.allowance.give_back(kind, cells);
            }
        }
        results[paid..].fill(Err(Failure::Left));
        (results, nonces)
    }

    fn kind_of(&self, request: &PlaceRequest) -> Result<Spending, Failure> {
        let market = self.trading.get(usize::from(request.market)).ok_or(Failure::UnknownMarket)?;
        let is_spot = market.place_path == self.paths.place;
        Ok(if is_spot { Spending::Place } else { Spending::PlaceCollateral })
    }
}
