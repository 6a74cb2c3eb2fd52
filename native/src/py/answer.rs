//! `usual_answer`.

use pyo3::prelude::*;

use crate::decode::answer::{read, Asked};

/// (venue id, price in ticks, amount in lots, whether it was canceled), or None.
#[pyfunction]
#[pyo3(signature = (answer, market, client_id, price_decimals, amount_decimals, is_call, /))]
pub fn usual_answer(
    answer: &[u8],
    market: &str,
    client_id: &str,
    price_decimals: i8,
    amount_decimals: i8,
    is_call: bool,
) -> Option<(i64, i64, i64, bool)> {
    let asked = Asked { market, client_id, price_decimals, amount_decimals, is_call };
    read(answer, &asked).map(|it| (it.venue_id, it.price, it.lots, it.is_canceled))
}
