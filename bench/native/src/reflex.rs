//! A loop around a reflex, from a ticker's frame to the bytes of a signed request.
//!
//! Owns: an engine with one rule and one order, and the frames, each of which sets the rule off.
//! Must not know: time, see the crate. Invariant: a round does what the bridge does with a frame,
//! and what the gateway does when the answer has come: the order is ready again.

use std::slice;

use whitewire_core::engine::{flags, Engine, OrderPaths};
use whitewire_core::gate::{Event, MarketLimits};
use whitewire_core::reflex::{ClientId, Quota, Rule, Watched};
use whitewire_core::sign::Signer;
use whitewire_core::template::Side;

const LIMITS: MarketLimits = MarketLimits {
    min_order_lots: 1,
    max_order_lots: i64::MAX,
    min_notional: 0,
    max_notional: i128::MAX,
    collar_ppm: u32::MAX,
    max_book_age_ns: i64::MAX,
    price_step: 1,
    amount_step: 1,
};
const FREE: i64 = i64::MAX / 4;
const NONCE: u64 = 1_785_730_136_175;
const NOW_NS: i64 = 1_000_000_000;

/// See the module's documentation.
pub struct Reflexes {
    engine: Engine,
    order: Watched,
    frames: Vec<Vec<u8>>,
    cells: [i64; 4],
    out: Vec<u8>,
    len: usize,
}

impl Reflexes {
    fn new(key: &str, secret: &str, is_pull: bool) -> Self {
        let path = |name: &str| format!("/api/v4/order/{name}");
        let paths = OrderPaths {
            host: "whitebit.com".to_owned(),
            place: path("new"),
            cancel: path("cancel"),
            modify: path("modify"),
            bulk: path("bulk"),
        };
        let signer = Signer::new(key, secret).expect("the bench's key is usable");
        let mut engine = Engine::new(Some(signer), paths, "mm-");
        engine
            .add_market("BTC_USDT", 1, 3, 100, LIMITS)
            .expect("the bench's market is usable");
        engine.guard_mut().account_event(Event::Arm);
        let id = ClientId::new(b"mm-0000012345").expect("short");
        let order = Watched {
            key: 12_345,
            id,
            side: Side::Buy,
            flags: flags::POST_ONLY | (2 << flags::STP_SHIFT),
            rules: 1,
            price: 600_000,
            target: 0,
            lots: 13,
            is_ready: true,
        };
        let rule = if is_pull {
            Rule::Pull {
                through: None,
                within: Some(100),
            }
        } else {
            Rule::Follow {
                is_opposite: false,
                distance: 2,
                tolerance: 0,
                worst: 700_000,
            }
        };
        let quota = Quota::new((0, 0, FREE), (1, 0, FREE), (2, 0, FREE), 3);
        engine.allowance_mut().set_quotas([quota; 4]);
        engine.allowance_mut().set_nonces(NONCE, u32::MAX, i64::MAX);
        let desk = engine.reflexes_mut().desk(0).expect("the market is there");
        assert!(desk.arm(0, Side::Buy, rule));
        desk.watch(order);
        let (frames, cells) = (Vec::new(), [0; 4]);
        Reflexes {
            engine,
            order,
            frames,
            cells,
            out: vec![0; 4_096],
            len: 0,
        }
    }

    /// One frame and what it sets off; whether that was one request.
    fn take(&mut self, at: usize) -> bool {
        self.engine.on_frame(&self.frames[at], NOW_NS);
        let Some(mut step) = self.engine.reflexes_mut().next_step() else {
            return false;
        };
        let written = self
            .engine
            .write_step(&mut step, &mut self.cells, NOW_NS, &mut self.out);
        self.len = written.unwrap_or(0);
        if let Some(desk) = self.engine.reflexes_mut().desk(0) {
            desk.watch(self.order);
        }
        self.len > 0
    }
}

/// # Safety
/// B2; the texts are key and secret.
#[no_mangle]
pub unsafe extern "C" fn reflexes_new(
    key: *const u8,
    key_len: usize,
    secret: *const u8,
    secret_len: usize,
    is_pull: bool,
) -> *mut Reflexes {
    // SAFETY: B2.
    let (key, secret) = unsafe { (crate::text(key, key_len), crate::text(secret, secret_len)) };
    Box::into_raw(Box::new(Reflexes::new(key, secret, is_pull)))
}

/// # Safety
/// B1; the pointer is not used again.
#[no_mangle]
pub unsafe extern "C" fn reflexes_free(reflexes: *mut Reflexes) {
    // SAFETY: B1.
    drop(unsafe { Box::from_raw(reflexes) });
}

/// Adds a frame to the loop's.
///
/// # Safety
/// B1, B2.
#[no_mangle]
pub unsafe extern "C" fn reflexes_add(reflexes: *mut Reflexes, frame: *const u8, len: usize) {
    // SAFETY: B1, B2.
    let (reflexes, frame) = unsafe { (&mut *reflexes, slice::from_raw_parts(frame, len)) };
    reflexes.frames.push(frame.to_vec());
}

/// Takes one frame that is not the loop's: the book's snapshot.
///
/// # Safety
/// B1, B2.
#[no_mangle]
pub unsafe extern "C" fn reflexes_show(reflexes: *mut Reflexes, frame: *const u8, len: usize) {
    // SAFETY: B1, B2.
    let (reflexes, frame) = unsafe { (&mut *reflexes, slice::from_raw_parts(frame, len)) };
    reflexes.engine.on_frame(frame, NOW_NS);
}

/// Takes all frames `passes` times; how many of them became a request.
///
/// # Safety
/// B1.
#[no_mangle]
pub unsafe extern "C" fn reflexes_run(reflexes: *mut Reflexes, passes: u64) -> u64 {
    // SAFETY: B1.
    let reflexes = unsafe { &mut *reflexes };
    let mut sent = 0;
    for _ in 0..passes {
        for at in 0..reflexes.frames.len() {
            sent += u64::from(reflexes.take(at));
        }
    }
    sent
}

/// The request that one frame becomes, into `out`; its length.
///
/// # Safety
/// B1, B2.
#[no_mangle]
pub unsafe extern "C" fn reflexes_request(
    reflexes: *mut Reflexes,
    at: usize,
    out: *mut u8,
    room: usize,
) -> usize {
    // SAFETY: B1, B2.
    let (reflexes, out) = unsafe { (&mut *reflexes, slice::from_raw_parts_mut(out, room)) };
    if !reflexes.take(at) || reflexes.len > room {
        return 0;
    }
    out[..reflexes.len].copy_from_slice(&reflexes.out[..reflexes.len]);
    reflexes.len
}
