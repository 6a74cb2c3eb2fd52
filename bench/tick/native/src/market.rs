//! The made-up market: a book whose best bid moves with every tick.
//!
//! Owns: prices, and the texts of snapshots and deltas. Must not know: when they are sent.
//! Invariant: a price demands one leg of one of the last `SLOTS` ticks.
//!
//! Legs of a tick are buys at its best bid and one tick of price lower each. The best bids of
//! different ticks are so far apart that their legs do not meet.

use std::fmt::Write;
use std::time::Duration;

/// The market's name.
pub const MARKET: &str = "BTC_USDT";
/// Ticks in a row whose prices differ.
pub const SLOTS: usize = 4096;
/// Digits after the point of a price.
pub const PRICE_DECIMALS: i8 = 2;
/// Digits after the point of an amount.
pub const AMOUNT_DECIMALS: i8 = 6;
/// Levels on each side.
pub const DEPTH: u16 = 100;

const LOWEST: i64 = 6_000_000;
const SPREAD: i64 = 10;
const FAR: i64 = 7;
/// Odd, so that the slots of `SLOTS` ticks in a row are a permutation.
const STRIDE: usize = 1021;
const FIRST_UPDATE_ID: u64 = 22_216_665_449;

/// Whether a text is a plain decimal, as the venue writes them.
#[must_use]
pub fn is_decimal(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_digits(whole) && is_digits(part)
}

/// Ticks of a price as text; None where it is no price of the market.
#[must_use]
pub fn ticks(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if !is_decimal(text) || part.len() > 2 {
        return None;
    }
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
}

/// A price as the venue writes it.
#[must_use]
pub fn price_text(ticks: i64) -> String {
    let text = format!("{}.{:02}", ticks / 100, ticks % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The book as it was told last.
pub struct Market {
    legs: i64,
    best: i64,
    told: usize,
    update_id: u64,
}

impl Market {
    /// A market in which every tick demands so many orders.
    #[must_use]
    pub fn new(legs: u8) -> Self {
        let legs = i64::from(legs.max(1));
        Self { legs, best: LOWEST + legs - 1, told: 0, update_id: FIRST_UPDATE_ID }
    }

    /// The whole book at this time since the epoch.
    pub fn snapshot(&mut self, now: Duration) -> String {
        self.update_id += 7;
        let top = LOWEST + self.legs * i64::try_from(SLOTS).unwrap_or(0) + SPREAD;
        let depth = i64::from(DEPTH);
        let asks: Vec<_> = (0..depth).map(|i| (top + FAR * i, 100 + i)).collect();
        let far = (0..depth - 1).map(|i| (LOWEST - 1 - FAR * i, 100 + i));
        let bids: Vec<_> = std::iter::once((self.best, 100)).chain(far).collect();
        let chain = format!("\"update_id\": {}", self.update_id);
        message("true", &chain, now, &asks, &bids)
    }

    /// The next move of the best bid: its slot, its price, and the delta.
    pub fn tick(&mut self, now: Duration) -> (usize, i64, String) {
        let slot = self.told * STRIDE % SLOTS;
        self.told += 1;
        let best = LOWEST + i64::try_from(slot).unwrap_or(0) * self.legs + self.legs - 1;
        let size = i64::try_from(self.told % 800).unwrap_or(0) + 100;
        let mut bids = vec![(best, size)];
        if self.best != best {
            bids.push((self.best, 0));
            bids.sort_unstable_by_key(|level| -level.0);
        }
        let top = LOWEST + self.legs * i64::try_from(SLOTS).unwrap_or(0) + SPREAD;
        let asks = [(top + FAR * (size % 10), size)];
        let chain = format!(
            "\"update_id\": {}, \"past_update_id\": {}",
            self.update_id + 3,
            self.update_id
        );
        self.update_id += 3;
        self.best = best;
        (slot, best, message("false", &chain, now, &asks, &bids))
    }

    /// Slot and leg whose order has this price.
    #[must_use]
    pub fn place_of(&self, price: i64) -> Option<(usize, u32)> {
        let offset = price.checked_sub(LOWEST)?;
        let slot =
            usize::try_from(offset.div_euclid(self.legs)).ok().filter(|slot| *slot < SLOTS)?;
        let leg = u32::try_from(self.legs - 1 - offset.rem_euclid(self.legs)).ok()?;
        Some((slot, leg))
    }
}

fn message(
    is_full: &str,
    chain: &str,
    now: Duration,
    asks: &[(i64, i64)],
    bids: &[(i64, i64)],
) -> String {
    let time = format!("{}.{:06}", now.as_secs(), now.subsec_micros());
    let mut out = format!(
        "{{\"method\": \"depth_update\", \"params\": [{is_full}, {{\"timestamp\": {time}, {chain}, "
    );
    for (name, levels) in [("asks", asks), ("bids", bids)] {
        let _ = write!(out, "\"{name}\": [");
        for (i, (price, lots)) in levels.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let size = if *lots == 0 { "0".to_owned() } else { format!("0.{lots:03}") };
            let _ = write!(out, "{comma}[\"{}\", \"{size}\"]", price_text(*price));
        }
        out.push_str("], ");
    }
    let _ = write!(out, "\"event_time\": {time}}}, \"{MARKET}\"], \"id\": null}}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use whitewire_core::event::Kind;
    use whitewire_core::feed::Feed;

    #[test]
    fn a_price_is_read_as_it_is_written() {
        for price in [1, 10, 100, 6_000_000, 6_000_001, 6_000_010] {
            assert_eq!(ticks(&price_text(price)), Some(price));
        }
        for text in ["", ".", "1.", ".5", "1.253", "-1", "1e3", "1.0 "] {
            assert_eq!(ticks(text), None, "{text}");
        }
    }

    #[test]
    fn every_leg_of_every_slot_has_a_price_of_its_own() {
        for legs in [1, 20] {
            let mut market = Market::new(legs);
            let mut seen = std::collections::HashSet::new();
            for _ in 0..SLOTS {
                let (slot, best, _) = market.tick(Duration::ZERO);
                for leg in 0..legs {
                    let price = best - i64::from(leg);
                    assert!(seen.insert(price));
                    assert_eq!(market.place_of(price), Some((slot, u32::from(leg))));
                }
            }
            assert_eq!(market.place_of(LOWEST - 1), None);
            assert_eq!(market.place_of(LOWEST + 4096 * i64::from(legs)), None);
        }
    }

    #[test]
    fn the_core_reads_the_book_that_is_meant() {
        let mut market = Market::new(1);
        let mut feed = Feed::new();
        feed.add_market(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, DEPTH).expect("usable");
        let now = Duration::from_micros(1_785_730_136_000_001);
        let text = market.snapshot(now);
        assert_eq!(feed.on_frame(text.as_bytes(), 1).kind, Kind::BookSnapshot);
        for _ in 0..2 * SLOTS {
            let (_, best, text) = market.tick(now);
            assert_eq!(feed.on_frame(text.as_bytes(), 1).kind, Kind::BookDelta);
            let book = feed.book(0);
            assert_eq!(book.best_bid().map(|level| level.0), Some(best));
            assert_eq!((book.bids().count(), book.asks().count()), (100, 100));
        }
    }
}
