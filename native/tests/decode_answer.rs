//! The usual answer to an order request; that it means the same to the general reader is compared
//! in `tests/test_replies_plain.py`.

use proptest::prelude::*;
use whitewire_core::decode::answer::{read, Asked, Standing};

const ANSWER: &str = concat!(
    r#"{"orderId": 4180284841, "clientOrderId": "ww-1", "market": "BTC_USDT", "side": "buy", "#,
    r#""type": "limit", "timestamp": 1595792396.165973, "dealMoney": "0", "dealStock": "0", "#,
    r#""amount": "0.01", "left": "0.01", "dealFee": "0", "price": "40000.5", "postOnly": false, "#,
    r#""ioc": false, "status": "OPEN", "stp": "no", "rpi": false}"#,
);
const CALL: &str = concat!(
    r#"{"id":7,"market":"BTC_USDT","type":1,"side":2,"ctime":1785730136.5,"price":"40000.5","#,
    r#""amount":"0.010","left":"0.010","deal_stock":"0.000","deal_money":"0","#,
    r#""client_order_id":"ww-1","status":"CANCELED"}"#,
);

fn asked(is_call: bool) -> Asked<'static> {
    Asked { market: "BTC_USDT", client_id: "ww-1", price_decimals: 2, amount_decimals: 6, is_call }
}

fn rest(text: &str) -> Option<Standing> {
    read(text.as_bytes(), &asked(false))
}

#[test]
fn reads_what_the_venue_prints() {
    let standing =
        Standing { venue_id: 4_180_284_841, price: 4_000_050, lots: 10_000, is_canceled: false };
    assert_eq!(rest(ANSWER), Some(standing));
    assert_eq!(rest(&ANSWER.replace(": ", ":").replace(", ", ",")), Some(standing));
    assert_eq!(
        read(CALL.as_bytes(), &asked(true)),
        Some(Standing { venue_id: 7, is_canceled: true, ..standing })
    );
    assert_eq!(rest(CALL), None);
    assert_eq!(read(ANSWER.as_bytes(), &asked(true)), None);
}

#[test]
fn leaves_everything_else() {
    for (from, to) in [
        ("ww-1", "ww-2"),
        ("BTC_USDT", "ETH_USDT"),
        ("OPEN", "FILLED"),
        (r#""dealStock": "0""#, r#""dealStock": "0.001""#),
        ("40000.5", "40000.555"),
        ("4180284841", "4180284841.0"),
        (r#""status""#, r#""\u0073tatus""#),
        (r#""stp": "no""#, r#""status": "OPEN""#),
        (r#""ioc""#, r#""i\noc""#),
        ("buy", "b\u{fc}y"),
        ("false}", "false} x"),
        ("false}", "false"),
    ] {
        let text = ANSWER.replacen(from, to, 1);
        assert_ne!(text, ANSWER);
        assert_eq!(rest(&text), None, "{to}");
    }
}

proptest! {
    #[test]
    fn survives_any_bytes(data: Vec<u8>) {
        prop_assert_eq!(read(&data, &asked(false)), None);
    }

    #[test]
    fn survives_any_damage(at in 0..ANSWER.len(), byte: u8) {
        let mut text = ANSWER.as_bytes().to_vec();
        text[at] = byte;
        if let Some(standing) = read(&text, &asked(false)) {
            prop_assert!(standing.price > 0 && standing.lots >= 0);
        }
    }
}
