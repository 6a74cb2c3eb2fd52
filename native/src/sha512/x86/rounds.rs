//! The eighty rounds of one SHA-512 block for x86-64, in assembly.
//!
//! Owns the order of instructions. Must not know bytes, padding or where words come from.
//! Invariant: every variant leaves the state that the textbook's rounds leave.
//!
//! The scalar instructions are 22 to a round on four units, their longest chain is five cycles.
//! Which unit an instruction waits for is decided as it is decoded, so that their order decides
//! how close to these bounds a round comes. A compiler orders them by other rules; in the order
//! below a round takes six cycles (Zen 4), with the schedule of the words to come, which is left to
//! the vector units, spread evenly: a slot after every four instructions.

use std::arch::asm;
#[allow(clippy::wildcard_imports)] // the intrinsics are one vocabulary
use std::arch::x86_64::*;

use super::{Words, ROUNDS};
use crate::sha512::State;

/// One round, and what goes into its six slots. `$m` comes in as the previous round's `a ^ b`,
/// which is this round's `b ^ c`; `$n` goes out as `a ^ b`.
macro_rules! round {
    ($a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal,
     $m:literal $n:literal, $sum:literal, [$($slot:literal)*]) => {
        round!(@ $a $b $d $e $f $g $h $m $n $sum $($slot)*)
    };
    (@ $a:literal $b:literal $d:literal $e:literal $f:literal $g:literal $h:literal
     $m:literal $n:literal $sum:literal
     $s0:literal $s1:literal $s2:literal $s3:literal $s4:literal $s5:literal) => {
        concat!(
            "add ", $h, ", [{sums} + {at} + ", $sum, "]\n",
            "andn ", $n, ", ", $e, ", ", $g, "\n",
            "rorx {t}, ", $e, ", 41\n",
            "rorx {u}, ", $e, ", 18\n",
            $s0, "\n",
            "add ", $h, ", ", $n, "\n",
            "mov ", $n, ", ", $e, "\n",
            "xor {t}, {u}\n",
            "rorx {u}, ", $e, ", 14\n",
            $s1, "\n",
            "xor {t}, {u}\n",
            "and ", $n, ", ", $f, "\n",
            "add ", $h, ", ", $n, "\n",
            "add ", $h, ", {t}\n",
            $s2, "\n",
            "mov ", $n, ", ", $a, "\n",
            "add ", $d, ", ", $h, "\n",
            "rorx {t}, ", $a, ", 39\n",
            "xor ", $n, ", ", $b, "\n",
            $s3, "\n",
            "rorx {u}, ", $a, ", 34\n",
            "and ", $m, ", ", $n, "\n",
            "xor {t}, {u}\n",
            "xor ", $m, ", ", $b, "\n",
            $s4, "\n",
            "rorx {u}, ", $a, ", 28\n",
            "add ", $h, ", ", $m, "\n",
            "xor {t}, {u}\n",
            "add ", $h, ", {t}\n",
            $s5, "\n",
        )
    };
}

/// Four rounds, and what goes into their slots.
macro_rules! four_rounds {
    ($first:tt $second:tt $third:tt $fourth:tt) => {
        concat!(
            round!("{a}" "{b}" "{c}" "{d}" "{e}" "{f}" "{g}" "{h}", "{m}" "{n}", "0", $first),
            round!("{h}" "{a}" "{b}" "{c}" "{d}" "{e}" "{f}" "{g}", "{n}" "{m}", "8", $second),
            round!("{g}" "{h}" "{a}" "{b}" "{c}" "{d}" "{e}" "{f}", "{m}" "{n}", "16", $third),
            round!("{f}" "{g}" "{h}" "{a}" "{b}" "{c}" "{d}" "{e}", "{n}" "{m}", "24", $fourth),
        )
    };
}

/// Four rounds, and the four words that replace `x0` in the schedule: with `x1`, `x2` and `x3` the
/// sixteen before them.
macro_rules! rounds_and_words_avx512 {
    () => {
        four_rounds!(
            ["valignq {p}, {x1}, {x0}, 1"
             "valignq {q}, {x3}, {x2}, 1"
             "vextracti128 {y:x}, {x3}, 1"
             "vprorq {r}, {p}, 1"
             "vprorq {s}, {p}, 8"
             "vpsrlq {p}, {p}, 7"]
            ["vpaddq {x0}, {x0}, {q}"
             "vpternlogq {p}, {r}, {s}, 0x96"
             "vprorq {r}, {y}, 19"
             "vprorq {s}, {y}, 61"
             "vpsrlq {y}, {y}, 6"
             "vpaddq {x0}, {x0}, {p}"]
            ["vpternlogq {y}, {r}, {s}, 0x96"
             "vpaddq {x0}, {x0}, {y}"
             "vperm2i128 {y}, {x0}, {x0}, 0x08"
             "vprorq {r}, {y}, 19"
             "vprorq {s}, {y}, 61"
             "vpsrlq {y}, {y}, 6"]
            ["vpternlogq {y}, {r}, {s}, 0x96"
             "vpaddq {x0}, {x0}, {y}"
             "vpaddq {p}, {x0}, [{constants} + {at}]"
             "vmovdqa [{sums} + {at}], {p}"
             ""
             ""]
        )
    };
}

/// The same without rotations of vectors and three-way exclusive ors.
macro_rules! rounds_and_words_avx2 {
    () => {
        four_rounds!(
            ["vperm2i128 {q}, {x0}, {x1}, 0x21
              vpalignr {p}, {q}, {x0}, 8
              vperm2i128 {q}, {x2}, {x3}, 0x21
              vpalignr {q}, {q}, {x2}, 8"
             ""
             "vpaddq {x0}, {x0}, {q}
              vextracti128 {y:x}, {x3}, 1"
             "vpsrlq {r}, {p}, 1
              vpsllq {s}, {p}, 63
              vpxor {r}, {r}, {s}"
             "vpsrlq {s}, {p}, 8
              vpxor {r}, {r}, {s}"
             "vpsllq {s}, {p}, 56
              vpxor {r}, {r}, {s}
              vpsrlq {p}, {p}, 7
              vpxor {p}, {p}, {r}"]
            [""
             "vpaddq {x0}, {x0}, {p}
              vpsrlq {r}, {y}, 19"
             ""
             "vpsllq {s}, {y}, 45
              vpxor {r}, {r}, {s}"
             ""
             "vpsrlq {s}, {y}, 61"]
            ["vpxor {r}, {r}, {s}
              vpsllq {s}, {y}, 3
              vpxor {r}, {r}, {s}
              vpsrlq {y}, {y}, 6"
             "vpxor {y}, {y}, {r}"
             ""
             ""
             "vpaddq {x0}, {x0}, {y}
              vperm2i128 {y}, {x0}, {x0}, 0x08"
             "vpsrlq {r}, {y}, 19
              vpsllq {s}, {y}, 45
              vpxor {r}, {r}, {s}"]
            ["vpsrlq {s}, {y}, 61
              vpxor {r}, {r}, {s}"
             ""
             "vpsllq {s}, {y}, 3
              vpxor {r}, {r}, {s}
              vpsrlq {y}, {y}, 6"
             "vpxor {y}, {y}, {r}"
             "vpaddq {x0}, {x0}, {y}
              vpaddq {p}, {x0}, [{constants} + {at}]"
             "vmovdqa [{sums} + {at}], {p}"]
        )
    };
}

/// The rounds of one block under `$features`: `$rounds_and_words` is one of the two above.
macro_rules! eighty_rounds {
    ($name:ident, $features:literal, $rounds_and_words:ident) => {
        /// Eighty rounds on a block's words; `sums` are these plus the first sixteen constants, and
        /// are used up.
        #[target_feature(enable = $features)]
        #[inline(never)] // one copy for all callers, which is in the cache for the second block
        pub(super) fn $name(state: &mut State, words: &Words, sums: &mut Words) {
            let word = words.0.as_ptr();
            // SAFETY: four times four words are the sixteen; `Words` start at 64 bytes.
            let [mut x0, mut x1, mut x2, mut x3] =
                unsafe { [0, 4, 8, 12].map(|at| _mm256_load_si256(word.add(at).cast())) };
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            let (mut m, mut n) = (b ^ c, 0u64);
            let sums = sums.0.as_mut_ptr();
            macro_rules! four {
                ($constants:expr, $quad:literal, $x0:ident $x1:ident $x2:ident $x3:ident,
                 $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
                    // SAFETY: reads and replaces the sums of this quad, 32 of their 128 bytes, and
                    // reads as many of the sixteen constants; both are aligned to 64 bytes. The
                    // instructions are those of `$features`.
                    unsafe {
                        asm!(
                            $rounds_and_words!(),
                            at = const 32 * $quad, sums = in(reg) sums,
                            constants = in(reg) $constants,
                            a = inout(reg) $a, b = inout(reg) $b, c = inout(reg) $c,
                            d = inout(reg) $d, e = inout(reg) $e, f = inout(reg) $f,
                            g = inout(reg) $g, h = inout(reg) $h,
                            m = inout(reg) m, n = inout(reg) n, t = out(reg) _, u = out(reg) _,
                            x0 = inout(ymm_reg) $x0, x1 = in(ymm_reg) $x1, x2 = in(ymm_reg) $x2,
                            x3 = in(ymm_reg) $x3, p = out(ymm_reg) _, q = out(ymm_reg) _,
                            r = out(ymm_reg) _, s = out(ymm_reg) _, y = out(ymm_reg) _,
                            options(nostack)
                        );
                    }
                };
            }
            macro_rules! last_four {
                ($quad:literal,
                 $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
                    // SAFETY: reads the sums of this quad, 32 of their 128 bytes.
                    unsafe {
                        asm!(
                            four_rounds!(["" "" "" "" "" ""] ["" "" "" "" "" ""]
                                         ["" "" "" "" "" ""] ["" "" "" "" "" ""]),
                            at = const 32 * $quad, sums = in(reg) sums,
                            a = inout(reg) $a, b = inout(reg) $b, c = inout(reg) $c,
                            d = inout(reg) $d, e = inout(reg) $e, f = inout(reg) $f,
                            g = inout(reg) $g, h = inout(reg) $h,
                            m = inout(reg) m, n = inout(reg) n, t = out(reg) _, u = out(reg) _,
                            options(nostack, readonly)
                        );
                    }
                };
            }
            for constants in ROUNDS.0[16..].as_chunks::<16>().0 {
                four!(constants, 0, x0 x1 x2 x3, a b c d e f g h);
                four!(constants, 1, x1 x2 x3 x0, e f g h a b c d);
                four!(constants, 2, x2 x3 x0 x1, a b c d e f g h);
                four!(constants, 3, x3 x0 x1 x2, e f g h a b c d);
            }
            last_four!(0, a b c d e f g h);
            last_four!(1, e f g h a b c d);
            last_four!(2, a b c d e f g h);
            last_four!(3, e f g h a b c d);
            let _ = (m, n); // there is no next round to use them
            for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *word = word.wrapping_add(new);
            }
        }
    };
}

eighty_rounds!(rounds_avx512, "avx2,avx512f,avx512bw,avx512vl,bmi1,bmi2", rounds_and_words_avx512);
eighty_rounds!(rounds_avx2, "avx2,bmi1,bmi2", rounds_and_words_avx2);
