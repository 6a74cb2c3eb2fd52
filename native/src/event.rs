//! What a frame says, in our own terms.
//!
//! Owns the records that decoding fills: [`Depth`] for the hot path, [`Cold`] for everything else.
//! Knows no JSON and no books. Invariant: records are reused from frame to frame. Every text and
//! list has a bound; what exceeds it is a fault of the frame, never a reallocation without end.

mod hot;
mod margin;

pub use hot::{Depth, Levels, Top, MAX_LEVELS};
pub use margin::{Margin, MarginBalanceRec, PositionRec, Reused, MAX_POSITIONS};

/// Most trades of one message; the venue replays at most 100.
pub const MAX_TRADES: usize = 1024;
/// Most assets of one balance message.
pub const MAX_BALANCES: usize = 1024;
/// Longest single text in bytes: names, ids, statuses, decimal texts.
pub const MAX_TEXT: usize = 128;
/// Longest error message that is kept, in bytes.
pub const MAX_MESSAGE: usize = 4096;
/// Longest result of a reply, in bytes of JSON.
pub const MAX_RESULT: usize = 1 << 20;

/// What a frame was.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A method or a market that we do not follow; the method is in [`Cold::method`].
    Other = 0,
    /// The book was replaced.
    BookSnapshot = 1,
    /// The book was changed.
    BookDelta = 2,
    /// The book became stale: a message is missing, or the book came out crossed.
    BookGap = 3,
    /// A delta for a book that waits for its snapshot.
    BookStale = 4,
    /// A delta or ticker that is not newer than what we have; nothing changed.
    BookIgnored = 5,
    /// The top of the book, see [`crate::feed::Ticker`].
    Ticker = 6,
    /// Public trades, see [`Cold::trades`].
    Trades = 7,
    /// An own order rests, changed or finished, see [`Cold::order`].
    OrderPending = 8,
    /// An own fill, see [`Cold::deal`].
    Deal = 9,
    /// Changed spot balances, see [`Cold::balances`].
    Balances = 10,
    /// An answer to a request, see [`Cold::reply`].
    Reply = 11,
    /// A refusal of a request, see [`Cold::reply`].
    ReplyError = 12,
    /// The frame breaks the venue's protocol; the reason is the feed's fault.
    Malformed = 13,
    /// An own order finished, see [`Cold::order`]; its event is 3.
    OrderExecuted = 14,
    /// No frame: the gate changed a state, see [`crate::gate::Guard`].
    Alarm = 15,
    /// Balances of the collateral account, see [`Cold::margin`].
    MarginBalances = 16,
    /// All positions of the account, see [`Cold::margin`].
    Positions = 17,
    /// A margin call or a liquidation, see [`Cold::margin`].
    Danger = 18,
}

/// The market of an [`Outcome`] that concerns none, or one that was never added.
pub const NO_MARKET: u16 = u16::MAX;

/// What a frame did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the frame was.
    pub kind: Kind,
    /// Index of its market, [`NO_MARKET`] for none.
    pub market: u16,
}

/// Side of an order or trade, in the venue's numbers for its account streams.
#[repr(u8)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Asks.
    #[default]
    Sell = 1,
    /// Bids.
    Buy = 2,
}

/// A public trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TradeRec {
    /// The venue's trade id.
    pub id: i64,
    /// When, in ns since the epoch.
    pub time_ns: i64,
    /// Price in ticks.
    pub price: i64,
    /// Amount in lots.
    pub amount: i64,
    /// Side of the taker.
    pub side: Side,
    /// Whether the maker was a retail price improvement order.
    pub rpi: bool,
}

/// An own order. Amounts are decimal texts, validated; empty where the venue sent none.
#[derive(Debug, Default)]
pub struct OrderRec {
    /// 1 rests, 2 changed, 3 finished.
    pub event: u8,
    /// The venue's order id.
    pub id: i64,
    /// Market name.
    pub market: String,
    /// The venue's number of the order type.
    pub order_type: i64,
    /// Side.
    pub side: Side,
    /// Never takes.
    pub post_only: bool,
    /// Immediate or cancel.
    pub ioc: bool,
    /// Retail price improvement.
    pub rpi: bool,
    /// Creation, ns since the epoch.
    pub ctime_ns: i64,
    /// Last change, ns since the epoch.
    pub mtime_ns: i64,
    /// Limit price, "0" for market orders.
    pub price: String,
    /// Ordered amount.
    pub amount: String,
    /// Amount not executed.
    pub left: String,
    /// Executed amount in stock.
    pub deal_stock: String,
    /// Executed amount in money.
    pub deal_money: String,
    /// Fee so far, in `fee_asset`.
    pub deal_fee: String,
    /// Our id, empty if none.
    pub client_order_id: String,
    /// The venue's status text.
    pub status: String,
    /// Self-trade prevention mode.
    pub stp: String,
    /// Asset of the fee.
    pub fee_asset: String,
}

/// An own fill. Amounts are decimal texts, validated.
#[derive(Debug, Default)]
pub struct DealRec {
    /// The venue's deal id; unique only together with the order id.
    pub id: i64,
    /// When, in ns since the epoch.
    pub time_ns: i64,
    /// Market name.
    pub market: String,
    /// Id of our order.
    pub order_id: i64,
    /// Price.
    pub price: String,
    /// Amount in stock.
    pub amount: String,
    /// Fee in `fee_asset`.
    pub fee: String,
    /// Our id, empty if none.
    pub client_order_id: String,
    /// Side of our order.
    pub side: Side,
    /// 1 maker, 2 taker.
    pub role: u8,
    /// Asset of the fee.
    pub fee_asset: String,
}

/// Absolute balance of one asset, decimal texts, validated.
#[derive(Debug, Default)]
pub struct BalanceRec {
    /// Ticker of the asset.
    pub asset: String,
    /// Free for orders.
    pub available: String,
    /// Held by orders.
    pub freeze: String,
}

/// An answer to one of our requests.
#[derive(Debug)]
pub struct ReplyRec {
    /// Id of the request, -1 if the venue did not say.
    pub id: i64,
    /// The venue's error number, 0 for none.
    pub error_code: i64,
    /// The venue's error text.
    pub error_message: String,
    /// The result as JSON text, `null` for none.
    pub result: String,
}

/// Records of everything that is not a book or a ticker; only those of the last kind are valid.
#[derive(Debug)]
pub struct Cold {
    trades: Vec<TradeRec>,
    balances: Vec<BalanceRec>,
    balance_count: usize,
    /// Valid after [`Kind::OrderPending`] and [`Kind::OrderExecuted`].
    pub order: OrderRec,
    /// Valid after [`Kind::Deal`].
    pub deal: DealRec,
    /// Valid after [`Kind::Reply`] and [`Kind::ReplyError`].
    pub reply: ReplyRec,
    /// Valid after kinds 16 to 18.
    pub margin: Margin,
    /// Method of the last push that was not a book or a ticker.
    pub method: String,
}

impl Default for Cold {
    fn default() -> Self {
        let text = || String::with_capacity(MAX_TEXT);
        Self {
            trades: Vec::with_capacity(MAX_TRADES),
            balances: Vec::with_capacity(MAX_BALANCES),
            balance_count: 0,
            order: OrderRec {
                market: text(),
                price: text(),
                amount: text(),
                left: text(),
                deal_stock: text(),
                deal_money: text(),
                deal_fee: text(),
                client_order_id: text(),
                status: text(),
                stp: text(),
                fee_asset: text(),
                ..OrderRec::default()
            },
            deal: DealRec {
                market: text(),
                price: text(),
                amount: text(),
                fee: text(),
                client_order_id: text(),
                fee_asset: text(),
                ..DealRec::default()
            },
            reply: ReplyRec {
                id: -1,
                error_code: 0,
                error_message: String::with_capacity(MAX_MESSAGE),
                result: String::with_capacity(MAX_RESULT),
            },
            margin: Margin::default(),
            method: text(),
        }
    }
}

impl Cold {
    /// Trades of the last message, newest first as on the wire; valid after [`Kind::Trades`].
    #[must_use]
    pub fn trades(&self) -> &[TradeRec] {
        &self.trades
    }

    /// Balances of the last message; valid after [`Kind::Balances`].
    #[must_use]
    pub fn balances(&self) -> &[BalanceRec] {
        &self.balances[..self.balance_count]
    }

    pub(crate) fn clear_trades(&mut self) {
        self.trades.clear();
    }

    /// Appends a trade; false if there are [`MAX_TRADES`] already.
    pub(crate) fn push_trade(&mut self, trade: TradeRec) -> bool {
        let room = self.trades.len() < MAX_TRADES;
        if room {
            self.trades.push(trade);
        }
        room
    }

    pub(crate) fn clear_balances(&mut self) {
        self.balance_count = 0;
    }

    /// The next balance record, to be overwritten; none if there are [`MAX_BALANCES`] already.
    ///
    /// Records are made on first use and kept, so that a socket of two assets stays small.
    pub(crate) fn next_balance(&mut self) -> Option<&mut BalanceRec> {
        let at = self.balance_count;
        if at >= MAX_BALANCES {
            return None;
        }
        if at == self.balances.len() {
            let text = || String::with_capacity(MAX_TEXT);
            self.balances.push(BalanceRec { asset: text(), available: text(), freeze: text() });
        }
        self.balance_count += 1;
        self.balances.get_mut(at)
    }
}
