//! The fast readers and the book behind them, compiled once for each instruction set.
//!
//! A kernel is fast only inside of functions that have its features, so here are the functions
//! whose bodies are the same and whose features differ, and the choice between them.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

use super::{Feed, Ticker};
use crate::book::{Applied, Book};
use crate::decode::{ticker, Expect, Fault, Message};
use crate::event::{Kind, Outcome};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::scan::Isa;
use crate::scan::Kernel;

/// Asks for the ticker that a message will replace.
struct Tickers<'a>(&'a [Ticker]);

impl Expect for Tickers<'_> {
    #[inline(always)]
    fn expect<K: Kernel>(&self, market: u16, _: usize) {
        K::prefetch((&raw const self.0[usize::from(market)]).cast());
    }
}

/// Asks for the levels that a message may change.
struct Books<'a>(&'a [Book]);

impl Expect for Books<'_> {
    #[inline(always)]
    fn expect<K: Kernel>(&self, market: u16, levels: usize) {
        self.0[usize::from(market)].prefetch::<K>(levels);
    }
}

/// # Safety
/// The machine has the kernel's instruction set.
#[inline(always)]
unsafe fn read_ticker<K: Kernel, const SPACED: bool>(
    feed: &mut Feed,
    frame: &[u8],
    recv_ns: i64,
) -> Option<Outcome> {
    // SAFETY: the caller vouches for the machine.
    let (market, top) =
        unsafe { ticker::read::<K, SPACED>(frame, &feed.markets, &Tickers(&feed.tickers))? };
    Some(feed.take_ticker(market, top, recv_ns))
}

/// # Safety
/// The machine has the kernel's instruction set.
#[inline(always)]
unsafe fn read_depth<K: Kernel>(feed: &mut Feed, frame: &[u8], recv_ns: i64) -> Option<Outcome> {
    // SAFETY: the caller vouches for the machine.
    unsafe {
        let market = feed.records.read_depth::<K>(frame, &feed.markets, &Books(&feed.books))?;
        Some(take_depth::<K>(feed, market, recv_ns))
    }
}

/// # Safety
/// The machine has the kernel's instruction set.
#[inline(always)]
unsafe fn read_private<K: Kernel>(feed: &mut Feed, frame: &[u8]) -> Option<Result<Message, Fault>> {
    // SAFETY: the caller vouches for the machine.
    unsafe { feed.records.read_private::<K>(frame, &feed.markets) }
}

/// # Safety
/// The machine has the kernel's instruction set.
#[inline(always)]
unsafe fn take_depth<K: Kernel>(feed: &mut Feed, market: u16, recv_ns: i64) -> Outcome {
    let (book, depth) = (&mut feed.books[usize::from(market)], &feed.records.depth);
    // SAFETY: the caller vouches for the machine.
    let applied = unsafe { book.apply::<K>(depth, &mut feed.scratch, recv_ns) };
    let counters = &mut feed.counters;
    let (count, kind) = match applied {
        Applied::Delta => (&mut counters.deltas, Kind::BookDelta),
        Applied::Snapshot => (&mut counters.snapshots, Kind::BookSnapshot),
        Applied::Gap => (&mut counters.gaps, Kind::BookGap),
        Applied::Crossed => (&mut counters.crossed, Kind::BookGap),
        Applied::Stale => (&mut counters.stale, Kind::BookStale),
        Applied::Ignored => (&mut counters.ignored, Kind::BookIgnored),
    };
    *count += 1;
    Outcome { kind, market }
}

/// The four functions above for one instruction set.
macro_rules! compiled_for {
    ($set:ident, $kernel:ident $(, $features:literal)*) => {
        mod $set {
            use super::{Fault, Feed, Message, Outcome};
            use crate::scan::$kernel;

            #[inline(never)]
            $(#[target_feature(enable = $features)])*
            pub(super) fn read_ticker<const SPACED: bool>(
                feed: &mut Feed,
                frame: &[u8],
                recv_ns: i64,
            ) -> Option<Outcome> {
                // SAFETY: this function has the features that the kernel needs.
                unsafe { super::read_ticker::<$kernel, SPACED>(feed, frame, recv_ns) }
            }

            #[inline(never)]
            $(#[target_feature(enable = $features)])*
            pub(super) fn read_depth(
                feed: &mut Feed,
                frame: &[u8],
                recv_ns: i64,
            ) -> Option<Outcome> {
                // SAFETY: as above.
                unsafe { super::read_depth::<$kernel>(feed, frame, recv_ns) }
            }

            #[inline(never)]
            $(#[target_feature(enable = $features)])*
            pub(super) fn read_private(
                feed: &mut Feed,
                frame: &[u8],
            ) -> Option<Result<Message, Fault>> {
                // SAFETY: as above.
                unsafe { super::read_private::<$kernel>(feed, frame) }
            }

            #[inline(never)]
            $(#[target_feature(enable = $features)])*
            pub(super) fn take_depth(feed: &mut Feed, market: u16, recv_ns: i64) -> Outcome {
                // SAFETY: as above.
                unsafe { super::take_depth::<$kernel>(feed, market, recv_ns) }
            }
        }
    };
}

compiled_for!(plain, Scalar);
#[cfg(target_arch = "x86_64")]
compiled_for!(avx2, Avx2, "avx2,bmi1,bmi2,popcnt,lzcnt");
#[cfg(target_arch = "x86_64")]
compiled_for!(
    avx512,
    Avx512,
    "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2",
    "avx2,bmi1,bmi2,popcnt,lzcnt"
);

#[cfg(target_arch = "aarch64")]
compiled_for!(neon, Neon);

/// Calls the one of them that was compiled for the feed's instruction set.
macro_rules! on_this_machine {
    ($feed:ident, $function:ident $(::<$flag:ident>)? ($($argument:ident),*)) => {
        match $feed.isa {
            // SAFETY: the set was found on this machine when the feed was made.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::$function$(::<$flag>)?($feed, $($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::$function$(::<$flag>)?($feed, $($argument),*) },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => neon::$function$(::<$flag>)?($feed, $($argument),*),
            _ => plain::$function$(::<$flag>)?($feed, $($argument),*),
        }
    };
}

impl Feed {
    /// Takes a frame if it is a hot message in its captured form.
    #[inline(always)]
    pub(super) fn take_fast(&mut self, frame: &[u8], recv_ns: i64) -> Option<Outcome> {
        match ticker::Form::guess(frame) {
            Some(ticker::Form::Spaced) => self.fast_ticker::<true>(frame, recv_ns),
            Some(ticker::Form::Compact) => self.fast_ticker::<false>(frame, recv_ns),
            None => on_this_machine!(self, read_depth(frame, recv_ns)),
        }
    }

    #[inline(always)]
    fn fast_ticker<const SPACED: bool>(&mut self, frame: &[u8], recv_ns: i64) -> Option<Outcome> {
        on_this_machine!(self, read_ticker::<SPACED>(frame, recv_ns))
    }

    /// Reads a frame if it is a push about the own account in its captured form.
    pub(super) fn read_private(&mut self, frame: &[u8]) -> Option<Result<Message, Fault>> {
        on_this_machine!(self, read_private(frame))
    }

    /// Applies the depth message in the records to its book.
    pub(super) fn apply_depth(&mut self, market: u16, recv_ns: i64) -> Outcome {
        on_this_machine!(self, take_depth(market, recv_ns))
    }
}
