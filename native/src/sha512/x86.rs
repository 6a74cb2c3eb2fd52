//! The SHA-512 block function for x86-64: rounds in general registers, schedule in vectors.
//!
//! Owns how a block gets to the rounds: as bytes, as the end of a message, or as words. Must not
//! know keys or text. Invariant: a variant is offered only where its instructions were detected.

#[allow(clippy::wildcard_imports)] // the intrinsics are one vocabulary
use std::arch::x86_64::*;

use super::{padded, Sha512, State, BLOCK, OUTER_END, PADDING};

mod rounds;

/// Aligned for vector loads and stores.
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

/// The words of a block, in host order.
type Words = Aligned<[u64; 16]>;

/// The round constants.
#[rustfmt::skip]
pub(super) static ROUNDS: Aligned<[u64; 80]> = Aligned([
    0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
]);

pub(super) fn push_available(all: &mut Vec<Sha512>) {
    let has_base = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2");
    if !has_base {
        return;
    }
    let has_wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl");
    if has_wide {
        let (compress, last, outer) = (compress_avx512, last_avx512, outer_avx512);
        all.push(Sha512 { name: "avx512", compress, last, outer });
    }
    let (compress, last, outer) = (compress_avx2, last_avx2, outer_avx2);
    all.push(Sha512 { name: "avx2", compress, last, outer });
}

/// The ends of an outer block's words and sums, which are the same in all of them.
static OUTER_END_SUMS: [u64; 8] = {
    let (mut sums, mut at) = (OUTER_END, 0);
    while at < 8 {
        sums[at] = sums[at].wrapping_add(ROUNDS.0[8 + at]);
        at += 1;
    }
    sums
};

/// The functions of one variant around its `$rounds`.
macro_rules! variant {
    ($features:literal, $rounds:path, $compress:ident,
     $last:ident = $last_words:ident, $outer:ident) => {
        #[target_feature(enable = $features)]
        fn $compress(state: &mut State, blocks: &[[u8; BLOCK]]) {
            let (mut words, mut sums) = (Aligned([0; 16]), Aligned([0; 16]));
            for block in blocks {
                to_words(block, &mut words, &mut sums);
                $rounds(state, &words, &mut sums);
            }
        }

        #[target_feature(enable = $features)]
        fn $last(state: &mut State, tail: &[u8], bits: u64) {
            let (mut words, mut sums) = (Aligned([0; 16]), Aligned([0; 16]));
            $last_words(tail, bits, &mut words, &mut sums);
            $rounds(state, &words, &mut sums);
        }

        #[target_feature(enable = $features)]
        fn $outer(state: &mut State, digest: &State) {
            let (mut words, mut sums) = (Aligned([0; 16]), Aligned([0; 16]));
            outer_words(digest, &mut words, &mut sums);
            $rounds(state, &words, &mut sums);
        }
    };
}

variant!(
    "avx2,avx512f,avx512bw,avx512vl,bmi1,bmi2",
    rounds::rounds_avx512,
    compress_avx512,
    last_avx512 = last_words_avx512,
    outer_avx512
);
variant!(
    "avx2,bmi1,bmi2",
    rounds::rounds_avx2,
    compress_avx2,
    last_avx2 = last_words_avx2,
    outer_avx2
);

/// The order of bytes that turns two big-endian words into ours.
#[inline]
#[target_feature(enable = "sse2")]
fn byte_swap() -> __m128i {
    _mm_set_epi64x(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607)
}

/// The words of a block, and with the constants of their rounds.
#[inline]
#[target_feature(enable = "avx2")]
fn to_words(block: &[u8; BLOCK], words: &mut Words, sums: &mut Words) {
    let swap = _mm256_broadcastsi128_si256(byte_swap());
    for at in [0, 4, 8, 12] {
        // SAFETY: four times four words are the sixteen of the block, of `words`, of `sums` and of
        // the first round constants; the latter three are aligned to 64 bytes.
        unsafe {
            let four = _mm256_loadu_si256(block.as_ptr().add(8 * at).cast());
            let four = _mm256_shuffle_epi8(four, swap);
            let constants = _mm256_load_si256(ROUNDS.0.as_ptr().add(at).cast());
            _mm256_store_si256(words.0.as_mut_ptr().add(at).cast(), four);
            let four = _mm256_add_epi64(four, constants);
            _mm256_store_si256(sums.0.as_mut_ptr().add(at).cast(), four);
        }
    }
}

/// The same for the last bytes of a message, of which there are at most 111.
#[inline]
#[target_feature(enable = "avx2")]
fn last_words_avx2(tail: &[u8], bits: u64, words: &mut Words, sums: &mut Words) {
    to_words(&padded(tail, bits), words, sums);
}

#[allow(clippy::cast_possible_truncation)] // the lower half is meant
fn halves(mask: u128) -> [u64; 2] {
    [mask as u64, (mask >> 64) as u64]
}

/// As `last_words_avx2`, in registers: a block put together in memory is not there for a vector
/// load until all the stores that it came from have left the processor.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn last_words_avx512(tail: &[u8], bits: u64, words: &mut Words, sums: &mut Words) {
    debug_assert!(tail.len() + PADDING <= BLOCK, "one block holds the padding");
    let marker = 1u128 << tail.len();
    let [markers, texts] = [marker, marker - 1].map(halves);
    let swap = _mm512_broadcast_i32x4(byte_swap());
    let half = |at: usize| {
        // SAFETY: the mask confines the load to the bytes of `tail`.
        let text = unsafe {
            _mm512_maskz_loadu_epi8(texts[at], tail.as_ptr().wrapping_add(64 * at).cast())
        };
        let end = _mm512_set1_epi8(i8::MIN);
        _mm512_shuffle_epi8(_mm512_mask_mov_epi8(text, markers[at], end), swap)
    };
    let count = _mm512_set1_epi64(bits.cast_signed());
    let eights = [half(0), _mm512_mask_mov_epi64(half(1), 1 << 7, count)];
    for (at, eight) in [0, 8].into_iter().zip(eights) {
        // SAFETY: two times eight words are the sixteen of `words`, of `sums` and of the first
        // round constants; all are aligned to 64 bytes.
        unsafe {
            let constants = _mm512_load_si512(ROUNDS.0.as_ptr().add(at).cast());
            _mm512_store_si512(words.0.as_mut_ptr().add(at).cast(), eight);
            let eight = _mm512_add_epi64(eight, constants);
            _mm512_store_si512(sums.0.as_mut_ptr().add(at).cast(), eight);
        }
    }
}

/// The same for a block of a digest's words and the padding behind them.
#[inline]
fn outer_words(digest: &State, words: &mut Words, sums: &mut Words) {
    words.0[8..].copy_from_slice(&OUTER_END);
    sums.0[8..].copy_from_slice(&OUTER_END_SUMS);
    for (at, word) in digest.iter().enumerate() {
        // SAFETY: references to words are valid for reads and writes. Volatile, or the compiler
        // would gather several in a vector, which takes longer than one by one through memory.
        unsafe {
            let word = std::ptr::read_volatile(word);
            words.0[at] = word;
            std::ptr::write_volatile(&raw mut sums.0[at], word.wrapping_add(ROUNDS.0[at]));
        }
    }
}
