//! `Guard`: the limits, sums and states of the account behind an engine.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::engine::PyEngine;
use super::usage;
use crate::engine::{Engine, PlaceRequest};
use crate::gate::{
    AccountLimits, Event, Exposure, ExposureLimits, FillReport, Guard, Reason, State,
};
use crate::template::Side;

/// (open orders, lots, notional, best price) of a side.
type SideRow = (usize, i128, i128, i64);

/// The states by number.
pub const STATES: [(&str, State); 5] = [
    ("active", State::Active),
    ("reducing", State::Reducing),
    ("disarmed", State::Disarmed),
    ("halted", State::Halted),
    ("killed", State::Killed),
];

/// The reasons by number.
pub const REASONS: [(&str, Reason); 9] = [
    ("nothing", Reason::Nothing),
    ("asked", Reason::Asked),
    ("price-move", Reason::PriceMove),
    ("rejects", Reason::Rejects),
    ("fill-burst", Reason::FillBurst),
    ("loss", Reason::Loss),
    ("drawdown", Reason::Drawdown),
    ("repeats", Reason::Repeats),
    ("overflow", Reason::Overflow),
];

/// Fills fields of a struct from a dictionary; what it does not name stays; a key of no field is an
/// error.
macro_rules! fill_from {
    ($into:ident, $from:ident, $($field:ident),+ $(,)?) => {
        for (name, value) in $from.iter() {
            match name.extract::<String>()?.as_str() {
                $(stringify!($field) => $into.$field = value.extract()?,)+
                other => {
                    return Err(PyTypeError::new_err(format!("there is no limit {other:?}")));
                }
            }
        }
    };
}

#[pyclass(name = "Guard", module = "whitewire._core", frozen)]
pub struct PyGuard {
    engine: Py<PyEngine>,
}

fn side_of(is_sell: bool) -> Side {
    if is_sell {
        Side::Sell
    } else {
        Side::Buy
    }
}

fn words((state, reason): (State, Reason)) -> (&'static str, &'static str) {
    (STATES[state as usize].0, REASONS[reason as usize].0)
}

impl PyGuard {
    pub fn new(engine: Py<PyEngine>) -> Self {
        PyGuard { engine }
    }

    fn with<R>(&self, py: Python<'_>, work: impl FnOnce(&mut Guard) -> R) -> R {
        self.engine.borrow(py).inner.with(|engine| work(engine.guard_mut()))
    }

    fn read<R>(&self, py: Python<'_>, work: impl FnOnce(&Guard) -> R) -> R {
        self.engine.borrow(py).inner.read(|engine| work(engine.guard()))
    }

    fn apply(&self, py: Python<'_>, market: Option<usize>, event: Event) -> PyResult<()> {
        let is_known = self.with(py, |guard| match market {
            None => {
                guard.account_event(event);
                true
            }
            Some(market) => guard.market_event(market, event),
        });
        known(py, is_known)
    }
}

fn known(py: Python<'_>, is_known: bool) -> PyResult<()> {
    is_known.then_some(()).ok_or_else(|| {
        usage(py, "unknown-market", "no market has this index; add it to the engine first")
    })
}

#[pymethods]
impl PyGuard {
    fn limit_account(&self, py: Python<'_>, limits: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut all = AccountLimits::default();
        fill_from!(
            all,
            limits,
            max_open_orders,
            max_open_notional,
            max_loss,
            max_drawdown,
            order_interval_ns,
            order_burst,
            cancel_interval_ns,
            cancel_burst,
            max_rejects,
            reject_window_ns,
        );
        self.with(py, |guard| guard.set_limits(&all));
        Ok(())
    }

    fn limit_market(
        &self,
        py: Python<'_>,
        market: usize,
        limits: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let mut all = ExposureLimits::default();
        fill_from!(
            all,
            limits,
            max_open_orders,
            max_side_orders,
            max_open_notional,
            max_side_notional,
            max_position,
            duplicate_ns,
            max_move_ppm,
            move_window_ns,
            max_fills,
            max_fill_lots,
            fill_window_ns,
            frozen_ns,
            max_repeats,
            repeat_window_ns,
            max_mark_age_ns,
            weight,
            may_cross_own,
        );
        let is_known = self.with(py, |guard| guard.set_market_limits(market, &all));
        known(py, is_known)
    }

    #[allow(clippy::too_many_arguments)] // one flat call for each change of an order
    fn set_order(
        &self,
        py: Python<'_>,
        market: u16,
        is_sell: bool,
        sequence: u64,
        lots: i64,
        notional: i128,
        price: i64,
        is_open: bool,
    ) -> PyResult<()> {
        let side = side_of(is_sell);
        let order = Exposure { sequence, lots, notional, price, market, side, is_open };
        let is_known = self.with(py, |guard| guard.set_order(order));
        known(py, is_known)
    }

    #[allow(clippy::too_many_arguments)] // one flat call for each fill
    fn on_fill(
        &self,
        py: Python<'_>,
        market: u16,
        is_sell: bool,
        price: i64,
        lots: i64,
        fee: i128,
        sequence: u64,
        now_ns: i64,
    ) -> PyResult<()> {
        let fill = FillReport { market, side: side_of(is_sell), price, lots, fee, sequence };
        let is_known = self.with(py, |guard| guard.on_fill(&fill, now_ns));
        known(py, is_known)
    }

    fn on_reject(&self, py: Python<'_>, now_ns: i64) {
        self.with(py, |guard| guard.on_reject(now_ns));
    }

    fn set_position(&self, py: Python<'_>, market: usize, lots: i64) -> PyResult<()> {
        let is_known = self.with(py, |guard| guard.set_position(market, lots));
        known(py, is_known)
    }

    fn begin_day(&self, py: Python<'_>) {
        self.with(py, Guard::begin_day);
    }

    fn resume_losses(&self, py: Python<'_>, day_loss: i128, drawdown: i128) {
        self.with(py, |guard| guard.resume_losses(day_loss, drawdown));
    }

    #[pyo3(signature = (market=None, needs_human=false))]
    fn halt(&self, py: Python<'_>, market: Option<usize>, needs_human: bool) -> PyResult<()> {
        let reason = if needs_human { Reason::Repeats } else { Reason::Asked };
        self.apply(py, market, Event::Halt(reason, i64::MAX))
    }

    #[pyo3(signature = (until_ns, market=None))]
    fn reduce(&self, py: Python<'_>, until_ns: i64, market: Option<usize>) -> PyResult<()> {
        self.apply(py, market, Event::Reduce(Reason::Asked, until_ns))
    }

    #[pyo3(signature = (market=None))]
    fn kill(&self, py: Python<'_>, market: Option<usize>) -> PyResult<()> {
        self.apply(py, market, Event::Kill(Reason::Asked))
    }

    #[pyo3(signature = (market=None))]
    fn reset(&self, py: Python<'_>, market: Option<usize>) -> PyResult<()> {
        self.apply(py, market, Event::Reset)
    }

    fn rearm(&self, py: Python<'_>) {
        self.with(py, |guard| guard.account_event(Event::Rearm));
    }

    #[pyo3(signature = (now_ns, market=None))]
    fn state(
        &self,
        py: Python<'_>,
        now_ns: i64,
        market: Option<usize>,
    ) -> PyResult<(&'static str, &'static str)> {
        let found = self.read(py, |guard| match market {
            None => Some(guard.state(now_ns)),
            Some(market) => guard.market_state(market, now_ns),
        });
        known(py, found.is_some())?;
        Ok(found.map_or(("", ""), words))
    }

    fn take_alarm(&self, py: Python<'_>) -> bool {
        self.with(py, Guard::take_alarm)
    }

    fn sums(&self, py: Python<'_>, market: usize) -> PyResult<(SideRow, SideRow, i128, i128)> {
        let found = self.read(py, |guard| {
            guard.market(market).map(|one| {
                let (position, cash2) = one.position();
                (one.side_sums(Side::Buy), one.side_sums(Side::Sell), position, cash2)
            })
        });
        known(py, found.is_some())?;
        Ok(found.unwrap_or_default())
    }

    fn totals(&self, py: Python<'_>) -> (usize, i128, i128, i128, i128) {
        self.read(py, Guard::totals)
    }

    #[allow(clippy::too_many_arguments)] // as the bridge's call, without bytes
    #[pyo3(signature = (market, flags, price, lots, sequence, now_ns, is_change=false))]
    fn admit(
        &self,
        py: Python<'_>,
        market: u16,
        flags: u8,
        price: i64,
        lots: i64,
        sequence: u64,
        now_ns: i64,
        is_change: bool,
    ) -> u8 {
        let request = PlaceRequest {
            market,
            flags,
            price,
            amount: lots,
            sequence,
            ..PlaceRequest::default()
        };
        let judge = |engine: &mut Engine| engine.pass(&request, is_change, now_ns);
        let judged = self.engine.borrow(py).inner.with(judge);
        judged.err().map_or(0, crate::engine::Failure::code)
    }

    fn on_cancel(&self, py: Python<'_>, now_ns: i64) {
        self.with(py, |guard| guard.on_cancel(now_ns));
    }
}
