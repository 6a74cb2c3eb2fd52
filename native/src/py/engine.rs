//! `Engine`: the native side of one gateway, and the cold events that it decoded.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use super::book::{BookHome, PyBook};
use super::tools::PyHistogram;
use super::usage;
use crate::capi::Shared;
use crate::engine::{Engine, OrderPaths, SetupError};
use crate::event::Kind;
use crate::feed::Feed;
use crate::gate::MarketLimits;
use crate::sign::Signer;

fn setup(py: Python<'_>, error: &SetupError) -> PyErr {
    usage(py, "core-setup", &error.to_string())
}

#[pyclass(name = "Engine", module = "whitewire._core")]
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
    #[pyo3(signature = (*, key=None, secret=None, host, paths, id_base))]
    fn new(
        py: Python<'_>,
        key: Option<&str>,
        secret: Option<&str>,
        host: &str,
        paths: (String, String, String, String),
        id_base: &str,
    ) -> PyResult<Self> {
        let signer = match (key, secret) {
            (Some(key), Some(secret)) => Some(
                Signer::new(key, secret)
                    .map_err(|error| usage(py, "bad-key", &error.to_string()))?,
            ),
            _ => None,
        };
        let (place, cancel, modify, bulk) = paths;
        let paths = OrderPaths {
            host: host.to_owned(),
            place,
            cancel,
            modify,
            bulk,
        };
        Ok(PyEngine {
            inner: Shared::new(Engine::new(signer, paths, id_base)),
        })
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

    fn client_id_prefix(&self, py: Python<'_>, market: usize, flags: u8) -> PyResult<String> {
        self.inner
            .with(|engine| engine.client_id_prefix(market, flags))
            .map_err(|error| setup(py, &error))
    }

    fn prepare(&self, py: Python<'_>, market: usize, flags: u8) -> PyResult<()> {
        self.inner
            .with(|engine| engine.prepare(market, flags))
            .map_err(|error| setup(py, &error))
    }

    fn halt(&self, halted: bool) {
        self.inner.with(|engine| engine.set_halted(halted));
    }

    fn halt_market(&self, py: Python<'_>, market: usize, halted: bool) -> PyResult<()> {
        self.inner
            .with(|engine| engine.set_market_halted(market, halted))
            .map_err(|_| usage(py, "unknown-market", "no market has this index"))
    }

    fn reset_feed(&self) {
        self.inner.with(|engine| engine.feed_mut().reset());
    }

    fn fault(&self) -> String {
        self.inner.with(|engine| engine.feed().fault().to_owned())
    }

    fn book(slf: Bound<'_, Self>, market: usize, name: &str) -> PyBook {
        PyBook {
            home: BookHome::Of(slf.unbind(), market),
            market: name.to_owned(),
        }
    }

    fn ticker(&self, market: usize) -> Option<(i64, i64, i64, i64, i64, i64, i64)> {
        self.inner.with(|engine| {
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
        })
    }

    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.inner.with(|engine| engine.feed().counters().rows());
        let counters = PyDict::new(py);
        for (name, value) in rows {
            counters.set_item(name, value)?;
        }
        Ok(counters)
    }

    fn stage(&self, py: Python<'_>, stage: usize) -> PyResult<PyHistogram> {
        self.inner
            .with(|engine| engine.stage(stage).cloned())
            .map(|inner| PyHistogram { inner })
            .ok_or_else(|| usage(py, "unknown-stage", "no stage has this index"))
    }

    fn reset_stages(&self) {
        self.inner.with(Engine::reset_stages);
    }

    /// The cold event that the last frame left, as a tuple (see `protocol.events`).
    fn take_event<'py>(&self, py: Python<'py>, kind: u8) -> PyResult<Bound<'py, PyAny>> {
        self.inner
            .with(|engine| cold_event(py, engine.feed(), kind))
    }

    #[getter]
    fn _pointer(&self) -> usize {
        self.inner.pointer() as usize
    }
}

fn cold_event<'py>(py: Python<'py>, feed: &Feed, kind: u8) -> PyResult<Bound<'py, PyAny>> {
    let cold = feed.cold();
    if kind == Kind::Trades as u8 {
        let list = PyList::empty(py);
        for trade in cold.trades() {
            let side = trade.side as u8;
            list.append((
                trade.id,
                trade.time_ns,
                trade.price,
                trade.amount,
                side,
                trade.rpi,
            ))?;
        }
        return Ok(list.into_any());
    }
    if kind == Kind::Balances as u8 {
        let list = PyList::empty(py);
        for row in cold.balances() {
            list.append((&row.asset, &row.available, &row.freeze))?;
        }
        return Ok(list.into_any());
    }
    if kind == Kind::Deal as u8 {
        let deal = &cold.deal;
        let head = (
            deal.id,
            deal.time_ns,
            &deal.market,
            deal.order_id,
            &deal.price,
            &deal.amount,
        );
        let tail = (
            &deal.fee,
            &deal.client_order_id,
            deal.side as u8,
            deal.role,
            &deal.fee_asset,
        );
        return join(head.into_pyobject(py)?, tail.into_pyobject(py)?);
    }
    if kind == Kind::OrderPending as u8 || kind == Kind::OrderExecuted as u8 {
        let order = &cold.order;
        let head = (
            order.event,
            order.id,
            &order.market,
            order.order_type,
            order.side as u8,
            order.post_only,
            order.ioc,
            order.rpi,
            order.ctime_ns,
            order.mtime_ns,
        );
        let tail = (
            &order.price,
            &order.amount,
            &order.left,
            &order.deal_stock,
            &order.deal_money,
            &order.deal_fee,
            &order.client_order_id,
            &order.status,
            &order.stp,
            &order.fee_asset,
        );
        return join(head.into_pyobject(py)?, tail.into_pyobject(py)?);
    }
    if kind == Kind::Reply as u8 || kind == Kind::ReplyError as u8 {
        let reply = &cold.reply;
        let row = (
            reply.id,
            reply.error_code,
            &reply.error_message,
            &reply.result,
        );
        return Ok(row.into_pyobject(py)?.into_any());
    }
    Ok(PyString::new(py, &cold.method).into_any())
}

fn join<'py>(head: Bound<'py, PyTuple>, tail: Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    head.into_any().add(tail)
}
