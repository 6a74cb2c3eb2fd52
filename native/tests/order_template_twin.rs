//! Any order at all against the slow way of writing it.

mod order_support;

use order_support::{fields, open, place, placed, plain_spec, quote_spec, signer, BULK, HOST, NEW};
use proptest::prelude::*;
use whitewire_core::price::{format as format_price, Scaled};
use whitewire_core::template::{
    BulkLeg, BulkTemplate, Draft, PlaceFields, PlaceNumbers, PlaceSpec, Side, Stp,
};

fn number() -> impl Strategy<Value = String> {
    prop_oneof!["[1-9][0-9]{0,15}", "[0-9]{1,12}\\.[0-9]{0,15}[1-9]"]
}

fn spec_parts() -> impl Strategy<Value = (String, bool, u8, Option<Stp>, String)> {
    let stp = prop_oneof![
        Just(None),
        Just(Some(Stp::No)),
        Just(Some(Stp::CancelBoth)),
        Just(Some(Stp::CancelNew)),
        Just(Some(Stp::CancelOld)),
    ];
    ("[A-Z0-9_]{1,32}", any::<bool>(), 0..8u8, stp, "[A-Za-z0-9-]{0,40}")
}

fn slow_order(spec: &PlaceSpec<'_>, f: &PlaceFields<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("ASCII");
    let mut members = Vec::new();
    if spec.rpi {
        members.push("\"rpi\":true".to_owned());
    } else if spec.post_only || spec.ioc || spec.stp.is_some() {
        members.push(format!("\"postOnly\":{},\"ioc\":{}", spec.post_only, spec.ioc));
    }
    if spec.reduce_only {
        members.push("\"reduceOnly\":true".to_owned());
    }
    if let Some(stp) = spec.stp {
        let wire = match stp {
            Stp::No => "no",
            Stp::CancelBoth => "cb",
            Stp::CancelNew => "cn",
            Stp::CancelOld => "co",
        };
        members.push(format!("\"stp\":\"{wire}\""));
    }
    members.push(format!("\"market\":\"{}\"", spec.market));
    members.push(format!("\"side\":\"{}\"", if spec.side == Side::Buy { "buy" } else { "sell" }));
    members.push(format!("\"clientOrderId\":\"{}{}\"", spec.client_id_prefix, text(f.client_id)));
    members.push(format!("\"amount\":\"{}\"", text(f.amount)));
    members.push(format!("\"price\":\"{}\"", text(f.price)));
    members.join(",")
}

/// Mostly what the pattern says, sometimes with one byte of any value somewhere in it.
fn nearly(pattern: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::option::weighted(0.2, (any::<u8>(), any::<prop::sample::Index>()));
    (pattern, noise).prop_map(|(text, noise)| {
        let mut bytes = text.into_bytes();
        if let Some((byte, at)) = noise {
            bytes.insert(at.index(bytes.len() + 1), byte);
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_order_is_written_and_signed_as_the_slow_way_does(
        parts in spec_parts(),
        id in "[A-Za-z0-9-]{1,24}",
        (amount, price) in (number(), number()),
        nonce in 1..=u64::MAX,
    ) {
        let (market, sell, flags, stp, prefix) = parts;
        let flag = flags & 3;
        let spec = PlaceSpec {
            market: &market,
            side: if sell { Side::Sell } else { Side::Buy },
            post_only: flag == 1,
            ioc: flag == 2,
            rpi: flag == 3,
            reduce_only: flags & 4 != 0,
            stp,
            ..plain_spec(&prefix)
        };
        let f = PlaceFields { nonce, ..fields(&id, &amount, &price) };
        let order = slow_order(&spec, &f);
        let whole = |path: &str, members: &str| {
            format!("{{\"request\":\"{path}\",\"nonceWindow\":true,{members},\"nonce\":{nonce}}}")
        };
        let template = place(&spec);
        prop_assert_eq!(placed(&template, &f).expect("encodes"), whole(NEW, &order));

        let bulk = BulkTemplate::new(&signer(), HOST, BULK, false).expect("valid");
        let mut out = vec![0; bulk.max_len()];
        let legs = vec![BulkLeg { place: &template, fields: f }; 1 + usize::from(flag)];
        let len = bulk.encode(&legs, nonce, &mut out).expect("encodes");
        let orders = vec![format!("{{{order}}}"); legs.len()].join(",");
        let slow = whole(BULK, &format!("\"orders\":[{orders}]"));
        prop_assert_eq!(open(&out[..len], BULK), slow);
    }

    #[test]
    fn an_order_of_integers_is_written_as_that_of_their_texts(
        (sequence, nonce) in any::<(u64, u64)>(),
        (price, amount) in any::<(i64, i64)>(),
        shifts in (0u32..64, 0u32..64),
        decimals in (-12i8..=12, -12i8..=12),
        prefix in "[A-Za-z0-9-]{0,62}",
    ) {
        let price = Scaled { value: price >> shifts.0, decimals: decimals.0 };
        let amount = Scaled { value: amount >> shifts.1, decimals: decimals.1 };
        let template = place(&quote_spec(&prefix));
        let numbers = PlaceNumbers { sequence, amount, price, nonce };
        let [price, amount] = [price, amount].map(|number| {
            let mut text = [0; 40];
            let len = format_price(number.value, number.decimals, &mut text);
            text[..len].to_vec()
        });
        let id = format!("{:010}", sequence % 10_000_000_000);
        let texts =
            PlaceFields { client_id: id.as_bytes(), amount: &amount, price: &price, nonce };
        let [mut ours, mut twin] = [(); 2].map(|()| vec![0; template.max_len()]);
        let len = template.draft_numbers(&numbers, &mut ours).map(Draft::sign);
        prop_assert_eq!(len, template.encode(&texts, &mut twin));
        let len = len.unwrap_or(0);
        prop_assert_eq!(&ours[..len], &twin[..len]);
    }

    #[test]
    fn whatever_the_fields_nothing_unsafe_is_ever_written(
        id in nearly("[A-Za-z0-9-]{1,62}"),
        amount in nearly("[0-9]{1,6}\\.[0-9]{1,6}"),
        price in nearly("[1-9][0-9]{0,8}"),
        nonce in 0..3u64,
    ) {
        let template = place(&quote_spec("q-"));
        let mut out = vec![0xaa; template.max_len() + 64];
        let f = PlaceFields { client_id: &id, amount: &amount, price: &price, nonce };
        match template.encode(&f, &mut out) {
            Ok(len) => {
                let body = open(&out[..len], NEW);
                prop_assert_eq!(body.matches('"').count(), 36);
                prop_assert!(body.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
                prop_assert!(out[len..].iter().all(|byte| *byte == 0xaa));
            }
            Err(_) => prop_assert!(out.iter().all(|byte| *byte == 0xaa)),
        }
    }
}
