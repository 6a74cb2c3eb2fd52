//! Cancels that were signed when their orders were acknowledged, ready to be copied.
//!
//! Owns: a bounded slab of requests, found by the sequence number that ends a client id, and the
//! span of nonces that may still be used. Must not know: keys, templates, clocks; the time comes
//! as Unix milliseconds, from the same clock that the nonces were made from. Invariant: a request
//! leaves the slab once at most, so its nonce is never used twice; one whose nonce is too old or
//! too new never leaves it.
//!
//! Rules obeyed, by number:
//! * N1 — the venue takes a nonce within 5 s of its own clock. An age of [`MAX_AGE_MS`] leaves
//!   2.5 s to the difference of the clocks, beyond which the clock guard stops orders, and a tenth
//!   to the way.
//! * N2 — the venue takes a nonce once. What was taken is gone, even if it is never sent.
//! * N3 — sequence numbers grow by one, so they fill the sets of the slab evenly. A set that is
//!   full takes no more: such an order's cancel is signed when it is sent.

/// Oldest nonce that may be used, milliseconds before now (N1).
pub const MAX_AGE_MS: u64 = 2_400;
/// Newest nonce that may be used, milliseconds after now: a burst ran ahead, or the clock was set.
pub const MAX_LEAD_MS: u64 = 1_000;
/// Most requests that are ready at a time.
pub const CAPACITY: usize = SETS * WAYS;

const SETS: usize = 128;
/// As many sequence numbers as a cache line holds.
const WAYS: usize = 8;
/// Twice what a cancel takes with a key of usual length.
const ROOM: usize = 1536;
const MAX_ID: usize = 64;

#[derive(Clone)]
struct Entry {
    market: u16,
    id_len: u8,
    id: [u8; MAX_ID],
    len: usize,
    nonce: u64,
}

/// See the module's documentation.
#[derive(Default)]
pub struct Presigned {
    /// By set; 0 is a free place, since orders are numbered from 1.
    numbers: Box<[[u64; WAYS]]>,
    entries: Box<[Entry]>,
    /// Apart from the entries, so that memory is touched where it is used only.
    requests: Box<[[u8; ROOM]]>,
}

impl Presigned {
    /// Makes a request ready, in the place of an earlier one of the same order.
    ///
    /// `write` puts the request of this nonce into a buffer and returns its length. False where it
    /// was not made ready: a full set (N3), an order that is not numbered, or an error of `write`.
    /// The first call allocates the slab, later ones nothing.
    pub fn put<E>(
        &mut self,
        market: u16,
        order: (u64, &[u8]),
        nonce: u64,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> bool {
        let (number, id) = order;
        if number == 0 || id.len() > MAX_ID {
            return false;
        }
        if self.numbers.is_empty() {
            self.allocate();
        }
        let Some(at) = self.find(number).or_else(|| self.free_place(number)) else {
            return false;
        };
        *self.number(at) = 0;
        let Ok(len) = write(&mut self.requests[at]) else {
            return false;
        };
        let entry = &mut self.entries[at];
        entry.id[..id.len()].copy_from_slice(id);
        #[allow(clippy::cast_possible_truncation)] // at most MAX_ID
        let id_len = id.len() as u8;
        (entry.market, entry.id_len, entry.len, entry.nonce) = (market, id_len, len, nonce);
        *self.number(at) = number;
        true
    }

    /// Copies the ready request of an order to the start of `out`: its length and its nonce.
    ///
    /// None where there is none, where its nonce is outside of the span around `now_ms` (N1), or
    /// where `out` is too short. In any case none is left (N2).
    pub fn take(
        &mut self,
        market: u16,
        order: (u64, &[u8]),
        now_ms: u64,
        out: &mut [u8],
    ) -> Option<(usize, u64)> {
        let (number, id) = order;
        let at = self.find(number)?;
        let entry = &self.entries[at];
        if entry.market != market || entry.id[..usize::from(entry.id_len)] != *id {
            return None; // an order of another session has the same number
        }
        let (len, nonce) = (entry.len, entry.nonce);
        *self.number(at) = 0;
        let is_usable = nonce.saturating_add(MAX_AGE_MS) >= now_ms
            && nonce <= now_ms.saturating_add(MAX_LEAD_MS);
        let room = out.get_mut(..len).filter(|_| is_usable)?;
        room.copy_from_slice(&self.requests[at][..len]);
        Some((len, nonce))
    }

    /// Frees the place of an order that is done.
    pub fn forget(&mut self, number: u64) {
        if let Some(at) = self.find(number) {
            *self.number(at) = 0;
        }
    }

    /// How many requests are there, however old.
    pub fn count(&self) -> usize {
        self.numbers.iter().flatten().filter(|number| **number != 0).count()
    }

    fn allocate(&mut self) {
        let empty = Entry { market: 0, id_len: 0, id: [0; MAX_ID], len: 0, nonce: 0 };
        self.numbers = vec![[0; WAYS]; SETS].into();
        self.entries = vec![empty; CAPACITY].into();
        self.requests = vec![[0; ROOM]; CAPACITY].into();
    }

    fn number(&mut self, at: usize) -> &mut u64 {
        &mut self.numbers[at / WAYS][at % WAYS]
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.place(number, number).filter(|_| number != 0)
    }

    fn free_place(&self, number: u64) -> Option<usize> {
        self.place(number, 0)
    }

    /// The place in the set of `number` that holds `wanted`.
    fn place(&self, number: u64, wanted: u64) -> Option<usize> {
        #[allow(clippy::cast_possible_truncation)] // below SETS
        let set = (number % SETS as u64) as usize;
        let way = self.numbers.get(set)?.iter().position(|held| *held == wanted)?;
        Some(set * WAYS + way)
    }
}
