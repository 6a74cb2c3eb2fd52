//! `Book` and `BookEvent`: a book of one's own, or a live view of a gateway's.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::engine::PyEngine;
use super::{decimal, raise, usage, with_bytes};
use crate::capi::Shared;
use crate::event::Kind;
use crate::feed::Feed;

/// What a frame did to a book.
#[pyclass(
    eq,
    eq_int,
    frozen,
    hash,
    module = "whitewire._core",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum BookEvent {
    Snapshot,
    Delta,
    Gap,
    Stale,
    Other,
    Ignored,
}

impl BookEvent {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::BookSnapshot => BookEvent::Snapshot,
            Kind::BookDelta => BookEvent::Delta,
            Kind::BookGap => BookEvent::Gap,
            Kind::BookStale => BookEvent::Stale,
            Kind::BookIgnored => BookEvent::Ignored,
            _ => BookEvent::Other,
        }
    }
}

pub(super) enum BookHome {
    Own(Shared<Feed>),
    Of(Py<PyEngine>, usize),
}

#[pyclass(name = "Book", module = "whitewire._core")]
pub struct PyBook {
    pub(super) home: BookHome,
    pub(super) market: String,
}

impl PyBook {
    fn with<R>(&self, py: Python<'_>, work: impl FnOnce(&crate::book::Book) -> R) -> R {
        match &self.home {
            BookHome::Own(feed) => feed.read(|feed| work(feed.book(0))),
            BookHome::Of(engine, index) => {
                engine.borrow(py).inner.read(|engine| work(engine.feed().book(*index)))
            }
        }
    }

    fn levels<'py>(
        &self,
        py: Python<'py>,
        count: Option<usize>,
        bids: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let count = count.unwrap_or(usize::MAX);
        let (levels, scale) = self.with(py, |book| {
            let levels: Vec<(i64, i64)> = if bids {
                book.bids().take(count).collect()
            } else {
                book.asks().take(count).collect()
            };
            (levels, (book.price_decimals(), book.amount_decimals()))
        });
        let list = PyList::empty(py);
        for (price, amount) in levels {
            list.append((decimal(py, price, scale.0)?, decimal(py, amount, scale.1)?))?;
        }
        Ok(list)
    }

    fn best<'py>(&self, py: Python<'py>, bids: bool) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let (best, scale) = self.with(py, |book| {
            let best = if bids { book.best_bid() } else { book.best_ask() };
            (best, (book.price_decimals(), book.amount_decimals()))
        });
        best.map(|(price, amount)| {
            PyTuple::new(py, [decimal(py, price, scale.0)?, decimal(py, amount, scale.1)?])
        })
        .transpose()
    }
}

#[pymethods]
impl PyBook {
    #[new]
    #[pyo3(signature = (market, price_decimals, amount_decimals, depth=100))]
    fn new(
        py: Python<'_>,
        market: &str,
        price_decimals: i8,
        amount_decimals: i8,
        depth: u16,
    ) -> PyResult<Self> {
        let mut feed = Feed::new();
        feed.add_market(market, price_decimals, amount_decimals, depth)
            .map_err(|error| usage(py, "book-setup", &error.to_string()))?;
        Ok(PyBook { home: BookHome::Own(Shared::new(feed)), market: market.to_owned() })
    }

    #[pyo3(signature = (frame, recv_ns=0))]
    fn apply(&self, frame: &Bound<'_, PyAny>, recv_ns: i64) -> PyResult<BookEvent> {
        let py = frame.py();
        let BookHome::Own(feed) = &self.home else {
            return Err(usage(py, "book-is-live", "this book belongs to a running gateway"));
        };
        let kind = with_bytes(frame, |bytes| feed.with(|feed| feed.on_frame(bytes, recv_ns).kind))?;
        if kind == Kind::Malformed {
            let fault = feed.with(|feed| feed.fault().to_owned());
            return Err(raise(py, "PeerError", "frame-malformed", &fault));
        }
        Ok(BookEvent::of(kind))
    }

    #[pyo3(signature = (n=None))]
    fn bids<'py>(&self, py: Python<'py>, n: Option<usize>) -> PyResult<Bound<'py, PyList>> {
        self.levels(py, n, true)
    }

    #[pyo3(signature = (n=None))]
    fn asks<'py>(&self, py: Python<'py>, n: Option<usize>) -> PyResult<Bound<'py, PyList>> {
        self.levels(py, n, false)
    }

    #[getter]
    fn best_bid<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.best(py, true)
    }

    #[getter]
    fn best_ask<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.best(py, false)
    }

    #[getter]
    fn mid<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (bid, ask, decimals) =
            self.with(py, |book| (book.best_bid(), book.best_ask(), book.price_decimals()));
        let (Some(bid), Some(ask)) = (bid, ask) else {
            return Ok(None);
        };
        decimal(py, bid.0, decimals)?.add(decimal(py, ask.0, decimals)?)?.div(2).map(Some)
    }

    #[getter]
    fn best_bid_ticks(&self, py: Python<'_>) -> Option<i64> {
        self.with(py, |book| book.best_bid().map(|level| level.0))
    }

    #[getter]
    fn best_ask_ticks(&self, py: Python<'_>) -> Option<i64> {
        self.with(py, |book| book.best_ask().map(|level| level.0))
    }

    #[getter]
    fn update_id(&self, py: Python<'_>) -> i64 {
        self.with(py, crate::book::Book::update_id)
    }

    #[getter]
    fn is_stale(&self, py: Python<'_>) -> bool {
        self.with(py, crate::book::Book::is_stale)
    }

    #[getter]
    fn ts_exch_ns(&self, py: Python<'_>) -> i64 {
        self.with(py, crate::book::Book::ts_exch_ns)
    }

    #[getter]
    fn ts_book_ns(&self, py: Python<'_>) -> i64 {
        self.with(py, crate::book::Book::timestamp_ns)
    }

    #[getter]
    fn ts_recv_ns(&self, py: Python<'_>) -> i64 {
        self.with(py, crate::book::Book::recv_ns)
    }

    #[getter]
    fn market(&self) -> &str {
        &self.market
    }

    #[getter]
    fn depth(&self, py: Python<'_>) -> u16 {
        self.with(py, crate::book::Book::depth)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (bids, asks, id, stale) = self.with(py, |book| {
            (book.bids().count(), book.asks().count(), book.update_id(), book.is_stale())
        });
        let sight = if stale { "stale" } else { "fresh" };
        format!("<Book {} {bids}x{asks} update_id={id} {sight}>", self.market)
    }
}
