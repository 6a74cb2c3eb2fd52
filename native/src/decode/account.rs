//! The account's own messages: orders, deals, balances.

use super::json::{Reason, Text, Value};
use super::markets::Markets;
use super::Message;
use crate::event::{Cold, Kind, OrderRec, Side};
use crate::price;

/// A boolean; false for null, since flags that were not set may be left out.
pub(super) fn flag(value: Value<'_>) -> Result<bool, Reason> {
    match value {
        Value::Bool(flag) => Ok(flag),
        Value::Null => Ok(false),
        _ => Err("flag expected"),
    }
}

/// Replaces `out` by a whole text; by nothing for null.
pub(super) fn store(value: Value<'_>, out: &mut String) -> Result<(), Reason> {
    out.clear();
    if value.is_null() {
        return Ok(());
    }
    value.text()?.append_to(out)
}

/// Replaces `out` by a decimal text; by nothing for null.
pub(super) fn store_decimal(value: Value<'_>, out: &mut String) -> Result<(), Reason> {
    store(value, out)?;
    if value.is_null() || price::is_number(out.as_bytes()) {
        Ok(())
    } else {
        Err("decimal text expected")
    }
}

/// 1 or 2, as a number or, in older captures, as a text (D6).
fn one_or_two(value: Value<'_>) -> Result<u8, Reason> {
    let is = |text: Text<'_>, name| text.is(name);
    match value {
        Value::Number(b"1") => Ok(1),
        Value::Number(b"2") => Ok(2),
        Value::Text(text) if is(text, "1") || is(text, "sell") || is(text, "maker") => Ok(1),
        Value::Text(text) if is(text, "2") || is(text, "buy") || is(text, "taker") => Ok(2),
        _ => Err("side or role expected"),
    }
}

fn side(value: Value<'_>) -> Result<Side, Reason> {
    Ok(if one_or_two(value)? == 1 { Side::Sell } else { Side::Buy })
}

/// The members of an order that are read, in the order in which the venue sends them.
pub(super) const ORDER: [&str; 19] = [
    "id",
    "market",
    "type",
    "side",
    "post_only",
    "ioc",
    "ctime",
    "mtime",
    "price",
    "amount",
    "left",
    "deal_stock",
    "deal_money",
    "deal_fee",
    "client_order_id",
    "stp",
    "status",
    "rpi",
    "fee_asset",
];

/// The values of [`ORDER`].
pub(super) type OrderValues<'a> = [Value<'a>; ORDER.len()];

fn order(values: &OrderValues<'_>, event: i64, out: &mut OrderRec) -> Result<(), Reason> {
    #[rustfmt::skip]
    let [
        id, market, order_type, side_number, post_only, ioc, ctime, mtime, price, amount, left,
        deal_stock, deal_money, deal_fee, client_order_id, stp, status, rpi, fee_asset,
    ] = *values;
    out.event = match event {
        1 => 1,
        2 => 2,
        3 => 3,
        _ => return Err("order event is not 1, 2 or 3"),
    };
    out.id = id.integer()?;
    out.order_type = order_type.integer()?;
    out.side = side(side_number)?;
    out.post_only = flag(post_only)?;
    out.ioc = flag(ioc)?;
    out.rpi = flag(rpi)?;
    out.ctime_ns = ctime.seconds()?;
    out.mtime_ns = mtime.seconds()?;
    if market.is_null() || amount.is_null() || left.is_null() || deal_stock.is_null() {
        return Err("order lacks its market or an amount");
    }
    store(market, &mut out.market)?;
    store_decimal(price, &mut out.price)?;
    store_decimal(amount, &mut out.amount)?;
    store_decimal(left, &mut out.left)?;
    store_decimal(deal_stock, &mut out.deal_stock)?;
    store_decimal(deal_money, &mut out.deal_money)?;
    store_decimal(deal_fee, &mut out.deal_fee)?;
    store(client_order_id, &mut out.client_order_id)?;
    store(status, &mut out.status)?;
    store(stp, &mut out.stp)?;
    store(fee_asset, &mut out.fee_asset)
}

/// Keeps an order whose last event was this one.
pub(super) fn take_order(
    event: Value<'_>,
    values: &OrderValues<'_>,
    markets: &Markets,
    cold: &mut Cold,
) -> Result<Message, Reason> {
    order(values, event.integer()?, &mut cold.order)?;
    let market = markets.find(cold.order.market.as_bytes());
    Ok(Message::Cold(Kind::OrderPending, market))
}

/// Keeps an order that is finished, which is event 3.
pub(super) fn take_finished(
    values: &OrderValues<'_>,
    markets: &Markets,
    cold: &mut Cold,
) -> Result<Message, Reason> {
    order(values, 3, &mut cold.order)?;
    let market = markets.find(cold.order.market.as_bytes());
    Ok(Message::Cold(Kind::OrderExecuted, market))
}

/// `[event, order]`.
pub(super) fn pending(
    params: Value<'_>,
    markets: &Markets,
    cold: &mut Cold,
) -> Result<Message, Reason> {
    let ([event, body], _) = params.tuple()?;
    take_order(event, &body.fields(&ORDER)?, markets, cold)
}

/// `[order]`.
pub(super) fn executed(
    params: Value<'_>,
    markets: &Markets,
    cold: &mut Cold,
) -> Result<Message, Reason> {
    let ([body], _) = params.tuple()?;
    take_finished(&body.fields(&ORDER)?, markets, cold)
}

/// A flat tuple of so many.
pub(super) const DEAL: usize = 11;

/// `[id, time, market, ...]`.
pub(super) fn deal(
    params: Value<'_>,
    markets: &Markets,
    cold: &mut Cold,
) -> Result<Message, Reason> {
    let (tuple, count) = params.tuple()?;
    if count < DEAL {
        return Err("deal has too few fields");
    }
    take_deal(&tuple, markets, cold)
}

/// Keeps a deal.
pub(super) fn take_deal(
    tuple: &[Value<'_>; DEAL],
    markets: &Markets,
    cold: &mut Cold,
) -> Result<Message, Reason> {
    let [id, time, market, order_id, price, amount, fee, ..] = *tuple;
    let [.., client_order_id, side_number, role, asset] = *tuple;
    if market.is_null() || price.is_null() || amount.is_null() || fee.is_null() {
        return Err("deal lacks its market or an amount");
    }
    let out = &mut cold.deal;
    out.id = id.integer()?;
    out.time_ns = time.seconds()?;
    out.order_id = order_id.integer()?;
    out.side = side(side_number)?;
    out.role = one_or_two(role)?;
    store(market, &mut out.market)?;
    store_decimal(price, &mut out.price)?;
    store_decimal(amount, &mut out.amount)?;
    store_decimal(fee, &mut out.fee)?;
    store(client_order_id, &mut out.client_order_id)?;
    store(asset, &mut out.fee_asset)?;
    Ok(Message::Cold(Kind::Deal, markets.find(out.market.as_bytes())))
}

/// The members of a balance.
pub(super) const BALANCE: [&str; 2] = ["available", "freeze"];

/// Keeps the balance of one asset beside those before.
pub(super) fn take_balance(
    asset: Text<'_>,
    [available, freeze]: [Value<'_>; BALANCE.len()],
    cold: &mut Cold,
) -> Result<(), Reason> {
    if available.is_null() || freeze.is_null() {
        return Err("balance lacks an amount");
    }
    let out = cold.next_balance().ok_or("too many balances")?;
    store(Value::Text(asset), &mut out.asset)?;
    store_decimal(available, &mut out.available)?;
    store_decimal(freeze, &mut out.freeze)
}

/// `[{asset: {available, freeze}}]`: absolute values of the assets that changed.
pub(super) fn balances(params: Value<'_>, cold: &mut Cold) -> Result<Message, Reason> {
    cold.clear_balances();
    params.elements(|map| {
        map.members(|asset, row| take_balance(asset, row.fields(&BALANCE)?, cold))
    })?;
    Ok(Message::Cold(Kind::Balances, None))
}
