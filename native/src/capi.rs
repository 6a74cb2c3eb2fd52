//! The C function table through which the Cython bridge calls the core.
//!
//! Owns: every raw pointer that comes from outside, and the catching of panics. Must not know:
//! Python objects (see `py`). Invariant: each function validates nothing but its pointers'
//! contract, stated once here, and returns a plain value.
//!
//! Contract of the caller (the bridge), which every `SAFETY` note below relies on:
//! * C1 an `engine` or `parser` pointer comes from `py` and its Python owner is alive;
//! * C2 calls are made by one thread at a time, with the GIL held, and never from within another
//!   call on the same object;
//! * C3 a byte pointer is valid for its length for the duration of the call.

mod calls;
mod early;
#[cfg(test)]
mod tests;

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice;

use crate::engine::{Engine, Failure, ModifyRequest, PlaceRequest, Stage, STAGES};
use crate::event::Kind;
use crate::http1::{Progress, ResponseParser};
use crate::reflex::Step;
use calls::{call_cancel, call_modify, call_place};
use early::{bulk, cancel_ready, keep_warm, place_many, place_now};

/// Changes with every change of the table or of a struct in it.
pub const ABI_VERSION: u32 = 7;

/// Reported for a panic caught at the border: a bug of ours, and the session's end.
pub const PANICKED: i64 = -128;

/// Set by `on_frame` while the gate has a change of state to tell.
pub const ALARM_BIT: u32 = 24;

/// Set by `on_frame` while a reflex has something to do.
pub const REFLEX_BIT: u32 = 25;

/// A value that Python owns and C calls reach by pointer, one call at a time (C2).
pub struct Shared<T>(Box<UnsafeCell<T>>);

// SAFETY: C2: every access holds the GIL, so no two threads are inside at once. Python frees a
// value on whichever thread its collector happens to run, which a `T: Send` does not mind.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub fn new(value: T) -> Self {
        Shared(Box::new(UnsafeCell::new(value)))
    }

    pub fn pointer(&self) -> *mut c_void {
        self.0.get().cast()
    }

    /// Runs `work` on the value, which may make Python objects but not change the value: making
    /// one can start Python's collector, and through it a finalizer that reads here too.
    pub fn read<R>(&self, work: impl FnOnce(&T) -> R) -> R {
        // SAFETY: C2; nested readers share.
        work(unsafe { &*self.0.get() })
    }

    /// Runs `work` on the value; `work` must not call back into Python.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: C2; `work` cannot re-enter.
        work(unsafe { &mut *self.0.get() })
    }
}

/// What became of an HTTP read.
#[repr(C)]
pub struct HttpStep {
    /// 0 more bytes needed, 1 a response is ready, negative an error.
    pub state: i32,
    pub status: u16,
    pub keep_alive: u8,
    pub reserved: u8,
    pub body: *const u8,
    pub body_len: usize,
    /// Bytes of the input that are left for the next call.
    pub left: usize,
}

/// The table; layout mirrored in `_native_api.pxd`.
#[repr(C)]
pub struct Api {
    pub abi_version: u32,
    pub size: u32,
    pub on_frame: unsafe extern "C" fn(*mut c_void, *const u8, usize, i64) -> u32,
    pub place:
        unsafe extern "C" fn(*mut c_void, *const PlaceRequest, u64, i64, *mut u8, usize) -> i64,
    pub modify: unsafe extern "C" fn(
        *mut c_void,
        *const ModifyRequest,
        *const u8,
        usize,
        u64,
        i64,
        *mut u8,
        usize,
    ) -> i64,
    pub cancel:
        unsafe extern "C" fn(*mut c_void, u16, *const u8, usize, u64, i64, *mut u8, usize) -> i64,
    pub bulk: unsafe extern "C" fn(
        *mut c_void,
        *mut PlaceRequest,
        usize,
        u64,
        i64,
        *mut u8,
        usize,
    ) -> i64,
    pub record: unsafe extern "C" fn(*mut c_void, u32, i64),
    pub http_step: unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut HttpStep),
    /// As `place`, `modify` and `cancel`, for a WebSocket: a call's id in place of the nonce.
    pub call_place:
        unsafe extern "C" fn(*mut c_void, *const PlaceRequest, u64, i64, *mut u8, usize) -> i64,
    pub call_modify: unsafe extern "C" fn(
        *mut c_void,
        *const ModifyRequest,
        *const u8,
        usize,
        u64,
        i64,
        *mut u8,
        usize,
    ) -> i64,
    pub call_cancel:
        unsafe extern "C" fn(*mut c_void, u16, *const u8, usize, u64, i64, *mut u8, usize) -> i64,
    pub reflex_next: unsafe extern "C" fn(*mut c_void, *mut Step) -> u8,
    pub reflex_write:
        unsafe extern "C" fn(*mut c_void, *mut Step, *mut i64, usize, i64, *mut u8, usize) -> i64,
    pub cancel_ready: unsafe extern "C" fn(
        *mut c_void,
        u16,
        *const u8,
        usize,
        u64,
        i64,
        *mut u64,
        *mut u8,
        usize,
    ) -> i64,
    pub place_many: unsafe extern "C" fn(
        *mut c_void,
        *const PlaceRequest,
        usize,
        *mut i64,
        usize,
        i64,
        *mut u64,
        *mut u8,
        usize,
        *mut i64,
    ),
    pub place_now: unsafe extern "C" fn(
        *mut c_void,
        *const PlaceRequest,
        *mut i64,
        usize,
        i64,
        *mut u64,
        *mut u8,
        usize,
    ) -> i64,
    pub keep_warm: unsafe extern "C" fn(*mut c_void, u16, u8, i64),
}

/// The table that the bridge copies its calls from.
pub fn table() -> Api {
    Api {
    abi_version: ABI_VERSION,
    #[allow(clippy::cast_possible_truncation)] // a table of a few words
    size: std::mem::size_of::<Api>() as u32,
    on_frame,
    place,
    modify,
    cancel,
    bulk,
    record,
    http_step,
    call_place,
    call_modify,
    call_cancel,
    reflex_next,
    reflex_write,
    cancel_ready,
    place_many,
    place_now,
    keep_warm,
    }
}

fn length(result: &std::thread::Result<Result<usize, Failure>>) -> i64 {
    match result {
        Ok(Ok(written)) => i64::try_from(*written).unwrap_or(PANICKED),
        Ok(Err(failure)) => -i64::from(failure.code()),
        Err(_) => PANICKED,
    }
}

/// Kind in the low byte, market in the next two, then what else there is to do: the bits above.
unsafe extern "C" fn on_frame(
    engine: *mut c_void,
    data: *const u8,
    len: usize,
    recv_ns: i64,
) -> u32 {
    // SAFETY: C1, C2, C3.
    let (engine, frame) =
        unsafe { (&mut *engine.cast::<Engine>(), slice::from_raw_parts(data, len)) };
    let outcome = catch_unwind(AssertUnwindSafe(|| engine.on_frame(frame, recv_ns)));
    match outcome {
        Ok(outcome) => {
            let alarm = u32::from(engine.guard().has_alarm()) << ALARM_BIT;
            let reflex = u32::from(engine.reflexes().has_steps()) << REFLEX_BIT;
            outcome.kind as u32 | (u32::from(outcome.market) << 8) | alarm | reflex
        }
        Err(_) => Kind::Malformed as u32 | (u32::from(u16::MAX) << 8),
    }
}

unsafe extern "C" fn place(
    engine: *mut c_void,
    request: *const PlaceRequest,
    nonce: u64,
    now_ns: i64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3.
    let (engine, request, out) = unsafe {
        (&mut *engine.cast::<Engine>(), &*request, slice::from_raw_parts_mut(out, capacity))
    };
    length(&catch_unwind(AssertUnwindSafe(|| engine.place(request, nonce, now_ns, out))))
}

unsafe extern "C" fn modify(
    engine: *mut c_void,
    request: *const ModifyRequest,
    id: *const u8,
    id_len: usize,
    nonce: u64,
    now_ns: i64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3.
    let (engine, request, id, out) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            &*request,
            slice::from_raw_parts(id, id_len),
            slice::from_raw_parts_mut(out, capacity),
        )
    };
    length(&catch_unwind(AssertUnwindSafe(|| engine.modify(request, id, nonce, now_ns, out))))
}

unsafe extern "C" fn cancel(
    engine: *mut c_void,
    market: u16,
    id: *const u8,
    id_len: usize,
    nonce: u64,
    now_ns: i64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3.
    let (engine, id, out) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            slice::from_raw_parts(id, id_len),
            slice::from_raw_parts_mut(out, capacity),
        )
    };
    let market = usize::from(market);
    length(&catch_unwind(AssertUnwindSafe(|| engine.cancel(market, id, nonce, now_ns, out))))
}

unsafe extern "C" fn record(engine: *mut c_void, stage: u32, nanoseconds: i64) {
    // SAFETY: C1, C2.
    let engine = unsafe { &mut *engine.cast::<Engine>() };
    engine.record(stage as usize, nanoseconds);
}

unsafe extern "C" fn http_step(
    parser: *mut c_void,
    data: *const u8,
    len: usize,
    step: *mut HttpStep,
) {
    // SAFETY: C1, C2, C3; `step` is a local of the caller.
    let (parser, mut input, step) = unsafe {
        (&mut *parser.cast::<ResponseParser>(), slice::from_raw_parts(data, len), &mut *step)
    };
    let progress = catch_unwind(AssertUnwindSafe(|| parser.advance(&mut input)));
    step.left = input.len();
    step.state = match progress {
        Ok(Ok(Progress::NeedMore)) => 0,
        Ok(Ok(Progress::Response)) => {
            step.status = parser.status();
            step.keep_alive = u8::from(parser.keep_alive());
            step.body = parser.body().as_ptr();
            step.body_len = parser.body().len();
            1
        }
        Ok(Err(_)) => -1,
        Err(_) => -2,
    };
}

/// Takes the next step of the reflexes; 0 where there is none.
unsafe extern "C" fn reflex_next(engine: *mut c_void, step: *mut Step) -> u8 {
    // SAFETY: C1, C2; `step` is the caller's own.
    let (engine, step) = unsafe { (&mut *engine.cast::<Engine>(), &mut *step) };
    let found = catch_unwind(AssertUnwindSafe(|| engine.reflexes_mut().next_step()));
    found.ok().flatten().map_or(0, |next| {
        *step = next;
        1
    })
}

/// `cells` are those of the throttle, kept from other processes by the caller.
unsafe extern "C" fn reflex_write(
    engine: *mut c_void,
    step: *mut Step,
    cells: *mut i64,
    count: usize,
    now_ns: i64,
    out: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: C1, C2, C3; `step` is the caller's own, and the cells are for this call.
    let (engine, step, cells, out) = unsafe {
        (
            &mut *engine.cast::<Engine>(),
            &mut *step,
            slice::from_raw_parts_mut(cells, count),
            slice::from_raw_parts_mut(out, capacity),
        )
    };
    length(&catch_unwind(AssertUnwindSafe(|| engine.write_step(step, cells, now_ns, out))))
}

/// The stage numbers, for the stub's test.
pub const STAGE_NAMES: [(&str, u8); STAGES] = [
    ("apply", Stage::Apply as u8),
    ("callback", Stage::Callback as u8),
    ("encode", Stage::Encode as u8),
    ("write", Stage::Write as u8),
    ("tick_to_trade", Stage::TickToTrade as u8),
    ("wire_to_ack", Stage::WireToAck as u8),
];
