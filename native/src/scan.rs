//! The few operations that are worth vector instructions, once for each instruction set.
//!
//! Owns the choice of the instruction set and its kernels: finding quotes, converting digits, ranking
//! a price among eight. Knows neither JSON nor books. Invariant: all kernels give the same answers on
//! all inputs, or decline with [`DECLINED`]; they read nothing outside of their arguments.

mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use scalar::Scalar;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

use crate::price::MAX_DECIMALS;

/// Most quotes of a frame that the fast path takes: 512 levels and some.
pub const MAX_TOKENS: usize = 2112;
/// Longest frame that the fast path takes: its positions are 16 bits wide.
pub const MAX_FAST_FRAME: usize = 1 << 16;
/// A kernel's answer when it leaves the text to the exact converter.
pub(crate) const DECLINED: i64 = -1;
/// Room after the last token that kernels may overwrite.
const SLACK: usize = 64;

/// Instruction sets that have kernels of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust, on every machine.
    Scalar,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 including VBMI2.
    Avx512,
}

impl Isa {
    /// The fastest one that this machine has.
    #[must_use]
    pub fn detect() -> Self {
        [Self::Avx512, Self::Avx2]
            .into_iter()
            .find(|isa| isa.is_available())
            .unwrap_or(Self::Scalar)
    }

    /// Whether this machine has it.
    #[cfg(target_arch = "x86_64")]
    #[must_use]
    pub fn is_available(self) -> bool {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("bmi1") && has!("bmi2") && has!("popcnt") && has!("lzcnt");
        match self {
            Self::Scalar => true,
            Self::Avx2 => avx2,
            Self::Avx512 => {
                let base = has!("avx512f") && has!("avx512bw") && has!("avx512vl");
                avx2 && base && has!("avx512vbmi") && has!("avx512vbmi2")
            }
        }
    }

    /// Whether this machine has it.
    #[cfg(not(target_arch = "x86_64"))]
    #[must_use]
    pub fn is_available(self) -> bool {
        self == Self::Scalar
    }
}

/// Positions of the quotes of one frame.
#[derive(Debug)]
pub(crate) struct Tokens {
    at: Box<[u16; MAX_TOKENS + SLACK]>,
    len: usize,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self {
            at: Box::new([0; MAX_TOKENS + SLACK]),
            len: 0,
        }
    }

    /// Positions found by the last scan; none at all if the frame is not for the fast path.
    #[inline(always)]
    pub(crate) fn positions(&self) -> &[u16] {
        &self.at[..self.len.min(MAX_TOKENS)]
    }
}

/// How many of eight keys stand before a key, and whether the next one is equal to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) before: usize,
    pub(crate) equal: bool,
}

/// The vector operations of one instruction set.
///
/// # Safety
/// Every method needs a machine where [`Isa::is_available`] holds for the kernel's set. Methods are
/// inlined into a caller that enables the set's features; that is what makes them fast, not what
/// makes them sound.
pub(crate) trait Kernel {
    /// Finds all quotes of a frame shorter than [`MAX_FAST_FRAME`].
    unsafe fn quotes(frame: &[u8], tokens: &mut Tokens);

    /// Converts a plain unsigned decimal in `text[..len]`, see [`Scale`]; may decline.
    unsafe fn number(text: &[u8; 16], len: usize, scale: &Scale) -> i64;

    /// Converts the last `len` bytes of `text`, digits without leading zero, at most 16; may decline.
    unsafe fn integer(text: &[u8; 16], len: usize) -> i64;

    /// Converts `text[..len]`, seconds with ten digits and a fraction, to ns; may decline.
    unsafe fn seconds(text: &[u8; 27], len: usize) -> i64;

    /// Position of the first comma, 32 if there is none.
    unsafe fn comma(text: &[u8; 32]) -> usize;

    /// Ranks a key among eight; those before it must be a prefix.
    unsafe fn rank(keys: &[i64; 8], key: i64) -> Rank;
}

/// Byte order for a 16-digit integer whose last digits are a number's decimals.
type Shuffle = [u8; 16];

/// For each count of decimals and each position of the point: where the sixteen digits come from.
static SHUFFLES: [[Shuffle; 17]; MAX_DECIMALS as usize + 1] = shuffles();

const fn shuffles() -> [[Shuffle; 17]; MAX_DECIMALS as usize + 1] {
    const ABSENT: u8 = 0x80;
    let mut table = [[[ABSENT; 16]; 17]; MAX_DECIMALS as usize + 1];
    let mut decimals = 0;
    while decimals < table.len() {
        let mut point = 0;
        while point <= 16 {
            let mut to = 0;
            while to < 16 {
                // The digits before the point end at 16 - decimals, those after it start there.
                let after = to >= 16 - decimals;
                let from = to + point + decimals + after as usize;
                if from >= 16 && from < 32 {
                    table[decimals][point][to] = (from - 16) as u8;
                }
                to += 1;
            }
            point += 1;
        }
        decimals += 1;
    }
    table
}

/// A market's scale, prepared for [`Kernel::number`].
///
/// The kernels take `digits` or `digits.digits` of at most 16 bytes whose decimals fit the scale as
/// they are written. They decline everything else, also what is merely unusual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) decimals: i8,
    /// Most digits before the point.
    max_int: usize,
    /// Bit n is set if a text may have n bytes from its point on.
    tails: u32,
    shuffles: &'static [Shuffle; 17],
}

impl Scale {
    /// Prepares a scale; with negative decimals the kernels decline every text.
    pub(crate) fn new(decimals: i8) -> Self {
        let places = usize::try_from(decimals)
            .unwrap_or(0)
            .min(SHUFFLES.len() - 1);
        let max_int = if decimals < 0 { 0 } else { 16 - places };
        let tails = ((1 << (places + 2)) - 1) & !0b10;
        Self {
            decimals,
            max_int,
            tails,
            shuffles: &SHUFFLES[places],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price;

    /// Runs a check on every kernel that this machine has.
    macro_rules! on_each_kernel {
        ($check:ident) => {{
            $check::<Scalar>();
            #[cfg(target_arch = "x86_64")]
            {
                if Isa::Avx2.is_available() {
                    $check::<Avx2>();
                }
                if Isa::Avx512.is_available() {
                    $check::<Avx512>();
                }
            }
        }};
    }

    fn check_number<K: Kernel>() {
        let texts = [
            "0",
            "5",
            "9.5",
            "62957.3",
            "0.017",
            "1234567890123456",
            "0.000011751",
            "1.",
            ".5",
            "",
            "12a4",
            "-1",
            "1e5",
            "00012.50",
            "9999999.99999999",
            "1..2",
            "1.2.3",
            "+7",
            "1 ",
        ];
        for decimals in -2..=12 {
            let scale = Scale::new(decimals);
            for text in texts {
                let mut window = [b'7'; 16];
                window[..text.len()].copy_from_slice(text.as_bytes());
                // SAFETY: only kernels of this machine are checked.
                let got = unsafe { K::number(&window, text.len(), &scale) };
                let exact = price::parse(text.as_bytes(), decimals);
                assert!(
                    got == DECLINED || Ok(got) == exact,
                    "{text} at {decimals}: {got}"
                );
                if decimals == 8 && text == "62957.3" {
                    assert_eq!(got, 6_295_730_000_000);
                }
            }
        }
    }

    fn check_quotes<K: Kernel>() {
        for len in 0..300 {
            let frame: Vec<u8> = (0..len)
                .map(|i| if (i * 7 + len) % 5 == 0 { b'"' } else { b'x' })
                .collect();
            let want: Vec<u16> = (0..)
                .zip(&frame)
                .filter(|(_, c)| **c == b'"')
                .map(|(i, _)| i)
                .collect();
            let mut tokens = Tokens::new();
            // SAFETY: only kernels of this machine are checked.
            unsafe { K::quotes(&frame, &mut tokens) };
            assert_eq!(tokens.positions(), want);
        }
    }

    fn check_crowded<K: Kernel>() {
        let mut tokens = Tokens::new();
        for len in [33, 64, 65, 4000] {
            let frame = vec![b'"'; len];
            // SAFETY: only kernels of this machine are checked.
            unsafe { K::quotes(&frame, &mut tokens) };
            let found = tokens.positions();
            assert!(found.is_empty() || found.iter().copied().eq(0..found.len() as u16));
        }
    }

    fn check_integer_and_seconds<K: Kernel>() {
        for (text, want) in [
            ("7", 7),
            ("22216668616", 22_216_668_616),
            ("1234567890123456", 1_234_567_890_123_456),
        ] {
            let mut window = [b'9'; 16];
            window[16 - text.len()..].copy_from_slice(text.as_bytes());
            // SAFETY: only kernels of this machine are checked.
            assert_eq!(unsafe { K::integer(&window, text.len()) }, want);
        }
        for text in ["12x4", "-5", "", "1.5", "05"] {
            let mut window = [b'9'; 16];
            window[16 - text.len()..].copy_from_slice(text.as_bytes());
            // SAFETY: only kernels of this machine are checked.
            assert_eq!(unsafe { K::integer(&window, text.len()) }, DECLINED);
        }
        let texts = [
            "1785730136.175524",
            "1785730136.2352009",
            "1785730136.0",
            "1785730136.1234567899",
            "1785730136",
            "785730136.5",
            "9999999999.5",
            "1785730136.",
            "17857301x6.2",
            "1785730136.2e1",
            "0785730136.5",
        ];
        for text in texts {
            let mut window = [b'9'; 27];
            window[..text.len()].copy_from_slice(text.as_bytes());
            // SAFETY: only kernels of this machine are checked.
            let got = unsafe { K::seconds(&window, text.len()) };
            let exact = price::parse_seconds(text.as_bytes());
            assert!(got == DECLINED || Ok(got) == exact, "{text}: {got}");
            if text.starts_with("1785730136.1755") {
                assert_eq!(got, 1_785_730_136_175_524_000);
            }
        }
    }

    fn check_rank_and_comma<K: Kernel>() {
        let keys = [-9, -4, 0, 3, 8, 8 << 40, i64::MAX, i64::MIN];
        for key in [-10, -9, -5, -4, 0, 1, 3, 8, 9, 8 << 40] {
            let before = keys.iter().take_while(|k| **k < key).count();
            let want = Rank {
                before,
                equal: keys[before] == key,
            };
            // SAFETY: only kernels of this machine are checked.
            assert_eq!(unsafe { K::rank(&keys, key) }, want);
        }
        // SAFETY: only kernels of this machine are checked.
        assert_eq!(
            unsafe { K::rank(&[1; 8], 2) },
            Rank {
                before: 8,
                equal: false
            }
        );
        for at in 0..=32 {
            let mut text = [b'1'; 32];
            text[at.min(31)..].fill(if at < 32 { b',' } else { b'1' });
            // SAFETY: only kernels of this machine are checked.
            assert_eq!(unsafe { K::comma(&text) }, at);
        }
    }

    #[test]
    fn kernels_convert_numbers_exactly_or_decline() {
        on_each_kernel!(check_number);
    }

    #[test]
    fn kernels_find_every_quote() {
        on_each_kernel!(check_quotes);
    }

    #[test]
    fn kernels_decline_a_frame_of_quotes() {
        on_each_kernel!(check_crowded);
    }

    #[test]
    fn kernels_convert_integers_and_seconds() {
        on_each_kernel!(check_integer_and_seconds);
    }

    #[test]
    fn kernels_rank_and_find_commas() {
        on_each_kernel!(check_rank_and_comma);
    }
}
