//! The markets of a feed: their indices by name, and their scales.
#![allow(clippy::inline_always, reason = "kernels run in their caller, which has their features")]

use crate::scan::Scales;

/// Most markets of a feed; the venue has less than a thousand.
const MAX_MARKETS: u16 = 1 << 14;

/// Longest market name in bytes.
pub const MAX_NAME: usize = 32;

#[derive(Debug)]
struct Entry {
    name: Box<[u8]>,
    /// The last sixteen bytes of the name, or all of it and zeros before.
    tail: u128,
    /// Covers the bytes of `tail` that are of the name.
    mask: u128,
    scales: Scales,
}

impl Entry {
    fn new(name: &[u8], scales: Scales) -> Self {
        let unused = 8 * 16usize.saturating_sub(name.len());
        let mut window = [0; 16];
        let tail = &name[name.len().saturating_sub(16)..];
        window[16 - tail.len()..].copy_from_slice(tail);
        Self {
            name: name.into(),
            tail: u128::from_le_bytes(window),
            mask: u128::MAX >> unused << unused,
            scales,
        }
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
    entries: Vec<Entry>,
    /// Index + 1 of an entry, 0 for a free slot; the length is a power of two, at most half in use.
    slots: Vec<u16>,
}

impl Markets {
    /// Adds a market and returns its index; none if the name or the number of markets is unfit.
    ///
    /// Rebuilds the table, so this belongs before the session.
    pub(crate) fn add(&mut self, name: &str, scales: Scales) -> Option<u16> {
        let index = u16::try_from(self.entries.len()).ok().filter(|index| *index < MAX_MARKETS)?;
        let safe = name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
        if !safe || name.is_empty() || name.len() > MAX_NAME {
            return None;
        }
        let name = name.as_bytes();
        self.entries.push(Entry::new(name, scales));
        self.slots = vec![0; (2 * self.entries.len()).next_power_of_two()];
        let mask = self.slots.len() - 1;
        for (number, entry) in (1..).zip(&self.entries) {
            let mut at = hash_of(&entry.name) & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = number;
        }
        Some(index)
    }

    #[inline(always)]
    fn probe(&self, mut at: usize, same: impl Fn(&Entry) -> bool) -> Option<u16> {
        let mask = self.slots.len().checked_sub(1)?;
        loop {
            let index = self.slots.get(at & mask)?.checked_sub(1)?;
            if same(self.entries.get(usize::from(index))?) {
                return Some(index);
            }
            at += 1;
        }
    }

    /// Index of a market.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u16> {
        self.probe(hash_of(name), |entry| *entry.name == *name)
    }

    /// Index of the market whose name, starting with `head`, fills the last `len` bytes of a
    /// window.
    ///
    /// None for names that are shorter than `head` or longer than the window; [`Markets::find`] may
    /// know them.
    #[inline(always)]
    pub(crate) fn find_in(&self, head: [u8; 4], window: &[u8; 16], len: usize) -> Option<u16> {
        if len.wrapping_sub(4) > 12 {
            return None;
        }
        let [.., a, b, c, d] = *window;
        let text = u128::from_le_bytes(*window);
        self.probe(hash(head, [a, b, c, d]), |entry| {
            text & entry.mask == entry.tail && len == entry.name.len()
        })
    }

    /// Scales of a market.
    #[inline(always)]
    pub(crate) fn scales(&self, market: u16) -> &Scales {
        &self.entries[usize::from(market)].scales
    }
}
