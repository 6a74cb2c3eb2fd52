//! Each kernel against the exact converters, or against its meaning in one line.

use super::*;
use crate::price;

/// Runs a check on every kernel that this machine has.
macro_rules! on_each_kernel {
    ($check:ident) => {{
        $check::<Scalar>();
        #[cfg(target_arch = "aarch64")]
        $check::<Neon>();
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

fn check_level<K: Kernel>() {
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
    for (price, amount) in (-2..=12).flat_map(|price| (-2..=12).map(move |n| (price, n))) {
        let scales = Scales { price: Scale::new(price), amount: Scale::new(amount) };
        let windows = texts.map(|text| {
            let mut window = [b'7'; 16];
            window[16 - text.len()..].copy_from_slice(text.as_bytes());
            (text, window)
        });
        for (first, second) in windows.iter().zip(windows.iter().cycle().skip(3)) {
            let [one, two] = [first, second].map(|(text, window)| Tail { window, len: text.len() });
            // SAFETY: only kernels of this machine are checked.
            let got = unsafe { K::level(one, two, scales) };
            let exact = [(first.0, price), (second.0, amount)]
                .map(|(text, decimals)| price::parse(text.as_bytes(), decimals));
            assert!(got.is_none_or(|got| exact == [Ok(got.0), Ok(got.1)]), "{got:?} {exact:?}");
        }
    }
    let scales = Scales { price: Scale::new(1), amount: Scale::new(3) };
    let [one, two] = [b"xxxxxxxxx62957.3", b"77777777777\"0.17"];
    let (one, two) = (Tail { window: one, len: 7 }, Tail { window: two, len: 4 });
    // SAFETY: only kernels of this machine are checked.
    assert_eq!(unsafe { K::level(one, two, scales) }, Some((629_573, 170)));
}

fn check_quotes<K: Kernel>() {
    for len in 0..300 {
        let frame: Vec<u8> =
            (0..len).map(|i| if (i * 7 + len) % 5 == 0 { b'"' } else { b'x' }).collect();
        let want: Vec<u16> =
            (0..).zip(&frame).filter(|(_, c)| **c == b'"').map(|(i, _)| i).collect();
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
        assert!(found.is_empty() || found.iter().map(|at| usize::from(*at)).eq(0..found.len()));
    }
}

fn check_integer_and_seconds<K: Kernel>() {
    for (text, want) in
        [("7", 7), ("22216668616", 22_216_668_616), ("1234567890123456", 1_234_567_890_123_456)]
    {
        let mut window = [b'9'; 16];
        window[16 - text.len()..].copy_from_slice(text.as_bytes());
        // SAFETY: only kernels of this machine are checked.
        assert_eq!(unsafe { K::integer(&window, text.len()) }, Some(want));
    }
    for text in ["12x4", "-5", "", "1.5", "05"] {
        let mut window = [b'9'; 16];
        window[16 - text.len()..].copy_from_slice(text.as_bytes());
        // SAFETY: only kernels of this machine are checked.
        assert_eq!(unsafe { K::integer(&window, text.len()) }, None);
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
        assert!(got.is_none_or(|got| Ok(got) == exact), "{text}: {got:?}");
        if text.starts_with("1785730136.1755") {
            assert_eq!(got, Some(1_785_730_136_175_524_000));
        }
    }
}

fn check_rank_and_comma<K: Kernel>() {
    let mut keys = [i64::MAX; 16];
    keys[..6].copy_from_slice(&[-9, -4, 0, 3, 8, 8 << 40]);
    for key in [-10, -9, -5, -4, 0, 1, 3, 8, 9, 8 << 40] {
        let before = keys.iter().take_while(|k| **k < key).count();
        let want = Rank { before, equal: keys[before] == key };
        // SAFETY: only kernels of this machine are checked.
        assert_eq!(unsafe { K::rank(&keys, key) }, want);
    }
    // What stands behind a side's end is not looked at.
    keys[9..].copy_from_slice(&[-20, 0, 3, 8, -1, 1, 2]);
    // SAFETY: only kernels of this machine are checked.
    assert_eq!(unsafe { K::rank(&keys, 8 << 41) }, Rank { before: 6, equal: false });
    // SAFETY: only kernels of this machine are checked.
    assert_eq!(unsafe { K::rank(&[1; LANES], 2) }, Rank { before: LANES, equal: false });
    for (step, shift) in (1..20).flat_map(|step| (0..step).map(move |shift| (step, shift))) {
        let text = core::array::from_fn(|at| if at % step == shift { b',' } else { b'"' });
        let want = (0..64).filter(|at| at % step == shift).fold(0, |mask, at| mask | 1u64 << at);
        // SAFETY: only kernels of this machine are checked.
        assert_eq!(unsafe { K::commas(&text) }, want);
    }
}

/// A window that ends with four texts, and the places of the commas before them.
fn window_of(texts: [&str; 4], part: &str) -> ([u8; 64], u64) {
    let [a, b, c, d] = texts;
    let end = format!("9\"{part}\"{a}\"{part}\"{b}\"{part}\"{c}\"{part}\"{d}\"");
    let mut window = [b'7'; 64];
    window[64 - end.len()..].copy_from_slice(end.as_bytes());
    let commas = (0..64).filter(|at| window[*at] == b',').fold(0, |mask, at| mask | 1u64 << at);
    (window, commas)
}

fn check_top<K: Kernel>() {
    let texts = ["0", "62957.3", "0.017", "123456789", "1.", ".5", "", "1a", "1..2", "00.50", "5"];
    let mut taken = 0;
    for (price, amount) in [(0, 0), (1, 3), (12, 12), (2, 8), (-1, 3)] {
        let scales = Scales { price: Scale::new(price), amount: Scale::new(amount) };
        for at in 0..texts.len().pow(3) {
            let [a, b, c] = [1, 11, 121].map(|step| texts[at / step % 11]);
            let four = [a, b, c, "62957"];
            let exact = [price, amount, price, amount].into_iter().zip(four);
            let exact = exact.map(|(decimals, text)| price::parse(text.as_bytes(), decimals));
            let (spaced, commas) = window_of(four, ", ");
            // SAFETY: only kernels of this machine are checked.
            let found = unsafe { K::top::<true>(&spaced, commas, scales) };
            let (compact, commas) = window_of(four, ",");
            // SAFETY: only kernels of this machine are checked.
            assert_eq!(unsafe { K::top::<false>(&compact, commas, scales) }, found, "{four:?}");
            if let Some(found) = found {
                assert!(exact.eq(found.map(Ok)), "{four:?} {found:?}");
                taken += 1;
            }
            // SAFETY: only kernels of this machine are checked.
            assert_eq!(unsafe { K::top::<false>(&spaced, commas, scales) }, None);
        }
    }
    assert_eq!(taken > 0, K::READS_TOPS);
}

fn check_last_four<K: Kernel>() {
    for (bits, want) in [
        (0, 0),
        (0b101, 0b101),
        (0b1111, 0b1111),
        (0b11_0111, 0b11_0110),
        (u64::MAX, 0xf << 60),
        (1 << 63 | 0x4421, 1 << 63 | 0x4420),
    ] {
        // SAFETY: only kernels of this machine are checked.
        assert_eq!(unsafe { K::last_four(bits) }, want);
    }
}

#[test]
fn kernels_read_tops_exactly_or_decline() {
    on_each_kernel!(check_top);
    on_each_kernel!(check_last_four);
}

#[test]
fn kernels_convert_numbers_exactly_or_decline() {
    on_each_kernel!(check_level);
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
