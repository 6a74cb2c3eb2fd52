//! How many SHA-512 compressions each request costs; counted, not estimated.

mod engine_support;
mod order_support;

use engine_support::{client_id, engine, price_of, quote, NOW, QUOTE};
use order_support::{place, plain_spec, quote_spec, signer, HOST, NONCE};
use whitewire_core::engine::{flags, ModifyRequest};
use whitewire_core::sign::compressions;
use whitewire_core::template::{
    BulkLeg, BulkTemplate, CancelTemplate, ModifyFields, ModifyTemplate, PlaceFields, PlaceSpec,
    PlaceTemplate, Side, Stp,
};

/// Compressions of one `encode`, and the length of its body.
fn count(encode: impl FnOnce(&mut [u8]) -> usize) -> (u64, usize) {
    let mut out = vec![0; 16_384];
    let before = compressions();
    let len = encode(&mut out);
    let spent = compressions() - before;
    let text = std::str::from_utf8(&out[..len]).expect("ASCII");
    (spent, text.split_once("\r\n\r\n").expect("a blank line").1.len())
}

fn count_place(spec: &PlaceSpec<'_>, client_id: &str, numbers: (&str, &str)) -> u64 {
    let template = place(spec);
    let fields = PlaceFields {
        client_id: client_id.as_bytes(),
        amount: numbers.0.as_bytes(),
        price: numbers.1.as_bytes(),
        nonce: NONCE,
    };
    count(|out| template.encode(&fields, out).expect("encodes")).0
}

#[test]
fn a_plain_order_costs_two() {
    assert_eq!(count_place(&plain_spec("mm-"), "0000012345", ("0.013", "62957.3")), 2);
}

#[test]
fn a_quote_with_an_aligned_prefix_costs_two() {
    let base = "ww-mb5z1k2q-";
    let plain = plain_spec("");
    let path = "/api/v4/order/collateral/limit";
    let collateral = PlaceSpec { market: "BTC_PERP", path, ..quote_spec("") };
    let specs = [
        quote_spec(""),
        PlaceSpec { side: Side::Sell, ..quote_spec("") },
        PlaceSpec { ioc: true, stp: Some(Stp::CancelBoth), ..plain },
        PlaceSpec { stp: Some(Stp::No), ..plain },
        collateral,
        PlaceSpec { side: Side::Sell, ..collateral },
        PlaceSpec { reduce_only: true, ..collateral },
        PlaceSpec { reduce_only: true, side: Side::Sell, ..collateral },
    ];
    for spec in specs {
        let prefix = PlaceTemplate::aligned_client_id_prefix(&spec, base, 10);
        let aligned = PlaceSpec { client_id_prefix: &prefix, ..spec };
        let numbers = ("123456.78901", "9876543.2101");
        assert_eq!(count_place(&aligned, "0000012345", numbers), 2, "24 bytes of numbers");
        let numbers = ("123456.78901", "9876543.21012");
        assert_eq!(count_place(&aligned, "0000012345", numbers), 3, "a byte too many");
        let unaligned = PlaceSpec { client_id_prefix: base, ..spec };
        assert_eq!(count_place(&unaligned, "0000012345", ("0.013", "62957.3")), 3);
    }
}

#[test]
fn a_cancel_by_anybodys_id_costs_three_and_four_with_the_longest() {
    let path = "/api/v4/order/cancel";
    let cancel = CancelTemplate::new(&signer(), HOST, path, "BTC_USDT").expect("valid");
    let cost = |len: usize| {
        let id = vec![b'i'; len];
        count(|out| cancel.encode(&id, NONCE, out).expect("encodes")).0
    };
    assert_eq!(cost(13), 3);
    assert_eq!(cost(63), 3);
    assert_eq!(cost(64), 4);
}

#[test]
fn a_modify_costs_two_with_a_short_id_and_three_with_the_longest() {
    let path = "/api/v4/order/modify";
    let modify =
        ModifyTemplate::new(&signer(), HOST, path, "BTC_USDT", Stp::CancelNew).expect("valid");
    let cost = |len: usize| {
        let id = vec![b'i'; len];
        let change = ModifyFields {
            client_id: &id,
            amount: Some(b"0.013"),
            price: Some(b"62957.3"),
            nonce: NONCE,
        };
        count(|out| modify.encode(&change, out).expect("encodes")).0
    };
    assert_eq!(cost(13), 2);
    assert_eq!(cost(64), 3);
}

#[test]
fn a_bulk_costs_its_body_and_one() {
    let path = "/api/v4/order/bulk";
    let bulk = BulkTemplate::new(&signer(), HOST, path, false).expect("valid");
    let template = place(&quote_spec("ww-mb5z1k2q-"));
    let fields =
        PlaceFields { client_id: b"0000012345", amount: b"0.013", price: b"62957.3", nonce: NONCE };
    let legs = [BulkLeg { place: &template, fields }; 20];
    for n in 1..=20 {
        let (spent, body) = count(|out| bulk.encode(&legs[..n], NONCE, out).expect("encodes"));
        let text = body.div_ceil(3) * 4;
        // Marker and bit count take 17 bytes of the last inner block; the outer hash is one more.
        assert_eq!(spent, (text + 17).div_ceil(128) as u64 + 1, "{n} legs");
    }
}

#[test]
fn templates_and_signers_do_not_pay_for_the_key_again() {
    let signer = signer();
    let before = compressions();
    signer.signature_hex(&[b'A'; 111], &mut [0; 128]);
    assert_eq!(compressions() - before, 2, "one inner block, one outer");
}

#[test]
fn a_cancel_of_an_order_that_was_acknowledged_costs_nothing() {
    for is_padded in [false, true] {
        let mut engine = engine(is_padded);
        let id = client_id(&mut engine, QUOTE, 42);
        let before = compressions();
        assert!(engine.presign(0, &id, NONCE));
        assert_eq!(compressions() - before, 2, "at the ack");
        let ready =
            |out: &mut [u8]| engine.cancel_ready(0, &id, NONCE, NOW, out).expect("is ready").0;
        assert_eq!(count(ready).0, 0);
    }
}

#[test]
fn a_burst_costs_two_for_each_leg() {
    let legs: Vec<_> = (1..=20).map(|number| quote(5_999_000, 10_000, number)).collect();
    let nonces = [NONCE; 20];
    let mut out = vec![0; 20 * 2048];
    for legs in [&legs[..1], &legs[..4], &legs[..9], &legs] {
        let mut engine = engine(false);
        engine.prepare(0, QUOTE).expect("a template");
        let before = compressions();
        let results = engine.place_many(legs, &nonces, NOW, &mut out, 2048);
        assert!(results[..legs.len()].iter().all(Result::is_ok));
        assert_eq!(compressions() - before, 2 * legs.len() as u64);
    }
}

/// Placement, modification and cancel by an id of ours, with these flags.
fn costs(is_padded: bool, flag_bits: u8) -> [u64; 3] {
    let mut engine = engine(is_padded);
    engine.prepare(0, flag_bits).expect("a template");
    let id = client_id(&mut engine, flag_bits, 42);
    let order = whitewire_core::engine::PlaceRequest {
        flags: flag_bits,
        ..quote(price_of(flag_bits), 123_457, 42)
    };
    let place = count(|out| engine.place(&order, NONCE, NOW, out).expect("passes")).0;
    let (price, amount) = (price_of(flag_bits), 123_456);
    let change = ModifyRequest { flags: flag_bits, price, amount, ..ModifyRequest::default() };
    let modify = count(|out| engine.modify(&change, &id, NONCE, NOW, out).expect("passes")).0;
    let cancel = count(|out| engine.cancel(0, &id, NONCE, NOW, out).expect("signed")).0;
    [place, modify, cancel]
}

#[test]
fn padding_brings_every_single_request_to_two() {
    let stp = |mode: u8| mode << flags::STP_SHIFT;
    let kinds = [QUOTE, QUOTE | flags::SELL, stp(1), flags::IOC | stp(3), flags::SELL];
    for kind in kinds {
        assert_eq!(costs(true, kind), [2, 2, 2]);
    }
    assert_eq!(costs(false, QUOTE), [2, 3, 2], "a modification has no room for its id");
    let rpi = flags::RPI | stp(2);
    assert_eq!(costs(true, rpi), [2, 2, 2]);
    assert_eq!(costs(false, rpi)[0], 3, "no client id is long enough for it");
}
