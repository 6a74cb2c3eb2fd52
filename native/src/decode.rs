//! Frames to records.
//!
//! Owns the wire names of the venue's stream and the choice between the two readers: the fast one
//! for depth and ticker in the form in which the venue prints them, the general one for all JSON.
//! Knows no books and no sequence. Invariant: both readers give the same records, and a record is
//! either whole or reported as a [`Fault`].
//!
//! Venue rules obeyed here:
//!
//! * **D1** Keys come in any order, white space anywhere, unknown keys and methods at any time.
//! * **D2** A side that did not change is missing from a delta.
//! * **D3** Prices and amounts are decimal texts, tiny ones with an exponent; zero removes a level.
//! * **D4** Only a delta refers back; a snapshot does not.
//! * **D5** Ids and counters exceed 32 bits; times are seconds with a fraction.
//! * **D6** Account streams number the sides 1 sell and 2 buy, public trades spell them out; older
//!   captures carry side and role as texts.
//! * **D7** An empty side of the ticker is "0", "0".
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

mod account;
pub mod answer;
mod fast;
mod general;
mod json;
mod margin;
mod markets;
mod private;
pub(crate) mod sample;
pub(crate) mod ticker;

pub(crate) use markets::Markets;
pub use markets::MAX_NAME;

use crate::event::{Cold, Depth, Kind, Top};
use crate::scan::{Kernel, Tokens};
use json::Reason;

/// What a frame holds; the record of that kind is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A depth message of this market.
    Depth(u16),
    /// A ticker message of this market.
    Ticker(u16, Top),
    /// Anything else.
    Cold(Kind, Option<u16>),
    /// A push about a market that was never added.
    Elsewhere,
}

/// What can no longer be trusted after a frame that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Nothing that the feed holds.
    None,
    /// The book of one market.
    Book(u16),
    /// The ticker of one market.
    Ticker(u16),
    /// All of it: nobody knows what the frame was.
    All,
}

/// Why a frame is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) damage: Damage,
}

/// Who is told of a message's market before the rest of the message is read.
///
/// A trait and no closure: a closure has no instruction set, so it would be called.
pub(crate) trait Expect {
    /// A message about this market, of about so many levels, is being read.
    fn expect<K: Kernel>(&self, market: u16, levels: usize);
}

/// The records that decoding fills, reused from frame to frame.
#[derive(Debug)]
pub(crate) struct Records {
    tokens: Tokens,
    pub(crate) depth: Depth,
    pub(crate) cold: Cold,
}

impl Records {
    pub(crate) fn new() -> Self {
        Self { tokens: Tokens::new(), depth: Depth::default(), cold: Cold::default() }
    }

    /// Reads a frame if it has the captured form of a depth message; its market, which `ahead` is
    /// told before the levels are read.
    ///
    /// # Safety
    /// The machine has the kernel's instruction set.
    #[inline(always)]
    pub(crate) unsafe fn read_depth<K: Kernel>(
        &mut self,
        frame: &[u8],
        markets: &Markets,
        ahead: &impl Expect,
    ) -> Option<u16> {
        // SAFETY: the caller vouches for the machine.
        unsafe { fast::read::<K>(frame, &mut self.tokens, markets, &mut self.depth, ahead) }
    }

    /// Reads a frame if it is a push about the own account in the captured form.
    ///
    /// # Safety
    /// The machine has the kernel's instruction set.
    #[inline(always)]
    pub(crate) unsafe fn read_private<K: Kernel>(
        &mut self,
        frame: &[u8],
        markets: &Markets,
    ) -> Option<Result<Message, Fault>> {
        // SAFETY: the caller vouches for the machine.
        unsafe { private::read::<K>(frame, &mut self.tokens, markets, &mut self.cold) }
    }

    /// Reads any frame.
    #[cold]
    #[inline(never)]
    pub(crate) fn read_general(
        &mut self,
        frame: &[u8],
        markets: &Markets,
    ) -> Result<Message, Fault> {
        general::read(frame, markets, self)
    }
}
