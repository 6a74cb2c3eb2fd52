//! The SHA-512 block function for x86-64: rounds in general registers, schedule in vectors.
//!
//! Owns one block function, compiled twice: AVX-512 has rotations and three-way exclusive ors, with
//! which the compiler replaces the shifts below. Must not know padding. Invariant: a variant is
//! offered only where its instructions were detected.
//!
//! The rounds need `rorx` and `andn` (BMI) to keep their chain at five cycles; the schedule of the
//! next sixteen words is computed between them, two words at a time, where the general units
//! leave issue slots free.

#[allow(clippy::wildcard_imports)] // the intrinsics are one vocabulary
use std::arch::x86_64::*;

use super::{Sha512, State, BLOCK};

/// The round constants, aligned for vector loads.
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

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
    let rounds = is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
    if rounds && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512f") {
        all.push(Sha512 { name: "avx512vl", compress: compress_avx512 });
    }
    if rounds && is_x86_feature_detected!("avx") {
        all.push(Sha512 { name: "avx", compress: compress_avx });
    }
}

/// Each of two words rotated to the right.
macro_rules! rotate {
    ($pair:expr, $by:literal) => {
        _mm_or_si128(_mm_srli_epi64::<$by>($pair), _mm_slli_epi64::<{ 64 - $by }>($pair))
    };
}

/// The message schedule of one block: sixteen words at a time, two to a vector.
struct Schedule {
    words: [__m128i; 8],
    /// The words with their round constants added, on their way to the general registers.
    sums: Aligned<[u64; 16]>,
}

impl Schedule {
    #[inline]
    #[target_feature(enable = "avx")]
    fn new(block: &[u8; BLOCK]) -> Schedule {
        let swap = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
        let mut schedule = Schedule { words: [_mm_setzero_si128(); 8], sums: Aligned([0; 16]) };
        for slot in 0..8 {
            // SAFETY: eight times 16 bytes are the 128 of the block.
            let pair = unsafe { _mm_loadu_si128(block.as_ptr().add(16 * slot).cast()) };
            schedule.put(slot, 0, _mm_shuffle_epi8(pair, swap));
        }
        schedule
    }

    /// Puts two words into a slot (0 to 7), for the sixteen rounds that start at `from`.
    #[inline]
    #[target_feature(enable = "avx")]
    fn put(&mut self, slot: usize, from: usize, pair: __m128i) {
        debug_assert!(slot < 8 && from <= 64, "within eighty rounds");
        self.words[slot] = pair;
        // SAFETY: with a slot below 8 and a start of at most 64, the constants read are at most
        // 78 and 79 and the sums written at most 14 and 15; both arrays are aligned to 64 bytes
        // and the index is even.
        unsafe {
            let constants = _mm_load_si128(ROUNDS.0.as_ptr().add(from + 2 * slot).cast());
            let sums = self.sums.0.as_mut_ptr().add(2 * slot);
            _mm_store_si128(sums.cast(), _mm_add_epi64(pair, constants));
        }
    }

    /// Replaces the two oldest words, which are in `slot`, by the two that follow all sixteen.
    #[inline]
    #[target_feature(enable = "avx")]
    fn extend(&mut self, slot: usize, from: usize) {
        let pair = |ahead: usize| self.words[(slot + ahead) % 8];
        let second = _mm_alignr_epi8::<8>(pair(1), pair(0));
        let tenth = _mm_alignr_epi8::<8>(pair(5), pair(4));
        let last = pair(7);
        let near = _mm_xor_si128(
            _mm_xor_si128(rotate!(second, 1), rotate!(second, 8)),
            _mm_srli_epi64::<7>(second),
        );
        let far = _mm_xor_si128(
            _mm_xor_si128(rotate!(last, 19), rotate!(last, 61)),
            _mm_srli_epi64::<6>(last),
        );
        let sum = _mm_add_epi64(_mm_add_epi64(pair(0), tenth), near);
        self.put(slot, from, _mm_add_epi64(sum, far));
    }

    /// One round's word with its constant.
    #[inline]
    fn sum(&self, index: usize) -> u64 {
        // SAFETY: a reference to an element of the array is valid for reads. Volatile, or the
        // compiler would fetch the words out of the vector registers one by one, which costs more
        // than the way through memory.
        unsafe { std::ptr::read_volatile(&raw const self.sums.0[index]) }
    }
}

/// One round. `$ab` comes in as the previous round's `a ^ b`, which is this round's `b ^ c`.
macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident,
     $ab:ident, $sum:expr) => {
        $h = $h.wrapping_add($sum).wrapping_add(($e & $f) | (!$e & $g));
        $h = $h.wrapping_add($e.rotate_right(14) ^ $e.rotate_right(18) ^ $e.rotate_right(41));
        $d = $d.wrapping_add($h);
        let ab = $a ^ $b;
        $h = $h.wrapping_add($b ^ (ab & $ab));
        $ab = ab;
        $h = $h.wrapping_add($a.rotate_right(28) ^ $a.rotate_right(34) ^ $a.rotate_right(39));
    };
}

/// The block function under `$features`.
macro_rules! block_function {
    ($name:ident, $features:literal) => {
        #[target_feature(enable = $features)]
        fn $name(state: &mut State, blocks: &[[u8; BLOCK]]) {
            for block in blocks {
                let mut schedule = Schedule::new(block);
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
                let mut ab = b ^ c;
                macro_rules! two_rounds {
                            ($slot:literal, $a:ident $b:ident $c:ident $d:ident
                             $e:ident $f:ident $g:ident $h:ident, $next:expr) => {
                                round!($a $b $c $d $e $f $g $h, ab, schedule.sum(2 * $slot));
                                round!($h $a $b $c $d $e $f $g, ab, schedule.sum(2 * $slot + 1));
                                if let Some(from) = $next {
                                    schedule.extend($slot, from);
                                }
                            };
                        }
                macro_rules! sixteen_rounds {
                            ($next:expr) => {
                                two_rounds!(0, a b c d e f g h, $next);
                                two_rounds!(1, g h a b c d e f, $next);
                                two_rounds!(2, e f g h a b c d, $next);
                                two_rounds!(3, c d e f g h a b, $next);
                                two_rounds!(4, a b c d e f g h, $next);
                                two_rounds!(5, g h a b c d e f, $next);
                                two_rounds!(6, e f g h a b c d, $next);
                                two_rounds!(7, c d e f g h a b, $next);
                            };
                        }
                for from in [16, 32, 48, 64] {
                    sixteen_rounds!(Some(from));
                }
                sixteen_rounds!(None);
                let _ = ab; // there is no next round to use it
                for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                    *word = word.wrapping_add(new);
                }
            }
        }
    };
}

block_function!(compress_avx512, "avx512f,avx512vl,bmi1,bmi2");
block_function!(compress_avx, "avx,bmi1,bmi2");
