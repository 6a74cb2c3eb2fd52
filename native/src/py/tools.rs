//! `Histogram`, `HttpParser` and `scaled`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::raise;
use crate::capi::Shared;
use crate::histogram::Histogram;
use crate::http1::{Limits, Progress, ResponseParser};
use crate::price;

/// The number times `10^decimals`, or None.
#[pyfunction]
#[pyo3(signature = (text, decimals, /))]
pub fn scaled(text: &str, decimals: i8) -> Option<i64> {
    price::parse(text.as_bytes(), decimals).ok()
}

#[pyclass(name = "Histogram", module = "whitewire._core")]
#[derive(Clone)]
pub struct PyHistogram {
    pub(super) inner: Histogram,
}

#[pymethods]
impl PyHistogram {
    #[new]
    fn new() -> Self {
        PyHistogram { inner: Histogram::new() }
    }

    fn record(&mut self, nanoseconds: i64) {
        self.inner.record(nanoseconds);
    }

    fn merge(&mut self, other: &PyHistogram) {
        self.inner.merge(&other.inner);
    }

    fn value_at(&self, quantile: f64) -> i64 {
        self.inner.value_at(quantile)
    }

    #[getter]
    fn count(&self) -> u64 {
        self.inner.count()
    }

    #[getter]
    fn min(&self) -> i64 {
        self.inner.min()
    }

    #[getter]
    fn max(&self) -> i64 {
        self.inner.max()
    }

    #[getter]
    fn mean(&self) -> f64 {
        self.inner.mean()
    }
}

/// The HTTP/1.1 response parser of one connection.
#[pyclass(name = "HttpParser", module = "whitewire._core")]
pub struct PyHttpParser {
    inner: Shared<ResponseParser>,
}

#[pymethods]
impl PyHttpParser {
    #[new]
    #[pyo3(signature = (max_body=4 * 1024 * 1024))]
    fn new(max_body: usize) -> Self {
        let limits = Limits { max_head: 16 * 1024, max_body };
        PyHttpParser { inner: Shared::new(ResponseParser::new(limits)) }
    }

    fn feed<'py>(&self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let mut rest = data;
        loop {
            let step = self.inner.with(|parser| match parser.advance(&mut rest) {
                Ok(Progress::NeedMore) => Ok(None),
                Ok(Progress::Response) => {
                    Ok(Some((parser.status(), parser.body().to_vec(), parser.keep_alive())))
                }
                Err(error) => Err(error.to_string()),
            });
            match step {
                Ok(None) => return Ok(list),
                Ok(Some((status, body, keep_alive))) => {
                    list.append((status, PyBytes::new(py, &body), keep_alive))?;
                }
                Err(text) => return Err(raise(py, "PeerError", "http-malformed", &text)),
            }
        }
    }

    fn reset(&self) {
        self.inner.with(ResponseParser::reset);
    }

    #[getter]
    fn _pointer(&self) -> usize {
        self.inner.pointer() as usize
    }
}
