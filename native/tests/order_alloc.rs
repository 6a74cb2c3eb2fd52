//! Nothing on the order path allocates, once templates and parser stand.

mod order_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use order_support::{place, quote_spec, signer, HOST, NONCE};
use whitewire_core::gate::{check, MarketLimits, Top};
use whitewire_core::http1::{Limits, Progress, ResponseParser};
use whitewire_core::template::{
    BulkLeg, BulkTemplate, CancelTemplate, ModifyFields, ModifyTemplate, PlaceFields, RawTemplate,
    Side, Stp,
};

thread_local!(static ALLOCATIONS: Cell<u64> = const { Cell::new(0) });

/// The system's allocator, counting this thread's calls that take memory.
struct Counting;

fn note() {
    // A thread that is being torn down has no counter any more, and no test to count for.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn no_template_allocates() {
    let signer = signer();
    let place = place(&quote_spec("ww-"));
    let cancel = CancelTemplate::new(&signer, HOST, "/c", "BTC_USDT").expect("valid");
    let modify = ModifyTemplate::new(&signer, HOST, "/m", "BTC_USDT", Stp::No).expect("valid");
    let bulk = BulkTemplate::new(&signer, HOST, "/b", true).expect("valid");
    let raw = RawTemplate::new(&signer, HOST, "/r").expect("valid");
    let fields = PlaceFields { client_id: b"1", amount: b"0.1", price: b"2", nonce: NONCE };
    let change =
        ModifyFields { client_id: b"1", amount: Some(b"2"), price: Some(b"3"), nonce: NONCE };
    let legs = [BulkLeg { place: &place, fields }; 20];
    let mut out = vec![0; bulk.max_len()];
    let mut signature = [0; 128];
    let count = allocations(|| {
        assert!(place.encode(&fields, &mut out).is_ok());
        assert!(place.encode(&PlaceFields { price: b"x", ..fields }, &mut out).is_err());
        assert!(cancel.encode(b"1", NONCE, &mut out).is_ok());
        assert!(modify.encode(&change, &mut out).is_ok());
        assert!(bulk.encode(&legs, NONCE, &mut out).is_ok());
        assert!(raw.encode(b"\"a\":1", NONCE, &mut out).is_ok());
        signer.signature_hex(b"payload", &mut signature);
    });
    assert_eq!(count, 0);
}

#[test]
fn the_gate_does_not_allocate() {
    let limits = MarketLimits {
        min_order_lots: 1,
        max_order_lots: 100,
        min_notional: 1,
        max_notional: 1_000_000,
        collar_ppm: 10_000,
        max_book_age_ns: 1_000,
        price_step: 1,
        amount_step: 1,
    };
    let top = Top { best_bid: 99, best_ask: 101, stale: false, recv_ns: 0 };
    let count = allocations(|| {
        assert!(check(&limits, &top, Side::Buy, 100, 10, true, false, 5).is_ok());
        assert!(check(&limits, &top, Side::Buy, 200, 10, true, false, 5).is_err());
    });
    assert_eq!(count, 0);
}

#[test]
fn the_parser_allocates_only_when_it_is_made() {
    let mut parser = ResponseParser::new(Limits { max_head: 4_096, max_body: 4_096 });
    let mut stream = Vec::new();
    for status in [200, 422, 204] {
        stream.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.extend_from_slice(format!("HTTP/1.1 {status} x\r\n").as_bytes());
        stream.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        if status != 204 {
            stream.extend_from_slice(b"3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nT: t\r\n\r\n");
        }
        stream.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n");
        stream.extend_from_slice(&[b'x'; 4_096]);
    }
    // All of it again and again, in every size of piece, with junk, ends and resets between.
    let count = allocations(|| {
        for size in 1..200 {
            let mut responses = 0;
            for mut piece in stream.chunks(size) {
                while parser.advance(&mut piece) == Ok(Progress::Response) {
                    responses += usize::from(parser.header(b"absent").is_none());
                }
            }
            assert_eq!(responses, 6);
            assert_eq!(parser.eof(), Ok(None));
            assert!(parser.advance(&mut &b"junk"[..]).is_err());
            parser.reset();
        }
    });
    assert_eq!(count, 0);
}
