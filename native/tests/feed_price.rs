//! Decimal texts and scaled integers: exact, or an error.

use proptest::prelude::*;
use whitewire_core::price::{
    format as format_price, is_number, is_plain_decimal, parse, parse_seconds, NumberError,
};

fn text_of(value: i64, decimals: i8) -> String {
    let mut out = [0; 40];
    let len = format_price(value, decimals, &mut out);
    String::from_utf8(out[..len].to_vec()).unwrap()
}

/// The same by inserting the point into the digits.
fn slow_text_of(value: i64, decimals: i8) -> String {
    let places = usize::from(decimals.unsigned_abs());
    let digits = value.unsigned_abs().to_string();
    let text = if decimals < 0 {
        format!("{digits}{}", "0".repeat(places))
    } else {
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        format!("{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let sign = if value < 0 { "-" } else { "" };
    if value == 0 {
        "0".to_owned()
    } else {
        format!("{sign}{text}")
    }
}

#[test]
fn parses_what_the_venue_prints() {
    let cases: [(&str, i8, i64); 17] = [
        ("62957.3", 1, 629_573),
        ("62957.3", 3, 62_957_300),
        ("63117", 1, 631_170),
        ("0", 8, 0),
        ("0.0", 0, 0),
        ("0e-8", 3, 0),
        ("1e-8", 8, 1),
        ("1E-8", 10, 100),
        ("5E+3", 0, 5000),
        ("5e3", -3, 5),
        ("0.000011751", 9, 11_751),
        ("12547000", -3, 12_547),
        ("1916.40", 1, 19_164),
        ("007.50", 1, 75),
        ("-5.25", 2, -525),
        ("9223372036854775807", 0, i64::MAX),
        ("-9223372036854775808", 0, i64::MIN),
    ];
    for (text, decimals, want) in cases {
        assert_eq!(parse(text.as_bytes(), decimals), Ok(want), "{text} at {decimals}");
    }
}

#[test]
fn refuses_what_is_no_number() {
    assert_eq!(parse(b"", 1), Err(NumberError::Empty));
    for text in [
        "-", ".", "5.", ".5", "1.2.3", "+1", " 1", "1 ", "1e", "1e+", "e5", "0x1", "1,5", "NaN",
        "--1", "\u{661}",
    ] {
        assert_eq!(parse(text.as_bytes(), 1), Err(NumberError::Syntax), "{text}");
        assert!(!is_number(text.as_bytes()), "{text}");
    }
}

#[test]
fn refuses_to_round() {
    for (text, decimals) in [("0.05", 1), ("1.001", 2), ("1e-9", 8), ("5", -1), ("1234", -3)] {
        assert_eq!(parse(text.as_bytes(), decimals), Err(NumberError::Inexact), "{text}");
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let long = "1".repeat(400);
    let texts =
        ["9223372036854775808", "-9223372036854775809", "1e19", "1e999999999999999999999", &long];
    for text in texts {
        assert_eq!(parse(text.as_bytes(), 0), Err(NumberError::Overflow), "{text}");
    }
    assert_eq!(parse(b"9223372036854775807", 1), Err(NumberError::Overflow));
    assert_eq!(parse(b"1", 13), Err(NumberError::Overflow));
    assert_eq!(parse(b"1", -13), Err(NumberError::Overflow));
    assert_eq!(parse(b"0e999999999999999999999", 2), Ok(0));
    assert_eq!(parse(b"1e-999999999999999999999", 2), Err(NumberError::Inexact));
}

#[test]
fn formats_the_shortest_plain_text() {
    let cases: [(i64, i8, &str); 11] = [
        (0, 3, "0"),
        (0, -3, "0"),
        (629_573, 1, "62957.3"),
        (629_570, 1, "62957"),
        (5, 3, "0.005"),
        (-5, 3, "-0.005"),
        (-1200, 3, "-1.2"),
        (7, -3, "7000"),
        (1, 12, "0.000000000001"),
        (i64::MIN, 12, "-9223372.036854775808"),
        (i64::MIN, -12, "-9223372036854775808000000000000"),
    ];
    for (value, decimals, want) in cases {
        assert_eq!(text_of(value, decimals), want);
    }
}

#[test]
fn knows_what_may_be_sent() {
    for text in ["1", "0.001", "60000.1", "007", "12345678901234567890123456789012"] {
        assert!(is_plain_decimal(text.as_bytes()), "{text}");
    }
    let unfit = [
        "",
        "0",
        "0.000",
        "-1",
        "+1",
        "1e5",
        "1.",
        ".5",
        "1.2.3",
        "1 ",
        "123456789012345678901234567890123",
    ];
    for text in unfit {
        assert!(!is_plain_decimal(text.as_bytes()), "{text}");
    }
}

#[test]
fn reads_seconds_to_the_nanosecond() {
    let cases = [
        ("1785730136.2352009", 1_785_730_136_235_200_900),
        ("1785730136.123456789", 1_785_730_136_123_456_789),
        ("1785730136.1234567899", 1_785_730_136_123_456_789),
        ("1785730136", 1_785_730_136_000_000_000),
        ("1.785730136e9", 1_785_730_136_000_000_000),
        ("0.0", 0),
    ];
    for (text, want) in cases {
        assert_eq!(parse_seconds(text.as_bytes()), Ok(want), "{text}");
    }
    assert_eq!(parse_seconds(b"-1"), Err(NumberError::Overflow));
    assert_eq!(parse_seconds(b"99999999999"), Err(NumberError::Overflow));
    assert_eq!(parse_seconds(b"soon"), Err(NumberError::Syntax));
}

proptest! {
    #[test]
    fn format_and_parse_are_inverse(value: i64, decimals in -12i8..=12) {
        let text = text_of(value, decimals);
        prop_assert_eq!(parse(text.as_bytes(), decimals), Ok(value));
        prop_assert!(!text.contains(['e', 'E', '+']));
        prop_assert!(!text.contains('.') || !text.ends_with(['0', '.']));
        prop_assert_eq!(is_plain_decimal(text.as_bytes()), value > 0 && text.len() <= 32);
    }

    #[test]
    fn numbers_of_every_length_format_like_their_digits(
        value: i64, shift in 0u32..64, zeros in 0u32..9, decimals in -12i8..=12,
    ) {
        let value = (value >> shift) / 10i64.pow(zeros) * 10i64.pow(zeros);
        prop_assert_eq!(text_of(value, decimals), slow_text_of(value, decimals));
    }

    /// Against 128-bit arithmetic on the parts.
    #[test]
    fn parse_agrees_with_wide_arithmetic(
        whole in 0u64..=99_999_999,
        fraction in "[0-9]{0,8}",
        power in -9i32..=9,
        decimals in -12i8..=12,
        negative: bool,
    ) {
        let sign = if negative { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        let text = format!("{sign}{whole}{point}{fraction}e{power}");
        let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
        let shift = power + i32::from(decimals) - i32::try_from(fraction.len()).unwrap();
        let unit = 10i128.pow(shift.unsigned_abs());
        let want = if shift >= 0 {
            i64::try_from(digits * unit).map_err(|_| NumberError::Overflow)
        } else if digits % unit == 0 {
            Ok(i64::try_from(digits / unit).unwrap())
        } else {
            Err(NumberError::Inexact)
        };
        let want = want.map(|value| if negative { -value } else { value });
        prop_assert_eq!(parse(text.as_bytes(), decimals), want);
    }

    /// A leading zero means nothing, and keeps a text from the short way.
    #[test]
    fn the_short_way_is_right(text in "[0-9]{1,20}", time in "[0-9]{10}[.][0-9]{0,17}") {
        let (long, late) = (format!("{text:0>20}"), format!("0{time}"));
        prop_assert_eq!(parse(text.as_bytes(), 0), parse(long.as_bytes(), 0));
        prop_assert_eq!(parse_seconds(time.as_bytes()), parse_seconds(late.as_bytes()));
    }

    #[test]
    fn parse_never_panics(text: Vec<u8>, decimals: i8) {
        let parsed = parse(&text, decimals);
        prop_assert!(parsed.is_err() || is_number(&text));
    }
}
