//! `Engine`: the native side of one gateway, and the cold events that it decoded.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyString, PyTuple};

use super::allowance::PyAllowance;
use super::book::{BookHome, PyBook};
use super::guard::PyGuard;
use super::reflex::PyReflexes;
use super::tools::PyHistogram;
use super::usage;
use crate::capi::Shared;
use crate::engine::{Engine, OrderPaths, SetupError};
use crate::event::{DealRec, Kind, MarginBalanceRec, OrderRec, PositionRec, TradeRec};
use crate::feed::Feed;
use crate::gate::MarketLimits;
use crate::sign::Signer;

/// Bid, its amount, ask, its amount, update id, time ns, received ns.
type TickerRow = (i64, i64, i64, i64, i64, i64, i64);

fn setup(py: Python<'_>, error: &SetupError) -> PyErr {
    usage(py, "core-setup", &error.to_string())
}

#[pyclass(frozen, name = "Engine", module = "whitewire._core")]
pub struct PyEngine {
    pub(super) inner: Shared<Engine>,
}

fn limits_of(limits: &Bound<'_, PyDict>) -> PyResult<MarketLimits> {
    fn get<'py, T: FromPyObjectOwned<'py>>(limits: &Bound<'py, PyDict>, name: &str) -> PyResult<T> {
        let value = limits
            .get_item(name)?
            .ok_or_else(|| PyTypeError::new_err(format!("limit {name:?} is missing")))?;
        value.extract::<T>().map_err(Into::into)
    }
    Ok(MarketLimits {
        min_order_lots: get(limits, "min_order_lots")?,
        max_order_lots: get(limits, "max_order_lots")?,
        min_notional: get(limits, "min_notional")?,
        max_notional: get(limits, "max_notional")?,
        collar_ppm: get(limits, "collar_ppm")?,
        max_book_age_ns: get(limits, "max_book_age_ns")?,
        price_step: get(limits, "price_step")?,
        amount_step: get(limits, "amount_step")?,
    })
}

#[pymethods]
impl PyEngine {
    #[new]
    #[pyo3(signature = (*, key=None, secret=None, host, paths, id_base, pad_requests=false))]
    fn new(
        py: Python<'_>,
        key: Option<&str>,
        secret: Option<&str>,
        host: &str,
        paths: (String, String, String, String),
        id_base: &str,
        pad_requests: bool,
    ) -> PyResult<Self> {
        let signer = match (key, secret) {
            (Some(key), Some(secret)) => Some(
                Signer::new(key, secret)
                    .map_err(|error| usage(py, "bad-key", &error.to_string()))?,
            ),
            _ => None,
        };
        let (place, cancel, modify, bulk) = paths;
        let paths = OrderPaths { host: host.to_owned(), place, cancel, modify, bulk };
        let mut engine = Engine::new(signer, paths, id_base);
        if pad_requests {
            engine.pad_requests();
        }
        Ok(PyEngine { inner: Shared::new(engine) })
    }

    fn add_market(
        &self,
        py: Python<'_>,
        name: &str,
        price_decimals: i8,
        amount_decimals: i8,
        depth: u16,
        limits: &Bound<'_, PyDict>,
    ) -> PyResult<usize> {
        let limits = limits_of(limits)?;
        self.inner
            .with(|engine| engine.add_market(name, price_decimals, amount_decimals, depth, limits))
            .map_err(|error| setup(py, &error))
    }

    fn route_orders(
        &self,
        py: Python<'_>,
        market: usize,
        place: String,
        bulk: &str,
    ) -> PyResult<()> {
        self.inner
            .with(|engine| engine.route_orders(market, place, bulk))
            .map_err(|error| setup(py, &error))
    }

    fn client_id_prefix(&self, py: Python<'_>, market: usize, flags: u8) -> PyResult<String> {
        self.inner
            .with(|engine| engine.client_id_prefix(market, flags))
            .map_err(|error| setup(py, &error))
    }

    fn prepare(&self, py: Python<'_>, market: usize, flags: u8) -> PyResult<()> {
        self.inner
            .with(|engine| {
                engine.prepare(market, flags)?;
                engine.prepare_call(market, flags)
            })
            .map_err(|error| setup(py, &error))
    }

    fn presign(&self, market: usize, client_id: &[u8], nonce: u64) -> bool {
        self.inner.with(|engine| engine.presign(market, client_id, nonce))
    }

    fn forget_presigned(&self, client_id: &[u8]) {
        self.inner.with(|engine| engine.forget_presigned(client_id));
    }

    #[getter]
    fn presigned(&self) -> usize {
        self.inner.read(Engine::presigned_count)
    }

    fn halt(&self, halted: bool) {
        self.inner.with(|engine| engine.set_halted(halted));
    }

    fn halt_market(&self, py: Python<'_>, market: usize, halted: bool) -> PyResult<()> {
        self.inner
            .with(|engine| engine.set_market_halted(market, halted))
            .map_err(|_| usage(py, "unknown-market", "no market has this index"))
    }

    /// The limits, sums and states of the account.
    #[getter]
    fn guard(slf: Bound<'_, Self>) -> PyGuard {
        PyGuard::new(slf.unbind())
    }

    /// Rules that act on a frame itself.
    #[getter]
    fn reflexes(slf: Bound<'_, Self>) -> PyReflexes {
        PyReflexes::new(slf.unbind())
    }

    /// What the engine may spend without asking.
    #[getter]
    fn allowance(slf: Bound<'_, Self>) -> PyAllowance {
        PyAllowance::new(slf.unbind())
    }

    /// Takes one frame as the feed does, received at this time; the kind of event.
    fn on_frame(&self, frame: &[u8], recv_ns: i64) -> u8 {
        self.inner.with(|engine| engine.on_frame(frame, recv_ns)).kind as u8
    }

    /// Takes one frame as the feed does; bid, its amount, ask, its amount if it was a ticker.
    #[pyo3(signature = (frame, recv_ns=0))]
    fn take_ticker(&self, frame: &[u8], recv_ns: i64) -> Option<(i64, i64, i64, i64)> {
        self.inner.with(|engine| {
            let outcome = engine.on_frame(frame, recv_ns);
            if outcome.kind != Kind::Ticker {
                return None;
            }
            let top = engine.feed().ticker(usize::from(outcome.market));
            top.valid.then_some((top.bid, top.bid_amount, top.ask, top.ask_amount))
        })
    }

    fn reset_feed(&self) {
        self.inner.with(Engine::reset_feed);
    }

    fn fault(&self) -> String {
        self.inner.read(|engine| engine.feed().fault().to_owned())
    }

    fn book(slf: Bound<'_, Self>, market: usize, name: &str) -> PyResult<PyBook> {
        slf.borrow().check_market(slf.py(), market)?;
        Ok(PyBook { home: BookHome::Of(slf.unbind(), market), market: name.to_owned() })
    }

    fn ticker(&self, py: Python<'_>, market: usize) -> PyResult<Option<TickerRow>> {
        self.check_market(py, market)?;
        Ok(self.inner.read(|engine| {
            let top = engine.feed().ticker(market);
            top.valid.then_some((
                top.bid,
                top.bid_amount,
                top.ask,
                top.ask_amount,
                top.update_id,
                top.time_ns,
                top.recv_ns,
            ))
        }))
    }

    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.inner.read(|engine| engine.feed().counters().rows());
        let counters = PyDict::new(py);
        for (name, value) in rows {
            counters.set_item(name, value)?;
        }
        Ok(counters)
    }

    fn stage(&self, py: Python<'_>, stage: usize) -> PyResult<PyHistogram> {
        self.inner
            .read(|engine| engine.stage(stage).cloned())
            .map(|inner| PyHistogram { inner })
            .ok_or_else(|| usage(py, "unknown-stage", "no stage has this index"))
    }

    fn reset_stages(&self) {
        self.inner.with(Engine::reset_stages);
    }

    /// The cold event that the last frame left, as a tuple (see `protocol.events`).
    fn take_event<'py>(&self, py: Python<'py>, kind: u8) -> PyResult<Bound<'py, PyAny>> {
        self.inner.read(|engine| cold_event(py, engine.feed(), kind))
    }

    #[getter]
    fn _pointer(&self) -> usize {
        self.inner.pointer() as usize
    }
}

impl PyEngine {
    fn check_market(&self, py: Python<'_>, market: usize) -> PyResult<()> {
        if market < self.inner.read(Engine::markets) {
            return Ok(());
        }
        let message = format!("no market has the index {market}; add it first");
        Err(usage(py, "unknown-market", &message))
    }
}

fn cold_event<'py>(py: Python<'py>, feed: &Feed, kind: u8) -> PyResult<Bound<'py, PyAny>> {
    let cold = feed.cold();
    if kind == Kind::Trades as u8 {
        return trades(py, cold.trades());
    }
    if kind == Kind::Balances as u8 {
        let list = PyList::empty(py);
        for row in cold.balances() {
            list.append((&row.asset, &row.available, &row.freeze))?;
        }
        return Ok(list.into_any());
    }
    if kind == Kind::Deal as u8 {
        return deal(py, &cold.deal);
    }
    if kind == Kind::OrderPending as u8 || kind == Kind::OrderExecuted as u8 {
        return order(py, &cold.order);
    }
    if kind == Kind::MarginBalances as u8 {
        return margin_balances(py, cold.margin.balances.rows());
    }
    if kind == Kind::Positions as u8 {
        let list = PyList::empty(py);
        for row in cold.margin.positions.rows() {
            list.append(position(py, row)?)?;
        }
        return Ok(list.into_any());
    }
    if kind == Kind::Danger as u8 {
        let rows = cold.margin.positions.rows();
        let row = rows.first().map(|row| position(py, row)).transpose()?;
        return Ok((cold.margin.danger, row).into_pyobject(py)?.into_any());
    }
    if kind == Kind::Reply as u8 || kind == Kind::ReplyError as u8 {
        let reply = &cold.reply;
        let row = (reply.id, reply.error_code, &reply.error_message, &reply.result);
        return Ok(row.into_pyobject(py)?.into_any());
    }
    Ok(PyString::new(py, &cold.method).into_any())
}

fn trades<'py>(py: Python<'py>, rows: &[TradeRec]) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for row in rows {
        let side = row.side as u8;
        list.append((row.id, row.time_ns, row.price, row.amount, side, row.rpi))?;
    }
    Ok(list.into_any())
}

fn margin_balances<'py>(py: Python<'py>, rows: &[MarginBalanceRec]) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for row in rows {
        let free = (&row.available, &row.available_with_borrow);
        list.append((&row.asset, &row.balance, &row.borrow, free.0, free.1))?;
    }
    Ok(list.into_any())
}

fn position<'py>(py: Python<'py>, row: &PositionRec) -> PyResult<Bound<'py, PyAny>> {
    fields(
        py,
        [
            number(py, row.id),
            text(py, &row.market),
            number(py, row.ctime_ns),
            number(py, row.mtime_ns),
            text(py, &row.amount),
            text(py, &row.amount_in_money),
            text(py, &row.base_price),
            text(py, &row.pnl),
            text(py, &row.liq_price),
            text(py, &row.liq_stage),
            text(py, &row.unrealized_funding),
            text(py, &row.funding),
            text(py, &row.margin),
            text(py, &row.free_margin),
            text(py, &row.realized_pnl),
            text(py, &row.position_side),
        ],
    )
}

fn deal<'py>(py: Python<'py>, row: &DealRec) -> PyResult<Bound<'py, PyAny>> {
    fields(
        py,
        [
            number(py, row.id),
            number(py, row.time_ns),
            text(py, &row.market),
            number(py, row.order_id),
            text(py, &row.price),
            text(py, &row.amount),
            text(py, &row.fee),
            text(py, &row.client_order_id),
            number(py, row.side as i64),
            number(py, i64::from(row.role)),
            text(py, &row.fee_asset),
        ],
    )
}

fn order<'py>(py: Python<'py>, row: &OrderRec) -> PyResult<Bound<'py, PyAny>> {
    fields(
        py,
        [
            number(py, i64::from(row.event)),
            number(py, row.id),
            text(py, &row.market),
            number(py, row.order_type),
            number(py, row.side as i64),
            flag(py, row.post_only),
            flag(py, row.ioc),
            flag(py, row.rpi),
            number(py, row.ctime_ns),
            number(py, row.mtime_ns),
            text(py, &row.price),
            text(py, &row.amount),
            text(py, &row.left),
            text(py, &row.deal_stock),
            text(py, &row.deal_money),
            text(py, &row.deal_fee),
            text(py, &row.client_order_id),
            text(py, &row.status),
            text(py, &row.stp),
            text(py, &row.fee_asset),
        ],
    )
}

fn text<'py>(py: Python<'py>, text: &str) -> Bound<'py, PyAny> {
    PyString::new(py, text).into_any()
}

fn number(py: Python<'_>, number: i64) -> Bound<'_, PyAny> {
    PyInt::new(py, number).into_any()
}

fn flag(py: Python<'_>, flag: bool) -> Bound<'_, PyAny> {
    PyBool::new(py, flag).to_owned().into_any()
}

/// A tuple of any number of fields.
fn fields<'py, const N: usize>(
    py: Python<'py>,
    fields: [Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyTuple::new(py, fields)?.into_any())
}
