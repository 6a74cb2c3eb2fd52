//! Loops around the core's two hot calls, for a caller whose own loop would cost more than they do.
//!
//! Owns: the loops and the objects that they run on. Must not know: time, which the caller takes
//! around a whole loop, and what a right answer is, which the caller asks for and checks.
//! Invariant: a loop does what the gateway does for each order or frame, nothing less: prices and
//! amounts start as integers, frames as bytes.
//!
//! Contract of the caller, which every `SAFETY` note below relies on:
//! * B1 an object pointer comes from its `_new`, was not freed, and one thread at a time uses it;
//! * B2 a text or byte pointer is valid for its length, an output pointer for its room.

mod burst;
mod gate;
mod http;
mod reflex;

pub use burst::Bursts;
pub use gate::{gates_admit, gates_free, gates_new, gates_release, Gates};
pub use http::{responses_free, responses_new, responses_run, Responses};
pub use reflex::Reflexes;

use std::hint::black_box;
use std::slice;

use whitewire_core::event::Kind;
use whitewire_core::feed::Feed;
use whitewire_core::price::Scaled;
use whitewire_core::sign::Signer;
use whitewire_core::template::{CancelTemplate, PlaceNumbers, PlaceSpec, PlaceTemplate, Side, Stp};

const PRICE_DECIMALS: i8 = 1;
const AMOUNT_DECIMALS: i8 = 3;

/// What differs between two orders; `repr(C)` because the caller fills one to see an answer.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Order {
    sequence: u64,
    price_ticks: i64,
    amount_lots: i64,
    nonce: u64,
}

impl Order {
    /// An order of a sequence number, a price, an amount and a nonce.
    #[must_use]
    pub fn new(sequence: u64, price_ticks: i64, amount_lots: i64, nonce: u64) -> Self {
        Self {
            sequence,
            price_ticks,
            amount_lots,
            nonce,
        }
    }
}

/// Orders of one market and side.
pub struct Orders {
    template: PlaceTemplate,
    cancel: CancelTemplate,
    buffer: Vec<u8>,
}

impl Orders {
    /// One order from integers to a signed request at the start of `out`; its length.
    fn encode(template: &PlaceTemplate, order: &Order, out: &mut [u8]) -> usize {
        let draft = template.draft_numbers(&numbers(order), out);
        draft.expect("orders of the bench are well formed").sign()
    }
}

/// An order as the gateway hands it to its template.
#[inline]
fn numbers(order: &Order) -> PlaceNumbers {
    PlaceNumbers {
        sequence: order.sequence,
        amount: Scaled {
            value: order.amount_lots,
            decimals: AMOUNT_DECIMALS,
        },
        price: Scaled {
            value: order.price_ticks,
            decimals: PRICE_DECIMALS,
        },
        nonce: order.nonce,
    }
}

/// Buys of `BTC_USDT`; with `production`, post-only and self-trade prevention `cn`.
fn spec(production: bool, client_id_prefix: &str) -> PlaceSpec<'_> {
    PlaceSpec {
        host: "whitebit.com",
        path: "/api/v4/order/new",
        market: "BTC_USDT",
        side: Side::Buy,
        post_only: production,
        ioc: false,
        rpi: false,
        reduce_only: false,
        stp: production.then_some(Stp::CancelNew),
        client_id_prefix,
    }
}

/// # Safety
/// B2.
unsafe fn text<'a>(start: *const u8, len: usize) -> &'a str {
    // SAFETY: B2.
    let bytes = unsafe { slice::from_raw_parts(start, len) };
    std::str::from_utf8(bytes).expect("texts of the bench are ASCII")
}

/// A template for `BTC_USDT` buys; with `production`, post-only and self-trade prevention `cn`.
///
/// # Safety
/// B2; the texts are key, secret, and the start of every client id.
#[no_mangle]
pub unsafe extern "C" fn orders_new(
    key: *const u8,
    key_len: usize,
    secret: *const u8,
    secret_len: usize,
    prefix: *const u8,
    prefix_len: usize,
    production: bool,
) -> *mut Orders {
    // SAFETY: B2.
    let (key, secret, client_id_prefix) = unsafe {
        (
            text(key, key_len),
            text(secret, secret_len),
            text(prefix, prefix_len),
        )
    };
    let spec = spec(production, client_id_prefix);
    let signer = Signer::new(key, secret).expect("the bench's key is usable");
    let template = PlaceTemplate::new(&signer, &spec).expect("the bench's order is legal");
    let cancel = CancelTemplate::new(&signer, spec.host, "/api/v4/order/cancel", spec.market)
        .expect("the bench's cancel is legal");
    let buffer = vec![0; template.max_len().max(cancel.max_len())];
    Box::into_raw(Box::new(Orders {
        template,
        cancel,
        buffer,
    }))
}

/// # Safety
/// B1; the pointer is not used again.
#[no_mangle]
pub unsafe extern "C" fn orders_free(orders: *mut Orders) {
    // SAFETY: B1.
    drop(unsafe { Box::from_raw(orders) });
}

/// The request of one order, into `out`; its length, or 0 where `room` is too small.
///
/// # Safety
/// B1, B2.
#[no_mangle]
pub unsafe extern "C" fn orders_encode(
    orders: *mut Orders,
    order: *const Order,
    out: *mut u8,
    room: usize,
) -> usize {
    // SAFETY: B1, B2.
    let (orders, order, out) =
        unsafe { (&mut *orders, &*order, slice::from_raw_parts_mut(out, room)) };
    let len = Orders::encode(&orders.template, order, &mut orders.buffer);
    let Some(out) = out.get_mut(..len) else {
        return 0;
    };
    out.copy_from_slice(&orders.buffer[..len]);
    len
}

/// Builds `count` requests from `first` on; price, client id and nonce change with each.
///
/// # Safety
/// B1, B2.
#[no_mangle]
pub unsafe extern "C" fn orders_run(orders: *mut Orders, first: *const Order, count: u64) {
    // SAFETY: B1, B2.
    let (orders, first) = unsafe { (&mut *orders, *first) };
    let Orders {
        template, buffer, ..
    } = orders;
    for (step, ticks) in (0..count).zip((0..1024).cycle()) {
        let order = Order {
            sequence: first.sequence + step,
            price_ticks: first.price_ticks + ticks,
            nonce: first.nonce + step,
            ..first
        };
        black_box(Orders::encode(template, &order, black_box(buffer)));
    }
}

/// Builds `count` cancels by client id; the nonce changes with each. Bytes of all of them.
///
/// # Safety
/// B1.
#[no_mangle]
pub unsafe extern "C" fn orders_cancel(orders: *mut Orders, nonce: u64, count: u64) -> usize {
    // SAFETY: B1.
    let Orders { cancel, buffer, .. } = unsafe { &mut *orders };
    (nonce..nonce + count)
        .map(|nonce| {
            black_box(cancel.encode(b"ww-mbl2k3x9-0000000001", nonce, black_box(buffer)))
                .expect("cancels of the bench are well formed")
        })
        .sum()
}

/// The frames of one market and the feed that takes them.
pub struct Frames {
    feed: Feed,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// A feed of these markets (commas between) of depth 100, and the frames of one pass: `count`
/// frames of these lengths, one after the other in `bytes`.
///
/// # Safety
/// B2; `bytes` is as long as all frames together.
#[no_mangle]
pub unsafe extern "C" fn frames_new(
    market: *const u8,
    market_len: usize,
    bytes: *const u8,
    lengths: *const usize,
    count: usize,
) -> *mut Frames {
    // SAFETY: B2.
    let (market, lengths) = unsafe {
        (
            text(market, market_len),
            slice::from_raw_parts(lengths, count),
        )
    };
    let ends: Vec<usize> = lengths
        .iter()
        .scan(0, |end, len| {
            *end += len;
            Some(*end)
        })
        .collect();
    let total = ends.last().copied().unwrap_or(0);
    let mut feed = Feed::new();
    for name in market.split(',') {
        feed.add_market(name, PRICE_DECIMALS, AMOUNT_DECIMALS, 100)
            .expect("the bench's market is usable");
    }
    Box::into_raw(Box::new(Frames {
        feed,
        // SAFETY: B2.
        bytes: unsafe { slice::from_raw_parts(bytes, total) }.to_vec(),
        ends,
    }))
}

/// # Safety
/// B1; the pointer is not used again.
#[no_mangle]
pub unsafe extern "C" fn frames_free(frames: *mut Frames) {
    // SAFETY: B1.
    drop(unsafe { Box::from_raw(frames) });
}

/// Takes all frames `passes` times, each time as a new session; how many told something new.
///
/// # Safety
/// B1.
#[no_mangle]
pub unsafe extern "C" fn frames_run(frames: *mut Frames, passes: u64) -> u64 {
    // SAFETY: B1.
    let Frames { feed, bytes, ends } = unsafe { &mut *frames };
    let mut taken = 0;
    for _ in 0..passes {
        feed.reset();
        let mut start = 0;
        for end in ends.iter() {
            let kind = feed.on_frame(black_box(&bytes[start..*end]), 1).kind;
            taken += u64::from(!matches!(
                kind,
                Kind::Other | Kind::BookGap | Kind::BookStale | Kind::BookIgnored | Kind::Malformed
            ));
            start = *end;
        }
    }
    taken
}

/// Writes (ticks, lots) of at most `room` levels of a side, best first; how many.
///
/// # Safety
/// B1, B2.
#[no_mangle]
pub unsafe extern "C" fn frames_levels(
    frames: *const Frames,
    asks: bool,
    out: *mut [i64; 2],
    room: usize,
) -> usize {
    // SAFETY: B1, B2.
    let (frames, out) = unsafe { (&*frames, slice::from_raw_parts_mut(out, room)) };
    let book = frames.feed.book(0);
    let levels: Vec<(i64, i64)> = if asks {
        book.asks().collect()
    } else {
        book.bids().collect()
    };
    for (row, (ticks, lots)) in out.iter_mut().zip(&levels) {
        *row = [*ticks, *lots];
    }
    levels.len().min(room)
}

/// Writes bid, bid amount, ask, ask amount of the last ticker; false where there is no valid one.
///
/// # Safety
/// B1, B2 with room for four.
#[no_mangle]
pub unsafe extern "C" fn frames_ticker(frames: *const Frames, out: *mut [i64; 4]) -> bool {
    // SAFETY: B1, B2.
    let (frames, out) = unsafe { (&*frames, &mut *out) };
    let top = frames.feed.ticker(0);
    *out = [top.bid, top.bid_amount, top.ask, top.ask_amount];
    top.valid
}
