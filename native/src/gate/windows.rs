//! Rules about time: rates, duplicates, moves of the reference, bursts, repeats.
//!
//! Owns: what happened lately, in fixed room. Must not know: orders, states, the clock. Invariant:
//! no allocation after the start; where the room does not suffice to judge, the rule is broken.

use crate::template::Side;

/// A token bucket in nanoseconds, kept as the time at which it is full again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    interval: i64,
    tolerance: i64,
    full_at: i64,
}

impl Bucket {
    /// `burst` at once, then one every `interval_ns`; 0 for no limit.
    pub fn new(interval_ns: i64, burst: u32) -> Self {
        let tolerance = interval_ns.saturating_mul(i64::from(burst.max(1)) - 1);
        Bucket { interval: interval_ns, tolerance, full_at: i64::MIN / 2 }
    }

    /// Whether a token is there.
    #[inline]
    pub fn has_token(&self, now_ns: i64) -> bool {
        self.full_at <= now_ns.saturating_add(self.tolerance)
    }

    /// Takes a token, even one that is not there yet; the debt is at most one burst.
    #[inline]
    pub fn take(&mut self, now_ns: i64) {
        if self.interval > 0 {
            let most = now_ns.saturating_add(2 * (self.tolerance + self.interval));
            let full_at = self.full_at.max(now_ns).saturating_add(self.interval);
            self.full_at = full_at.min(most);
        }
    }
}

const BUCKETS: usize = 256;
const PER_BUCKET: usize = 8;

#[derive(Clone, Copy)]
struct Seen {
    at_ns: i64,
    price: i64,
    lots: i64,
    side: Side,
}

/// The orders of the last moments, for the duplicate detector.
pub struct Recent {
    window_ns: i64,
    rows: Box<[[Seen; PER_BUCKET]]>,
    next: [u8; BUCKETS],
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a hash
fn bucket_of(price: i64, lots: i64) -> usize {
    let mixed = (price as u64 ^ (lots as u64).rotate_left(17)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 56) as usize
}

impl Recent {
    /// Orders are duplicates within this time; 0 for never.
    pub fn new(window_ns: i64) -> Self {
        let never = Seen { at_ns: i64::MIN, price: 0, lots: 0, side: Side::Buy };
        Recent {
            window_ns,
            rows: vec![[never; PER_BUCKET]; BUCKETS].into_boxed_slice(),
            next: [0; BUCKETS],
        }
    }

    /// Whether the same order was placed within the window, or too many were to tell.
    #[inline]
    pub fn has(&self, side: Side, price: i64, lots: i64, now_ns: i64) -> bool {
        if self.window_ns == 0 {
            return false;
        }
        let since_ns = now_ns.saturating_sub(self.window_ns);
        let bucket = bucket_of(price, lots);
        let rows = &self.rows[bucket];
        let oldest = rows[usize::from(self.next[bucket])].at_ns;
        oldest > since_ns
            || rows.iter().any(|one| {
                one.at_ns > since_ns && one.price == price && one.lots == lots && one.side == side
            })
    }

    /// Remembers an order.
    #[inline]
    pub fn add(&mut self, side: Side, price: i64, lots: i64, now_ns: i64) {
        if self.window_ns > 0 {
            let bucket = bucket_of(price, lots);
            let at = usize::from(self.next[bucket]);
            self.rows[bucket][at] = Seen { at_ns: now_ns, price, lots, side };
            self.next[bucket] = u8::try_from((at + 1) % PER_BUCKET).unwrap_or(0);
        }
    }
}

/// Parts of a window; a move is judged against what was seen in this part or the 32 before.
const PARTS: i64 = 32;
const SLOTS: i64 = 33;
const ROOM: usize = 33;
const PPM: i128 = 1_000_000;

/// The reference within a rolling window of time.
pub struct Moves {
    part_ns: i64,
    ppm: i128,
    part: i64,
    part_ends_ns: i64,
    low: [i64; ROOM],
    high: [i64; ROOM],
    lowest: i64,
    highest: i64,
}

impl Moves {
    /// A reference may move by `ppm` of itself within `window_ns`; 0 for any.
    pub fn new(window_ns: i64, ppm: u32) -> Self {
        Moves {
            part_ns: if ppm == 0 { 0 } else { (window_ns / PARTS).max(1) },
            ppm: i128::from(ppm),
            part: i64::MIN,
            part_ends_ns: i64::MIN,
            low: [i64::MAX; ROOM],
            high: [0; ROOM],
            lowest: i64::MAX,
            highest: 0,
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below SLOTS
    fn slot(part: i64) -> usize {
        part.rem_euclid(SLOTS) as usize
    }

    /// Takes a reference; whether it moved too far from one of the window.
    #[inline]
    pub fn push(&mut self, reference: i64, now_ns: i64) -> bool {
        if self.part_ns == 0 {
            return false;
        }
        if now_ns >= self.part_ends_ns {
            self.turn(now_ns);
        }
        let slot = Self::slot(self.part);
        self.low[slot] = self.low[slot].min(reference);
        self.high[slot] = self.high[slot].max(reference);
        self.lowest = self.lowest.min(reference);
        self.highest = self.highest.max(reference);
        let (now, low, high) =
            (i128::from(reference), i128::from(self.lowest), i128::from(self.highest));
        (now - low) * PPM > self.ppm * low || (high - now) * PPM > self.ppm * high
    }

    fn turn(&mut self, now_ns: i64) {
        let part = now_ns.div_euclid(self.part_ns);
        let first = self.part.saturating_add(1).max(part - PARTS);
        for fresh in first..=part {
            (self.low[Self::slot(fresh)], self.high[Self::slot(fresh)]) = (i64::MAX, 0);
        }
        self.part = part;
        self.part_ends_ns = (part + 1).saturating_mul(self.part_ns);
        self.lowest = self.low.iter().copied().min().unwrap_or(i64::MAX);
        self.highest = self.high.iter().copied().max().unwrap_or(0);
    }
}

/// A ring of times with amounts, and the sums of those within a window.
pub struct Burst {
    window_ns: i64,
    most_count: u32,
    most_lots: i128,
    rows: Box<[(i64, i64)]>,
    first: usize,
    count: usize,
    lots: i128,
}

const BURST_ROOM: usize = 1_024;

impl Burst {
    /// At most `most_count` events and `most_lots` lots within `window_ns`; 0 for no limit.
    pub fn new(window_ns: i64, most_count: u32, most_lots: i64) -> Self {
        Burst {
            window_ns,
            most_count,
            most_lots: i128::from(most_lots),
            rows: vec![(0, 0); BURST_ROOM].into_boxed_slice(),
            first: 0,
            count: 0,
            lots: 0,
        }
    }

    /// Takes an event; whether the window holds more than it may.
    pub fn push(&mut self, lots: i64, now_ns: i64) -> bool {
        if self.window_ns == 0 {
            return false;
        }
        self.expire(now_ns);
        if self.count == BURST_ROOM {
            return true;
        }
        self.rows[(self.first + self.count) % BURST_ROOM] = (now_ns, lots);
        self.count += 1;
        self.lots += i128::from(lots);
        (self.most_count > 0 && self.count > self.most_count as usize)
            || (self.most_lots > 0 && self.lots > self.most_lots)
    }

    /// Events within the window that ended with the last `push`.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        (self.first, self.count, self.lots) = (0, 0, 0);
    }

    fn expire(&mut self, now_ns: i64) {
        let since_ns = now_ns.saturating_sub(self.window_ns);
        while self.count > 0 && self.rows[self.first].0 <= since_ns {
            self.lots -= i128::from(self.rows[self.first].1);
            self.first = (self.first + 1) % BURST_ROOM;
            self.count -= 1;
        }
    }
}

#[derive(Clone, Copy)]
struct Filled {
    at_ns: i64,
    sequence: u64,
    price: i64,
    side: Side,
}

/// Which orders were filled lately and where, for the repeated-execution throttle.
pub struct Repeats {
    window_ns: i64,
    most: u32,
    rows: Box<[Filled]>,
    next: usize,
    count: usize,
}

const REPEAT_ROOM: usize = 4_096;

impl Repeats {
    /// Fewer than `most` orders of one side and price are filled within `window_ns`; 0 for any.
    pub fn new(window_ns: i64, most: u32) -> Self {
        let never = Filled { at_ns: 0, sequence: 0, price: 0, side: Side::Buy };
        let room = if most == 0 { 0 } else { REPEAT_ROOM };
        Repeats { window_ns, most, rows: vec![never; room].into_boxed_slice(), next: 0, count: 0 }
    }

    /// Takes a fill of an order; whether the same quote was filled too often.
    pub fn push(&mut self, side: Side, price: i64, sequence: u64, now_ns: i64) -> bool {
        if self.most == 0 {
            return false;
        }
        let since_ns = now_ns.saturating_sub(self.window_ns);
        let mut same = 1;
        for back in 1..=self.count {
            let one = &self.rows[(self.next + REPEAT_ROOM - back) % REPEAT_ROOM];
            if one.at_ns <= since_ns {
                self.count = back - 1; // the rest is older still
                break;
            }
            if one.side == side && one.price == price {
                if one.sequence == sequence {
                    return false; // another part of a fill that was counted
                }
                same += 1;
            }
        }
        if self.count == REPEAT_ROOM {
            return true;
        }
        self.rows[self.next] = Filled { at_ns: now_ns, sequence, price, side };
        self.next = (self.next + 1) % REPEAT_ROOM;
        self.count += 1;
        same >= self.most
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.count = 0;
    }
}
