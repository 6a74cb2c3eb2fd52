//! Many requests signed together, a lane of vector registers for each.
//!
//! Owns: requests that lack their signature, and which of them share a pass through the lanes. Must
//! not know what a request says. Invariant: `sign_all` writes what `Draft::sign` would have written
//! into each.

use super::envelope::{put_headers, Envelope};
use crate::sha512::lanes::{
    put_block, put_state, state_of, LaneBlocks, LaneStates, Lanes, Row, LANES,
};
use crate::sha512::{padded, BLOCK, PADDING};
use crate::sign::sign_outer;

/// A request without the headers between payload and body, of which the signature is one.
pub struct Draft<'a> {
    pub(super) envelope: &'a Envelope,
    /// The text of the payload that the envelope's inner state has not absorbed.
    pub(super) payload: &'a [u8],
    /// Room for the headers between payload and body.
    pub(super) rest: &'a mut [u8],
    pub(super) body_len: usize,
    pub(super) len: usize,
}

impl Draft<'_> {
    /// Signs it; the length of the request.
    #[inline(always)]
    pub fn sign(self) -> usize {
        let Envelope { inner, outer, codec, sha, .. } = self.envelope;
        let mut inner = inner.0;
        sha.finish(&mut inner, self.envelope.before(), self.payload);
        // Between the two hashes, whose chains leave the processor time for it.
        let signature = put_headers(self.rest, self.body_len);
        sign_outer(outer, &inner, *sha, *codec, signature);
        self.len
    }

    /// Bytes of the request.
    #[must_use]
    pub fn request_len(&self) -> usize {
        self.len
    }

    /// Whether one block is left of its inner hash, as lanes take it.
    fn fits_a_lane(&self) -> bool {
        self.payload.len() + PADDING <= BLOCK
    }

    /// The last block of its inner hash.
    #[inline]
    fn last_block(&self) -> [u8; BLOCK] {
        let bits = ((self.envelope.before() + self.payload.len()) as u64) << 3;
        padded(self.payload, bits)
    }
}

/// Signs every draft, in lanes where that is faster; none is left.
pub fn sign_all(drafts: &mut [Option<Draft<'_>>], lanes: Lanes) {
    let (mut group, mut count) = ([const { None }; LANES], 0);
    for slot in drafts {
        let Some(draft) = slot.take() else { continue };
        if !draft.fits_a_lane() {
            draft.sign();
            continue;
        }
        group[count] = Some(draft);
        count += 1;
        if count == lanes.width() {
            sign_group(&mut group, count, lanes);
            count = 0;
        }
    }
    sign_group(&mut group, count, lanes);
}

fn sign_group(group: &mut [Option<Draft<'_>>; LANES], count: usize, lanes: Lanes) {
    if count < lanes.worth_from() {
        for draft in group.iter_mut().filter_map(Option::take) {
            draft.sign();
        }
        return;
    }
    let (mut states, mut blocks) = (LaneStates::default(), LaneBlocks::default());
    for (lane, draft) in group.iter().flatten().enumerate() {
        put_state(&mut states, lane, &draft.envelope.inner.0);
        put_block(&mut blocks, lane, &draft.last_block());
    }
    lanes.compress(&mut states, &blocks, count);
    // The outer message is the inner digest, whose words are rows already.
    blocks[..8].copy_from_slice(&states);
    blocks[8..].copy_from_slice(&OUTER_END);
    for (lane, draft) in group.iter().flatten().enumerate() {
        put_state(&mut states, lane, &draft.envelope.outer.0);
    }
    lanes.compress(&mut states, &blocks, count);
    for (lane, draft) in group.iter_mut().filter_map(Option::take).enumerate() {
        let signature = put_headers(draft.rest, draft.body_len);
        draft.envelope.codec.hex(&state_of(&states, lane), signature);
    }
}

/// The padding of a 64-byte message behind a block of key.
const OUTER_END: [Row; 8] = {
    let mut rows = [Row([0; LANES]); 8];
    rows[0] = Row([1 << 63; LANES]);
    rows[7] = Row([(BLOCK as u64 + 64) << 3; LANES]);
    rows
};
