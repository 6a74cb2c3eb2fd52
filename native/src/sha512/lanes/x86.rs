//! The block function in lanes for x86-64: eight in AVX-512, four in AVX-512VL or AVX2.
//!
//! Owns one kernel, written against a vocabulary of vector operations, and three vocabularies.
//! Must not know what is hashed. Invariant: a variant is offered only where its instructions were
//! detected.
//!
//! Contract of every `unsafe fn` here: the caller runs under the instructions of the vocabulary.
//! All are inlined into one of the functions that state those, or vectors would travel by memory.

#[allow(clippy::wildcard_imports)] // the intrinsics are one vocabulary
use std::arch::x86_64::*;

use super::{LaneBlocks, LaneStates, Lanes, Row, LANES};
use crate::sha512::x86::ROUNDS;

/// Lanes of half a row: cheaper than a whole one on processors that split wide vectors.
const HALF: usize = 4;

pub(super) fn push_available(all: &mut Vec<Lanes>) {
    let has_wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
    if has_wide {
        all.push(Lanes { name: "avx512", width: LANES, worth_from: 3, compress: compress_avx512 });
    }
    if is_x86_feature_detected!("avx2") {
        all.push(Lanes { name: "avx2", width: HALF, worth_from: 3, compress: compress_avx2 });
    }
}

#[target_feature(enable = "avx512f,avx512vl")]
fn compress_avx512(states: &mut LaneStates, blocks: &LaneBlocks, used: usize) {
    // SAFETY: under the instructions of `Eight` and of `Four`.
    unsafe {
        if used > HALF {
            absorb::<Eight>(states, blocks);
        } else {
            absorb::<Four>(states, blocks);
        }
    }
}

#[target_feature(enable = "avx2")]
fn compress_avx2(states: &mut LaneStates, blocks: &LaneBlocks, _used: usize) {
    // SAFETY: under the instructions of `Plain`.
    unsafe { absorb::<Plain>(states, blocks) }
}

/// A vector of words, one of each lane.
trait Vector: Copy {
    /// The first lanes of a row, as many as the vector has: at most all of them.
    unsafe fn load(row: &Row) -> Self;
    unsafe fn store(self, row: &mut Row);
    unsafe fn splat(word: u64) -> Self;
    unsafe fn plus(self, other: Self) -> Self;
    unsafe fn rotate(self, by: i64) -> Self;
    unsafe fn shift(self, by: i64) -> Self;
    unsafe fn xor(self, b: Self, c: Self) -> Self;
    /// Bits of `b` where `self` has ones, of `c` where it has zeros.
    unsafe fn choose(self, b: Self, c: Self) -> Self;
    unsafe fn majority(self, b: Self, c: Self) -> Self;
}

/// A vocabulary; `$rotate`, `$xor`, `$choose` and `$majority` are expressions of its own.
macro_rules! vocabulary {
    (
        $name:ident($vector:ident) $load:ident $store:ident $splat:ident $add:ident $shift:ident
        rotate |$v:ident, $by:ident| $rotate:expr;
        logic |$a:ident, $b:ident, $c:ident| $xor:expr, $choose:expr, $majority:expr;
    ) => {
        #[derive(Clone, Copy)]
        struct $name($vector);

        impl Vector for $name {
            #[inline(always)]
            unsafe fn load(row: &Row) -> Self {
                $name($load(row.0.as_ptr().cast()))
            }

            #[inline(always)]
            unsafe fn store(self, row: &mut Row) {
                $store(row.0.as_mut_ptr().cast(), self.0);
            }

            #[inline(always)]
            unsafe fn splat(word: u64) -> Self {
                $name($splat(word.cast_signed()))
            }

            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                $name($add(self.0, other.0))
            }

            #[inline(always)]
            unsafe fn rotate(self, $by: i64) -> Self {
                let $v = self.0;
                $name($rotate)
            }

            #[inline(always)]
            unsafe fn shift(self, by: i64) -> Self {
                $name($shift(self.0, $splat(by)))
            }

            #[inline(always)]
            unsafe fn xor(self, $b: Self, $c: Self) -> Self {
                let ($a, $b, $c) = (self.0, $b.0, $c.0);
                $name($xor)
            }

            #[inline(always)]
            unsafe fn choose(self, $b: Self, $c: Self) -> Self {
                let ($a, $b, $c) = (self.0, $b.0, $c.0);
                $name($choose)
            }

            #[inline(always)]
            unsafe fn majority(self, $b: Self, $c: Self) -> Self {
                let ($a, $b, $c) = (self.0, $b.0, $c.0);
                $name($majority)
            }
        }
    };
}

vocabulary! {
    Eight(__m512i) _mm512_load_si512 _mm512_store_si512 _mm512_set1_epi64 _mm512_add_epi64
    _mm512_srlv_epi64
    rotate |v, by| _mm512_rorv_epi64(v, _mm512_set1_epi64(by));
    logic |a, b, c|
        _mm512_ternarylogic_epi64::<0x96>(a, b, c),
        _mm512_ternarylogic_epi64::<0xca>(a, b, c),
        _mm512_ternarylogic_epi64::<0xe8>(a, b, c);
}

vocabulary! {
    Four(__m256i) _mm256_load_si256 _mm256_store_si256 _mm256_set1_epi64x _mm256_add_epi64
    _mm256_srlv_epi64
    rotate |v, by| _mm256_rorv_epi64(v, _mm256_set1_epi64x(by));
    logic |a, b, c|
        _mm256_ternarylogic_epi64::<0x96>(a, b, c),
        _mm256_ternarylogic_epi64::<0xca>(a, b, c),
        _mm256_ternarylogic_epi64::<0xe8>(a, b, c);
}

vocabulary! {
    Plain(__m256i) _mm256_load_si256 _mm256_store_si256 _mm256_set1_epi64x _mm256_add_epi64
    _mm256_srlv_epi64
    rotate |v, by| _mm256_or_si256(
        _mm256_srlv_epi64(v, _mm256_set1_epi64x(by)),
        _mm256_sllv_epi64(v, _mm256_set1_epi64x(64 - by)),
    );
    logic |a, b, c|
        _mm256_xor_si256(_mm256_xor_si256(a, b), c),
        _mm256_xor_si256(c, _mm256_and_si256(a, _mm256_xor_si256(b, c))),
        _mm256_or_si256(
            _mm256_and_si256(a, b),
            _mm256_and_si256(c, _mm256_or_si256(a, b)),
        );
}

/// One round on the words from `$a` to `$h`, which trade places from round to round.
macro_rules! round {
    ($words:ident, $constants:ident, $at:literal,
     $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        let far = $e.rotate(14).xor($e.rotate(18), $e.rotate(41));
        let word = $words[$at].plus(V::splat($constants[$at]));
        let sum = $h.plus(word).plus($e.choose($f, $g)).plus(far);
        $d = $d.plus(sum);
        let near = $a.rotate(28).xor($a.rotate(34), $a.rotate(39));
        $h = sum.plus($a.majority($b, $c)).plus(near);
    };
}

macro_rules! eight_rounds {
    ($words:ident, $constants:ident, $at:literal $at1:literal $at2:literal $at3:literal
     $at4:literal $at5:literal $at6:literal $at7:literal,
     $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        round!($words, $constants, $at, $a $b $c $d $e $f $g $h);
        round!($words, $constants, $at1, $h $a $b $c $d $e $f $g);
        round!($words, $constants, $at2, $g $h $a $b $c $d $e $f);
        round!($words, $constants, $at3, $f $g $h $a $b $c $d $e);
        round!($words, $constants, $at4, $e $f $g $h $a $b $c $d);
        round!($words, $constants, $at5, $d $e $f $g $h $a $b $c);
        round!($words, $constants, $at6, $c $d $e $f $g $h $a $b);
        round!($words, $constants, $at7, $b $c $d $e $f $g $h $a);
    };
}

/// Absorbs a block into as many lanes as a vector has.
#[inline(always)]
unsafe fn absorb<V: Vector>(states: &mut LaneStates, blocks: &LaneBlocks) {
    let mut words = [V::splat(0); 16];
    for (word, row) in words.iter_mut().zip(blocks) {
        *word = V::load(row);
    }
    let mut before = [V::splat(0); 8];
    for (word, row) in before.iter_mut().zip(states.iter()) {
        *word = V::load(row);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = before;
    for (sixteen, constants) in ROUNDS.0.as_chunks::<16>().0.iter().enumerate() {
        if sixteen > 0 {
            extend(&mut words);
        }
        eight_rounds!(words, constants, 0 1 2 3 4 5 6 7, a b c d e f g h);
        eight_rounds!(words, constants, 8 9 10 11 12 13 14 15, a b c d e f g h);
    }
    let after = [a, b, c, d, e, f, g, h];
    for ((row, old), new) in states.iter_mut().zip(before).zip(after) {
        old.plus(new).store(row);
    }
}

/// Replaces sixteen words of the message schedule by the next sixteen.
#[inline(always)]
unsafe fn extend<V: Vector>(words: &mut [V; 16]) {
    for at in 0..16 {
        let (second, last) = (words[(at + 1) % 16], words[(at + 14) % 16]);
        let near = second.rotate(1).xor(second.rotate(8), second.shift(7));
        let far = last.rotate(19).xor(last.rotate(61), last.shift(6));
        words[at] = words[at].plus(near).plus(words[(at + 9) % 16]).plus(far);
    }
}
