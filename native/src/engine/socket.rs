//! Requests on their way out over the WebSocket: the same gate, a frame in place of a request.
//!
//! Owns: the calls' templates by market, and the masks of frames. Must not know: the rules of the
//! gate, the text of a call. Invariant: as for signed requests, no bytes without the gate's word,
//! a cancel is never refused by it, and what became no bytes is not counted.

use std::hash::{BuildHasher, RandomState};

use super::outbound::digits;
use super::{flags, Engine, Failure, ModifyRequest, PlaceRequest, SetupError, SEQUENCE_DIGITS};
use crate::price;
use crate::template::{PlaceFields, SocketChange, SocketPlace};

const SPOT: &str = "order_limit_place";
const COLLATERAL: &str = "collateral_order_limit_place";

struct MarketCalls {
    place: [Option<Box<SocketPlace>>; flags::COUNT],
    change: SocketChange,
}

/// The templates, which exist from their first use on.
pub(super) struct Calls {
    markets: Vec<Option<MarketCalls>>,
    /// Changes with every frame; where it begins is the operating system's choice.
    mask: u64,
}

impl Default for Calls {
    fn default() -> Self {
        Calls { markets: Vec::new(), mask: RandomState::new().hash_one(0u8) }
    }
}

impl Calls {
    /// The market's orders go to another method now.
    pub(super) fn forget(&mut self, market: usize) {
        if let Some(calls) = self.markets.get_mut(market) {
            *calls = None;
        }
    }

    /// A number that looks random (splitmix64).
    #[allow(clippy::cast_possible_truncation)] // half of it is enough
    fn next_mask(&mut self) -> u32 {
        self.mask = self.mask.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.mask;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as u32
    }
}

/// Price and amount as decimal texts.
struct Numbers {
    price: [u8; 40],
    price_len: usize,
    amount: [u8; 40],
    amount_len: usize,
}

impl Engine {
    /// Builds the call of these flags; the first order would otherwise pay for it.
    pub fn prepare_call(&mut self, market: usize, flag_bits: u8) -> Result<(), SetupError> {
        let slot = usize::from(flag_bits) % flags::COUNT;
        self.prepare_change(market)?;
        if self.calls.markets[market].as_ref().is_some_and(|calls| calls.place[slot].is_some()) {
            return Ok(());
        }
        let prefix = self.client_id_prefix(market, flag_bits)?;
        let is_collateral = self.trading[market].place_path != self.paths.place;
        let mut spec = self.place_spec(market, flag_bits)?;
        spec.client_id_prefix = &prefix;
        spec.reduce_only &= is_collateral; // spot has no such member
        let method = if is_collateral { COLLATERAL } else { SPOT };
        let template = Box::new(SocketPlace::new(method, &spec)?);
        if let Some(calls) = &mut self.calls.markets[market] {
            calls.place[slot] = Some(template);
        }
        Ok(())
    }

    fn prepare_change(&mut self, market: usize) -> Result<(), SetupError> {
        let trading = self.trading.get(market).ok_or(SetupError::UnknownMarket)?;
        if self.calls.markets.len() < self.trading.len() {
            self.calls.markets.resize_with(self.trading.len(), || None);
        }
        if self.calls.markets[market].is_none() {
            self.calls.markets[market] = Some(MarketCalls {
                place: std::array::from_fn(|_| None),
                change: SocketChange::new(&trading.name)?,
            });
        }
        Ok(())
    }

    fn change(&self, market: usize) -> Result<&SocketChange, Failure> {
        let calls = self.calls.markets.get(market).and_then(Option::as_ref);
        calls.map(|calls| &calls.change).ok_or(Failure::Template)
    }

    fn numbers(&self, market: usize, price: i64, amount: i64) -> Numbers {
        let (price_decimals, amount_decimals) = self.scale(market);
        let (mut price_text, mut amount_text) = ([0u8; 40], [0u8; 40]);
        let price_len = price::format(price, price_decimals, &mut price_text);
        let amount_len = price::format(amount, amount_decimals, &mut amount_text);
        Numbers { price: price_text, price_len, amount: amount_text, amount_len }
    }

    /// Gate and frame of one order; the frame's length in `out`.
    ///
    /// `id` is the call's, which its reply repeats.
    pub fn call_place(
        &mut self,
        request: &PlaceRequest,
        id: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let admitted = self.pass(request, false, now_ns)?;
        let written = match self.prepare_call(usize::from(request.market), request.flags) {
            Ok(()) => self.write_call(request, id, out),
            Err(_) => Err(Failure::Template),
        };
        if written.is_err() {
            self.guard.take_back(&admitted);
        }
        written
    }

    fn write_call(
        &mut self,
        request: &PlaceRequest,
        id: u64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let market = usize::from(request.market);
        let mask = self.calls.next_mask();
        let numbers = self.numbers(market, request.price, request.amount);
        let mut sequence = [0u8; SEQUENCE_DIGITS];
        let fields = numbers.fields(digits(request.sequence, &mut sequence));
        let slot = usize::from(request.flags) % flags::COUNT;
        let calls = self.calls.markets.get(market).and_then(Option::as_ref);
        let template = calls.and_then(|calls| calls.place[slot].as_deref());
        let template = template.ok_or(Failure::Template)?;
        template.encode(&fields, id, mask, out).map_err(Failure::Encode)
    }

    /// Gate and frame of a modification.
    pub fn call_modify(
        &mut self,
        request: &ModifyRequest,
        client_id: &[u8],
        id: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let admitted = self.pass_modify(request, client_id, now_ns)?;
        let market = usize::from(request.market);
        let written = self.write_modify_call(market, request, client_id, id, out);
        if written.is_err() {
            self.guard.take_back(&admitted);
        }
        written
    }

    fn write_modify_call(
        &mut self,
        market: usize,
        request: &ModifyRequest,
        client_id: &[u8],
        id: u64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        self.prepare_change(market).map_err(|_| Failure::Template)?;
        let mask = self.calls.next_mask();
        let numbers = self.numbers(market, request.price, request.amount);
        let fields = numbers.fields(client_id);
        self.change(market)?.modify(&fields, id, mask, out).map_err(Failure::Encode)
    }

    /// The frame of a cancel by client id; never gated, but counted.
    pub fn call_cancel(
        &mut self,
        market: usize,
        client_id: &[u8],
        id: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        if market >= self.trading.len() {
            return Err(Failure::UnknownMarket);
        }
        self.prepare_change(market).map_err(|_| Failure::Template)?;
        let mask = self.calls.next_mask();
        let written = self.change(market)?.cancel(client_id, id, mask, out);
        self.guard.on_cancel(now_ns);
        written.map_err(Failure::Encode)
    }
}

impl Numbers {
    fn fields<'a>(&'a self, client_id: &'a [u8]) -> PlaceFields<'a> {
        PlaceFields {
            client_id,
            amount: &self.amount[..self.amount_len],
            price: &self.price[..self.price_len],
            nonce: 0, // not looked at
        }
    }
}
