//! Calls of the table that save time beforehand or together: ready cancels, bursts, bulks, and
//! placements in one go; and what keeps their way warm.
//!
//! Owns: five calls. Must not know: how requests come to be ready, or are signed. Invariant: that
//! of the table, whose contract (C1 to C3) holds here, too.

use std::ffi::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice;

use super::{length, PANICKED};
use crate::engine::{Engine, PlaceRequest};

/// The length of a cancel that was signed in advance, and its nonce; 0 where none is ready.
pub(super) unsafe extern "C" fn cancel_ready(
    engine: *mut c_void,
    market: u16,
    id: *const u8,
    id_len: usize,
    epoch_ms: u64,
    now_ns: i64,
    nonce: *mut u64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3; `nonce` is a local of the caller.
    let (engine, id, nonce, out) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            slice::from_raw_parts(id, id_len),
            &mut *nonce,
            slice::from_raw_parts_mut(out, capacity),
        )
    };
    let market = usize::from(market);
    let ready =
        catch_unwind(AssertUnwindSafe(|| engine.cancel_ready(market, id, epoch_ms, now_ns, out)));
    length(&ready.map(|taken| {
        let (written, used) = taken.unwrap_or_default();
        *nonce = used;
        Ok(written)
    }))
}

/// As `place_now` for `count` legs: leg n is written at n times `stride`, its nonce goes to the
/// n-th of `nonces`, and what `place_now` would have returned to the n-th of `lengths`.
pub(super) unsafe extern "C" fn place_many(
    engine: *mut c_void,
    legs: *const PlaceRequest,
    count: usize,
    cells: *mut i64,
    cell_count: usize,
    now_ns: i64,
    nonces: *mut u64,
    out: *mut u8,
    stride: usize,
    lengths: *mut i64,
) {
    // SAFETY: C1, C2, C3; `cells` has `cell_count` numbers, `nonces` and `lengths` have `count`,
    // and `out` has room for `count` times `stride`.
    let (engine, legs, cells, nonces, out, lengths) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            slice::from_raw_parts(legs, count),
            slice::from_raw_parts_mut(cells, cell_count),
            slice::from_raw_parts_mut(nonces, count),
            slice::from_raw_parts_mut(out, count * stride),
            slice::from_raw_parts_mut(lengths, count),
        )
    };
    lengths.fill(PANICKED);
    let placed =
        catch_unwind(AssertUnwindSafe(|| engine.place_many_now(legs, cells, now_ns, out, stride)));
    if let Ok((results, given)) = placed {
        for ((len, nonce), (result, used)) in
            lengths.iter_mut().zip(nonces).zip(results.iter().zip(given))
        {
            (*len, *nonce) = (length(&Ok(*result)), used);
        }
    }
}

/// As `place`, with a nonce of the core's allowance, and counted in the throttle's cells; minus the
/// number of `Failure::Left` where the allowance does not reach.
pub(super) unsafe extern "C" fn place_now(
    engine: *mut c_void,
    request: *const PlaceRequest,
    cells: *mut i64,
    count: usize,
    now_ns: i64,
    nonce: *mut u64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3; `cells` has `count` numbers, `nonce` is a local of the caller.
    let (engine, request, cells, nonce, out) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            &*request,
            slice::from_raw_parts_mut(cells, count),
            &mut *nonce,
            slice::from_raw_parts_mut(out, capacity),
        )
    };
    let placed = catch_unwind(AssertUnwindSafe(|| engine.place_now(request, cells, now_ns, out)));
    length(&placed.map(|result| {
        result.map(|(written, used)| {
            *nonce = used;
            written
        })
    }))
}

pub(super) unsafe extern "C" fn bulk(
    engine: *mut c_void,
    legs: *mut PlaceRequest,
    count: usize,
    nonce: u64,
    now_ns: i64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3.
    let (engine, legs, out) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            slice::from_raw_parts_mut(legs, count),
            slice::from_raw_parts_mut(out, capacity),
        )
    };
    length(&catch_unwind(AssertUnwindSafe(|| engine.bulk(legs, nonce, now_ns, out))))
}

pub(super) unsafe extern "C" fn keep_warm(
    engine: *mut c_void,
    market: u16,
    flags: u8,
    now_ns: i64,
) {
    // SAFETY: C1, C2.
    let engine = unsafe { &mut *engine.cast::<Engine>() };
    // a panic would be one of the real way, too, and is told of there
    let _ = catch_unwind(AssertUnwindSafe(|| engine.keep_warm(market, flags, now_ns)));
}
