//! Calls of the table for orders over a WebSocket: a call's id in place of the nonce.
//!
//! Owns: three calls. Must not know: frames, sockets. Invariant: that of the table, whose contract
//! (C1 to C3) holds here, too.

use std::ffi::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice;

use super::length;
use crate::engine::{Engine, ModifyRequest, PlaceRequest};

pub(super) unsafe extern "C" fn call_place(
    engine: *mut c_void,
    request: *const PlaceRequest,
    id: u64,
    now_ns: i64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3.
    let (engine, request, out) = unsafe {
        (&mut *engine.cast::<Engine>(), &*request, slice::from_raw_parts_mut(out, capacity))
    };
    length(&catch_unwind(AssertUnwindSafe(|| engine.call_place(request, id, now_ns, out))))
}

pub(super) unsafe extern "C" fn call_modify(
    engine: *mut c_void,
    request: *const ModifyRequest,
    client_id: *const u8,
    client_id_len: usize,
    id: u64,
    now_ns: i64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3.
    let (engine, request, name, out) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            &*request,
            slice::from_raw_parts(client_id, client_id_len),
            slice::from_raw_parts_mut(out, capacity),
        )
    };
    length(&catch_unwind(AssertUnwindSafe(|| engine.call_modify(request, name, id, now_ns, out))))
}

pub(super) unsafe extern "C" fn call_cancel(
    engine: *mut c_void,
    market: u16,
    client_id: *const u8,
    client_id_len: usize,
    id: u64,
    now_ns: i64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3.
    let (engine, name, out) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            slice::from_raw_parts(client_id, client_id_len),
            slice::from_raw_parts_mut(out, capacity),
        )
    };
    let market = usize::from(market);
    length(&catch_unwind(AssertUnwindSafe(|| engine.call_cancel(market, name, id, now_ns, out))))
}
