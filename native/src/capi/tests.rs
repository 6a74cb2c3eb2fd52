//! The order calls of the table as the bridge makes them: pointers in, bytes and numbers out.

use super::*;
use crate::engine::{flags, OrderPaths};
use crate::gate::MarketLimits;
use crate::reflex::Quota;
use crate::sha512::compressions;
use crate::sign::Signer;

const QUOTE: u8 = flags::POST_ONLY | (2 << flags::STP_SHIFT);
const NONCE: u64 = 1_785_730_136_175;
const ROOM: usize = 2048;

fn engine() -> Engine {
    let path = |name: &str| format!("/api/v4/order/{name}");
    let paths = OrderPaths {
        host: "venue.test".to_owned(),
        place: path("new"),
        cancel: path("cancel"),
        modify: path("modify"),
        bulk: path("bulk"),
    };
    let signer = Signer::new("key", "secret").expect("a usable key");
    let mut engine = Engine::new(Some(signer), paths, "ww-abc-");
    let limits = MarketLimits {
        min_order_lots: 1,
        max_order_lots: 100,
        min_notional: 0,
        max_notional: i128::MAX,
        collar_ppm: 100_000,
        max_book_age_ns: i64::MAX,
        price_step: 1,
        amount_step: 1,
    };
    engine.add_market("BTC_USDT", 0, 0, 5, limits).expect("a usable market");
    engine.on_frame(include_bytes!("../../tests/engine_support/snapshot.json"), 1);
    engine.set_halted(false);
    engine.prepare(0, QUOTE).expect("a template");
    engine
}

/// Length and nonce of a ready cancel.
fn cancel_ready(engine: &mut Engine, id: &[u8], now_ms: u64, out: &mut [u8]) -> (i64, u64) {
    let mut nonce = 0;
    let pointer = std::ptr::from_mut(engine).cast();
    // SAFETY: C1, C2, C3: all are exclusive references of this test.
    let written = unsafe {
        let room = (out.as_mut_ptr(), out.len());
        (table().cancel_ready)(
            pointer,
            0,
            id.as_ptr(),
            id.len(),
            now_ms,
            1,
            &raw mut nonce,
            room.0,
            room.1,
        )
    };
    (written, nonce)
}

#[test]
fn the_cancel_of_an_order_that_rests_is_copied_without_a_compression() {
    let (mut engine, mut out) = (engine(), [0; ROOM]);
    let id = b"ww-abc-0000000042";
    assert!(engine.presign(0, id, NONCE));
    let before = compressions();
    let (written, nonce) = cancel_ready(&mut engine, id, NONCE + 1_000, &mut out);
    assert_eq!((compressions() - before, nonce), (0, NONCE));
    let mut plain = [0; ROOM];
    let len = engine.cancel(0, id, NONCE, 1, &mut plain).expect("signed");
    assert_eq!(written, i64::try_from(len).expect("short"));
    assert_eq!(out[..len], plain[..len]);
    assert_eq!(cancel_ready(&mut engine, id, NONCE + 1_000, &mut out), (0, 0));
}

#[test]
fn a_cancel_that_is_not_ready_is_no_failure() {
    let (mut engine, mut out) = (engine(), [0; ROOM]);
    let id = b"ww-abc-0000000042";
    assert!(engine.presign(0, id, NONCE));
    assert_eq!(cancel_ready(&mut engine, id, NONCE + 10_000, &mut out), (0, 0));
}

#[test]
fn a_burst_comes_leg_by_leg() {
    let mut engine = engine();
    let leg = |price, sequence| PlaceRequest {
        flags: QUOTE,
        price,
        amount: 10,
        sequence,
        ..PlaceRequest::default()
    };
    let legs = [leg(59_998, 1), leg(30_000, 2), leg(59_997, 3)];
    let quota = Quota::new((0, 1, 100), (1, 1, 100), (2, 1, 100), 3);
    engine.allowance_mut().set_quotas([quota; 4]);
    engine.allowance_mut().set_nonces(NONCE, 10, 2);
    let (mut out, mut lengths, mut nonces, mut cells) = ([0; 3 * ROOM], [0; 3], [0; 3], [0; 4]);
    // SAFETY: C1, C2, C3: all are exclusive references of this test.
    unsafe {
        (table().place_many)(
            std::ptr::from_mut(&mut engine).cast(),
            legs.as_ptr(),
            legs.len(),
            cells.as_mut_ptr(),
            cells.len(),
            1,
            nonces.as_mut_ptr(),
            out.as_mut_ptr(),
            ROOM,
            lengths.as_mut_ptr(),
        );
    }
    assert!(lengths[0] > 0 && lengths[2] > 0);
    assert_eq!(lengths[1], -i64::from(crate::gate::Refusal::PriceCollar.code()));
    assert_eq!((nonces, cells), ([NONCE, NONCE + 1, NONCE + 2], [3, 3, 3, 0]));
    for (at, nonce) in [(0, nonces[0]), (2, nonces[2])] {
        let text = std::str::from_utf8(&out[at * ROOM..(at + 1) * ROOM]).expect("ASCII");
        assert!(text.starts_with("POST /api/v4/order/new HTTP/1.1\r\n"));
        assert!(text.contains(&format!("\"nonce\":{nonce}}}")));
    }
}

/// Length and nonce of a placement in one go, and what it left in the cells.
fn place_now(engine: &mut Engine, price: i64, out: &mut [u8]) -> (i64, u64, [i64; 4]) {
    let request =
        PlaceRequest { flags: QUOTE, price, amount: 10, sequence: 7, ..PlaceRequest::default() };
    let (mut nonce, mut cells) = (0, [0; 4]);
    // SAFETY: C1, C2, C3: all are exclusive references of this test.
    let written = unsafe {
        (table().place_now)(
            std::ptr::from_mut(engine).cast(),
            &raw const request,
            cells.as_mut_ptr(),
            cells.len(),
            1,
            &raw mut nonce,
            out.as_mut_ptr(),
            out.len(),
        )
    };
    (written, nonce, cells)
}

#[test]
fn a_placement_in_one_go_says_its_nonce_or_why_there_is_none() {
    let (mut engine, mut out) = (engine(), [0; ROOM]);
    let left = -i64::from(Failure::Left.code());
    assert_eq!(place_now(&mut engine, 59_998, &mut out), (left, 0, [0; 4]));
    let quota = Quota::new((0, 1, 100), (1, 1, 100), (2, 1, 100), 3);
    engine.allowance_mut().set_quotas([quota; 4]);
    assert_eq!(place_now(&mut engine, 59_998, &mut out), (left, 0, [0; 4]));
    engine.allowance_mut().set_nonces(NONCE, 1, 2);
    let collar = -i64::from(crate::gate::Refusal::PriceCollar.code());
    assert_eq!(place_now(&mut engine, 30_000, &mut out), (collar, 0, [1, 1, 1, 0]));
    let (written, nonce, cells) = place_now(&mut engine, 59_998, &mut out);
    assert_eq!((nonce, cells), (NONCE, [2, 2, 2, 0]));
    let text = std::str::from_utf8(&out[..usize::try_from(written).expect("sent")]);
    assert!(text.expect("ASCII").contains(&format!("\"nonce\":{NONCE}}}")));
    assert_eq!(place_now(&mut engine, 59_998, &mut out), (left, 0, [0; 4]));
}
