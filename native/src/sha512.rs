//! SHA-512 from its block function up, as far as HMAC needs it.
//!
//! Owns the one place where compressions happen (and, for tests, are counted), and the choice of
//! block function, made once per process. Must not know keys, requests or text. Invariant: every
//! variant computes the same states; a state is eight words in host order between calls.
//!
//! The `sha2` crate is the twin and the fallback (on aarch64 it uses the processor's SHA-512
//! instructions). On x86-64 the variants in `x86` take about a quarter less time per block.

use std::sync::OnceLock;

pub mod lanes;
#[cfg(target_arch = "x86_64")]
mod x86;

/// Bytes in one SHA-512 block.
pub const BLOCK: usize = 128;
/// Bytes that padding takes at least: the end marker and a 16-byte count of bits.
pub const PADDING: usize = 17;

/// Eight chaining words in host order.
pub type State = [u64; 8];

/// The chaining words that every hash starts with.
pub const INITIAL: State = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

#[cfg(any(test, feature = "count-compressions"))]
thread_local!(static COUNT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });

/// Compressions that this thread has made so far.
#[cfg(any(test, feature = "count-compressions"))]
#[must_use]
pub fn compressions() -> u64 {
    COUNT.get()
}

type Compress = unsafe fn(&mut State, &[[u8; BLOCK]]);

/// One implementation of the block function.
#[derive(Clone, Copy)]
pub struct Sha512 {
    name: &'static str,
    compress: Compress,
}

impl Sha512 {
    /// The fastest variant that this machine can run; looked up once per process.
    pub fn get() -> Sha512 {
        static CHOSEN: OnceLock<Sha512> = OnceLock::new();
        *CHOSEN.get_or_init(|| Sha512::available()[0])
    }

    /// Every variant that this machine can run, fastest first; the last is the portable one.
    #[must_use]
    pub fn available() -> Vec<Sha512> {
        let mut all = Vec::with_capacity(3);
        #[cfg(target_arch = "x86_64")]
        x86::push_available(&mut all);
        all.push(Sha512 { name: "sha2", compress: sha2::block_api::compress512 });
        all
    }

    /// The variant's name, for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Absorbs whole blocks.
    #[inline]
    pub fn compress(self, state: &mut State, blocks: &[[u8; BLOCK]]) {
        #[cfg(any(test, feature = "count-compressions"))]
        COUNT.set(COUNT.get() + blocks.len() as u64);
        // SAFETY: `available` made this value only after it saw the instructions that it uses.
        unsafe { (self.compress)(state, blocks) }
    }

    /// Absorbs the last bytes of a message of `before` bytes (a whole number of blocks) and
    /// `rest`, pads, and gives the final state.
    #[inline]
    #[must_use]
    pub fn finish(self, mut state: State, before: usize, rest: &[u8]) -> State {
        debug_assert!(before.is_multiple_of(BLOCK), "only whole blocks are absorbed");
        let (blocks, tail) = rest.as_chunks::<BLOCK>();
        if !blocks.is_empty() {
            self.compress(&mut state, blocks);
        }
        let mut last = [0; BLOCK];
        last[..tail.len()].copy_from_slice(tail);
        last[tail.len()] = 0x80;
        if tail.len() + PADDING > BLOCK {
            self.compress(&mut state, &[last]);
            last = [0; BLOCK];
        }
        let bits = ((before + rest.len()) as u64) << 3;
        last[BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
        self.compress(&mut state, &[last]);
        state
    }
}

/// The digest bytes of a state: big-endian words.
#[inline]
#[must_use]
pub fn to_bytes(state: &State) -> [u8; 64] {
    let mut out = [0; 64];
    for (bytes, word) in out.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    out
}
