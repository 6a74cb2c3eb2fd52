//! Base64 (standard alphabet, padded) and lower-case hex, with the widest vectors of the machine.
//!
//! Owns the two text encodings of the venue's authentication headers and the choice of
//! instruction set, made once per process. Must not know what the bytes mean. Invariant: every
//! variant writes the same text as the scalar one, and none reads outside its input.

use std::sync::OnceLock;

/// Room that `encode` may scribble over beyond the text it reports; the caller writes there later.
pub const SLACK: usize = 64;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Length of the base64 text of `bytes` bytes, padding included.
#[must_use]
pub const fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

type Encode = unsafe fn(&[u8], &mut [u8]) -> usize;
type Hex = unsafe fn(&[u64; 8], &mut [u8; 128]);

/// One instruction set's pair of encoders.
#[derive(Clone, Copy)]
pub struct Codec {
    name: &'static str,
    encode: Encode,
    hex: Hex,
}

impl Codec {
    /// The fastest variant that this machine can run; looked up once per process.
    pub fn get() -> Codec {
        static CHOSEN: OnceLock<Codec> = OnceLock::new();
        *CHOSEN.get_or_init(|| Codec::available()[0])
    }

    /// Every variant that this machine can run, fastest first; the last is the scalar one.
    #[must_use]
    pub fn available() -> Vec<Codec> {
        let mut all = Vec::with_capacity(3);
        #[cfg(target_arch = "x86_64")]
        x86::push_available(&mut all);
        all.push(Codec { name: "scalar", encode: encode_scalar, hex: hex_scalar });
        all
    }

    /// The instruction set's name, for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Encodes `input` at the start of `out` and returns the text's length.
    ///
    /// # Panics
    /// When `out` is shorter than the text plus [`SLACK`], which may be scribbled over.
    #[inline]
    pub fn encode(self, input: &[u8], out: &mut [u8]) -> usize {
        assert!(
            out.len() >= encoded_len(input.len()) + SLACK,
            "no room for the text and the slack"
        );
        // SAFETY: `available` made this codec only after it saw the instruction set, and the
        // assertion above gives the room that the variants rely on.
        unsafe { (self.encode)(input, out) }
    }

    /// Writes eight words as 128 lower-case hex digits.
    #[inline]
    pub fn hex(self, input: &[u64; 8], out: &mut [u8; 128]) {
        // SAFETY: `available` made this codec only after it saw the instruction set.
        unsafe { (self.hex)(input, out) }
    }
}

fn encode_scalar(input: &[u8], out: &mut [u8]) -> usize {
    let digit = |value: u32| ALPHABET[(value & 63) as usize];
    let groups = input.chunks_exact(3);
    let rest = groups.remainder();
    let whole = input.len() / 3 * 4;
    for (group, text) in groups.zip(out.chunks_exact_mut(4)) {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        text.copy_from_slice(&[
            digit(bits >> 18),
            digit(bits >> 12),
            digit(bits >> 6),
            digit(bits),
        ]);
    }
    match *rest {
        [a] => {
            let bits = u32::from(a) << 16;
            out[whole..whole + 4].copy_from_slice(&[
                digit(bits >> 18),
                digit(bits >> 12),
                b'=',
                b'=',
            ]);
        }
        [a, b] => {
            let bits = u32::from(a) << 16 | u32::from(b) << 8;
            let text = [digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), b'='];
            out[whole..whole + 4].copy_from_slice(&text);
        }
        _ => {}
    }
    encoded_len(input.len())
}

fn hex_scalar(input: &[u64; 8], out: &mut [u8; 128]) {
    for (word, text) in input.iter().zip(out.as_chunks_mut::<16>().0) {
        for (digit, place) in text.iter_mut().rev().zip(0..) {
            *digit = HEX_DIGITS[(word >> (4 * place) & 15) as usize];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{encode_scalar, encoded_len, Codec, ALPHABET, HEX_DIGITS};
    #[allow(clippy::wildcard_imports)] // the intrinsics are one vocabulary
    use std::arch::x86_64::*;

    pub fn push_available(all: &mut Vec<Codec>) {
        if is_x86_feature_detected!("avx512vbmi") && is_x86_feature_detected!("avx512bw") {
            all.push(Codec { name: "avx512vbmi", encode: encode_vbmi, hex: hex_vbmi });
        }
        if is_x86_feature_detected!("avx2") {
            all.push(Codec { name: "avx2", encode: encode_avx2, hex: hex_avx2 });
        }
    }

    /// `[1, 0, 2, 1, 4, 3, 5, 4, …]`: bytes of each 3-byte group in the order in which
    /// `vpmultishiftqb` can cut four 6-bit digits out of 32 bits.
    const GROUPS: [u8; 64] = {
        let mut order = [0u8; 64];
        let mut group: u8 = 0;
        while group < 16 {
            let (at, from) = (group as usize * 4, group * 3);
            order[at] = from + 1;
            order[at + 1] = from;
            order[at + 2] = from + 2;
            order[at + 3] = from + 1;
            group += 1;
        }
        order
    };

    /// 48 bytes become 64 digits per step: permute, cut, look up.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn encode_vbmi(input: &[u8], out: &mut [u8]) -> usize {
        // SAFETY: both tables are 64 bytes long and the loads are unaligned ones.
        let (order, digits) = unsafe {
            (
                _mm512_loadu_si512(GROUPS.as_ptr().cast()),
                _mm512_loadu_si512(ALPHABET.as_ptr().cast()),
            )
        };
        let cuts = _mm512_set1_epi64(0x3036_242a_1016_040a);
        let equals = _mm512_set1_epi8(b'='.cast_signed());
        let text_len = encoded_len(input.len());
        let mut at = 0;
        for chunk in input.chunks(48) {
            let mask = u64::MAX >> (64 - chunk.len());
            // The digits of whole and partial groups; what follows them in their group of four is
            // padding. In the register: a byte stored over a vector's delays whoever loads it.
            let filled = (4 * chunk.len()).div_ceil(3);
            let padding = if filled < 64 { u64::MAX << filled } else { 0 };
            // SAFETY: the mask confines the load to the 1 to 48 bytes of `chunk`; the store
            // ends at most 60 bytes after the text, inside the slack that `encode` asserted.
            unsafe {
                let bytes = _mm512_maskz_loadu_epi8(mask, chunk.as_ptr().cast());
                let spread = _mm512_permutexvar_epi8(order, bytes);
                let sixes = _mm512_multishift_epi64_epi8(cuts, spread);
                let text = _mm512_permutexvar_epi8(sixes, digits);
                let text = _mm512_mask_mov_epi8(text, padding, equals);
                _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), text);
            }
            at += 64;
        }
        text_len
    }

    /// One word after the other: a load of several would wait until what stored them one by one
    /// has left the processor. Volatile, or the compiler would make it such a load.
    #[inline]
    fn words(input: &[u64; 8]) -> [i64; 8] {
        // SAFETY: a reference to a word is valid for reads.
        std::array::from_fn(|at| {
            unsafe { std::ptr::read_volatile(&raw const input[at]) }.cast_signed()
        })
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn hex_vbmi(input: &[u64; 8], out: &mut [u8; 128]) {
        /// The upper and the lower digits of the bytes of four words, the highest byte first.
        const fn interleave(start: u8) -> [u8; 64] {
            let mut order = [0u8; 64];
            let mut at: u8 = 0;
            while at < 32 {
                let byte = start + (at ^ 7);
                order[at as usize * 2] = byte;
                order[at as usize * 2 + 1] = 64 + byte;
                at += 1;
            }
            order
        }
        const LOW: [u8; 64] = interleave(0);
        const HIGH: [u8; 64] = interleave(32);
        let [a, b, c, d, e, f, g, h] = words(input);
        let bytes = _mm512_set_epi64(h, g, f, e, d, c, b, a);
        // SAFETY: every pointer is to an array of exactly the bytes that are read or written.
        unsafe {
            let digits = _mm512_broadcast_i32x4(_mm_loadu_si128(HEX_DIGITS.as_ptr().cast()));
            let nibble = _mm512_set1_epi8(15);
            let upper = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), nibble);
            let lower = _mm512_and_si512(bytes, nibble);
            for (order, at) in [(&LOW, 0), (&HIGH, 64)] {
                let order = _mm512_loadu_si512(order.as_ptr().cast());
                let nibbles = _mm512_permutex2var_epi8(upper, order, lower);
                let text = _mm512_shuffle_epi8(digits, nibbles);
                _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), text);
            }
        }
    }

    /// 24 bytes become 32 digits per step; the last bytes go through the scalar variant.
    #[target_feature(enable = "avx2")]
    fn encode_avx2(input: &[u8], out: &mut [u8]) -> usize {
        let order = _mm256_setr_epi8(
            1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, //
            1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10,
        );
        // What to add to a 6-bit digit: chosen by its class (A-Z, a-z, 0-9, '+', '/').
        let offsets = _mm256_setr_epi8(
            65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0, //
            65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0,
        );
        let mut from = 0;
        let mut at = 0;
        // The upper load reads 16 bytes from offset 12: 28 bytes must be there for 24 used.
        while input.len() - from >= 28 {
            // SAFETY: the loads end at `from + 28`, within `input` by the loop's condition; the
            // store of 32 digits stands for 24 input bytes, so it lies inside the text.
            unsafe {
                let low = _mm_loadu_si128(input.as_ptr().add(from).cast());
                let high = _mm_loadu_si128(input.as_ptr().add(from + 12).cast());
                let spread = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), order);
                let even = _mm256_mulhi_epu16(
                    _mm256_and_si256(spread, _mm256_set1_epi32(0x0fc0_fc00)),
                    _mm256_set1_epi32(0x0400_0040),
                );
                let odd = _mm256_mullo_epi16(
                    _mm256_and_si256(spread, _mm256_set1_epi32(0x003f_03f0)),
                    _mm256_set1_epi32(0x0100_0010),
                );
                let sixes = _mm256_or_si256(even, odd);
                let class = _mm256_sub_epi8(
                    _mm256_subs_epu8(sixes, _mm256_set1_epi8(51)),
                    _mm256_cmpgt_epi8(sixes, _mm256_set1_epi8(25)),
                );
                let text = _mm256_add_epi8(sixes, _mm256_shuffle_epi8(offsets, class));
                _mm256_storeu_si256(out.as_mut_ptr().add(at).cast(), text);
            }
            from += 24;
            at += 32;
        }
        at + encode_scalar(&input[from..], &mut out[at..])
    }

    #[target_feature(enable = "avx2")]
    fn hex_avx2(input: &[u64; 8], out: &mut [u8; 128]) {
        let swap = _mm_set_epi64x(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607);
        let (pairs, texts) = (words(input), out.as_chunks_mut::<32>().0);
        for (pair, text) in pairs.as_chunks::<2>().0.iter().zip(texts) {
            let bytes = _mm_shuffle_epi8(_mm_set_epi64x(pair[1], pair[0]), swap);
            let wide = _mm256_cvtepu8_epi16(bytes);
            // Each byte widened to 16 bits: upper nibble to the low half, lower to the high.
            let upper = _mm256_srli_epi16::<4>(wide);
            let lower = _mm256_slli_epi16::<8>(_mm256_and_si256(wide, _mm256_set1_epi16(15)));
            // SAFETY: the table has 16 bytes and `text` the 32 that are written.
            unsafe {
                let digits = _mm_loadu_si128(HEX_DIGITS.as_ptr().cast());
                let digits = _mm256_broadcastsi128_si256(digits);
                let digits = _mm256_shuffle_epi8(digits, _mm256_or_si256(upper, lower));
                _mm256_storeu_si256(text.as_mut_ptr().cast(), digits);
            }
        }
    }
}
