//! The native core of whitewire: everything between a frame's bytes and an order's bytes.
//!
//! ```text
//! frame -> decode -> sequence -> book -> (strategy) -> gate -> template -> sign -> bytes
//! ```
//!
//! Nothing here knows sockets, clocks or threads: bytes and times come in as arguments. Only
//! `py` knows `PyO3` and only `capi` knows raw pointers from outside; without the `python`
//! feature the crate is plain Rust and is tested as such.

pub mod base64;
pub mod book;
pub mod decode;
pub mod digits;
pub mod engine;
pub mod event;
pub mod feed;
pub mod gate;
pub mod histogram;
pub mod http1;
pub mod presigned;
pub mod price;
pub mod reflex;
pub mod scan;
pub mod sequence;
pub mod sha512;
pub mod sign;
pub mod template;

#[cfg(any(test, feature = "python"))]
#[cfg_attr(not(feature = "python"), allow(dead_code))] // the tests of the table need no Python
mod capi;
#[cfg(feature = "python")]
mod py;
