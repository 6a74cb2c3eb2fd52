//! Routing of frames to the books and tickers of a session.
//!
//! Owns the markets, their books and tickers, and the counters. Knows no sockets and no clocks:
//! frames and times are arguments. Invariant: whatever bytes arrive, every book is either stale or
//! exactly what the venue's messages say; nothing panics and nothing is allocated after the set-up.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

mod counters;
mod hot;

pub use counters::Counters;

use crate::book::{Book, BookError, Scratch};
use crate::decode::{Damage, Fault, Markets, Message, Records};
use crate::event::{Cold, Kind, Outcome, Top, NO_MARKET};
use crate::scan::{Isa, Scale, Scales};

/// Why a market cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedError {
    /// The market is there already.
    Duplicate(String),
    /// The name is empty, too long or not made of letters, digits, `_` and `-`.
    Name(String),
    /// Its book cannot be made.
    Book(BookError),
}

impl core::fmt::Display for FeedError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Duplicate(name) => write!(f, "market {name:?} was added before"),
            Self::Name(name) => write!(f, "market name {name:?} is not usable"),
            Self::Book(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FeedError {}

impl From<BookError> for FeedError {
    fn from(error: BookError) -> Self {
        Self::Book(error)
    }
}

/// The best level of each side; 0 and 0 where a side is empty. One cache line.
#[repr(align(64))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticker {
    /// Best bid in ticks.
    pub bid: i64,
    /// Its amount in lots.
    pub bid_amount: i64,
    /// Best ask in ticks.
    pub ask: i64,
    /// Its amount in lots.
    pub ask_amount: i64,
    /// The venue's counter.
    pub update_id: i64,
    /// When the matching engine was in this state, ns since the epoch.
    pub time_ns: i64,
    /// When the message arrived, on the clock of the caller.
    pub recv_ns: i64,
    /// False before the first message of a session, and while bid and ask cross.
    pub valid: bool,
}

impl Ticker {
    #[inline(always)]
    fn of(top: Top, recv_ns: i64) -> Self {
        let Top { bid, bid_amount, ask, ask_amount, update_id, time_ns } = top;
        if bid > 0 && bid_amount > 0 && ask_amount > 0 && bid < ask {
            Self { bid, bid_amount, ask, ask_amount, update_id, time_ns, recv_ns, valid: true }
        } else {
            Self::unusual(top, recv_ns)
        }
    }

    /// Of a top with an empty side, or a crossed one.
    #[cold]
    fn unusual(top: Top, recv_ns: i64) -> Self {
        let Top { bid, bid_amount, ask, ask_amount, update_id, time_ns } = top.without_halves();
        // Nothing crosses an empty side.
        let valid = bid == 0 || ask == 0 || bid < ask;
        Self { bid, bid_amount, ask, ask_amount, update_id, time_ns, recv_ns, valid }
    }
}

/// All market data of one session, and the decoder of its account messages.
#[derive(Debug)]
pub struct Feed {
    isa: Isa,
    markets: Markets,
    books: Vec<Book>,
    scratch: Scratch,
    tickers: Vec<Ticker>,
    records: Records,
    counters: Counters,
    fault: &'static str,
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl Feed {
    /// A feed without markets, on the fastest instruction set of this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::with_isa(Isa::detect())
    }

    /// A feed on a chosen instruction set; on the plain one if the machine lacks it.
    #[must_use]
    pub fn with_isa(isa: Isa) -> Self {
        Self {
            isa: if isa.is_available() { isa } else { Isa::Scalar },
            markets: Markets::default(),
            books: Vec::new(),
            scratch: Scratch::new(),
            tickers: Vec::new(),
            records: Records::new(),
            counters: Counters::default(),
            fault: "",
        }
    }

    /// Adds a market and returns its index; indices count from 0.
    ///
    /// # Errors
    /// [`FeedError`] if the name, the decimals or the depth are not usable.
    pub fn add_market(
        &mut self,
        name: &str,
        price_decimals: i8,
        amount_decimals: i8,
        depth: u16,
    ) -> Result<usize, FeedError> {
        if self.market_index(name.as_bytes()).is_some() {
            return Err(FeedError::Duplicate(name.to_owned()));
        }
        let book = Book::new(price_decimals, amount_decimals, depth)?;
        let scales =
            Scales { price: Scale::new(price_decimals), amount: Scale::new(amount_decimals) };
        let index =
            self.markets.add(name, scales).ok_or_else(|| FeedError::Name(name.to_owned()))?;
        self.scratch.grow(depth);
        self.books.push(book);
        self.tickers.push(Ticker::default());
        Ok(usize::from(index))
    }

    /// Index of a market by its name.
    #[must_use]
    pub fn market_index(&self, name: &[u8]) -> Option<usize> {
        self.markets.find(name).map(usize::from)
    }

    /// Takes one frame, whatever its bytes, that arrived at `recv_ns` on the caller's clock.
    ///
    /// A ticker whose counter is behind the last one's is [`Kind::BookIgnored`]; one that repeats
    /// it is taken, as after every subscription.
    pub fn on_frame(&mut self, frame: &[u8], recv_ns: i64) -> Outcome {
        self.counters.frames += 1;
        if let Some(outcome) = self.take_fast(frame, recv_ns) {
            self.counters.fast_path += 1;
            return outcome;
        }
        self.take_other(frame, recv_ns)
    }

    #[cold]
    #[inline(never)]
    fn take_other(&mut self, frame: &[u8], recv_ns: i64) -> Outcome {
        let read = if let Some(read) = self.read_private(frame) {
            self.counters.fast_path += 1;
            read
        } else {
            self.counters.general_path += 1;
            self.records.read_general(frame, &self.markets)
        };
        match read {
            Ok(Message::Depth(market)) => self.apply_depth(market, recv_ns),
            Ok(Message::Ticker(market, top)) => self.take_ticker(market, top, recv_ns),
            Ok(Message::Cold(kind, market)) => {
                self.counters.unknown_methods += u64::from(kind == Kind::Other);
                Outcome { kind, market: market.unwrap_or(NO_MARKET) }
            }
            Ok(Message::Elsewhere) => {
                self.counters.unknown_markets += 1;
                Outcome { kind: Kind::Other, market: NO_MARKET }
            }
            Err(fault) => self.fail(fault),
        }
    }

    #[inline(always)]
    fn take_ticker(&mut self, market: u16, top: Top, recv_ns: i64) -> Outcome {
        let ticker = &mut self.tickers[usize::from(market)];
        let outcome = |kind| Outcome { kind, market };
        if ticker.valid && top.update_id < ticker.update_id {
            self.counters.ignored += 1;
            return outcome(Kind::BookIgnored);
        }
        *ticker = Ticker::of(top, recv_ns);
        self.counters.tickers += 1;
        if !ticker.valid {
            self.counters.crossed += 1;
        }
        outcome(Kind::Ticker)
    }

    #[cold]
    #[inline(never)]
    fn fail(&mut self, fault: Fault) -> Outcome {
        self.counters.malformed += 1;
        self.fault = fault.reason;
        let market = match fault.damage {
            Damage::None => NO_MARKET,
            Damage::All => {
                self.reset();
                NO_MARKET
            }
            Damage::Book(market) => {
                self.books[usize::from(market)].reset();
                market
            }
            Damage::Ticker(market) => {
                self.tickers[usize::from(market)].valid = false;
                market
            }
        };
        Outcome { kind: Kind::Malformed, market }
    }

    /// The book of a market.
    ///
    /// # Panics
    /// If no market has this index.
    #[inline]
    #[must_use]
    pub fn book(&self, market: usize) -> &Book {
        &self.books[market]
    }

    /// The ticker of a market.
    ///
    /// # Panics
    /// If no market has this index.
    #[inline]
    #[must_use]
    pub fn ticker(&self, market: usize) -> &Ticker {
        &self.tickers[market]
    }

    /// The records of the last frame that was neither a book nor a ticker.
    #[must_use]
    pub fn cold(&self) -> &Cold {
        &self.records.cold
    }

    /// How many frames came to which end.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Why the last malformed frame was malformed; empty if there was none.
    #[must_use]
    pub fn fault(&self) -> &str {
        self.fault
    }

    /// The instruction set in use.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Starts a new session: every book waits for its snapshot, every ticker for its first message.
    pub fn reset(&mut self) {
        self.books.iter_mut().for_each(Book::reset);
        self.tickers.iter_mut().for_each(|ticker| ticker.valid = false);
    }
}
