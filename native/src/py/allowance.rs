//! `Allowance`: what an engine may spend without asking Python.

use pyo3::prelude::*;

use super::engine::PyEngine;
use crate::reflex::Quota;

/// A row of the throttle, as `protocol.throttle` keeps it.
type Row = (usize, i64, i64, usize, i64, i64, usize, i64, i64, usize);

#[pyclass(name = "Allowance", module = "whitewire._core", frozen)]
pub struct PyAllowance {
    engine: Py<PyEngine>,
}

fn quota_of(row: Row) -> Quota {
    let (own, own_cost, own_room, all, all_cost, all_room, free, free_cost, free_room, penalty) =
        row;
    let own = (own, own_cost, own_room);
    Quota::new(own, (all, all_cost, all_room), (free, free_cost, free_room), penalty)
}

impl PyAllowance {
    pub fn new(engine: Py<PyEngine>) -> Self {
        PyAllowance { engine }
    }
}

#[pymethods]
impl PyAllowance {
    fn set_nonces(&self, py: Python<'_>, first: u64, count: u32, expires_ns: i64) {
        self.engine
            .borrow(py)
            .inner
            .with(|engine| engine.allowance_mut().set_nonces(first, count, expires_ns));
    }

    fn add_nonces(&self, py: Python<'_>, first: u64, count: u32, expires_ns: i64) {
        self.engine
            .borrow(py)
            .inner
            .with(|engine| engine.allowance_mut().add_nonces(first, count, expires_ns));
    }

    fn set_clock(&self, py: Python<'_>, epoch_ms: u64, now_ns: i64) {
        self.engine
            .borrow(py)
            .inner
            .with(|engine| engine.allowance_mut().set_clock(epoch_ms, now_ns));
    }

    fn epoch_ms(&self, py: Python<'_>, now_ns: i64) -> u64 {
        self.engine.borrow(py).inner.read(|engine| engine.allowance().epoch_ms(now_ns))
    }

    fn nonces_left(&self, py: Python<'_>, now_ns: i64) -> u64 {
        self.engine.borrow(py).inner.read(|engine| engine.allowance().nonces_left(now_ns))
    }

    fn set_quotas(
        &self,
        py: Python<'_>,
        cancel: Row,
        modify: Row,
        place: Row,
        place_collateral: Row,
    ) {
        let quotas = [cancel, modify, place, place_collateral].map(quota_of);
        self.engine.borrow(py).inner.with(|engine| engine.allowance_mut().set_quotas(quotas));
    }
}
