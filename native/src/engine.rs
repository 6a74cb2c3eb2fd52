//! One gateway's native side: the feed, the gate's limits, the templates and the histograms.
//!
//! Owns: the order of checks on the way out (gate, then template) and the choice of template.
//! Must not know: sockets, Python, the clock. Invariant: no bytes of an order are produced that
//! the gate did not pass, and a cancel is never refused by the gate.

mod allowance;
mod burst;
mod immediate;
mod outbound;
mod padding;
mod ready;
mod reflex;
mod request;
mod routes;
mod socket;
mod warm;

use crate::event::{Kind, Outcome};
use crate::feed::Feed;
use crate::gate::{Event, Guard, MarketLimits, Top};
use crate::histogram::Histogram;
use crate::presigned::Presigned;
use crate::sha512::lanes::Lanes;
use crate::sign::Signer;
use crate::template::{
    BulkTemplate, CancelTemplate, ModifyTemplate, PlaceSpec, PlaceTemplate, Side, Stp,
};

pub use crate::template::MAX_LEGS;
pub use allowance::{Allowance, Spending};
pub use reflex::Reflexes;
pub use request::{
    flags, Failure, ModifyRequest, OrderPaths, PlaceRequest, SetupError, Stage, SEQUENCE_DIGITS,
    STAGES,
};
pub use warm::Warmth;

struct Trading {
    name: String,
    limits: MarketLimits,
    place_path: String,
    /// Which of the engine's bulk templates takes its orders.
    bulk: usize,
    place: [Option<Box<PlaceTemplate>>; flags::COUNT],
    cancel: Option<CancelTemplate>,
    modify: [Option<ModifyTemplate>; 4],
}

/// See the module's documentation.
pub struct Engine {
    feed: Feed,
    signer: Option<Signer>,
    paths: OrderPaths,
    id_base: String,
    pads_requests: bool,
    guard: Guard,
    trading: Vec<Trading>,
    /// By path; the first one is that of [`OrderPaths`].
    bulk: Vec<(String, BulkTemplate)>,
    stages: [Histogram; STAGES],
    calls: socket::Calls,
    reflexes: Reflexes,
    allowance: Allowance,
    presigned: Presigned,
    lanes: Lanes,
    warmth: Warmth,
}

fn stp_of(flag_bits: u8) -> Stp {
    match (flag_bits >> flags::STP_SHIFT) & 3 {
        0 => Stp::No,
        1 => Stp::CancelBoth,
        2 => Stp::CancelNew,
        _ => Stp::CancelOld,
    }
}

fn side_of(flag_bits: u8) -> Side {
    if flag_bits & flags::SELL == 0 {
        Side::Buy
    } else {
        Side::Sell
    }
}

impl Engine {
    /// `id_base` starts every client order id (letters, digits and dashes).
    pub fn new(signer: Option<Signer>, paths: OrderPaths, id_base: &str) -> Self {
        Engine {
            feed: Feed::new(),
            signer,
            paths,
            id_base: id_base.to_owned(),
            pads_requests: false,
            guard: Guard::default(),
            trading: Vec::new(),
            bulk: Vec::new(),
            stages: std::array::from_fn(|_| Histogram::new()),
            calls: socket::Calls::default(),
            reflexes: Reflexes::default(),
            allowance: Allowance::default(),
            presigned: Presigned::default(),
            lanes: Lanes::get(),
            warmth: Warmth::new(),
        }
    }

    /// Adds a market to the feed and prepares its cancel and modify templates.
    pub fn add_market(
        &mut self,
        name: &str,
        price_decimals: i8,
        amount_decimals: i8,
        depth: u16,
        limits: MarketLimits,
    ) -> Result<usize, SetupError> {
        let index = self.feed.add_market(name, price_decimals, amount_decimals, depth)?;
        let mut trading = Trading {
            name: name.to_owned(),
            limits,
            place_path: self.paths.place.clone(),
            bulk: 0,
            place: std::array::from_fn(|_| None),
            cancel: None,
            modify: std::array::from_fn(|_| None),
        };
        if let Some(signer) = &self.signer {
            let paths = &self.paths;
            trading.cancel = Some(self.cancel_template(signer, name)?);
            for (bits, slot) in (0u8..4).zip(trading.modify.iter_mut()) {
                let stp = stp_of(bits << flags::STP_SHIFT);
                *slot = Some(self.modify_template(signer, name, stp)?);
            }
            if self.bulk.is_empty() {
                let template = BulkTemplate::new(signer, &paths.host, &paths.bulk, false)?;
                self.bulk.push((paths.bulk.clone(), template));
            }
        }
        self.trading.push(trading);
        self.guard.add_market();
        self.reflexes.add_market();
        Ok(index)
    }

    /// Number of markets added.
    pub fn markets(&self) -> usize {
        self.trading.len()
    }

    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    pub fn feed_mut(&mut self) -> &mut Feed {
        &mut self.feed
    }

    /// The limits, sums and states of the account.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    pub fn guard_mut(&mut self) -> &mut Guard {
        &mut self.guard
    }

    /// Takes one frame; the market's new top is the gate's mark, and what its reflexes act on.
    pub fn on_frame(&mut self, frame: &[u8], recv_ns: i64) -> Outcome {
        let outcome = self.feed.on_frame(frame, recv_ns);
        match outcome.kind {
            Kind::BookDelta | Kind::BookSnapshot | Kind::BookGap => {
                let market = usize::from(outcome.market);
                let top = self.top(market);
                let (bid, ask) = if top.stale { (0, 0) } else { (top.best_bid, top.best_ask) };
                self.guard.on_top(market, bid, ask, recv_ns);
            }
            Kind::Malformed => self.guard.forget_marks(),
            _ => {}
        }
        self.react(outcome.kind, usize::from(outcome.market), recv_ns);
        outcome
    }

    /// A new session: every book is stale, nothing can be valued until it is seen again.
    pub fn reset_feed(&mut self) {
        self.feed.reset();
        self.guard.forget_marks();
    }

    /// Stops or allows placements on every market; cancels always pass.
    pub fn set_halted(&mut self, halted: bool) {
        self.guard.account_event(if halted { Event::Disarm } else { Event::Arm });
    }

    /// Stops or allows placements on one market.
    pub fn set_market_halted(&mut self, market: usize, halted: bool) -> Result<(), Failure> {
        let event = if halted { Event::Disarm } else { Event::Arm };
        self.guard.market_event(market, event).then_some(()).ok_or(Failure::UnknownMarket)
    }

    pub fn stage(&self, stage: usize) -> Option<&Histogram> {
        self.stages.get(stage)
    }

    pub fn record(&mut self, stage: usize, nanoseconds: i64) {
        if let Some(histogram) = self.stages.get_mut(stage) {
            histogram.record(nanoseconds);
        }
    }

    pub fn reset_stages(&mut self) {
        self.stages.iter_mut().for_each(Histogram::reset);
    }

    /// Text before the sequence digits of client ids of orders with these flags.
    pub fn client_id_prefix(&mut self, market: usize, flag_bits: u8) -> Result<String, SetupError> {
        let spec = self.place_spec(market, flag_bits)?;
        if self.pads_requests {
            return Ok(self.id_base.clone()); // the padding does what its zeros would do
        }
        Ok(PlaceTemplate::aligned_client_id_prefix(&spec, &self.id_base, SEQUENCE_DIGITS))
    }

    /// Builds the template of these flags; the first order would otherwise pay for it.
    pub fn prepare(&mut self, market: usize, flag_bits: u8) -> Result<(), SetupError> {
        let slot = usize::from(flag_bits) % flags::COUNT;
        let known = self.trading.get(market).ok_or(SetupError::UnknownMarket)?;
        if known.place[slot].is_some() {
            return Ok(());
        }
        let prefix = self.client_id_prefix(market, flag_bits)?;
        let mut spec = self.place_spec(market, flag_bits)?;
        spec.client_id_prefix = &prefix;
        let signer = self.signer.as_ref().ok_or(SetupError::NoKey)?;
        let template = self.place_template(signer, &spec)?;
        self.trading[market].place[slot] = Some(Box::new(template));
        Ok(())
    }

    fn place_spec(&self, market: usize, flag_bits: u8) -> Result<PlaceSpec<'_>, SetupError> {
        let trading = self.trading.get(market).ok_or(SetupError::UnknownMarket)?;
        Ok(PlaceSpec {
            host: &self.paths.host,
            path: &trading.place_path,
            market: &trading.name,
            side: side_of(flag_bits),
            post_only: flag_bits & flags::POST_ONLY != 0,
            ioc: flag_bits & flags::IOC != 0,
            rpi: flag_bits & flags::RPI != 0,
            reduce_only: flag_bits & flags::REDUCE_ONLY != 0,
            stp: Some(stp_of(flag_bits)),
            client_id_prefix: "",
        })
    }

    fn top(&self, market: usize) -> Top {
        let book = self.feed.book(market);
        Top {
            best_bid: book.best_bid().map_or(0, |level| level.0),
            best_ask: book.best_ask().map_or(0, |level| level.0),
            stale: book.is_stale(),
            recv_ns: book.recv_ns(),
        }
    }

    fn scale(&self, market: usize) -> (i8, i8) {
        if market >= self.trading.len() {
            return (0, 0);
        }
        let book = self.feed.book(market);
        (book.price_decimals(), book.amount_decimals())
    }

    fn template(&self, market: usize, flag_bits: u8) -> Result<&PlaceTemplate, Failure> {
        let trading = self.trading.get(market).ok_or(Failure::UnknownMarket)?;
        let slot = usize::from(flag_bits) % flags::COUNT;
        trading.place[slot].as_deref().ok_or(Failure::Template)
    }
}
