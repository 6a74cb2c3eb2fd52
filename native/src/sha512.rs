//! The SHA-512 block function and the few lines of hashing that HMAC needs around it.
//!
//! Owns the one place where compressions happen (and, for tests, are counted). Must not know keys,
//! requests or text. Invariant: a state is always eight words in host order between calls.

/// Bytes in one SHA-512 block.
pub const BLOCK: usize = 128;

/// Eight chaining words in host order.
pub type State = [u64; 8];

/// The initial chaining value of SHA-512 (FIPS 180-4, 5.3.5).
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
mod counter {
    use std::cell::Cell;
    thread_local!(static COUNT: Cell<u64> = const { Cell::new(0) });

    pub fn add(blocks: usize) {
        COUNT.with(|count| count.set(count.get() + blocks as u64));
    }

    pub fn read() -> u64 {
        COUNT.with(Cell::get)
    }
}

/// Compressions that this thread has made so far.
#[cfg(any(test, feature = "count-compressions"))]
#[must_use]
pub fn compressions() -> u64 {
    counter::read()
}

/// Absorbs whole blocks.
///
/// # Panics
/// When `data` is not a whole number of blocks.
pub fn compress(state: &mut State, data: &[u8]) {
    assert!(data.len().is_multiple_of(BLOCK), "whole blocks only");
    #[cfg(any(test, feature = "count-compressions"))]
    counter::add(data.len() / BLOCK);
    let mut context = aws_lc_sys::sha512_state_st {
        h: *state,
        Nl: 0,
        Nh: 0,
        p: [0; BLOCK],
        num: 0,
        md_len: 64,
    };
    for block in data.chunks_exact(BLOCK) {
        // SAFETY: `context` is a valid SHA512_CTX of which the function touches only `h`, and
        // `block` holds exactly the 128 bytes that it reads.
        unsafe { aws_lc_sys::SHA512_Transform(&raw mut context, block.as_ptr()) };
    }
    *state = context.h;
}

/// Absorbs the last bytes of a message, pads, and gives the digest words.
///
/// `before` is how many bytes `state` has absorbed already; a whole number of blocks.
#[must_use]
pub fn finish(mut state: State, before: usize, rest: &[u8]) -> State {
    debug_assert!(before.is_multiple_of(BLOCK));
    let whole = rest.len() / BLOCK * BLOCK;
    if whole > 0 {
        compress(&mut state, &rest[..whole]);
    }
    let rest = &rest[whole..];
    let bits = (((before + whole + rest.len()) as u64) << 3).to_be_bytes();
    let mut last = [0u8; 2 * BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    // The padding needs 17 bytes: the marker and a 16-byte bit count (whose high half stays zero).
    let end = if rest.len() + 17 <= BLOCK {
        BLOCK
    } else {
        2 * BLOCK
    };
    last[end - 8..end].copy_from_slice(&bits);
    compress(&mut state, &last[..end]);
    state
}

/// The digest bytes of a state: big-endian words.
#[must_use]
pub fn to_bytes(state: &State) -> [u8; 64] {
    let mut out = [0; 64];
    for (bytes, word) in out.chunks_exact_mut(8).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    out
}
