//! The chain of depth messages of one market.
//!
//! Owns the decision whether a message continues the book. Knows ids only: no levels, no frames, no
//! clock. Invariant: while not stale, the book holds exactly the state that the venue calls
//! [`Sequence::update_id`].
//!
//! The venue's counter moves with every change of its full book, also where we do not look, so it
//! jumps; only the back reference of a delta says what it follows. The rules:
//!
//! * **S1** A snapshot starts the chain anew, whatever came before.
//! * **S2** After ten silent seconds the venue repeats the snapshot to show that it is alive; that
//!   is an S1 like any other, neither a gap nor a reconnect.
//! * **S3** A delta whose back reference is our id applies, and its own id becomes ours.
//! * **S4** Any other newer delta is a gap: a message was lost and the book is stale until an S1.
//! * **S5** A delta with our own id was seen before; it changes nothing.
//! * **S6** A delta with an older id is late; it changes nothing.
//! * **S7** A delta before any snapshot, or after a gap, has nothing to apply to.

/// What to do with a depth message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// S1, S2: replace the book.
    Snapshot,
    /// S3: apply the changes.
    Apply,
    /// S4: a message is missing; the book is stale from now on.
    Gap,
    /// S5: ignore.
    Duplicate,
    /// S6: ignore.
    Older,
    /// S7: ignore, the book is stale already.
    Stale,
}

/// State of one market's chain.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    update_id: i64,
    fresh: bool,
}

impl Sequence {
    /// A chain that waits for its first snapshot.
    #[must_use]
    pub const fn new() -> Self {
        Self { update_id: 0, fresh: false }
    }

    /// Takes a snapshot (S1, S2).
    #[inline]
    pub fn on_snapshot(&mut self, update_id: i64) -> Verdict {
        *self = Self { update_id, fresh: true };
        Verdict::Snapshot
    }

    /// Takes a delta (S3 to S7). After [`Verdict::Gap`] the chain is stale.
    #[inline]
    pub fn on_delta(&mut self, past_update_id: i64, update_id: i64) -> Verdict {
        if !self.fresh {
            return Verdict::Stale; // S7
        }
        if update_id <= self.update_id {
            let repeated = update_id == self.update_id;
            return if repeated { Verdict::Duplicate } else { Verdict::Older }; // S5, S6
        }
        if past_update_id != self.update_id {
            self.fresh = false;
            return Verdict::Gap; // S4
        }
        self.update_id = update_id;
        Verdict::Apply // S3
    }

    /// Id of the last message taken; kept, for the record, while stale.
    #[must_use]
    #[inline]
    pub const fn update_id(&self) -> i64 {
        self.update_id
    }

    /// Whether a snapshot is needed before any delta can apply.
    #[must_use]
    #[inline]
    pub const fn is_stale(&self) -> bool {
        !self.fresh
    }

    /// Makes the chain stale: a new session, a crossed book, or a message that could not be read.
    pub fn reset(&mut self) {
        self.fresh = false;
    }
}
