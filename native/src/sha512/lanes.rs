//! SHA-512 of up to eight messages at a time, one to a lane of vector registers.
//!
//! Owns: the layout of states and blocks across lanes, and the choice of the function that absorbs
//! one block of each lane. Must not know keys, requests or padding. Invariant: each lane comes to
//! the state that the serial function gives; the scalar variant, which is everywhere, is the twin.

use std::sync::OnceLock;

use super::{State, BLOCK};

#[cfg(target_arch = "x86_64")]
mod x86;

/// Most messages at a time.
pub const LANES: usize = 8;

/// One word of each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub struct Row(pub [u64; LANES]);

/// The chaining words of all lanes.
pub type LaneStates = [Row; 8];
/// One block of all lanes, words in host order.
pub type LaneBlocks = [Row; 16];

type Compress = unsafe fn(&mut LaneStates, &LaneBlocks, usize);

/// One implementation.
#[derive(Clone, Copy)]
pub struct Lanes {
    name: &'static str,
    width: usize,
    worth_from: usize,
    compress: Compress,
}

impl Lanes {
    /// The fastest variant that this machine can run; looked up once per process.
    pub fn get() -> Lanes {
        static CHOSEN: OnceLock<Lanes> = OnceLock::new();
        *CHOSEN.get_or_init(|| Lanes::available()[0])
    }

    /// Every variant that this machine can run, fastest first; the last is the scalar one.
    #[must_use]
    pub fn available() -> Vec<Lanes> {
        let mut all = Vec::with_capacity(3);
        #[cfg(target_arch = "x86_64")]
        x86::push_available(&mut all);
        let compress = compress_scalar;
        all.push(Lanes { name: "scalar", width: LANES, worth_from: usize::MAX, compress });
        all
    }

    /// The variant's name, for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// How many messages it takes at a time.
    #[must_use]
    pub fn width(self) -> usize {
        self.width
    }

    /// How many messages it takes at least to be faster than one after the other.
    #[must_use]
    pub fn worth_from(self) -> usize {
        self.worth_from
    }

    /// Absorbs a block into each of the first `used` lanes; what the others hold then is arbitrary.
    #[inline]
    pub fn compress(self, states: &mut LaneStates, blocks: &LaneBlocks, used: usize) {
        debug_assert!(used <= self.width, "there are no more lanes");
        super::count(used);
        // SAFETY: `available` made this value only after it saw the instructions that it uses.
        unsafe { (self.compress)(states, blocks, used) }
    }
}

/// Puts a state into a lane.
#[inline]
pub fn put_state(states: &mut LaneStates, lane: usize, state: &State) {
    for (row, word) in states.iter_mut().zip(state) {
        row.0[lane] = *word;
    }
}

/// The state of a lane.
#[inline]
#[must_use]
pub fn state_of(states: &LaneStates, lane: usize) -> State {
    std::array::from_fn(|word| states[word].0[lane])
}

/// Puts a block into a lane.
#[inline]
pub fn put_block(blocks: &mut LaneBlocks, lane: usize, block: &[u8; BLOCK]) {
    for (row, bytes) in blocks.iter_mut().zip(block.as_chunks::<8>().0) {
        row.0[lane] = u64::from_be_bytes(*bytes);
    }
}

fn compress_scalar(states: &mut LaneStates, blocks: &LaneBlocks, used: usize) {
    for lane in 0..used {
        let mut block = [0; BLOCK];
        for (bytes, row) in block.as_chunks_mut::<8>().0.iter_mut().zip(blocks) {
            *bytes = row.0[lane].to_be_bytes();
        }
        let mut state = state_of(states, lane);
        sha2::block_api::compress512(&mut state, &[block]);
        put_state(states, lane, &state);
    }
}
