//! The limits of an account and of its markets, beyond those of a single order.
//!
//! Owns: their plain values. Must not know: how they are obeyed. Invariant: the default refuses
//! nothing; whether a limit may be left out is decided by who configures it.

/// What the orders of one market together must keep to; zero or the largest value for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposureLimits {
    /// Open orders of the market.
    pub max_open_orders: u32,
    /// Open orders of one side.
    pub max_side_orders: u32,
    /// Open notional of the market, ticks times lots.
    pub max_open_notional: i128,
    /// Open notional of one side, ticks times lots.
    pub max_side_notional: i128,
    /// Largest position either way, with every open order of that side filled, lots.
    pub max_position: i128,
    /// The same order within this time is a duplicate; 0 for never.
    pub duplicate_ns: i64,
    /// Largest move of the reference, parts per million; 0 for any.
    pub max_move_ppm: u32,
    /// The time within which it may move so far, and for which the market is REDUCING after.
    pub move_window_ns: i64,
    /// Most fills within `fill_window_ns`; 0 for any.
    pub max_fills: u32,
    /// Most lots filled within `fill_window_ns`; 0 for any.
    pub max_fill_lots: i64,
    /// Rolling window of the fill burst.
    pub fill_window_ns: i64,
    /// How long the market is HALTED after a burst; 0 until a reset.
    pub frozen_ns: i64,
    /// As many filled orders of one side and price within `repeat_window_ns` halt the account; 0
    /// for any.
    pub max_repeats: u32,
    /// Rolling window of the repeats.
    pub repeat_window_ns: i64,
    /// Oldest mark to value a position by.
    pub max_mark_age_ns: i64,
    /// Units of the account per tick times lot of this market.
    pub weight: i64,
    /// Whether an order may meet an open one of our own.
    pub may_cross_own: bool,
}

impl Default for ExposureLimits {
    fn default() -> Self {
        ExposureLimits {
            max_open_orders: u32::MAX,
            max_side_orders: u32::MAX,
            max_open_notional: i128::MAX,
            max_side_notional: i128::MAX,
            max_position: i128::MAX,
            duplicate_ns: 0,
            max_move_ppm: 0,
            move_window_ns: 0,
            max_fills: 0,
            max_fill_lots: 0,
            fill_window_ns: 0,
            frozen_ns: 0,
            max_repeats: 0,
            repeat_window_ns: 0,
            max_mark_age_ns: i64::MAX,
            weight: 1,
            may_cross_own: true,
        }
    }
}

/// What the orders of an account together must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLimits {
    /// Open orders of all markets.
    pub max_open_orders: u32,
    /// Open notional of all markets, units of the account.
    pub max_open_notional: i128,
    /// Largest loss of a day, realised and not, units of the account; None for any.
    pub max_loss: Option<i128>,
    /// Farthest that equity may be below its peak, units of the account; None for any.
    pub max_drawdown: Option<i128>,
    /// Time between two placements or changes, once the burst is used; 0 for no limit.
    pub order_interval_ns: i64,
    /// Placements and changes at once.
    pub order_burst: u32,
    /// Time between two cancels, once the burst is used; 0 for no limit.
    pub cancel_interval_ns: i64,
    /// Cancels at once.
    pub cancel_burst: u32,
    /// Most refusals of the venue within `reject_window_ns`; 0 for any.
    pub max_rejects: u32,
    /// Rolling window of the refusals.
    pub reject_window_ns: i64,
}

impl Default for AccountLimits {
    fn default() -> Self {
        AccountLimits {
            max_open_orders: u32::MAX,
            max_open_notional: i128::MAX,
            max_loss: None,
            max_drawdown: None,
            order_interval_ns: 0,
            order_burst: 1,
            cancel_interval_ns: 0,
            cancel_burst: 1,
            max_rejects: 0,
            reject_window_ns: 0,
        }
    }
}

impl AccountLimits {
    /// Whether a loss is limited, so that positions must have marks.
    pub fn limits_loss(&self) -> bool {
        self.max_loss.is_some() || self.max_drawdown.is_some()
    }
}
