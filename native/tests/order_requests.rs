//! Cancel, modify, bulk and raw requests, and how long any request can be.

mod order_support;

use order_support::{
    fields, open, place, plain_spec, quote_spec, signer, BULK, CANCEL, HOST, MODIFY, NEW, NONCE,
};
use whitewire_core::template::{
    BulkLeg, BulkTemplate, CancelTemplate, EncodeError, ModifyFields, ModifyTemplate, PlaceFields,
    PlaceSpec, RawTemplate, Side, Stp,
};

#[test]
fn the_longest_fields_fill_max_len() {
    let nonce = u64::MAX;
    let number = "1".repeat(32);
    let id = "i".repeat(61);
    let order = PlaceFields { nonce, ..fields(&id, &number, &number) };
    let template = place(&quote_spec("mm-"));
    let mut out = vec![0; 8192];
    assert_eq!(template.encode(&order, &mut out), Ok(template.max_len()));

    let id = "i".repeat(64);
    let (id, number) = (id.as_bytes(), number.as_bytes());
    let cancel = CancelTemplate::new(&signer(), HOST, CANCEL, "BTC_USDT").expect("valid");
    assert_eq!(cancel.encode(id, nonce, &mut out), Ok(cancel.max_len()));
    let modify = ModifyTemplate::new(&signer(), HOST, MODIFY, "BTC_USDT", Stp::No).expect("valid");
    let change = ModifyFields { client_id: id, amount: Some(number), price: Some(number), nonce };
    assert_eq!(modify.encode(&change, &mut out), Ok(modify.max_len()));
    let raw = RawTemplate::new(&signer(), HOST, NEW).expect("valid");
    assert_eq!(raw.encode(b"\"a\":1", nonce, &mut out), Ok(raw.max_len(5)));

    let market = "M".repeat(32);
    let spec = PlaceSpec {
        market: &market,
        side: Side::Sell,
        stp: Some(Stp::No),
        reduce_only: true,
        ..plain_spec("")
    };
    let place = place(&spec);
    let fields = PlaceFields { client_id: id, amount: number, price: number, nonce };
    let legs = [BulkLeg { place: &place, fields }; 20];
    let bulk = BulkTemplate::new(&signer(), HOST, BULK, true).expect("valid");
    let mut out = vec![0; bulk.max_len()];
    let len = bulk.encode(&legs, nonce, &mut out).expect("the longest bulk fits");
    assert!(bulk.max_len() - len <= 8, "and max_len is not wasteful: {len}");
}

#[test]
fn a_cancel_names_the_order_by_client_id() {
    let cancel = CancelTemplate::new(&signer(), HOST, CANCEL, "BTC_PERP").expect("valid");
    let mut out = vec![0; cancel.max_len()];
    let len = cancel.encode(b"someone.else_1-x", NONCE, &mut out).expect("encodes");
    assert_eq!(
        open(&out[..len], CANCEL),
        "{\"request\":\"/api/v4/order/cancel\",\"nonceWindow\":true,\"market\":\"BTC_PERP\",\
         \"clientOrderId\":\"someone.else_1-x\",\"nonce\":1785730136175}"
    );
    for id in [&b""[..], b"a b", b"a\"", &[b'a'; 65]] {
        assert_eq!(cancel.encode(id, NONCE, &mut out), Err(EncodeError::BadClientId));
    }
    assert_eq!(cancel.encode(b"a", 0, &mut out), Err(EncodeError::BadNonce));
}

#[test]
fn a_modify_sends_the_stp_mode_and_only_what_changes() {
    let stp = Stp::CancelNew;
    let modify = ModifyTemplate::new(&signer(), HOST, MODIFY, "BTC_USDT", stp).expect("valid");
    let mut out = vec![0; modify.max_len()];
    let mut encode = |amount: Option<&str>, price: Option<&str>| {
        let change = ModifyFields {
            client_id: b"q-1",
            amount: amount.map(str::as_bytes),
            price: price.map(str::as_bytes),
            nonce: NONCE,
        };
        let len = modify.encode(&change, &mut out)?;
        Ok(open(&out[..len], MODIFY))
    };
    let start = "{\"request\":\"/api/v4/order/modify\",\"nonceWindow\":true,\"stp\":\"cn\",\
                 \"market\":\"BTC_USDT\",\"clientOrderId\":\"q-1\"";
    let end = ",\"nonce\":1785730136175}";
    for (amount, price, middle) in [
        (Some("0.5"), Some("7.1"), ",\"amount\":\"0.5\",\"price\":\"7.1\""),
        (Some("0.5"), None, ",\"amount\":\"0.5\""),
        (None, Some("7.1"), ",\"price\":\"7.1\""),
    ] {
        assert_eq!(encode(amount, price), Ok(format!("{start}{middle}{end}")));
    }
    assert_eq!(encode(None, None), Err(EncodeError::NothingToModify));
    assert_eq!(encode(Some("0"), None), Err(EncodeError::BadAmount));
    assert_eq!(encode(None, Some("x")), Err(EncodeError::BadPrice));
}

#[test]
fn a_bulk_holds_each_leg_as_its_template_has_it() {
    let (bid, ask) =
        (place(&quote_spec("b-")), place(&PlaceSpec { side: Side::Sell, ..plain_spec("a-") }));
    let legs = [
        BulkLeg { place: &bid, fields: fields("1", "0.1", "10") },
        BulkLeg { place: &ask, fields: PlaceFields { nonce: 0, ..fields("2", "0.2", "11") } },
    ];
    let encode = |stop: bool| {
        let bulk = BulkTemplate::new(&signer(), HOST, BULK, stop).expect("valid");
        let mut out = vec![0; bulk.max_len()];
        let len = bulk.encode(&legs, NONCE, &mut out).expect("encodes");
        open(&out[..len], BULK)
    };
    let rest = "\"orders\":[{\"postOnly\":true,\"ioc\":false,\"stp\":\"cn\",\
                \"market\":\"BTC_USDT\",\"side\":\"buy\",\"clientOrderId\":\"b-1\",\
                \"amount\":\"0.1\",\"price\":\"10\"},{\"market\":\"BTC_USDT\",\"side\":\"sell\",\
                \"clientOrderId\":\"a-2\",\"amount\":\"0.2\",\"price\":\"11\"}],\
                \"nonce\":1785730136175}";
    let start = "{\"request\":\"/api/v4/order/bulk\",\"nonceWindow\":true,";
    assert_eq!(encode(false), format!("{start}{rest}"));
    assert_eq!(encode(true), format!("{start}\"stopOnFail\":true,{rest}"));
}

#[test]
fn a_bulk_takes_one_to_twenty_sound_legs() {
    let bulk = BulkTemplate::new(&signer(), HOST, BULK, false).expect("valid");
    let template = place(&quote_spec(""));
    let leg = BulkLeg { place: &template, fields: fields("1", "2", "3") };
    let mut out = vec![0; bulk.max_len()];
    assert_eq!(bulk.encode(&[], NONCE, &mut out), Err(EncodeError::BadLegCount));
    assert_eq!(bulk.encode(&[leg; 21], NONCE, &mut out), Err(EncodeError::BadLegCount));
    assert_eq!(bulk.encode(&[leg; 20], 0, &mut out), Err(EncodeError::BadNonce));
    assert!(bulk.encode(&[leg; 20], NONCE, &mut out).is_ok());
    let mut legs = [leg; 20];
    legs[19].fields.price = b"0";
    assert_eq!(bulk.encode(&legs, NONCE, &mut out), Err(EncodeError::BadPrice));
}

#[test]
fn a_raw_request_carries_the_callers_members() {
    let path = "/api/v4/order/kill-switch";
    let raw = RawTemplate::new(&signer(), HOST, path).expect("valid");
    let encode = |members: &str| {
        let mut out = vec![0; raw.max_len(members.len())];
        let len = raw.encode(members.as_bytes(), NONCE, &mut out)?;
        Ok(open(&out[..len], path))
    };
    let start = "{\"request\":\"/api/v4/order/kill-switch\",\"nonceWindow\":true";
    let members = "\"market\":\"BTC_USDT\",\"timeout\":null,\"types\":[\"spot\",\"a b\\\"}\"]";
    assert_eq!(encode(""), Ok(format!("{start},\"nonce\":{NONCE}}}")));
    assert_eq!(encode(members), Ok(format!("{start},{members},\"nonce\":{NONCE}}}")));
    let deep = "[".repeat(33) + &"]".repeat(33);
    for broken in [
        "\"a\":1}",
        "\"a\":{",
        "\"a\":[}",
        "]",
        "\"a",
        "\"a\\\"",
        "\"a\": 1",
        "\"a\":1,",
        ",\"a\":1",
        "\"a\":\"\n\"",
        "\"a\":\"\u{e9}\"",
        "\"a\":\t1",
        deep.as_str(),
    ] {
        assert_eq!(encode(broken), Err(EncodeError::BadMembers), "{broken:?}");
    }
}
