//! `Signer`, `OrderTemplate` and `RequestTemplate`: signed requests for Python callers.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString};

use super::{ascii, raise, usage};
use crate::capi::Shared;
use crate::sign::Signer;
use crate::template::{PlaceFields, PlaceSpec, PlaceTemplate, RawTemplate, Side, Stp};

#[pyclass(name = "Signer", module = "whitewire._core")]
pub struct PySigner {
    inner: Signer,
}

#[pymethods]
impl PySigner {
    #[new]
    fn new(py: Python<'_>, api_key: &str, api_secret: &str) -> PyResult<Self> {
        let inner = Signer::new(api_key, api_secret)
            .map_err(|error| usage(py, "bad-key", &error.to_string()))?;
        Ok(PySigner { inner })
    }

    fn headers<'py>(&self, py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyDict>> {
        let mut payload = Vec::new();
        Signer::payload_b64(body, &mut payload);
        let mut signature = [0u8; 128];
        self.inner.signature_hex(&payload, &mut signature);
        let headers = PyDict::new(py);
        headers.set_item("Content-Type", "application/json")?;
        headers.set_item("X-TXC-APIKEY", self.inner.api_key())?;
        headers.set_item("X-TXC-PAYLOAD", ascii(&payload))?;
        headers.set_item("X-TXC-SIGNATURE", ascii(&signature))?;
        Ok(headers)
    }

    fn __repr__(&self) -> String {
        format!("<Signer {}>", self.inner.api_key())
    }
}

fn parse_side(py: Python<'_>, side: &str) -> PyResult<Side> {
    match side {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        other => {
            let message = format!("side was {other:?}; use Side.BUY or Side.SELL");
            Err(usage(py, "bad-side", &message))
        }
    }
}

fn parse_stp(py: Python<'_>, stp: Option<&str>) -> PyResult<Option<Stp>> {
    Ok(Some(match stp {
        None => return Ok(None),
        Some("no") => Stp::No,
        Some("cb") => Stp::CancelBoth,
        Some("cn") => Stp::CancelNew,
        Some("co") => Stp::CancelOld,
        Some(other) => {
            let message = format!("stp was {other:?}; use no, cb, cn or co");
            return Err(usage(py, "bad-stp", &message));
        }
    }))
}

#[pyclass(name = "OrderTemplate", module = "whitewire._core")]
pub struct PyOrderTemplate {
    inner: PlaceTemplate,
    buffer: Shared<Vec<u8>>,
}

#[pymethods]
impl PyOrderTemplate {
    #[new]
    #[pyo3(signature = (signer, *, market, side, host, path="/api/v4/order/new", post_only=true,
        stp=Some("cn"), ioc=false, rpi=false, reduce_only=false, client_id_prefix=""))]
    #[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools)] // public keywords
    fn new(
        py: Python<'_>,
        signer: &PySigner,
        market: &str,
        side: &str,
        host: &str,
        path: &str,
        post_only: bool,
        stp: Option<&str>,
        ioc: bool,
        rpi: bool,
        reduce_only: bool,
        client_id_prefix: &str,
    ) -> PyResult<Self> {
        let spec = PlaceSpec {
            host,
            path,
            market,
            side: parse_side(py, side)?,
            post_only,
            ioc,
            rpi,
            reduce_only,
            stp: parse_stp(py, stp)?,
            client_id_prefix,
        };
        let inner = PlaceTemplate::new(&signer.inner, &spec)
            .map_err(|error| usage(py, "bad-template", &error.to_string()))?;
        let buffer = Shared::new(vec![0; inner.max_len()]);
        Ok(PyOrderTemplate { inner, buffer })
    }

    #[pyo3(signature = (*, price, amount, client_order_id, nonce))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        price: &Bound<'py, PyAny>,
        amount: &Bound<'py, PyAny>,
        client_order_id: &str,
        nonce: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (price, amount) = (number_text(price)?, number_text(amount)?);
        let fields = PlaceFields {
            client_id: client_order_id.as_bytes(),
            amount: amount.as_bytes(),
            price: price.as_bytes(),
            nonce,
        };
        self.buffer.with(|buffer| match self.inner.encode(&fields, buffer) {
            Ok(len) => Ok(PyBytes::new(py, &buffer[..len])),
            Err(error) => Err(raise(py, "NumberError", "order-not-encodable", &error.to_string())),
        })
    }
}

/// Signed requests of any private endpoint, for the cold path.
#[pyclass(name = "RequestTemplate", module = "whitewire._core")]
pub struct PyRequestTemplate {
    inner: RawTemplate,
}

#[pymethods]
impl PyRequestTemplate {
    #[new]
    fn new(py: Python<'_>, signer: &PySigner, host: &str, path: &str) -> PyResult<Self> {
        let inner = RawTemplate::new(&signer.inner, host, path)
            .map_err(|error| usage(py, "bad-template", &error.to_string()))?;
        Ok(PyRequestTemplate { inner })
    }

    fn encode<'py>(
        &self,
        py: Python<'py>,
        fields: &[u8],
        nonce: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = vec![0; 4096 + 3 * fields.len()];
        match self.inner.encode(fields, nonce, &mut out) {
            Ok(len) => Ok(PyBytes::new(py, &out[..len])),
            Err(error) => Err(usage(py, "request-not-encodable", &error.to_string())),
        }
    }
}

/// Decimal text of a price or amount given as str, int or Decimal; exact or refused.
fn number_text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_str()?.to_owned());
    }
    if value.is_instance_of::<PyInt>() {
        return Ok(value.str()?.to_str()?.to_owned());
    }
    if value.is_instance(super::decimal_type(value.py())?)? {
        return value.call_method1("__format__", ("f",))?.extract();
    }
    Err(PyTypeError::new_err("a price or amount is a str, int or Decimal; a float is not exact"))
}
