//! `Reflexes`: the rules behind an engine that act on a frame itself.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::engine::PyEngine;
use super::usage;
use crate::engine::flags::SELL;
use crate::engine::Reflexes;
use crate::reflex::{ClientId, Desk, Rule, Watched};
use crate::template::Side;

#[pyclass(name = "Reflexes", module = "whitewire._core", frozen)]
pub struct PyReflexes {
    engine: Py<PyEngine>,
}

fn side_of(is_sell: bool) -> Side {
    if is_sell {
        Side::Sell
    } else {
        Side::Buy
    }
}

impl PyReflexes {
    pub fn new(engine: Py<PyEngine>) -> Self {
        PyReflexes { engine }
    }

    fn with<R>(&self, py: Python<'_>, work: impl FnOnce(&mut Reflexes) -> R) -> R {
        self.engine.borrow(py).inner.with(|engine| work(engine.reflexes_mut()))
    }

    fn read<R>(&self, py: Python<'_>, work: impl FnOnce(&Reflexes) -> R) -> R {
        self.engine.borrow(py).inner.read(|engine| work(engine.reflexes()))
    }

    fn desk<R>(
        &self,
        py: Python<'_>,
        market: usize,
        work: impl FnOnce(&mut Desk) -> R,
    ) -> PyResult<R> {
        self.with(py, |reflexes| reflexes.desk(market).map(work))
            .ok_or_else(|| usage(py, "unknown-market", "no market has this index; add it first"))
    }

    fn arm(
        &self,
        py: Python<'_>,
        market: usize,
        bit: usize,
        is_sell: bool,
        rule: Rule,
    ) -> PyResult<()> {
        let is_known = self.desk(py, market, |desk| desk.arm(bit, side_of(is_sell), rule))?;
        is_known.then_some(()).ok_or_else(|| PyValueError::new_err("no rule has this bit"))
    }
}

#[pymethods]
impl PyReflexes {
    fn pull(
        &self,
        py: Python<'_>,
        market: usize,
        bit: usize,
        is_sell: bool,
        through: Option<i64>,
        within: Option<i64>,
    ) -> PyResult<()> {
        self.arm(py, market, bit, is_sell, Rule::Pull { through, within })
    }

    #[allow(clippy::too_many_arguments)] // one flat call
    fn follow(
        &self,
        py: Python<'_>,
        market: usize,
        bit: usize,
        is_sell: bool,
        is_opposite: bool,
        distance: i64,
        tolerance: i64,
        worst: i64,
    ) -> PyResult<()> {
        let rule = Rule::Follow { is_opposite, distance, tolerance, worst };
        self.arm(py, market, bit, is_sell, rule)
    }

    fn disarm(&self, py: Python<'_>, market: usize, bit: usize) -> PyResult<()> {
        self.desk(py, market, |desk| desk.disarm(bit))
    }

    #[allow(clippy::too_many_arguments)] // one flat call
    fn watch(
        &self,
        py: Python<'_>,
        market: usize,
        key: u64,
        client_id: &[u8],
        flags: u8,
        rules: u64,
        price: i64,
        target: i64,
        lots: i64,
        is_ready: bool,
    ) -> PyResult<()> {
        let id = ClientId::new(client_id)
            .ok_or_else(|| PyValueError::new_err("a client id has at most 64 bytes"))?;
        let side = side_of(flags & SELL != 0);
        let order = Watched { key, id, side, flags, rules, price, target, lots, is_ready };
        self.desk(py, market, |desk| desk.watch(order))
    }

    fn unwatch(&self, py: Python<'_>, market: usize, key: u64) -> PyResult<()> {
        self.desk(py, market, |desk| desk.unwatch(key))
    }

    /// (key, rules, whether it is ready) of the orders of a market.
    fn watched(&self, py: Python<'_>, market: usize) -> PyResult<Vec<(u64, u64, bool)>> {
        self.desk(py, market, |desk| {
            desk.orders().iter().map(|one| (one.key, one.rules, one.is_ready)).collect()
        })
    }

    #[getter]
    fn refused(&self, py: Python<'_>) -> u64 {
        self.read(py, Reflexes::refused)
    }
}
