//! The Python face of the core: module `whitewire._core`.
//!
//! Owns: conversions between Python objects and the core's values. Must not know: raw pointers
//! from outside (see `capi`). Invariant: no Python code runs while the core is borrowed.

mod allowance;
mod answer;
mod book;
mod engine;
mod guard;
mod order;
mod reflex;
mod tools;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyCapsule, PyMemoryView, PyString, PyType};

use crate::capi::STAGE_NAMES;
use crate::engine::Failure;
use crate::gate::Refusal;
use crate::price;

/// Raises a type of `whitewire.errors` with its stable code.
fn raise(py: Python<'_>, class: &str, code: &str, message: &str) -> PyErr {
    let built = py
        .import("whitewire.errors")
        .and_then(|module| module.getattr(class))
        .and_then(|class| class.call1((code, message)));
    match built {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

fn usage(py: Python<'_>, code: &str, message: &str) -> PyErr {
    raise(py, "UsageError", code, message)
}

fn decimal_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    DECIMAL.import(py, "decimal", "Decimal")
}

fn decimal(py: Python<'_>, value: i64, decimals: i8) -> PyResult<Bound<'_, PyAny>> {
    let mut text = [0u8; 40];
    let len = price::format(value, decimals, &mut text);
    decimal_type(py)?.call1((ascii(&text[..len]),))
}

/// The bytes of a frame given as bytes, str, bytearray or memoryview.
fn with_bytes<R>(data: &Bound<'_, PyAny>, work: impl FnOnce(&[u8]) -> R) -> PyResult<R> {
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return Ok(work(bytes.as_bytes()));
    }
    if let Ok(text) = data.cast::<PyString>() {
        return Ok(work(text.to_str()?.as_bytes()));
    }
    // an int would make a bytearray of that many zeros
    if !data.is_instance_of::<PyByteArray>() && !data.is_instance_of::<PyMemoryView>() {
        return Err(PyTypeError::new_err("a frame is bytes, bytearray, memoryview or str"));
    }
    let copy = PyByteArray::from(data)?.to_vec();
    Ok(work(&copy))
}

/// Text of bytes that are ASCII by construction.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// (number, code, reason) of everything that can keep an order from the wire.
#[pyfunction]
fn refusals() -> Vec<(u8, &'static str, &'static str)> {
    let gate = [
        (Refusal::Halted, "halted"),
        (Refusal::AmountTooSmall, "amount-too-small"),
        (Refusal::AmountTooLarge, "amount-too-large"),
        (Refusal::NotionalTooSmall, "notional-too-small"),
        (Refusal::NotionalTooLarge, "notional-too-large"),
        (Refusal::PriceCollar, "price-collar"),
        (Refusal::StaleBook, "stale-book"),
        (Refusal::NoReference, "no-reference"),
        (Refusal::OffTick, "off-tick"),
        (Refusal::OffLot, "off-lot"),
        (Refusal::PriceNotPositive, "price-not-positive"),
        (Refusal::WouldCross, "would-cross"),
        (Refusal::Killed, "killed"),
        (Refusal::OnlyReducing, "only-reducing"),
        (Refusal::OrderRate, "order-rate"),
        (Refusal::CancelRate, "cancel-rate"),
        (Refusal::Duplicate, "duplicate"),
        (Refusal::SelfCross, "self-cross"),
        (Refusal::OpenOrders, "open-orders"),
        (Refusal::OpenNotional, "open-notional"),
        (Refusal::Position, "position"),
        (Refusal::NoMark, "no-mark"),
        (Refusal::TooManyOrders, "too-many-orders"),
    ];
    let mut rows: Vec<_> =
        gate.iter().map(|(refusal, code)| (refusal.code(), *code, refusal.reason())).collect();
    rows.push((Failure::ENCODE, "not-encodable", "the order does not fit its request"));
    rows.push((Failure::Template.code(), "template", "these flags have no request template"));
    rows.push((Failure::NoKey.code(), "no-key", "the engine has no API key"));
    rows.push((Failure::UnknownMarket.code(), "unknown-market", "the market was not added"));
    rows.push((Failure::Legs.code(), "legs", "no leg passed the gate, or there were too many"));
    rows.push((Failure::Left.code(), "left", "the core had no nonce or no call left for it"));
    rows
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<book::PyBook>()?;
    module.add_class::<book::BookEvent>()?;
    module.add_class::<order::PySigner>()?;
    module.add_class::<order::PyOrderTemplate>()?;
    module.add_class::<order::PyRequestTemplate>()?;
    module.add_class::<tools::PyHistogram>()?;
    module.add_class::<tools::PyHttpParser>()?;
    module.add_class::<engine::PyEngine>()?;
    module.add_class::<guard::PyGuard>()?;
    module.add_class::<allowance::PyAllowance>()?;
    module.add_class::<reflex::PyReflexes>()?;
    module.add_function(wrap_pyfunction!(refusals, module)?)?;
    module.add_function(wrap_pyfunction!(answer::usual_answer, module)?)?;
    module.add_function(wrap_pyfunction!(tools::scaled, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("build_profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    module.add("STATES", guard::STATES.map(|(name, _)| name))?;
    module.add("REASONS", guard::REASONS.map(|(name, _)| name))?;
    module.add("STAGES", STAGE_NAMES.map(|(name, _)| name))?;
    module.add(
        "_api",
        PyCapsule::new_with_value(py, crate::capi::table(), c"whitewire._core._api")?,
    )?;
    Ok(())
}
