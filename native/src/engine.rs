//! One gateway's native side: the feed, the gate's limits, the templates and the histograms.
//!
//! Owns: the order of checks on the way out (gate, then template) and the choice of template.
//! Must not know: sockets, Python, the clock. Invariant: no bytes of an order are produced that
//! the gate did not pass, and a cancel is never refused by the gate.

mod request;
mod routes;

use crate::feed::Feed;
use crate::gate::{self, MarketLimits, Top};
use crate::histogram::Histogram;
use crate::price;
use crate::sign::Signer;
use crate::template::{
    BulkLeg, BulkTemplate, CancelTemplate, ModifyFields, ModifyTemplate, PlaceFields, PlaceSpec,
    PlaceTemplate, Side, Stp,
};

pub use crate::template::MAX_LEGS;
pub use request::{
    flags, Failure, ModifyRequest, OrderPaths, PlaceRequest, SetupError, Stage, SEQUENCE_DIGITS,
    STAGES,
};

struct Trading {
    name: String,
    limits: MarketLimits,
    halted: bool,
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
    halted: bool,
    trading: Vec<Trading>,
    /// By path; the first one is that of [`OrderPaths`].
    bulk: Vec<(String, BulkTemplate)>,
    stages: [Histogram; STAGES],
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

fn digits(mut value: u64, out: &mut [u8; SEQUENCE_DIGITS]) -> &[u8] {
    for slot in out.iter_mut().rev() {
        *slot = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
    out
}

impl Engine {
    /// `id_base` starts every client order id (letters, digits and dashes).
    pub fn new(signer: Option<Signer>, paths: OrderPaths, id_base: &str) -> Self {
        Engine {
            feed: Feed::new(),
            signer,
            paths,
            id_base: id_base.to_owned(),
            halted: true,
            trading: Vec::new(),
            bulk: Vec::new(),
            stages: std::array::from_fn(|_| Histogram::new()),
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
            halted: false,
            place_path: self.paths.place.clone(),
            bulk: 0,
            place: std::array::from_fn(|_| None),
            cancel: None,
            modify: std::array::from_fn(|_| None),
        };
        if let Some(signer) = &self.signer {
            let paths = &self.paths;
            trading.cancel = Some(CancelTemplate::new(signer, &paths.host, &paths.cancel, name)?);
            for (bits, slot) in (0u8..4).zip(trading.modify.iter_mut()) {
                let stp = stp_of(bits << flags::STP_SHIFT);
                *slot = Some(ModifyTemplate::new(signer, &paths.host, &paths.modify, name, stp)?);
            }
            if self.bulk.is_empty() {
                let template = BulkTemplate::new(signer, &paths.host, &paths.bulk, false)?;
                self.bulk.push((paths.bulk.clone(), template));
            }
        }
        self.trading.push(trading);
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

    /// Stops or allows placements on every market; cancels always pass.
    pub fn set_halted(&mut self, halted: bool) {
        self.halted = halted;
    }

    /// Stops or allows placements on one market.
    pub fn set_market_halted(&mut self, market: usize, halted: bool) -> Result<(), Failure> {
        self.trading.get_mut(market).ok_or(Failure::UnknownMarket)?.halted = halted;
        Ok(())
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
        let template = Box::new(PlaceTemplate::new(signer, &spec)?);
        self.trading[market].place[slot] = Some(template);
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

    fn pass_gate(
        &self,
        market: usize,
        flag_bits: u8,
        price: i64,
        amount: i64,
        now_ns: i64,
    ) -> Result<(), Failure> {
        let trading = self.trading.get(market).ok_or(Failure::UnknownMarket)?;
        gate::check(
            &trading.limits,
            &self.top(market),
            side_of(flag_bits),
            price,
            amount,
            flag_bits & flags::POST_ONLY != 0,
            self.halted || trading.halted,
            now_ns,
        )
        .map_err(Failure::Refused)
    }

    /// Gate, template and signature of one order; the length of the request in `out`.
    pub fn place(
        &mut self,
        request: &PlaceRequest,
        nonce: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let market = usize::from(request.market);
        self.pass_gate(market, request.flags, request.price, request.amount, now_ns)?;
        self.prepare(market, request.flags).map_err(|_| Failure::Template)?;
        let (price_decimals, amount_decimals) = self.scale(market);
        let (mut price_text, mut amount_text) = ([0u8; 40], [0u8; 40]);
        let price_len = price::format(request.price, price_decimals, &mut price_text);
        let amount_len = price::format(request.amount, amount_decimals, &mut amount_text);
        let mut id = [0u8; SEQUENCE_DIGITS];
        let fields = PlaceFields {
            client_id: digits(request.sequence, &mut id),
            amount: &amount_text[..amount_len],
            price: &price_text[..price_len],
            nonce,
        };
        self.template(market, request.flags)?.encode(&fields, out).map_err(Failure::Encode)
    }

    /// A bulk request of the legs that pass the gate; each refused leg keeps its `refusal`.
    ///
    /// Fails with `Legs` when no leg is left or there are more than the venue takes; a leg of a
    /// market whose orders go to another endpoint than the first leg's is refused with it, too.
    pub fn bulk(
        &mut self,
        legs: &mut [PlaceRequest],
        nonce: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        if legs.len() > MAX_LEGS {
            return Err(Failure::Legs);
        }
        let mut endpoint = None;
        for leg in legs.iter_mut() {
            let market = usize::from(leg.market);
            let passed = self
                .pass_gate(market, leg.flags, leg.price, leg.amount, now_ns)
                .and_then(|()| self.prepare(market, leg.flags).map_err(|_| Failure::Template));
            let passed = passed.and_then(|()| self.check_endpoint(market, &mut endpoint));
            leg.refusal = passed.err().map_or(0, Failure::code);
        }
        let mut texts = [([0u8; 40], 0usize, [0u8; 40], 0usize, [0u8; SEQUENCE_DIGITS]); MAX_LEGS];
        for (leg, text) in legs.iter().zip(texts.iter_mut()) {
            let (price_decimals, amount_decimals) = self.scale(usize::from(leg.market));
            text.1 = price::format(leg.price, price_decimals, &mut text.0);
            text.3 = price::format(leg.amount, amount_decimals, &mut text.2);
            digits(leg.sequence, &mut text.4);
        }
        let first = legs.iter().position(|leg| leg.refusal == 0).ok_or(Failure::Legs)?;
        let any = self.template(usize::from(legs[first].market), legs[first].flags)?;
        let blank = PlaceFields { client_id: b"", amount: b"", price: b"", nonce };
        let mut wire: [BulkLeg<'_>; MAX_LEGS] =
            std::array::from_fn(|_| BulkLeg { place: any, fields: blank });
        let mut count = 0;
        for (leg, text) in legs.iter().zip(texts.iter()) {
            if leg.refusal != 0 {
                continue;
            }
            wire[count] = BulkLeg {
                place: self.template(usize::from(leg.market), leg.flags)?,
                fields: PlaceFields {
                    client_id: &text.4,
                    amount: &text.2[..text.3],
                    price: &text.0[..text.1],
                    nonce,
                },
            };
            count += 1;
        }
        let (_, bulk) = self.bulk.get(endpoint.unwrap_or(0)).ok_or(Failure::NoKey)?;
        bulk.encode(&wire[..count], nonce, out).map_err(Failure::Encode)
    }

    /// Gate and template of a modification.
    pub fn modify(
        &mut self,
        request: &ModifyRequest,
        client_id: &[u8],
        nonce: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let market = usize::from(request.market);
        self.pass_gate(market, request.flags, request.price, request.amount, now_ns)?;
        let (price_decimals, amount_decimals) = self.scale(market);
        let (mut price_text, mut amount_text) = ([0u8; 40], [0u8; 40]);
        let price_len = price::format(request.price, price_decimals, &mut price_text);
        let amount_len = price::format(request.amount, amount_decimals, &mut amount_text);
        let stp = usize::from((request.flags >> flags::STP_SHIFT) & 3);
        let template = self.trading[market].modify[stp].as_ref().ok_or(Failure::NoKey)?;
        let fields = ModifyFields {
            client_id,
            amount: Some(&amount_text[..amount_len]),
            price: Some(&price_text[..price_len]),
            nonce,
        };
        template.encode(&fields, out).map_err(Failure::Encode)
    }

    /// A cancel by client id; never gated.
    pub fn cancel(
        &self,
        market: usize,
        client_id: &[u8],
        nonce: u64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let trading = self.trading.get(market).ok_or(Failure::UnknownMarket)?;
        let template = trading.cancel.as_ref().ok_or(Failure::NoKey)?;
        template.encode(client_id, nonce, out).map_err(Failure::Encode)
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
