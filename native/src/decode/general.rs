//! Any frame, in any JSON form.
//!
//! Owns the envelope and the public messages. One pass checks the whole frame and finds the parts
//! of the envelope, further passes over ever smaller parts fill the records.

use super::json::{Buffer, Cursor, Reason, Text, Value};
use super::markets::Markets;
use super::{account, margin, Damage, Fault, Message, Records};
use crate::event::{
    Cold, Depth, Kind, Levels, Side, Top, TradeRec, MAX_MESSAGE, MAX_RESULT, MAX_TEXT,
};
use crate::price;
use crate::scan::{Scale, Scales};

/// Longest frame that is read at all, in bytes.
const MAX_FRAME: usize = 4 << 20;

const BLANK: Buffer = [0; MAX_TEXT];

impl<'a> Value<'a> {
    pub(super) fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn text(self) -> Result<Text<'a>, Reason> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err("text expected"),
        }
    }

    pub(super) fn integer(self) -> Result<i64, Reason> {
        match self {
            Self::Number(text) => price::parse(text, 0).map_err(|_| "integer expected"), // D5
            _ => Err("integer expected"),
        }
    }

    /// Seconds as ns; 0 for null.
    pub(super) fn seconds(self) -> Result<i64, Reason> {
        match self {
            Self::Null => Ok(0),
            // D5
            Self::Number(text) => price::parse_seconds(text).map_err(|_| "time is out of range"),
            _ => Err("time expected"),
        }
    }

    /// A decimal text at a scale (D3).
    fn decimal(self, scale: Scale) -> Result<i64, Reason> {
        let mut buffer = BLANK;
        let text = self.text()?.get(&mut buffer)?;
        price::parse(text, scale.decimals).map_err(price::NumberError::reason)
    }

    pub(super) fn market(self, markets: &Markets) -> Result<Option<u16>, Reason> {
        let mut buffer = BLANK;
        Ok(markets.find(self.text()?.get(&mut buffer)?))
    }
}

pub(super) fn harmless(reason: Reason) -> Fault {
    Fault { reason, damage: Damage::None }
}

fn unclear(reason: Reason) -> Fault {
    Fault { reason, damage: Damage::All }
}

pub(super) fn read(
    frame: &[u8],
    markets: &Markets,
    records: &mut Records,
) -> Result<Message, Fault> {
    if frame.len() > MAX_FRAME {
        return Err(unclear("frame is too long"));
    }
    let text = core::str::from_utf8(frame).map_err(|_| unclear("frame is not UTF-8"))?;
    let mut cursor = Cursor::new(text);
    let envelope = cursor.value().and_then(|value| cursor.finish().map(|()| value));
    let parts = envelope
        // D1
        .and_then(|value| value.fields(&["method", "params", "id", "result", "error"]))
        .map_err(unclear)?;
    let [method, params, id, result, error] = parts;
    match method {
        Value::Text(method) => push(method, params, markets, records),
        Value::Null if !result.is_null() || !error.is_null() || !id.is_null() => {
            reply(id, result, error, &mut records.cold).map_err(harmless)
        }
        _ => Err(unclear("frame is neither a push nor a reply")),
    }
}

fn push(
    method: Text<'_>,
    params: Value<'_>,
    markets: &Markets,
    records: &mut Records,
) -> Result<Message, Fault> {
    if method.is("depth_update") {
        return read_depth(params, markets, records);
    }
    if method.is("bookTicker_update") {
        return read_ticker(params, markets, records);
    }
    method.cut_into(&mut records.cold.method, MAX_TEXT).map_err(unclear)?;
    let cold = &mut records.cold;
    let read = if method.is("trades_update") {
        trades(params, markets, cold)
    } else if method.is("ordersPending_update") {
        account::pending(params, markets, cold)
    } else if method.is("ordersExecuted_update") {
        account::executed(params, markets, cold)
    } else if method.is("deals_update") {
        account::deal(params, markets, cold)
    } else if method.is("balanceSpot_update") {
        account::balances(params, cold)
    } else if method.is("balanceMargin_update") {
        margin::balances(params, &mut cold.margin)
    } else if method.is("positionsMargin_update") {
        margin::positions(params, &mut cold.margin)
    } else if method.is("positionsAccountMargin_update") {
        margin::danger(params, markets, &mut cold.margin)
    } else {
        Ok(Message::Cold(Kind::Other, None))
    };
    read.map_err(harmless)
}

fn levels(side: Value<'_>, scales: Scales, sign: i64, out: &mut Levels) -> Result<(), Reason> {
    if side.is_null() {
        return Ok(()); // D2
    }
    side.elements(|level| {
        let ([price, amount], count) = level.tuple()?;
        if count != 2 {
            return Err("level is not a pair");
        }
        let (price, lots) = (price.decimal(scales.price)?, amount.decimal(scales.amount)?);
        if price <= 0 || price == i64::MAX || lots < 0 {
            return Err("level is out of range");
        }
        if out.push(sign * price, lots) {
            Ok(())
        } else {
            Err("too many levels")
        }
    })
}

fn depth(
    snapshot: Value<'_>,
    body: Value<'_>,
    scales: Scales,
    out: &mut Depth,
) -> Result<(), Reason> {
    let Value::Bool(snapshot) = snapshot else {
        return Err("snapshot flag expected");
    };
    let names = &["timestamp", "update_id", "past_update_id", "asks", "bids", "event_time"];
    let [timestamp, update_id, past_update_id, asks, bids, event_time] = body.fields(names)?;
    out.snapshot = snapshot;
    out.timestamp_ns = timestamp.seconds()?;
    out.event_time_ns = event_time.seconds()?;
    out.update_id = update_id.integer()?;
    out.past_update_id = if snapshot { 0 } else { past_update_id.integer()? }; // D4
    out.asks.clear();
    out.bids.clear();
    levels(asks, scales, 1, &mut out.asks)?;
    levels(bids, scales, -1, &mut out.bids)
}

fn read_depth(
    params: Value<'_>,
    markets: &Markets,
    records: &mut Records,
) -> Result<Message, Fault> {
    let ([snapshot, body, market], _) = params.tuple().map_err(unclear)?;
    let Some(market) = market.market(markets).map_err(unclear)? else {
        "depth_update".clone_into(&mut records.cold.method);
        return Ok(Message::Elsewhere);
    };
    depth(snapshot, body, markets.scales(market), &mut records.depth)
        .map(|()| Message::Depth(market))
        .map_err(|reason| Fault { reason, damage: Damage::Book(market) })
}

fn top(tuple: &[Value<'_>; 8], scales: Scales) -> Result<Top, Reason> {
    let [time, sent, _, update_id, bid, bid_amount, ask, ask_amount] = *tuple;
    sent.seconds()?;
    let top = Top {
        bid: bid.decimal(scales.price)?,
        bid_amount: bid_amount.decimal(scales.amount)?,
        ask: ask.decimal(scales.price)?,
        ask_amount: ask_amount.decimal(scales.amount)?,
        update_id: update_id.integer()?,
        time_ns: time.seconds()?,
    };
    if [top.bid, top.bid_amount, top.ask, top.ask_amount].iter().any(|n| *n < 0) {
        return Err("ticker is out of range");
    }
    Ok(top)
}

fn read_ticker(
    params: Value<'_>,
    markets: &Markets,
    records: &mut Records,
) -> Result<Message, Fault> {
    let ([tuple], _) = params.tuple().map_err(unclear)?;
    let (tuple, count) = tuple.tuple::<8>().map_err(unclear)?;
    let Some(market) = tuple[2].market(markets).map_err(unclear)? else {
        "bookTicker_update".clone_into(&mut records.cold.method);
        return Ok(Message::Elsewhere);
    };
    let read = if count < 8 {
        Err("ticker has too few fields")
    } else {
        top(&tuple, markets.scales(market))
    };
    read.map(|top| Message::Ticker(market, top))
        .map_err(|reason| Fault { reason, damage: Damage::Ticker(market) })
}

fn trade(value: Value<'_>, scales: Scales) -> Result<TradeRec, Reason> {
    let names = &["id", "time", "price", "amount", "type", "rpi"];
    let [id, time, price, amount, side, rpi] = value.fields(names)?;
    let side = side.text()?;
    Ok(TradeRec {
        id: id.integer()?,
        time_ns: time.seconds()?,
        price: price.decimal(scales.price)?,
        amount: amount.decimal(scales.amount)?,
        side: match (side.is("buy"), side.is("sell")) {
            (true, _) => Side::Buy,
            (_, true) => Side::Sell,
            _ => return Err("side is neither buy nor sell"), // D6
        },
        rpi: account::flag(rpi)?,
    })
}

fn trades(params: Value<'_>, markets: &Markets, cold: &mut Cold) -> Result<Message, Reason> {
    let ([market, list], _) = params.tuple()?;
    let Some(market) = market.market(markets)? else {
        return Ok(Message::Elsewhere);
    };
    cold.clear_trades();
    list.elements(|value| {
        if cold.push_trade(trade(value, markets.scales(market))?) {
            Ok(())
        } else {
            Err("too many trades")
        }
    })?;
    Ok(Message::Cold(Kind::Trades, Some(market)))
}

fn reply(
    id: Value<'_>,
    result: Value<'_>,
    error: Value<'_>,
    cold: &mut Cold,
) -> Result<Message, Reason> {
    let out = &mut cold.reply;
    out.id = if id.is_null() { -1 } else { id.integer()? };
    out.error_code = 0;
    out.error_message.clear();
    out.result.clear();
    for piece in result.raw() {
        if out.result.len() + piece.len() > MAX_RESULT {
            return Err("result is too long");
        }
        out.result.push_str(core::str::from_utf8(piece).map_err(|_| "result is not UTF-8")?);
    }
    if error.is_null() {
        return Ok(Message::Cold(Kind::Reply, None));
    }
    let [code, message] = error.fields(&["code", "message"])?;
    out.error_code = code.integer()?;
    if !message.is_null() {
        message.text()?.cut_into(&mut out.error_message, MAX_MESSAGE)?;
    }
    Ok(Message::Cold(Kind::ReplyError, None))
}
