//! The loops of the library, each once on fixed input, for a tool that counts instructions.
//!
//! Owns: how often each job runs. Must not know: what counts, and what a right count is. Invariant:
//! a job is a function of its own that is never inlined, so that a profile names it; a job that
//! does not do its whole work ends the process.
//!
//! Argument: a file of length-prefixed groups, see `bench/instructions.py`: depth frames, tickers,
//! private frames, responses.

use std::hint::black_box;

use whitewire_bench::{
    frames_free, frames_new, frames_run, gates_admit, gates_free, gates_new, orders_cancel,
    orders_free, orders_new, orders_run, responses_free, responses_new, responses_run, Order,
};

const KEY: &str = "abcdef0123456789abcdef0123456789";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NONCE: u64 = 1_785_730_136_175;

/// The next number of the file.
fn number(file: &mut &[u8]) -> usize {
    let (head, rest) = file.split_first_chunk().expect("a whole file");
    *file = rest;
    u32::from_le_bytes(*head) as usize
}

/// The next group of the file: the lengths of its frames, and their bytes.
fn group<'a>(file: &mut &'a [u8]) -> (Vec<usize>, &'a [u8]) {
    let count = number(file);
    let lengths: Vec<usize> = (0..count).map(|_| number(file)).collect();
    let (bytes, rest) = file.split_at(lengths.iter().sum());
    *file = rest;
    (lengths, bytes)
}

/// Feeds a group twice: the first pass warms what is filled on first use.
fn feed((lengths, bytes): (Vec<usize>, &[u8]), job: fn(*mut whitewire_bench::Frames) -> u64) {
    let market = "BTC_PERP";
    // SAFETY: B1 and B2 of the library: the pointers are of living values.
    unsafe {
        let frames = frames_new(
            market.as_ptr(),
            market.len(),
            bytes.as_ptr(),
            lengths.as_ptr(),
            lengths.len(),
        );
        frames_run(frames, 1);
        assert_eq!(job(frames), lengths.len() as u64);
        frames_free(frames);
    }
}

macro_rules! feeding {
    ($($job:ident),*) => {$(
        #[inline(never)]
        #[no_mangle]
        fn $job(frames: *mut whitewire_bench::Frames) -> u64 {
            // Equal functions would become one.
            black_box(stringify!($job));
            // SAFETY: B1: `feed` made it.
            black_box(unsafe { frames_run(frames, 1) })
        }
    )*};
}

feeding!(job_depth, job_ticker, job_private);

#[inline(never)]
#[no_mangle]
fn job_sign(orders: *mut whitewire_bench::Orders, first: &Order) {
    // SAFETY: B1: `main` made it.
    unsafe { orders_run(orders, first, 200) };
    black_box(orders);
}

#[inline(never)]
#[no_mangle]
fn job_cancel(orders: *mut whitewire_bench::Orders) -> usize {
    // SAFETY: B1: `main` made it.
    black_box(unsafe { orders_cancel(orders, NONCE, 200) })
}

#[inline(never)]
#[no_mangle]
fn job_gate(gates: *mut whitewire_bench::Gates) -> u64 {
    // SAFETY: B1: `main` made it.
    black_box(unsafe { gates_admit(gates, 500) })
}

#[inline(never)]
#[no_mangle]
fn job_http(responses: *mut whitewire_bench::Responses) -> usize {
    // SAFETY: B1: `main` made it.
    black_box(unsafe { responses_run(responses, 1) })
}

fn main() {
    let path = std::env::args().nth(1).expect("the file of inputs");
    let file = std::fs::read(path).expect("a readable file");
    let mut file = file.as_slice();
    feed(group(&mut file), job_depth);
    feed(group(&mut file), job_ticker);
    feed(group(&mut file), job_private);
    let (_, answers) = group(&mut file);
    let prefix = "ww-mbl2k3x9-";
    // SAFETY: B1 and B2 of the library: the pointers are of living values.
    unsafe {
        let responses = responses_new(answers.as_ptr(), answers.len());
        assert!(job_http(responses) > 0);
        responses_free(responses);
        let texts = [KEY, SECRET, prefix];
        let [key, secret, prefix] = texts.map(|text| (text.as_ptr(), text.len()));
        let orders = orders_new(key.0, key.1, secret.0, secret.1, prefix.0, prefix.1, true);
        job_sign(orders, &Order::new(1, 629_573, 13, NONCE));
        assert!(job_cancel(orders) > 0);
        orders_free(orders);
        let gates = gates_new();
        assert_eq!(job_gate(gates), 500);
        gates_free(gates);
    }
}
