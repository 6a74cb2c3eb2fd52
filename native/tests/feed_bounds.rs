//! Nothing outside of a frame is read: every frame ends, and begins, where memory ends.
#![cfg(target_os = "linux")]

mod feed_support;

use core::ffi::{c_int, c_long, c_void};

use feed_support::*;

const PAGE: usize = 1 << 16;
const READ_WRITE: c_int = 1 | 2;
const NO_ACCESS: c_int = 0;
const PRIVATE_ANONYMOUS: c_int = 2 | if cfg!(target_os = "linux") { 0x20 } else { 0x1000 };

extern "C" {
    fn mmap(
        at: *mut c_void,
        len: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: c_long,
    ) -> *mut c_void;
    fn mprotect(at: *mut c_void, len: usize, protection: c_int) -> c_int;
}

/// One readable page between two that are not; touching those ends the process.
fn island() -> &'static mut [u8] {
    // SAFETY: a fresh mapping of three pages, of which the outer two lose their access; the middle
    // one is never unmapped and handed out once.
    unsafe {
        let all = mmap(core::ptr::null_mut(), 3 * PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
        assert!(!all.is_null() && all.addr() != usize::MAX, "no memory");
        assert_eq!(mprotect(all, PAGE, NO_ACCESS), 0);
        assert_eq!(mprotect(all.byte_add(2 * PAGE), PAGE, NO_ACCESS), 0);
        core::slice::from_raw_parts_mut(all.byte_add(PAGE).cast(), PAGE)
    }
}

#[test]
fn frames_are_read_within_their_bounds() {
    let island = island();
    let mut walk = Walk::new(5);
    let mut frames: Vec<Vec<u8>> = CAPTURES
        .iter()
        .flat_map(|frame| [(*frame).to_owned(), frame.replace(' ', "")])
        .map(String::into_bytes)
        .collect();
    for round in 0..200 {
        let style = [Style::Spaced, Style::Compact][round % 2];
        frames.push(walk.message(round % 20 == 0).print(style).into_bytes());
    }
    for isa in isas() {
        let mut feeds = [feed_on(isa, 100), feed_on(isa, 100)];
        for frame in &frames {
            for len in (0..=frame.len()).rev().step_by(3) {
                let text = &frame[..len];
                let [first, last] = [0..len, PAGE - len..PAGE].map(|place| {
                    island[place.clone()].copy_from_slice(text);
                    place
                });
                let outcomes =
                    [feeds[0].on_frame(&island[first], 1), feeds[1].on_frame(&island[last], 1)];
                assert_eq!(outcomes[0], outcomes[1]);
            }
        }
        assert!(feeds.iter().all(|feed| feed.counters().fast_path > 200));
    }
}
