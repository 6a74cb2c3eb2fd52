//! The account's messages about its collateral: balances, positions, positions in danger.

use super::account::{store, store_decimal};
use super::json::{Reason, Value};
use super::markets::Markets;
use super::Message;
use crate::event::{Kind, Margin, PositionRec, MAX_BALANCES, MAX_POSITIONS};

/// `[{a, B, b, av, ab}]`: assets that were subscribed, changed or not.
pub(super) fn balances(params: Value<'_>, out: &mut Margin) -> Result<Message, Reason> {
    out.balances.clear();
    params.elements(|row| {
        let [asset, balance, borrow, without, with] = row.fields(&["a", "B", "b", "av", "ab"])?;
        if [asset, balance, borrow, without, with].iter().any(|value| value.is_null()) {
            return Err("margin balance lacks a field");
        }
        let rec = out.balances.next(MAX_BALANCES).ok_or("too many balances")?;
        store(asset, &mut rec.asset)?;
        store_decimal(balance, &mut rec.balance)?;
        store_decimal(borrow, &mut rec.borrow)?;
        store_decimal(without, &mut rec.available)?;
        store_decimal(with, &mut rec.available_with_borrow)
    })?;
    Ok(Message::Cold(Kind::MarginBalances, None))
}

fn position(value: Value<'_>, out: &mut PositionRec) -> Result<(), Reason> {
    let names = &[
        "id",
        "market",
        "ctime",
        "mtime",
        "amount",
        "amount_in_money",
        "base_price",
        "pnl",
        "liq_price",
        "liq_stage",
        "unrealized_funding",
        "funding",
        "margin",
        "free_margin",
        "realized_pnl",
        "position_side",
    ];
    #[rustfmt::skip]
    let [
        id, market, ctime, mtime, amount, amount_in_money, base_price, pnl, liq_price, liq_stage,
        unrealized_funding, funding, margin, free_margin, realized_pnl, position_side,
    ] = value.fields(names)?;
    if market.is_null() || amount.is_null() {
        return Err("position lacks its market or amount");
    }
    out.id = id.integer()?;
    out.ctime_ns = ctime.seconds()?;
    out.mtime_ns = mtime.seconds()?;
    store(market, &mut out.market)?;
    store_decimal(amount, &mut out.amount)?;
    store_optional(amount_in_money, &mut out.amount_in_money)?;
    store_optional(base_price, &mut out.base_price)?;
    store_optional(pnl, &mut out.pnl)?;
    store_optional(liq_price, &mut out.liq_price)?;
    store(liq_stage, &mut out.liq_stage)?;
    store_optional(unrealized_funding, &mut out.unrealized_funding)?;
    store_optional(funding, &mut out.funding)?;
    store_optional(margin, &mut out.margin)?;
    store_optional(free_margin, &mut out.free_margin)?;
    store_optional(realized_pnl, &mut out.realized_pnl)?;
    store(position_side, &mut out.position_side)
}

/// As `store_decimal`; a closed position is captured with "" for numbers that it has no more.
fn store_optional(value: Value<'_>, out: &mut String) -> Result<(), Reason> {
    if matches!(value, Value::Text(text) if text.is("")) {
        out.clear();
        return Ok(());
    }
    store_decimal(value, out)
}

/// `{total, records: [position]}`: all of the account.
pub(super) fn positions(params: Value<'_>, out: &mut Margin) -> Result<Message, Reason> {
    out.positions.clear();
    let [records] = params.fields(&["records"])?;
    records.elements(|value| {
        position(value, out.positions.next(MAX_POSITIONS).ok_or("too many positions")?)
    })?;
    Ok(Message::Cold(Kind::Positions, None))
}

/// `[event, position]`.
pub(super) fn danger(
    params: Value<'_>,
    markets: &Markets,
    out: &mut Margin,
) -> Result<Message, Reason> {
    out.positions.clear();
    let ([event, body], _) = params.tuple()?;
    out.danger = match event.integer()? {
        1 => 1,
        2 => 2,
        _ => return Err("margin event is not 1 or 2"),
    };
    let rec = out.positions.next(1).ok_or("too many positions")?;
    position(body, rec)?;
    let market = markets.find(rec.market.as_bytes());
    Ok(Message::Cold(Kind::Danger, market))
}
