//! What may leave, of an account or of one of its markets: five states, and why.
//!
//! Owns: the latches behind the states and the table of their events. Must not know: what breaches
//! them. Invariant: a latch is only ever tightened by a breach; time ends what has an end, the
//! owner lifts what is theirs to lift, and KILLED ends by a human's `Rearm` alone.
//!
//! | event \ state | DISARMED | ACTIVE   | REDUCING | HALTED   | KILLED   |
//! |---------------|----------|----------|----------|----------|----------|
//! | Arm           | ACTIVE * | ACTIVE   | REDUCING | HALTED   | KILLED   |
//! | Disarm        | DISARMED | DISARMED | DISARMED | HALTED   | KILLED   |
//! | Reduce        | DISARMED | REDUCING | REDUCING | HALTED   | KILLED   |
//! | Halt          | HALTED   | HALTED   | HALTED   | HALTED   | KILLED   |
//! | Kill          | KILLED   | KILLED   | KILLED   | KILLED   | KILLED   |
//! | Reset         | DISARMED | ACTIVE   | ACTIVE   | ACTIVE † | KILLED   |
//! | Rearm         | DISARMED | ACTIVE   | ACTIVE   | ACTIVE   | DISARMED |
//!
//! \* REDUCING where a `Reduce` has not ended; † DISARMED where it was disarmed, and HALTED where
//! the halt asks for a human (a repeated execution).

/// What may leave; cancels always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// Everything within the limits.
    Active = 0,
    /// Only what lessens the position.
    Reducing = 1,
    /// Nothing: not started, blind, or without a kill switch.
    Disarmed = 2,
    /// Nothing, until its time is over or somebody resets it.
    Halted = 3,
    /// Nothing, across restarts, until a human arms it again.
    Killed = 4,
}

/// Why a state is not ACTIVE; the numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// None.
    Nothing = 0,
    /// The owner or the gateway asked for it.
    Asked = 1,
    /// The reference moved too far in too short a time.
    PriceMove = 2,
    /// The venue refused too many requests.
    Rejects = 3,
    /// Too much was filled in too short a time.
    FillBurst = 4,
    /// The day's loss is above its limit.
    Loss = 5,
    /// Equity is too far below its peak.
    Drawdown = 6,
    /// The same quote was filled again and again.
    Repeats = 7,
    /// More orders than the core can account for.
    Overflow = 8,
}

/// What can happen to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Orders may be placed, as far as whoever says so is concerned.
    Arm,
    /// They may not.
    Disarm,
    /// Only what lessens exposure until this monotonic time.
    Reduce(Reason, i64),
    /// Nothing until this monotonic time; `i64::MAX` until a reset.
    Halt(Reason, i64),
    /// Nothing, until a human says otherwise.
    Kill(Reason),
    /// The owner lifts what does not ask for a human.
    Reset,
    /// A human lifts everything.
    Rearm,
}

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub struct Latch {
    is_armed: bool,
    is_killed: bool,
    halted_until: i64,
    reducing_until: i64,
    killed_by: Reason,
    halted_by: Reason,
    reduced_by: Reason,
}

impl Latch {
    /// DISARMED or not.
    pub fn new(is_armed: bool) -> Self {
        Latch {
            is_armed,
            is_killed: false,
            halted_until: i64::MIN,
            reducing_until: i64::MIN,
            killed_by: Reason::Nothing,
            halted_by: Reason::Nothing,
            reduced_by: Reason::Nothing,
        }
    }

    /// The state at a monotonic time.
    pub fn state(&self, now_ns: i64) -> State {
        if self.is_killed {
            State::Killed
        } else if now_ns < self.halted_until {
            State::Halted
        } else if !self.is_armed {
            State::Disarmed
        } else if now_ns < self.reducing_until {
            State::Reducing
        } else {
            State::Active
        }
    }

    /// Why it is in its state.
    pub fn reason(&self, now_ns: i64) -> Reason {
        match self.state(now_ns) {
            State::Killed => self.killed_by,
            State::Halted => self.halted_by,
            State::Reducing => self.reduced_by,
            State::Active | State::Disarmed => Reason::Nothing,
        }
    }

    /// Applies an event; the table is the module's.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Arm => self.is_armed = true,
            Event::Disarm => self.is_armed = false,
            Event::Reduce(reason, until_ns) => {
                if until_ns >= self.reducing_until {
                    (self.reducing_until, self.reduced_by) = (until_ns, reason);
                }
            }
            Event::Halt(reason, until_ns) => {
                let is_human = self.asks_for_a_human() && reason != Reason::Repeats;
                if until_ns >= self.halted_until && !is_human {
                    (self.halted_until, self.halted_by) = (until_ns, reason);
                }
            }
            Event::Kill(reason) => {
                if !self.is_killed {
                    (self.is_killed, self.killed_by) = (true, reason);
                }
            }
            Event::Reset => {
                if !self.asks_for_a_human() {
                    self.halted_until = i64::MIN;
                }
                self.reducing_until = i64::MIN;
            }
            Event::Rearm => *self = Latch::new(self.is_armed && !self.is_killed),
        }
    }

    fn asks_for_a_human(&self) -> bool {
        self.halted_until == i64::MAX && self.halted_by == Reason::Repeats
    }
}
