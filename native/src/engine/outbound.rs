//! Requests on their way out: gate, template, signature.
//!
//! Owns: the order of checks and bytes of one request. Must not know: the rules of the gate, the
//! text of a template. Invariant: what passed the gate and became no bytes is not counted.

use super::{
    flags, side_of, Engine, Failure, ModifyRequest, PlaceRequest, MAX_LEGS, SEQUENCE_DIGITS,
};
use crate::digits;
use crate::gate::{self, Admitted, Intent};
use crate::price::{self, Scaled};
use crate::template::{BulkLeg, Draft, ModifyFields, PlaceFields, PlaceNumbers};

pub(super) fn digits(value: u64, out: &mut [u8; SEQUENCE_DIGITS]) -> &[u8] {
    digits::put(value, out);
    out
}

/// The sequence number that ends a client id of ours; 0 where it is another's.
pub(super) fn sequence_of(client_id: &[u8]) -> u64 {
    let tail = client_id.len().checked_sub(SEQUENCE_DIGITS).map(|start| &client_id[start..]);
    let text = tail.and_then(|digits| std::str::from_utf8(digits).ok());
    text.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

impl Engine {
    fn pass_gate(&mut self, order: &Intent, flags: u8, now_ns: i64) -> Result<Admitted, Failure> {
        let market = usize::from(order.market);
        let trading = self.trading.get(market).ok_or(Failure::UnknownMarket)?;
        let state = self.guard.open_state(market, now_ns).map_err(Failure::Refused)?;
        gate::check(
            &trading.limits,
            &self.top(market),
            order.side,
            order.price,
            order.lots,
            flags & super::flags::POST_ONLY != 0,
            false,
            now_ns,
        )
        .and_then(|()| self.guard.admit(order, state, now_ns))
        .map_err(Failure::Refused)
    }

    /// The gate's verdict on a placement or, with `is_change`, on what it is changed to; what
    /// passes is counted.
    pub fn pass(
        &mut self,
        request: &PlaceRequest,
        is_change: bool,
        now_ns: i64,
    ) -> Result<Admitted, Failure> {
        let order = Intent {
            market: request.market,
            side: side_of(request.flags),
            price: request.price,
            lots: request.amount,
            sequence: request.sequence,
            is_change,
            is_reduce_only: !is_change && self.is_reduce_only(request),
        };
        self.pass_gate(&order, request.flags, now_ns)
    }

    /// Whether the endpoint of the market's orders knows the flag; that of spot orders does not.
    fn is_reduce_only(&self, request: &PlaceRequest) -> bool {
        request.flags & flags::REDUCE_ONLY != 0
            && self
                .trading
                .get(usize::from(request.market))
                .is_some_and(|trading| trading.place_path != self.paths.place)
    }

    pub(super) fn pass_place(
        &mut self,
        request: &PlaceRequest,
        now_ns: i64,
    ) -> Result<Admitted, Failure> {
        let admitted = self.pass(request, false, now_ns)?;
        let prepared = self.prepare(usize::from(request.market), request.flags);
        if prepared.is_err() {
            self.guard.take_back(&admitted);
            return Err(Failure::Template);
        }
        Ok(admitted)
    }

    /// Gate, template and signature of one order; the length of the request in `out`.
    pub fn place(
        &mut self,
        request: &PlaceRequest,
        nonce: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let admitted = self.pass_place(request, now_ns)?;
        let written = self.write_place(request, nonce, out);
        if written.is_err() {
            self.guard.take_back(&admitted);
        }
        written
    }

    fn write_place(
        &self,
        request: &PlaceRequest,
        nonce: u64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        self.draft_place(request, nonce, out).map(Draft::sign)
    }

    /// A placement without its signature.
    #[inline]
    pub(super) fn draft_place<'a>(
        &'a self,
        request: &PlaceRequest,
        nonce: u64,
        out: &'a mut [u8],
    ) -> Result<Draft<'a>, Failure> {
        let market = usize::from(request.market);
        let (price_decimals, amount_decimals) = self.scale(market);
        let numbers = PlaceNumbers {
            sequence: request.sequence,
            amount: Scaled { value: request.amount, decimals: amount_decimals },
            price: Scaled { value: request.price, decimals: price_decimals },
            nonce,
        };
        let template = self.template(market, request.flags)?;
        template.draft_numbers(&numbers, out).map_err(Failure::Encode)
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
        let mut passed = [None; MAX_LEGS];
        let mut endpoint = None;
        for (leg, admitted) in legs.iter_mut().zip(passed.iter_mut()) {
            let outcome = self.pass_leg(leg, &mut endpoint, now_ns);
            leg.refusal = outcome.err().map_or(0, Failure::code);
            *admitted = outcome.ok();
        }
        let written = self.write_bulk(legs, endpoint.unwrap_or(0), nonce, out);
        if written.is_err() {
            for admitted in passed.iter().rev().flatten() {
                self.guard.take_back(admitted);
            }
        }
        written
    }

    /// As `pass_place`; a leg of another endpoint than those before it is not counted.
    fn pass_leg(
        &mut self,
        leg: &PlaceRequest,
        endpoint: &mut Option<usize>,
        now_ns: i64,
    ) -> Result<Admitted, Failure> {
        let mut known = *endpoint;
        self.check_endpoint(usize::from(leg.market), &mut known)?;
        let admitted = self.pass_place(leg, now_ns)?;
        *endpoint = known; // a leg that was refused decides nothing
        Ok(admitted)
    }

    fn write_bulk(
        &self,
        legs: &[PlaceRequest],
        endpoint: usize,
        nonce: u64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
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
        let (_, bulk) = self.bulk.get(endpoint).ok_or(Failure::NoKey)?;
        bulk.encode(&wire[..count], nonce, out).map_err(Failure::Encode)
    }

    /// The gate's verdict on a modification; what passes is counted.
    pub(super) fn pass_modify(
        &mut self,
        request: &ModifyRequest,
        client_id: &[u8],
        now_ns: i64,
    ) -> Result<Admitted, Failure> {
        let order = Intent {
            market: request.market,
            side: side_of(request.flags),
            price: request.price,
            lots: request.amount,
            sequence: sequence_of(client_id),
            is_change: true,
            is_reduce_only: false, // a modification does not say it again
        };
        self.pass_gate(&order, request.flags, now_ns)
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
        let admitted = self.pass_modify(request, client_id, now_ns)?;
        let written = self.write_modify(request, client_id, nonce, out);
        if written.is_err() {
            self.guard.take_back(&admitted);
        }
        written
    }

    fn write_modify(
        &self,
        request: &ModifyRequest,
        client_id: &[u8],
        nonce: u64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let market = usize::from(request.market);
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

    /// A cancel by client id; never gated, but counted.
    pub fn cancel(
        &mut self,
        market: usize,
        client_id: &[u8],
        nonce: u64,
        now_ns: i64,
        out: &mut [u8],
    ) -> Result<usize, Failure> {
        let trading = self.trading.get(market).ok_or(Failure::UnknownMarket)?;
        let template = trading.cancel.as_ref().ok_or(Failure::NoKey)?;
        let written = template.encode(client_id, nonce, out).map_err(Failure::Encode);
        self.guard.on_cancel(now_ns);
        written
    }
}
