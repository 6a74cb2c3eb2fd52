//! Records of trading against collateral.
//!
//! Owns: what margin balances and positions say, as the venue printed it. Knows no JSON. Invariant:
//! amounts are decimal texts, validated; empty where the venue sent none.

use super::MAX_TEXT;

/// Most positions of one message.
pub const MAX_POSITIONS: usize = 1024;

/// Records that are made on first use and kept, so that a quiet socket stays small.
#[derive(Debug, Default)]
pub struct Reused<T> {
    rows: Vec<T>,
    count: usize,
}

impl<T: Default> Reused<T> {
    /// Those of the last message.
    #[must_use]
    pub fn rows(&self) -> &[T] {
        &self.rows[..self.count]
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
    }

    /// The next record, to be overwritten; none if there are `most` already.
    pub(crate) fn next(&mut self, most: usize) -> Option<&mut T> {
        let at = self.count;
        if at >= most {
            return None;
        }
        if at == self.rows.len() {
            self.rows.push(T::default());
        }
        self.count += 1;
        self.rows.get_mut(at)
    }
}

fn text() -> String {
    String::with_capacity(MAX_TEXT)
}

/// One asset of the collateral account.
#[derive(Debug)]
pub struct MarginBalanceRec {
    /// Ticker of the asset.
    pub asset: String,
    /// What there is.
    pub balance: String,
    /// What is borrowed.
    pub borrow: String,
    /// Free for orders without borrowing.
    pub available: String,
    /// Free for orders with borrowing.
    pub available_with_borrow: String,
}

impl Default for MarginBalanceRec {
    fn default() -> Self {
        Self {
            asset: text(),
            balance: text(),
            borrow: text(),
            available: text(),
            available_with_borrow: text(),
        }
    }
}

/// One position of the account.
#[derive(Debug)]
pub struct PositionRec {
    /// The venue's position id.
    pub id: i64,
    /// Market name.
    pub market: String,
    /// When it was opened, ns since the epoch.
    pub ctime_ns: i64,
    /// When it was changed, ns since the epoch.
    pub mtime_ns: i64,
    /// Stock, negative for a short position.
    pub amount: String,
    /// What it cost, in money.
    pub amount_in_money: String,
    /// Average price of entry.
    pub base_price: String,
    /// Unrealised profit.
    pub pnl: String,
    /// Where it is liquidated, "0" for nowhere.
    pub liq_price: String,
    /// `margin_call` or `liquidation`, empty for neither.
    pub liq_stage: String,
    /// Funding that is not settled yet.
    pub unrealized_funding: String,
    /// Funding that was settled.
    pub funding: String,
    /// Margin that it needs.
    pub margin: String,
    /// Margin that is left.
    pub free_margin: String,
    /// Realised profit.
    pub realized_pnl: String,
    /// `BOTH` in one-way mode, else `LONG` or `SHORT`.
    pub position_side: String,
}

impl Default for PositionRec {
    fn default() -> Self {
        Self {
            id: 0,
            market: text(),
            ctime_ns: 0,
            mtime_ns: 0,
            amount: text(),
            amount_in_money: text(),
            base_price: text(),
            pnl: text(),
            liq_price: text(),
            liq_stage: text(),
            unrealized_funding: text(),
            funding: text(),
            margin: text(),
            free_margin: text(),
            realized_pnl: text(),
            position_side: text(),
        }
    }
}

/// What one message said about the collateral account.
#[derive(Debug, Default)]
pub struct Margin {
    /// Valid after [`super::Kind::MarginBalances`].
    pub balances: Reused<MarginBalanceRec>,
    /// Valid after [`super::Kind::Positions`], and after [`super::Kind::Danger`] the one.
    pub positions: Reused<PositionRec>,
    /// Valid after [`super::Kind::Danger`]: 1 margin call, 2 liquidation.
    pub danger: u8,
}
