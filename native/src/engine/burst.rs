//! Placements of one burst: through the gate one after the other, signed together.
//!
//! Owns: the order of steps for many placements at a time. Must not know: lanes of vectors (see
//! `template`), connections. Invariant: each leg gets the verdict and the bytes that `place` would
//! give it, called for one leg after the other.

use super::{Engine, Failure, PlaceRequest, MAX_LEGS};
use crate::template::{sign_all, Draft};

impl Engine {
    /// Gate, template and signature of up to [`MAX_LEGS`] placements. The request of leg n starts
    /// at n times `stride` in `out`.
    ///
    /// Returns, by leg, the length of its request or why there is none; `Legs` for each where there
    /// are too many, and for what is beyond them.
    pub fn place_many(
        &mut self,
        legs: &[PlaceRequest],
        nonces: &[u64],
        now_ns: i64,
        out: &mut [u8],
        stride: usize,
    ) -> [Result<usize, Failure>; MAX_LEGS] {
        let mut results = [Err(Failure::Legs); MAX_LEGS];
        if legs.len() > MAX_LEGS || stride == 0 {
            return results;
        }
        let mut passed = [None; MAX_LEGS];
        for ((leg, result), admitted) in legs.iter().zip(&mut results).zip(&mut passed) {
            let verdict = self.pass_place(leg, now_ns);
            *result = verdict.map(|_| 0);
            *admitted = verdict.ok();
        }
        self.write_many(legs, nonces, out.chunks_mut(stride), &mut results);
        for (result, admitted) in results.iter().zip(&passed).rev() {
            if let (Err(_), Some(admitted)) = (result, admitted) {
                self.guard.take_back(admitted);
            }
        }
        results
    }

    /// Writes the legs that have no failure so far.
    fn write_many<'a>(
        &'a self,
        legs: &[PlaceRequest],
        nonces: &[u64],
        rooms: impl Iterator<Item = &'a mut [u8]>,
        results: &mut [Result<usize, Failure>; MAX_LEGS],
    ) {
        let mut drafts: [Option<Draft<'a>>; MAX_LEGS] = [const { None }; MAX_LEGS];
        let requests = legs.iter().zip(nonces).zip(rooms);
        for (((request, room), slot), result) in requests.zip(&mut drafts).zip(results) {
            if result.is_ok() {
                let (leg, nonce) = request;
                let draft = self.draft_place(leg, *nonce, room);
                *result = draft.as_ref().map(Draft::request_len).map_err(|failure| *failure);
                *slot = draft.ok();
            }
        }
        sign_all(&mut drafts, self.lanes);
    }
}
