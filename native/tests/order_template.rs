//! The place request: its layout, its refusals, its aligned client ids.

mod order_support;

use order_support::{
    fields, open, place, placed, plain_spec, quote_spec, signer, CANCEL, HOST, MODIFY, NEW,
};
use whitewire_core::template::{
    CancelTemplate, EncodeError, ModifyTemplate, PlaceFields, PlaceSpec, PlaceTemplate, Side, Stp,
    TemplateError,
};

#[test]
fn a_plain_order_is_bare() {
    let body = placed(&place(&plain_spec("mm-")), &fields("0000012345", "0.013", "62957.3"));
    assert_eq!(
        body.expect("encodes"),
        "{\"request\":\"/api/v4/order/new\",\"nonceWindow\":true,\"market\":\"BTC_USDT\",\
         \"side\":\"buy\",\"clientOrderId\":\"mm-0000012345\",\"amount\":\"0.013\",\
         \"price\":\"62957.3\",\"nonce\":1785730136175}"
    );
}

#[test]
fn options_come_before_the_market() {
    let body = |spec: &PlaceSpec<'_>| {
        let body = placed(&place(spec), &fields("1", "2", "3")).expect("encodes");
        let start = body.find("true,").expect("the window flag") + 5;
        body[start..body.find("\"market\"").expect("a market")].to_owned()
    };
    let plain = plain_spec("");
    assert_eq!(body(&plain), "");
    assert_eq!(body(&quote_spec("")), "\"postOnly\":true,\"ioc\":false,\"stp\":\"cn\",");
    let ioc = PlaceSpec { ioc: true, ..plain };
    assert_eq!(body(&ioc), "\"postOnly\":false,\"ioc\":true,");
    let rpi = PlaceSpec { rpi: true, stp: Some(Stp::CancelOld), ..plain };
    assert_eq!(body(&rpi), "\"rpi\":true,\"stp\":\"co\",", "post-only is not named beside it");
    for (stp, wire) in [(Stp::No, "no"), (Stp::CancelBoth, "cb")] {
        let spec = PlaceSpec { stp: Some(stp), ..plain };
        assert_eq!(body(&spec), format!("\"postOnly\":false,\"ioc\":false,\"stp\":\"{wire}\","));
    }
}

#[test]
fn flags_that_exclude_each_other_are_refused_with_the_venues_number() {
    let cases = [
        ((true, true, false), TemplateError::IocPostOnly, "37"),
        ((false, true, true), TemplateError::IocRpi, "40"),
        ((true, false, true), TemplateError::RpiPostOnly, "30"),
    ];
    for ((post_only, ioc, rpi), error, code) in cases {
        let spec = PlaceSpec { post_only, ioc, rpi, ..plain_spec("") };
        let refused = PlaceTemplate::new(&signer(), &spec).err().expect("refused");
        assert_eq!(refused, error);
        assert!(refused.to_string().contains(code), "{refused}");
    }
}

#[test]
fn constant_texts_that_would_need_escaping_are_refused() {
    let refused =
        |spec: PlaceSpec<'_>| PlaceTemplate::new(&signer(), &spec).err().expect("refused");
    let plain = plain_spec("");
    for host in ["", "a b", "a\r\nX: y", "h\u{e9}"] {
        assert_eq!(refused(PlaceSpec { host, ..plain }), TemplateError::BadHost, "{host:?}");
    }
    for path in ["", "api", "/a b", "/a\"b", "/a\\b", "/a\r\n", "/a?b"] {
        assert_eq!(refused(PlaceSpec { path, ..plain }), TemplateError::BadPath, "{path:?}");
    }
    let long = "A".repeat(33);
    for market in ["", "btc_usdt", "BTC/USDT", "BTC\"", long.as_str()] {
        assert_eq!(refused(PlaceSpec { market, ..plain }), TemplateError::BadMarket, "{market:?}");
        assert!(CancelTemplate::new(&signer(), HOST, CANCEL, market).is_err());
        assert!(ModifyTemplate::new(&signer(), HOST, MODIFY, market, Stp::No).is_err());
    }
    let full = "a".repeat(64);
    for client_id_prefix in ["a.b", "a_b", "a\"", "\u{e9}", full.as_str()] {
        let error = refused(PlaceSpec { client_id_prefix, ..plain });
        assert_eq!(error, TemplateError::BadClientIdPrefix, "{client_id_prefix:?}");
    }
}

#[test]
fn unsafe_fields_are_refused() {
    let template = place(&quote_spec("mm-"));
    let refused = |id: &str, amount: &str, price: &str| {
        placed(&template, &fields(id, amount, price)).expect_err("refused")
    };
    let zeros = "0".repeat(32);
    let long = format!("1{zeros}");
    let numbers = [
        "",
        "0",
        "0.0",
        "-1",
        "+1",
        "1e3",
        ".5",
        "5.",
        "1.2.3",
        "1,5",
        " 1",
        "1\"",
        ".",
        "\u{661}",
        zeros.as_str(),
        long.as_str(),
    ];
    for number in numbers {
        assert_eq!(refused("1", number, "1"), EncodeError::BadAmount, "{number:?}");
        assert_eq!(refused("1", "1", number), EncodeError::BadPrice, "{number:?}");
    }
    let long = "1".repeat(62);
    for id in ["", "a.b", "a_b", "a b", "a\"", "\u{e9}", "a\n", long.as_str()] {
        assert_eq!(refused(id, "1", "1"), EncodeError::BadClientId, "{id:?}");
    }
    assert!(placed(&template, &fields(&long[1..], "1", "1")).is_ok(), "64 with the prefix");
    let nonceless = PlaceFields { nonce: 0, ..fields("1", "1", "1") };
    assert_eq!(placed(&template, &nonceless), Err(EncodeError::BadNonce));
}

#[test]
fn an_output_one_byte_short_is_refused_and_said_how_long() {
    let template = place(&plain_spec(""));
    let order = fields("1", "2", "3");
    let mut out = vec![0xaa; template.max_len()];
    let len = template.encode(&order, &mut out).expect("encodes");
    let refused = template.encode(&order, &mut vec![0; len - 1]);
    assert_eq!(refused, Err(EncodeError::DoesNotFit { needed: len }));
    assert_eq!(template.encode(&order, &mut vec![0; len]), Ok(len));
    assert!(out[len..].iter().all(|byte| *byte == 0xaa), "nothing is written after the request");
}

#[test]
fn aligned_prefixes_end_where_a_block_ends() {
    let base = "ww-mb5z1k2q-";
    for path in [NEW, "/api/v4/order/collateral/limit"] {
        for market in ["BTC_USDT", "BTC_PERP", "DBTC_DUSDT", "1000SHIB_USDT"] {
            for side in [Side::Buy, Side::Sell] {
                let spec = PlaceSpec { path, market, side, ..quote_spec("") };
                let prefix = PlaceTemplate::aligned_client_id_prefix(&spec, base, 10);
                assert!(prefix.len() > base.len(), "{path} {market} {side:?}");
                assert!(prefix.len() + 10 <= 64);
                assert_eq!(prefix.trim_end_matches('0'), base);
                let spec = PlaceSpec { client_id_prefix: &prefix, ..spec };
                let mut out = vec![0; 4096];
                let len = place(&spec).encode(&fields("9", "1", "1"), &mut out).expect("encodes");
                let body = open(&out[..len], path);
                assert_eq!(body.find("9\",\"amount\"").expect("the suffix") % 96, 0);
            }
        }
    }
}

#[test]
fn a_base_that_cannot_be_aligned_is_left_alone() {
    let aligned = PlaceTemplate::aligned_client_id_prefix;
    assert_eq!(aligned(&plain_spec(""), "mm-", 10), "mm-", "already past a block end");
    assert_eq!(aligned(&quote_spec(""), "ww-mb5z1k2q-", 12), "ww-mb5z1k2q-", "65 characters");
    assert_eq!(aligned(&quote_spec(""), "a", 33), "a", "the tail would need a block of its own");
    let refused = PlaceSpec { ioc: true, ..quote_spec("") };
    assert_eq!(aligned(&refused, "ww-", 10), "ww-");
}
