//! The markets of a feed: their indices by name, and their scales.

use crate::scan::Scale;

/// Longest market name in bytes.
pub const MAX_NAME: usize = 32;

/// Scales of one market.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scales {
    pub(crate) price: Scale,
    pub(crate) amount: Scale,
}

#[derive(Debug)]
struct Entry {
    name: [u8; MAX_NAME],
    len: usize,
    scales: Scales,
}

/// Open addressing over the names; the table is rebuilt when a market is added, which happens only
/// before the session starts.
#[derive(Debug, Default)]
pub(crate) struct Markets {
    entries: Vec<Entry>,
    /// Index + 1 of an entry, 0 for a free slot; its length is a power of two, at most half used.
    slots: Vec<u16>,
}

/// Mixes the two ends of the name, which together differ between any two markets of a venue; whether
/// they really do only decides about speed.
#[inline(always)]
fn hash(name: &[u8]) -> usize {
    let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => (
            name.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            0,
        ),
    };
    let mixed = (head ^ tail.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize ^ name.len()
}

impl Markets {
    /// Adds a market and returns its index; none if the name or the number of markets is unfit.
    pub(crate) fn add(&mut self, name: &str, scales: Scales) -> Option<usize> {
        let index = self.entries.len();
        let safe = name
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
        if !safe || name.is_empty() || name.len() > MAX_NAME || index >= usize::from(u16::MAX) - 1 {
            return None;
        }
        let mut padded = [0; MAX_NAME];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        self.entries.push(Entry {
            name: padded,
            len: name.len(),
            scales,
        });
        self.slots = vec![0; (4 * self.entries.len()).next_power_of_two()];
        for (number, entry) in (1..).zip(&self.entries) {
            let mut at = hash(&entry.name[..entry.len]);
            while self.slots[at & (self.slots.len() - 1)] != 0 {
                at += 1;
            }
            let mask = self.slots.len() - 1;
            self.slots[at & mask] = number;
        }
        Some(index)
    }

    /// Index of a market.
    #[inline(always)]
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        let mut at = hash(name);
        let mask = self.slots.len().checked_sub(1)?;
        loop {
            let index = usize::from(*self.slots.get(at & mask)?).checked_sub(1)?;
            let entry = self.entries.get(index)?;
            if entry.name.get(..entry.len) == Some(name) {
                return Some(index);
            }
            at += 1;
        }
    }

    /// Scales of a market that [`Markets::find`] knows.
    #[inline(always)]
    pub(crate) fn scales(&self, index: usize) -> &Scales {
        &self.entries[index].scales
    }
}
