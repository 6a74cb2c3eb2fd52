//! What the bridge asks the engine for, and how it hears no.
//!
//! Owns the plain values that cross the border in either direction. Must not know templates' or
//! the gate's insides. Invariant: the `repr(C)` layouts equal `_native_api.pxd`.

use crate::feed::FeedError;
use crate::gate::Refusal;
use crate::sign::SignError;
pub use crate::template::SEQUENCE_DIGITS;
use crate::template::{EncodeError, TemplateError};

/// Order flags, as the bridge passes them in one byte.
pub mod flags {
    pub const SELL: u8 = 1;
    pub const POST_ONLY: u8 = 1 << 1;
    pub const IOC: u8 = 1 << 2;
    pub const RPI: u8 = 1 << 3;
    /// Two bits: 0 no, 1 cancel both, 2 cancel new, 3 cancel old.
    pub const STP_SHIFT: u8 = 4;
    pub const REDUCE_ONLY: u8 = 1 << 6;
    pub const COUNT: usize = 1 << 7;
}

/// Stages whose durations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Frame in hand to book applied.
    Apply = 0,
    /// Strategy callback, orders included.
    Callback = 1,
    /// Gate, template and signature of one order.
    Encode = 2,
    /// One write of a burst to its socket.
    Write = 3,
    /// Frame in hand to last byte of the orders written.
    TickToTrade = 4,
    /// Last byte written to the acknowledgement parsed.
    WireToAck = 5,
}

/// Number of stages.
pub const STAGES: usize = 6;

/// What one order asks for; the bridge hands these over by pointer.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct PlaceRequest {
    pub market: u16,
    pub flags: u8,
    /// Out: 0, or the refusal of this leg.
    pub refusal: u8,
    pub reserved: u32,
    pub price: i64,
    pub amount: i64,
    pub sequence: u64,
}

/// What a modification asks for; `price` and `amount` are the replacement's, both always sent.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ModifyRequest {
    pub market: u16,
    pub flags: u8,
    pub reserved: [u8; 5],
    pub price: i64,
    pub amount: i64,
}

/// Why no bytes were produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Refused(Refusal),
    Encode(EncodeError),
    Template,
    NoKey,
    UnknownMarket,
    Legs,
    Left,
}

impl Failure {
    /// The number of every encoding failure.
    pub const ENCODE: u8 = 64;

    /// One byte for the bridge: refusals keep their own numbers (below 64).
    pub fn code(self) -> u8 {
        match self {
            Failure::Refused(refusal) => refusal.code(),
            Failure::Encode(_) => Self::ENCODE,
            Failure::Template => 65,
            Failure::NoKey => 66,
            Failure::UnknownMarket => 67,
            Failure::Legs => 68,
            Failure::Left => 69,
        }
    }
}

/// Paths of the order endpoints on the route that carries them.
#[derive(Clone, Debug)]
pub struct OrderPaths {
    pub host: String,
    pub place: String,
    pub cancel: String,
    pub modify: String,
    pub bulk: String,
}

/// Why a market or template could not be set up.
#[derive(Debug)]
pub enum SetupError {
    Feed(FeedError),
    Template(TemplateError),
    Sign(SignError),
    NoKey,
    UnknownMarket,
}

impl From<FeedError> for SetupError {
    fn from(error: FeedError) -> Self {
        SetupError::Feed(error)
    }
}

impl From<TemplateError> for SetupError {
    fn from(error: TemplateError) -> Self {
        SetupError::Template(error)
    }
}

impl From<SignError> for SetupError {
    fn from(error: SignError) -> Self {
        SetupError::Sign(error)
    }
}

impl std::fmt::Display for SetupError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SetupError::Feed(error) => write!(out, "{error}"),
            SetupError::Template(error) => write!(out, "{error}"),
            SetupError::Sign(error) => write!(out, "{error}"),
            SetupError::NoKey => write!(out, "no API key was given"),
            SetupError::UnknownMarket => write!(out, "the market was not added"),
        }
    }
}
