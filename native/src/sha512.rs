//! SHA-512 from its block function up, as far as HMAC needs it.
//!
//! Owns the one place where compressions happen (and, for tests, are counted), and the choice of
//! block function, made once per process. Must not know keys, requests or text. Invariant: every
//! variant computes the same states; a state is eight words in host order between calls.
//!
//! The `sha2` crate is the twin and the fallback (on aarch64 it uses the processor's SHA-512
//! instructions). On x86-64 the variants in `x86` take about a third less time per block.

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

/// Adds to the compressions of this thread, where they are counted.
#[inline]
fn count(blocks: usize) {
    #[cfg(any(test, feature = "count-compressions"))]
    COUNT.set(COUNT.get() + blocks as u64);
    #[cfg(not(any(test, feature = "count-compressions")))]
    let _ = blocks;
}

type Compress = unsafe fn(&mut State, &[[u8; BLOCK]]);
type Last = unsafe fn(&mut State, &[u8], u64);
type Outer = unsafe fn(&mut State, &State);

/// What follows the digest in the last block of an outer hash: the end marker, and the bits of
/// the digest and of a block of key before it.
const OUTER_END: [u64; 8] = [1 << 63, 0, 0, 0, 0, 0, 0, (BLOCK as u64 + 64) << 3];

/// One implementation of the block function.
#[derive(Clone, Copy)]
pub struct Sha512 {
    name: &'static str,
    compress: Compress,
    last: Last,
    outer: Outer,
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
        let compress = sha2::block_api::compress512;
        all.push(Sha512 { name: "sha2", compress, last: last_sha2, outer: outer_sha2 });
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
        count(blocks.len());
        // SAFETY: `available` made this value only after it saw the instructions that it uses.
        unsafe { (self.compress)(state, blocks) }
    }

    /// Finishes the outer hash of an HMAC, of which `state` has absorbed the key's block: what
    /// follows is the inner digest.
    #[inline]
    pub fn outer(self, state: &mut State, digest: &State) {
        count(1);
        // SAFETY: as in `compress`.
        unsafe { (self.outer)(state, digest) }
    }

    /// Absorbs the last bytes of a message of `before` bytes (a whole number of blocks) and
    /// `rest`, and the padding.
    ///
    /// In place: a copy of the words would be made with vectors, which have to wait until the words
    /// have left the processor.
    #[inline]
    pub fn finish(self, state: &mut State, before: usize, rest: &[u8]) {
        debug_assert!(before.is_multiple_of(BLOCK), "only whole blocks are absorbed");
        let (blocks, tail) = rest.as_chunks::<BLOCK>();
        if !blocks.is_empty() {
            self.compress(state, blocks);
        }
        let bits = ((before + rest.len()) as u64) << 3;
        if tail.len() + PADDING > BLOCK {
            let mut two = [0; 2 * BLOCK];
            two[..tail.len()].copy_from_slice(tail);
            two[tail.len()] = 0x80;
            two[2 * BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
            self.compress(state, two.as_chunks().0);
            return;
        }
        count(1);
        // SAFETY: as in `compress`.
        unsafe { (self.last)(state, tail, bits) }
    }
}

/// The last block of a message that ends with `tail`, of at most 111 bytes, and has so many bits.
#[inline]
#[must_use]
pub(crate) fn padded(tail: &[u8], bits: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..tail.len()].copy_from_slice(tail);
    block[tail.len()] = 0x80;
    block[BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
    block
}

fn last_sha2(state: &mut State, tail: &[u8], bits: u64) {
    sha2::block_api::compress512(state, &[padded(tail, bits)]);
}

fn outer_sha2(state: &mut State, digest: &State) {
    let mut block = [0; BLOCK];
    let words = digest.iter().chain(&OUTER_END);
    for (bytes, word) in block.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    sha2::block_api::compress512(state, &[block]);
}
