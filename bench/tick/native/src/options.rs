//! What a program is told: one JSON object, its only argument.
//!
//! Owns: reading it, and pinning the process to a CPU. Must not know: what it is for. Invariant: an
//! unknown or missing member ends the program with a sentence.

use serde::de::DeserializeOwned;

/// The program's argument, or the end of the program with exit code 2.
#[must_use]
pub fn read<T: DeserializeOwned>() -> T {
    let text = std::env::args().nth(1).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_else(|error| {
        eprintln!("give the options as one JSON object: {error}");
        std::process::exit(2)
    })
}

/// Keeps the calling thread on one CPU; None leaves it alone.
pub fn pin(cpu: Option<usize>) {
    let Some(cpu) = cpu else { return };
    // SAFETY: the set is plain data of the size that is told, and 0 is the calling thread.
    let failed = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
    };
    assert!(failed == 0, "this process may not run on CPU {cpu}");
}
