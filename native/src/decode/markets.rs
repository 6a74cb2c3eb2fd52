//! The markets of a feed: their indices by name, and their scales.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

use crate::event::NO_MARKET;
use crate::scan::Scales;

/// Most markets of a feed; the venue has less than a thousand.
const MAX_MARKETS: u16 = 1 << 14;

/// Longest market name in bytes.
pub const MAX_NAME: usize = 32;

/// Shortest name that is found in a window: its two ends are hashed.
const MIN_WINDOWED: usize = 4;

/// Covers the last so many bytes of a window.
pub(super) static LAST: [u128; 17] = {
    let mut masks = [0; 17];
    let mut len = 1;
    while len < 17 {
        masks[len] = u128::MAX << (128 - 8 * len);
        len += 1;
    }
    masks
};

/// A market as the fast readers find it: two in a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Slot {
    /// The name at the end of a window of zeros.
    name: u128,
    /// Bytes of the name; [`NO_LEN`] for names that are not found in windows.
    len: u8,
    scales: Scales,
    /// [`NO_MARKET`] for a free slot.
    index: u16,
}

/// No name in a window is that long.
const NO_LEN: u8 = u8::MAX;

impl Slot {
    fn free(scales: Scales) -> Self {
        Self { name: 0, len: NO_LEN, scales, index: NO_MARKET }
    }

    fn new(name: &[u8], index: u16, scales: Scales) -> Self {
        let mut window = [0; 16];
        if !(MIN_WINDOWED..=window.len()).contains(&name.len()) {
            return Self { index, ..Self::free(scales) };
        }
        window[16 - name.len()..].copy_from_slice(name);
        let len = u8::try_from(name.len()).unwrap_or(NO_LEN);
        Self { name: u128::from_le_bytes(window), len, scales, index }
    }
}

/// Mixes the two ends of a name, which together tell almost all markets of a venue apart.
#[inline(always)]
fn hash(head: [u8; 4], tail: [u8; 4]) -> usize {
    let ends = u64::from(u32::from_le_bytes(head)) | u64::from(u32::from_le_bytes(tail)) << 32;
    (ends.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

fn hash_of(name: &[u8]) -> usize {
    match (name.first_chunk(), name.last_chunk()) {
        (Some(head), Some(tail)) => hash(*head, *tail),
        _ => 0,
    }
}

/// The markets by index, and an open-addressing table from their names.
#[derive(Debug, Default)]
pub(crate) struct Markets {
    markets: Vec<(Box<[u8]>, Scales)>,
    /// The length is a power of two, at most half in use.
    slots: Vec<Slot>,
}

impl Markets {
    /// Adds a market and returns its index; none if the name or the number of markets is unfit.
    ///
    /// Rebuilds the table, so this belongs before the session.
    pub(crate) fn add(&mut self, name: &str, scales: Scales) -> Option<u16> {
        let index = u16::try_from(self.markets.len()).ok().filter(|index| *index < MAX_MARKETS)?;
        let safe = name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
        if !safe || name.is_empty() || name.len() > MAX_NAME {
            return None;
        }
        self.markets.push((name.as_bytes().into(), scales));
        self.slots = vec![Slot::free(scales); (2 * self.markets.len()).next_power_of_two()];
        let mask = self.slots.len() - 1;
        for (index, (name, scales)) in (0..).zip(&self.markets) {
            let mut at = hash_of(name) & mask;
            while self.slots[at].index != NO_MARKET {
                at = (at + 1) & mask;
            }
            self.slots[at] = Slot::new(name, index, *scales);
        }
        Some(index)
    }

    #[inline(always)]
    fn probe(&self, mut at: usize, same: impl Fn(&Slot) -> bool) -> Option<&Slot> {
        let mask = self.slots.len().wrapping_sub(1);
        loop {
            let slot = self.slots.get(at & mask)?;
            if same(slot) {
                return Some(slot);
            }
            if slot.index == NO_MARKET {
                return None;
            }
            at += 1;
        }
    }

    /// Index of a market.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u16> {
        let is_it = |slot: &Slot| {
            self.markets.get(usize::from(slot.index)).is_some_and(|market| *market.0 == *name)
        };
        self.probe(hash_of(name), is_it).map(|slot| slot.index)
    }

    /// Index and scales of the market whose name, starting with `head`, fills the last `len` bytes
    /// of a window.
    ///
    /// None for names that are shorter than `head` or longer than the window; [`Markets::find`] may
    /// know them.
    #[inline(always)]
    pub(crate) fn find_in(
        &self,
        head: [u8; 4],
        window: &[u8; 16],
        len: usize,
    ) -> Option<(u16, Scales)> {
        let [.., a, b, c, d] = *window;
        let name = u128::from_le_bytes(*window) & LAST.get(len)?;
        let slot = self.probe(hash(head, [a, b, c, d]), |slot| {
            slot.name == name && usize::from(slot.len) == len
        })?;
        Some((slot.index, slot.scales))
    }

    /// Scales of a market.
    pub(crate) fn scales(&self, market: u16) -> Scales {
        self.markets[usize::from(market)].1
    }
}
